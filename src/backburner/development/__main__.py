"""python -m backburner.development: the command, where it is not installed."""

from backburner.development.cli import main

main()
