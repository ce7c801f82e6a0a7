"""What travels with a training on somebody else's cluster: our packages there, its policies back.

A cluster is reached by the address where it takes jobs and by nothing else, so what a training
made comes as lines of its log. They are believed as far as they can be checked: names, sizes, and
that each is a policy.
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final
from zipfile import ZIP_DEFLATED, ZipFile, ZipInfo

from deploy.child import ROOT
from domains.errors import EntenteError
from domains.policy import MANIFEST_BYTES_MAX, POLICY_BYTES_MAX, read

PACKAGES: Final = ("protos", "domains", "coordinator", "envs", "deploy")
FILES_MAX: Final = 2_000
"""Of one training: a sweep of 500 with two policies each."""
_LEFT_OUT: Final = frozenset({"__pycache__", ".mypy_cache"})
_NAME: Final = re.compile(r"([\w=,-][\w.=,+-]*/){0,4}policies/[\w-][\w.-]*\.(npz|json)", re.ASCII)


def packed(folder: Path, root: Path = ROOT) -> Path:
    """Our packages as an archive in `folder`, and nothing that is installed beside them; the same
    bytes for the same files, so that a cluster that has them is sent nothing."""
    archive = folder / "entente.zip"
    with ZipFile(archive, "w", ZIP_DEFLATED) as zipped:
        for package in PACKAGES:
            for file in sorted((root / package).rglob("*")):
                name = file.relative_to(root)
                if file.is_file() and not _LEFT_OUT.intersection(name.parts):
                    zipped.writestr(ZipInfo(name.as_posix()), file.read_bytes(), ZIP_DEFLATED)
    return archive


def unpacked(lines: Iterable[Mapping[str, Any]], folder: Path) -> list[Path]:
    """The policies that `python -m envs.train --send` told, written below `folder`.

    Raises:
        EntenteError: something of it is nothing that a training makes; nothing is written.
    """
    bodies: dict[str, bytes] = {}
    for line in lines:
        if "file" not in line:
            continue
        name, body = str(line["file"]), _decoded(line)
        if _NAME.fullmatch(name) is None or len(bodies) >= FILES_MAX:
            raise EntenteError(f"the cluster sent {name[:100]!r}, which no training makes")
        bodies[name] = body
    with TemporaryDirectory(prefix="entente-parcel-") as apart:
        _written(bodies, Path(apart))
        for name in bodies:
            if name.endswith(".npz"):
                read(Path(apart) / name)
    places = _written(bodies, folder)
    return [place for place in places if place.suffix == ".npz"]


def _written(bodies: Mapping[str, bytes], folder: Path) -> list[Path]:
    places = [folder / name for name in bodies]
    for place, body in zip(places, bodies.values(), strict=True):
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(body)
    return places


def _decoded(line: Mapping[str, Any]) -> bytes:
    text = str(line.get("base64", ""))
    if len(text) > 4 * max(POLICY_BYTES_MAX, MANIFEST_BYTES_MAX) // 3 + 4:
        raise EntenteError(f"the cluster sent {str(line['file'])[:100]!r}, which is too large")
    try:
        return base64.b64decode(text, validate=True)
    except binascii.Error:
        raise EntenteError(f"the cluster sent {str(line['file'])[:100]!r} damaged") from None
