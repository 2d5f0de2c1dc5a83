"""`python -m pulumi_plugchoice.cli` is `plugchoice`."""

from . import main

main()
