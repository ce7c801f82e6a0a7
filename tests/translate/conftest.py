"""The HTTP application as it is served, called in process; where it matters, with a federation."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

import httpx
import pytest

from deploy import federation as federations
from deploy.translate import Settings, service
from deploy.web.app import Service, create


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(tmp_path, federations.DEFAULT)


@pytest.fixture
async def here(settings: Settings) -> AsyncIterator[Service]:
    opened = service(settings, "replica-1")
    yield opened
    opened.close()


@asynccontextmanager
async def calling(opened: Service, tenant: str | None = None) -> AsyncIterator[httpx.AsyncClient]:
    """A client of the application, as a tenant or as nobody."""
    headers = {"authorization": f"Bearer {opened.tokens.token(tenant)}"} if tenant else {}
    transport = httpx.ASGITransport(create(opened), raise_app_exceptions=False)
    async with httpx.AsyncClient(
        transport=transport, base_url="http://entente", headers=headers
    ) as client:
        yield client


@pytest.fixture
async def nobody(here: Service) -> AsyncIterator[httpx.AsyncClient]:
    async with calling(here) as client:
        yield client


@pytest.fixture
async def clinic(here: Service) -> AsyncIterator[httpx.AsyncClient]:
    async with calling(here, "clinic") as client:
        yield client


def eager(opened: Service, **changes: object) -> Service:
    """The same service with other parts."""
    return replace(opened, **changes)  # type: ignore[arg-type]


def lines_of(path: Path) -> Iterator[str]:
    yield from path.read_text().splitlines()
