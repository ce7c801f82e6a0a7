"""A cloud service archive (CSAR): a zip with TOSCA.meta, definitions, a manifest and its texts.

The layout is that of ETSI SOL004 clause 4.1 and SOL007 clause 4.1 with a `TOSCA-Metadata`
directory. The manifest lists every file except itself with its SHA-256 sum. Times in the zip are
fixed, so that the same content is the same file.
"""

from __future__ import annotations

import hashlib
import io
import zipfile
from collections.abc import Mapping
from typing import Final

from domains.descriptors.tosca import line

CREATED_BY: Final = "Entente"
LICENCE: Final = (
    b"These descriptors were generated for one network slice and may be used for it without\n"
    b"restriction. They contain no software. The type definitions that they import are ETSI's.\n"
)
_EPOCH: Final = (1980, 1, 1, 0, 0, 0)
_FILE_MODE: Final = 0o644 << 16


def archive(
    name: str,
    entry: str,
    definitions: Mapping[str, bytes],
    metadata: Mapping[str, str],
    change_log: str,
) -> bytes:
    """The archive's bytes.

    Args:
        name: base name of the manifest; already a safe file name, as all names here.
        entry: which of `definitions` (file name -> content) is the entry point.
        metadata: the manifest's `metadata:` block, in order.
        change_log: one line.
    """
    manifest = f"{name}.mf"
    files = {
        "TOSCA-Metadata/TOSCA.meta": _meta(entry, manifest),
        **{f"Definitions/{file}": content for file, content in sorted(definitions.items())},
        "Files/ChangeLog.txt": f"{line(change_log)}\n".encode(),
        "Files/Licenses/LICENSE.txt": LICENCE,
    }
    files[manifest] = _manifest(metadata, files)
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as bundle:
        for path, content in files.items():
            info = zipfile.ZipInfo(path, _EPOCH)
            info.compress_type = zipfile.ZIP_DEFLATED
            info.external_attr = _FILE_MODE
            bundle.writestr(info, content)
    return packed.getvalue()


def free_text(text: str) -> str:
    """A name for a manifest, where a colon ends a key: lax readers search it line by line."""
    return line(text).replace(":", " ")


def _meta(entry: str, manifest: str) -> bytes:
    keys = {
        "TOSCA-Meta-File-Version": "1.0",
        "CSAR-Version": "1.1",
        "Created-By": CREATED_BY,
        "Entry-Definitions": f"Definitions/{entry}",
        "ETSI-Entry-Manifest": manifest,
        "ETSI-Entry-Change-Log": "Files/ChangeLog.txt",
        "ETSI-Entry-Licenses": "Files/Licenses",
    }
    return _lines(keys).encode()


def _manifest(metadata: Mapping[str, str], files: Mapping[str, bytes]) -> bytes:
    entries = (
        _lines({"Source": path, "Algorithm": "SHA-256", "Hash": hashlib.sha256(body).hexdigest()})
        for path, body in files.items()
    )
    head = "".join(f"  {key}: {line(value)}\n" for key, value in metadata.items())
    return "\n".join((f"metadata:\n{head}", *entries)).encode()


def _lines(keys: Mapping[str, str]) -> str:
    return "".join(f"{key}: {line(value)}\n" for key, value in keys.items())
