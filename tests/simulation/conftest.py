"""`pytest tests/simulation --seed 17` runs one simulated lifetime again."""

from __future__ import annotations

import pytest

SEEDS = 200


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--seed", type=int, default=None, help="run this simulated lifetime only")
    parser.addoption("--seeds", type=int, default=SEEDS, help="how many lifetimes to simulate")


@pytest.fixture
def seeds(request: pytest.FixtureRequest) -> list[int]:
    seed = request.config.getoption("--seed", default=None)
    count = request.config.getoption("--seeds", default=SEEDS)
    return list(range(count)) if seed is None else [seed]
