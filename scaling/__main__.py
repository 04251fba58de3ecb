"""`python -m scaling`: the command `scale`."""

from scaling.cli.main import main

main()
