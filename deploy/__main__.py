"""`python -m deploy` is `entente`."""

from deploy.cli import main

main()
