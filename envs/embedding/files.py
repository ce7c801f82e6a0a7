"""Workload files, `vne-workload/1`: JSON that other solvers read and write as well.

{"schema": "vne-workload/1", "name": "...", "note": "...",
 "nodes": [{"id": 0, "domain": "access", "cpu": 28.0}, ...],
 "links": [{"u": 0, "v": 9, "bw": 49.0, "lat": 0.5}, ...],
 "requests": [{"id": 0, "t": 1.9, "life": 83.1, "type": "eMBB", "max_lat": 25.0,
               "nodes": [cpu, ...], "domains": ["access", null, ...],
               "links": [[0, 1, bandwidth], ...]}, ...]}
"""

import json
from pathlib import Path
from typing import Annotated, Any, Final, Literal

from pydantic import BaseModel, ConfigDict, Field, StrictStr, ValidationError

from envs.embedding.model import Request, Substrate, Workload

SCHEMA: Final = "vne-workload/1"
FILE_BYTES_MAX: Final = 1 << 26
NODES_MAX: Final = 1_000
LINKS_MAX: Final = 20_000
REQUESTS_MAX: Final = 100_000
FUNCTIONS_MAX: Final = 64
# Sums of so many of these are still exact where they are whole numbers.
AMOUNT_MAX: Final = 1e9
SHOWN_CHARACTERS: Final = 60

Id = Annotated[int, Field(strict=True)] | Annotated[StrictStr, Field(max_length=64)]
Label = Annotated[StrictStr, Field(max_length=64)]
Amount = Annotated[float, Field(strict=True, ge=0, le=AMOUNT_MAX, allow_inf_nan=False)]
Place = Annotated[int, Field(strict=True, ge=0)]


class WorkloadError(ValueError):
    """A workload that is not one: names the file, the field and the value."""


class _Section(BaseModel):
    # Others may keep more in their files than we read.
    model_config = ConfigDict(frozen=True, extra="ignore")


class _Node(_Section):
    id: Id
    domain: Label | None = None
    cpu: Amount


class _Link(_Section):
    u: Id
    v: Id
    bw: Amount
    lat: Amount = 0.0


class _Request(_Section):
    id: Id
    t: Amount
    life: Amount
    type: Label | None = None
    max_lat: Amount | None = None
    nodes: list[Amount] = Field(min_length=1, max_length=FUNCTIONS_MAX)
    domains: list[Label | None] | None = None
    links: list[tuple[Place, Place, Amount]] = Field(max_length=FUNCTIONS_MAX**2)


class _File(_Section):
    schema_: Literal["vne-workload/1"] = Field(alias="schema")
    name: Annotated[StrictStr, Field(max_length=200)] = ""
    note: Annotated[StrictStr, Field(max_length=10_000)] = ""
    nodes: list[_Node] = Field(min_length=1, max_length=NODES_MAX)
    links: list[_Link] = Field(max_length=LINKS_MAX)
    requests: list[_Request] = Field(min_length=1, max_length=REQUESTS_MAX)


def read(path: str | Path) -> Workload:
    """The workload in that file. Raises WorkloadError for any other content, OSError for no file.

    Requests are put in order of arrival, those of one moment in the order of the file.
    """
    path = Path(path)
    with path.open("rb") as file:
        content = file.read(FILE_BYTES_MAX + 1)
    if len(content) > FILE_BYTES_MAX:
        raise WorkloadError(f"{path}: more than {FILE_BYTES_MAX} bytes")
    try:
        return of_json(json.loads(content))
    except WorkloadError as wrong:
        raise WorkloadError(f"{path}: {wrong}") from None
    except (ValueError, RecursionError) as wrong:
        raise WorkloadError(f"{path}: not JSON: {wrong}") from None


def of_json(content: object) -> Workload:
    """A workload from decoded JSON; WorkloadError names the field and its value."""
    try:
        file = _File.model_validate(content)
    except ValidationError as wrong:
        first = wrong.errors(include_url=False)[0]
        field = _field(first["loc"])
        value = "" if first["type"] == "missing" else f", not {_shown(first['input'])}"
        raise WorkloadError(f"{field}: {first['msg']}{value}") from None
    requests = [_request(place, asked) for place, asked in enumerate(file.requests)]
    _unique("requests", [asked.id for asked in file.requests])
    return Workload(
        file.name, file.note, _substrate(file), tuple(sorted(requests, key=lambda one: one.time))
    )


def write(workload: Workload, path: str | Path) -> None:
    """Writes what `read` reads back as an equal workload."""
    Path(path).write_text(json.dumps(to_json(workload)) + "\n", encoding="utf-8")


def to_json(workload: Workload) -> dict[str, Any]:
    """The workload as plain values."""
    network = workload.substrate
    nodes = zip(network.ids, network.domains, network.cpu, strict=True)
    links = zip(network.links, network.bandwidth, network.latency_ms, strict=True)
    return {
        "schema": SCHEMA,
        "name": workload.name,
        "note": workload.note,
        "nodes": [{"id": id_, "domain": domain, "cpu": cpu} for id_, domain, cpu in nodes],
        "links": [
            {"u": network.ids[u], "v": network.ids[v], "bw": bandwidth, "lat": latency_ms}
            for (u, v), bandwidth, latency_ms in links
        ],
        "requests": [
            {
                "id": one.id,
                "t": one.time,
                "life": one.life,
                "type": one.kind,
                "max_lat": one.latency_ms_max,
                "nodes": list(one.cpu),
                "domains": list(one.domains),
                "links": [list(link) for link in one.links],
            }
            for one in workload.requests
        ],
    }


def _substrate(file: _File) -> Substrate:
    ids = [node.id for node in file.nodes]
    _unique("nodes", ids)
    place = {id_: index for index, id_ in enumerate(ids)}
    links: list[tuple[int, int]] = []
    seen: set[frozenset[int]] = set()
    for index, link in enumerate(file.links):
        for end, id_ in (("u", link.u), ("v", link.v)):
            if id_ not in place:
                raise WorkloadError(f"links[{index}].{end}: there is no node {_shown(id_)}")
        pair = place[link.u], place[link.v]
        if pair[0] == pair[1]:
            raise WorkloadError(f"links[{index}]: from node {_shown(link.u)} to itself")
        if frozenset(pair) in seen:
            raise WorkloadError(f"links[{index}]: a second link {link.u}-{link.v}")
        seen.add(frozenset(pair))
        links.append(pair)
    return Substrate(
        ids=tuple(ids),
        domains=tuple(node.domain for node in file.nodes),
        cpu=tuple(node.cpu for node in file.nodes),
        links=tuple(links),
        bandwidth=tuple(link.bw for link in file.links),
        latency_ms=tuple(link.lat for link in file.links),
    )


def _request(place: int, asked: _Request) -> Request:
    functions, where = len(asked.nodes), f"requests[{place}]"
    domains = asked.domains if asked.domains is not None else [None] * functions
    if len(domains) != functions:
        raise WorkloadError(f"{where}.domains: {len(domains)} of them for {functions} nodes")
    seen: set[frozenset[int]] = set()
    for index, (a, b, _) in enumerate(asked.links):
        for end in (a, b):
            if end >= functions:
                raise WorkloadError(f"{where}.links[{index}]: there is no node {end}")
        if a == b:
            raise WorkloadError(f"{where}.links[{index}]: from node {a} to itself")
        if frozenset((a, b)) in seen:
            raise WorkloadError(f"{where}.links[{index}]: a second link {a}-{b}")
        seen.add(frozenset((a, b)))
    return Request(
        id=asked.id,
        time=asked.t,
        life=asked.life,
        kind=asked.type,
        latency_ms_max=asked.max_lat,
        cpu=tuple(asked.nodes),
        domains=tuple(domains),
        links=tuple(asked.links),
    )


def _unique(section: str, ids: list[int | str]) -> None:
    seen: set[int | str] = set()
    for index, id_ in enumerate(ids):
        if id_ in seen:
            raise WorkloadError(f"{section}[{index}].id: a second {_shown(id_)}")
        seen.add(id_)


def _field(location: tuple[int | str, ...]) -> str:
    # The names of a union's alternatives are no part of the file.
    parts = [part for part in location if isinstance(part, int) or part.isidentifier()]
    path = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in parts)
    return path.lstrip(".") or "the file"


def _shown(value: object) -> str:
    said = repr(value)
    return said if len(said) <= SHOWN_CHARACTERS else f"{said[:SHOWN_CHARACTERS]}..."
