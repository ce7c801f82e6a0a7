"""Python's garbage collector, told that a process serves from now on.

What a server made while it started lives as long as it does, so no pass need look at it again;
and one call makes about a thousand objects, nearly all of which die without the collector's help.
"""

from __future__ import annotations

import gc
from typing import Final

NEW_OBJECTS: Final = 50_000
"""Between passes over the young; the default, 700, is a pass or two per call."""
YOUNG_PASSES: Final = 20
MIDDLE_PASSES: Final = 50


def serving() -> None:
    """Call once, when everything is started: a few per cent less CPU per call."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(NEW_OBJECTS, YOUNG_PASSES, MIDDLE_PASSES)
