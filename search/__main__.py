"""`python -m search`, and `torchrun -m search`: the command `search`."""

from search.cli.main import main

main()
