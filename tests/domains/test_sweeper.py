"""The sweeper goes on: a hold outlives its time to live by a second, whatever happened before."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from pathlib import Path

import pytest

from deploy.federation import CONFIGS
from domains import config, server
from domains.domain import AdministrativeDomain
from domains.errors import StoreFailed
from domains.model import Hold

WITHIN_S = 5.0


@pytest.mark.parametrize("wrong", [StoreFailed("disk full"), ZeroDivisionError("a defect of ours")])
async def test_a_sweep_that_fails_is_not_the_last(
    wrong: Exception, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(server, "SWEEP_S", 0.01)
    sweep, swept, failures = AdministrativeDomain.sweep, asyncio.Event(), iter([wrong])

    async def fails_once(domain: AdministrativeDomain) -> Sequence[Hold]:
        for failure in failures:
            raise failure
        lapsed = await sweep(domain)
        swept.set()
        return lapsed

    monkeypatch.setattr(AdministrativeDomain, "sweep", fails_once)
    loaded = config.load(CONFIGS / "germany" / "core.toml")
    domain = await AdministrativeDomain.open(loaded, tmp_path / "core.sqlite", time.time)
    serving = await server.serve(domain, None, "127.0.0.1:0")
    async with asyncio.timeout(WITHIN_S):
        await swept.wait()
    await serving.stop(0)
