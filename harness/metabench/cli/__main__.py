"""`python -m metabench.cli`: the command, where its script is not on the path."""

from metabench.cli.main import main

main()
