"""Archives taken apart, and the checks that an orchestrator would make of them."""

from __future__ import annotations

import importlib.util
import io
import logging
import zipfile
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
import yaml

LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
SHARED = Path(__file__).resolve().parents[2].parent / "shared"


def opened(archive: bytes) -> dict[str, bytes]:
    """Path -> content."""
    with zipfile.ZipFile(io.BytesIO(archive)) as bundle:
        return {path: bundle.read(path) for path in bundle.namelist()}


def definition(archive: bytes, name: str) -> Any:
    """One of an archive's definitions, as YAML reads it."""
    return yaml.load(opened(archive)[f"Definitions/{name}"], Loader=LOADER)


@cache
def tool(name: str) -> ModuleType:
    """A checker that needs the files of ETSI or 3GPP, which are not ours to keep here."""
    path = SHARED / "tools" / f"{name}.py"
    if not path.exists():
        pytest.skip(f"{path} is not here: it has the type definitions to check against")
    spec = importlib.util.spec_from_file_location(name, path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    if name == "check_profile":  # it reads 3GPP's files anew for each document
        module._load = cache(module._load)  # type: ignore[attr-defined]
    return module


def tosca_errors(archives: Mapping[str, bytes], folder: Path) -> list[str]:
    """What tosca-parser says against archives (name -> bytes), manifests included."""
    checker = tool("check_tosca")
    found: list[str] = []
    for index, (name, content) in enumerate(archives.items()):
        path = folder / f"{index}.csar"
        path.write_bytes(content)
        try:
            found += [f"{name}: {problem}" for problem in checker.check(path)]
        finally:
            logging.disable(logging.NOTSET)  # it silences the process, other tests included
    return found
