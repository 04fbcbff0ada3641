"""`python -m jobs` is the command `lossledger`."""

from jobs.cli import main

main()
