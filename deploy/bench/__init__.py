"""What a slice costs, measured: `make bench`, or `python -m deploy.bench --help`."""

import os

# Read when grpc is first imported: its notes on connections that close would cut into the tables.
os.environ.setdefault("GRPC_VERBOSITY", "ERROR")
