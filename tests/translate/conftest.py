"""The HTTP application as it is served, called in process."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest

from deploy import federation as federations
from deploy.translate import Settings, service
from deploy.web.app import Service
from tests.translate.calls import calling


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(tmp_path, federations.DEFAULT)


@pytest.fixture
async def here(settings: Settings) -> AsyncIterator[Service]:
    opened = service(settings, "replica-1")
    yield opened
    opened.close()


@pytest.fixture
async def nobody(here: Service) -> AsyncIterator[httpx.AsyncClient]:
    async with calling(here) as client:
        yield client


@pytest.fixture
async def clinic(here: Service) -> AsyncIterator[httpx.AsyncClient]:
    async with calling(here, "clinic") as client:
        yield client
