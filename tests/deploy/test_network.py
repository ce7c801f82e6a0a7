"""Where slices can be had, as whoever reads sentences without a coordinator knows it."""

from __future__ import annotations

from pathlib import Path

import pytest

from deploy.federation import CONFIGS
from deploy.network import network


@pytest.mark.parametrize("shipped", sorted(p.name for p in CONFIGS.iterdir() if p.is_dir()))
def test_every_shipped_federation_says_where_it_is(shipped: str) -> None:
    known = network(Path(shipped))
    assert known.default_area in known.areas
    assert {"berlin", "munich"} <= set(known.areas)
