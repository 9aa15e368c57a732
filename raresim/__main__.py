"""`python -m raresim` is `raresim`."""

from raresim.cli import main

main()
