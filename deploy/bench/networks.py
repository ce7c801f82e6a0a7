"""Networks to measure on: the shipped one with so much capacity that nothing is refused.

The technologies, distances and prices stay as they are; only sizes, names and limits change, so a
request is routed, split, priced and booked exactly as in the shipped network.
"""

from __future__ import annotations

import json
import tomllib
from collections.abc import Mapping
from dataclasses import replace
from itertools import islice
from pathlib import Path
from typing import Any, Final

from deploy.federation import COORDINATOR_FILE, DEFAULT, Federation, Member, load
from deploy.processes import is_free
from domains.errors import EntenteError

Tree = dict[str, Any]

AMPLE: Final[Mapping[str, int]] = {
    "sectors": 1_000_000,
    "cu_up_instances": 1_000_000,
    "link_capacity_mbps": 10_000_000,
    "tail_capacity_mbps": 10_000_000,
    "capacity_mbps": 10_000_000,
    "sessions": 10_000_000,
    "memory_gib": 10_000_000,
    "storage_gib": 10_000_000,
    "fabric_mbps": 10_000_000,
    "cores": 10_000_000,
}
"""Near the most that a configuration may say, for every size of a network."""

DEMANDS: Final = frozenset({"gateway"})
"""Tables that say what a slice takes, not what there is."""

LIMITS: Final = {"live_max": 200_000, "ended_max": 200_000, "retention_s": 300.0}


PORT_MIN, PORT_END = 20_000, 32_768
"""Below what Linux gives to outgoing connections (net.ipv4.ip_local_port_range)."""

RIVAL_PERCENT: Final = 3
"""What each further rival asks more than the one before."""
KINDS: Final = 4


def germany(folder: Path) -> Federation:
    """The shipped four domains with ample capacity, on free ports."""
    return regions(folder, KINDS)


def regions(folder: Path, domains: int) -> Federation:
    """Countries side by side, four domains each; every transport also reaches the next cores.

    A request of the first country meets the same four providers however many there are: the
    others are what the coordinator has to know and to leave aside.
    """
    countries = [_suffix(index) for index in range(domains // KINDS)]
    following = [*countries[1:], countries[0]]
    files = {}
    for suffix, neighbour in zip(countries, following, strict=True):
        for path in _shipped():
            tree = _renamed(_ample(_read(path)), suffix)
            if neighbour != suffix and "transport" in tree:
                tree["transport"]["border_points"] += _cores(path, neighbour)
            files[f"{path.stem}{suffix}.toml"] = {**tree, "name": tree["name"] + suffix}
    return _written(folder, files)


def rivals(folder: Path, domains: int) -> Federation:
    """One country with so many providers of each kind, at prices that rise from one to the next.

    All of them meet at the same border points: every chain of one of each is possible.
    """
    files = {}
    for index in range(domains // KINDS):
        suffix = _suffix(index)
        for path in _shipped():
            tree = _dearer(_ample(_read(path)), 100 + RIVAL_PERCENT * index)
            files[f"{path.stem}{suffix}.toml"] = {**tree, "name": tree["name"] + suffix}
    return _written(folder, files)


def _suffix(index: int) -> str:
    return f"-{index}" if index else ""


def _cores(path: Path, suffix: str) -> list[Tree]:
    points = _renamed(_read(path), suffix)["transport"]["border_points"]
    return [point for point in points if point["faces"] == "core"]


def _renamed(value: Any, suffix: str, key: str = "") -> Any:
    """Areas, zones and border points, which neighbours know; inner names may repeat."""
    match value:
        case dict():
            return {key: _renamed(item, suffix, key) for key, item in value.items()}
        case list():
            return [_renamed(item, suffix, key) for item in value]
        case str() if key in ("area", "zone"):
            city, slash, district = value.partition("/")
            return city + suffix + slash + district
        case str() if value.startswith("bp-"):
            return value + suffix
    return value


def _dearer(value: Any, percent: int, key: str = "") -> Any:
    match value:
        case dict():
            return {key: _dearer(item, percent, key) for key, item in value.items()}
        case list():
            return [_dearer(item, percent, key) for item in value]
        case int() if key.startswith("price_micros"):
            return value * percent // 100
    return value


def _shipped() -> list[Path]:
    return sorted(path for path in DEFAULT.glob("*.toml") if path.name != COORDINATOR_FILE)


def _read(path: Path) -> Tree:
    return tomllib.loads(path.read_text(encoding="utf-8"))


def _ample(tree: Tree) -> Tree:
    return {**_sized(tree), "limits": dict(LIMITS)}


def _sized(value: Any) -> Any:
    match value:
        case dict():
            return {
                key: item if key in DEMANDS else AMPLE.get(key) or _sized(item)
                for key, item in value.items()
            }
        case list():
            return [_sized(item) for item in value]
    return value


def _written(folder: Path, files: Mapping[str, Tree]) -> Federation:
    folder.mkdir(parents=True)
    (folder / COORDINATOR_FILE).write_bytes((DEFAULT / COORDINATOR_FILE).read_bytes())
    for name, tree in files.items():
        lines = [f"{key} = {_toml(value)}\n" for key, value in tree.items()]
        (folder / name).write_text("".join(lines), encoding="utf-8")
    federation = load(folder)
    own, *others = _addresses(1 + len(federation.members))
    return replace(
        federation,
        coordinator=federation.coordinator.model_copy(update={"listen": own}),
        members=tuple(map(_moved, federation.members, others)),
    )


def _moved(member: Member, address: str) -> Member:
    return replace(member, address=address)


def _addresses(count: int) -> list[str]:
    """Ports that nobody listens on, and that no connection of another process gets meanwhile."""
    candidates = (f"127.0.0.1:{port}" for port in range(PORT_MIN, PORT_END))
    found = list(islice(filter(is_free, candidates), count))
    if len(found) < count:
        raise EntenteError(f"no {count} free ports from {PORT_MIN} to {PORT_END - 1}")
    return found


def _toml(value: Any) -> str:
    """One value on one line: JSON is TOML but for tables, which are `{key = value}`."""
    match value:
        case dict():
            return "{" + ", ".join(f"{key} = {_toml(item)}" for key, item in value.items()) + "}"
        case list():
            return "[" + ", ".join(map(_toml, value)) + "]"
    return json.dumps(value)
