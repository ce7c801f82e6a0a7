"""How the measurements say what they are at."""

from collections.abc import Callable

Tell = Callable[[str], None]
"""Called with a few words as each part begins; never within a window."""
