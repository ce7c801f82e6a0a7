"""What the README shows is executed: its Python block speaks to a running federation."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from domains.security import Identity
from tests.federation import HOME, federation, tenant_id

README = Path(__file__).parents[1] / "README.md"


async def test_the_python_of_the_readme_gets_its_slice(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    block = re.search(r"```python\n(.*?)```", README.read_text(), re.DOTALL)
    assert block
    shown: dict[str, Any] = {}
    exec(compile(block[1], "README.md", "exec"), shown)  # our own words
    async with federation(tmp_path) as entente:
        assert entente.coordinator is not None
        identity = Identity.load(entente.identities[tenant_id("clinic")])
        await shown["ask"](entente.coordinator.address, identity, HOME)
        printed = capsys.readouterr().out
        assert printed.startswith("interpret 1 service found")
        assert "deploy cloud-regional" in printed
