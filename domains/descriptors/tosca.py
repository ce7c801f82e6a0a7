"""TOSCA Simple Profile 1.3 documents: plain values in, YAML out, nothing templated from text.

A name from outside is either a *value*, which the serialiser quotes, or reduced to a symbolic
name of letters, digits and hyphens. So no name can close a string, open a key or call a function.
"""

from __future__ import annotations

import hashlib
import re
import uuid
from collections.abc import Sequence
from typing import Any, Final

import yaml

VERSION: Final = "tosca_simple_yaml_1_3"
VNFD_TYPES: Final = "etsi_nfv_sol001_vnfd_types.yaml"
NSD_TYPES: Final = "etsi_nfv_sol001_nsd_types.yaml"
NAME_CHARS_MAX: Final = 48
LINE_CHARS_MAX: Final = 200

Values = dict[str, Any]
"""A part of a document: strings, numbers, booleans, lists and mappings of them."""

_NAMESPACE: Final = uuid.uuid5(uuid.NAMESPACE_DNS, "descriptors.entente.example")
_PLAIN: Final = re.compile(r"[A-Za-z][A-Za-z0-9_.-]{2,}")
_UNSAFE: Final = re.compile(r"[^a-z0-9]+")


def template(description: str, author: str, imports: Sequence[str], topology: Values) -> bytes:
    """One service template."""
    head = _head(description, author, imports)
    return serialised(head | {"topology_template": topology})


def types(author: str, imports: Sequence[str], name: str, definition: Values) -> bytes:
    """A file with one node type, which both its own descriptor and those that use it import.

    A descriptor that imported another one as a whole would import its topology as well.
    """
    head = _head(f"the type {name}", author, imports)
    return serialised(head | {"node_types": {name: definition}})


def _head(description: str, author: str, imports: Sequence[str]) -> Values:
    return {
        "tosca_definitions_version": VERSION,
        "description": line(description),
        "metadata": {"template_author": line(author)},
        "imports": list(imports),
    }


def serialised(value: Values) -> bytes:
    """YAML that readers of 1.1 and 1.2 understand alike: every string that could be read as
    something else is in quotes.
    """
    text: str = yaml.dump(
        value, Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=LINE_CHARS_MAX
    )
    return text.encode()


def symbol(name: str) -> str:
    """A name as a symbolic name or file name: what was lost is made up for by a digest.

    `upf-1-dcd29682` stays as it is; `../../x` becomes `x-` and eight digits of its SHA-256.
    """
    kept = _UNSAFE.sub("-", name.lower()).strip("-")[:NAME_CHARS_MAX].strip("-")
    if kept and kept == name:
        return kept
    digest = hashlib.sha256(name.encode("utf-8", "replace")).hexdigest()[:8]
    return f"{kept}-{digest}" if kept else f"x-{digest}"


def line(text: str) -> str:
    """Text in one line of printable characters, cut to `LINE_CHARS_MAX`."""
    whole = text.encode("utf-8", "replace").decode()
    return "".join(c if c.isprintable() else " " for c in whole)[:LINE_CHARS_MAX].strip()


def identifier(*parts: str) -> str:
    """A UUID that follows from what it names."""
    return str(uuid.uuid5(_NAMESPACE, "\x1f".join(line(part) for part in parts)))


def fixed(value: str) -> Values:
    """A string property of a derived node type that can have this value only."""
    return {"type": "string", "default": value, "constraints": [{"valid_values": [value]}]}


class _Dumper(yaml.SafeDumper):
    """No anchors; no string in plain style that a reader might take for something else."""

    def ignore_aliases(self, data: object) -> bool:
        return True

    def increase_indent(self, flow: bool = False, indentless: bool = False) -> Any:
        return super().increase_indent(flow, False)


def _text(dumper: yaml.SafeDumper, value: str) -> yaml.ScalarNode:
    style = None if _PLAIN.fullmatch(value) else '"'
    return dumper.represent_scalar("tag:yaml.org,2002:str", value, style=style)


_Dumper.add_representer(str, _text)
