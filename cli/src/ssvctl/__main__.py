"""`python -m ssvctl`."""

from ssvctl.main import main

main()
