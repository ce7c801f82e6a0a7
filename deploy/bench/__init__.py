"""What a slice costs, measured: `make bench`, or `python -m deploy.bench --help`."""
