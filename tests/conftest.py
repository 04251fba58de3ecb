import os

# One thread per process, as workers have it: threads that compete for cores make small tensors many times
# slower. Set before anything imports torch, and inherited by the processes that tests start.
os.environ.setdefault("OMP_NUM_THREADS", "1")
