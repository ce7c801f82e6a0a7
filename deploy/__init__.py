"""Wiring: what runs where, the `entente` command, and the demonstration."""

import os

# Before numpy is imported. Sentences are encoded in several threads; BLAS with threads of its own
# has them wait for each other, which takes ten times the processor time on a busy machine.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
