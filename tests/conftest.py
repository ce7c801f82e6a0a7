"""For all tests: an example takes as long as it takes; a deadline would measure the machine."""

from __future__ import annotations

from hypothesis import settings

settings.register_profile("entente", deadline=None)
settings.load_profile("entente")
