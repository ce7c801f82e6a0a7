"""The K shortest paths between all pairs of nodes: counted in hops, and ranked once.

Paths of equal length are ranked as `networkx.shortest_simple_paths` finds them, so that results
can be compared with those of other solvers one by one. The ranking never looks at what is free.
"""

import os
from dataclasses import dataclass, field
from functools import lru_cache
from itertools import islice, pairwise
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import Final
from zipfile import BadZipFile

import networkx
import numpy as np
from numpy.typing import NDArray

from envs.arrays import Floats, Ints
from envs.embedding.model import Substrate

PATHS: Final = 10
TABLE_BYTES_MAX: Final = 1 << 30
# Ranking the paths of fewer nodes takes less than about a second.
KEPT_ON_DISK_NODES: Final = 40
TABLES_KEPT: Final = 8


@dataclass(frozen=True, slots=True)
class PathTable:
    """Every path as places in a vector of resources: n CPUs, then L bandwidths, then two more.

    The first of these two, `ample`, is always free and fills up short paths; the second, `none`, is
    never free and stands for a path that there is not.
    links: [n * n, K, H], of source s and target t at row t * n + s. hops: [n * n, K], 0 for none.
    ranked: links by rank and hop, [K, H, n * n]. Of the best paths alone: first [H', t, s] and
    first_hops [t, s].
    """

    nodes: int
    resources: int
    links: Ints
    hops: Floats
    first: Ints
    ranked: Ints
    first_hops: Floats
    _places: dict[int, tuple[tuple[int, ...], ...]] = field(default_factory=dict, repr=False)

    @property
    def ample(self) -> int:
        return self.resources

    @property
    def none(self) -> int:
        return self.resources + 1

    @property
    def longest(self) -> int:
        """H, the hops of the longest path."""
        return int(self.links.shape[2])

    def places(self, row: int) -> tuple[tuple[int, ...], ...]:
        """The paths in that row of `links`, the best first, without what fills them up."""
        found = self._places.get(row)
        if found is None:
            paths, hops = self.links[row].tolist(), self.hops[row].astype(np.int64).tolist()
            found = self._places[row] = tuple(
                tuple(path[:long]) for path, long in zip(paths, hops, strict=True) if long
            )
        return found

    def between(self, source: int, target: int) -> tuple[tuple[int, ...], ...]:
        """The paths from source to target, as links counted from 0, the best first."""
        ranked = self.places(target * self.nodes + source)
        return tuple(tuple(place - self.nodes for place in path) for path in ranked)


def table_of(substrate: Substrate) -> PathTable:
    """The table of that topology: from memory, else from the user's cache, else made and kept.

    ValueError if it would be larger than TABLE_BYTES_MAX.
    """
    return _table(substrate.nodes, substrate.links, substrate.topology)


@lru_cache(maxsize=TABLES_KEPT)
def _table(nodes: int, links: tuple[tuple[int, int], ...], topology: str) -> PathTable:
    kept = cache_folder() / f"paths-{PATHS}-{topology}.npz"
    steps = _read(kept, nodes, len(links)) if nodes >= KEPT_ON_DISK_NODES else None
    if steps is None:
        steps = _ranked(nodes, links)
        if nodes >= KEPT_ON_DISK_NODES:
            _keep(kept, steps)
    resources = nodes + len(links)
    there = steps >= 0
    hops = there.sum(axis=2)
    places = np.where(there, steps + nodes, resources)
    places[hops == 0] = resources + 1
    table, lengths = places.astype(np.int64), hops.astype(np.float64)
    best = hops[:, 0].max()
    first = table[:, 0, :best].reshape(nodes, nodes, best).transpose(2, 0, 1)
    return PathTable(
        nodes=nodes,
        resources=resources,
        links=table,
        hops=lengths,
        first=np.ascontiguousarray(first),
        ranked=np.ascontiguousarray(table.transpose(1, 2, 0)),
        first_hops=np.ascontiguousarray(lengths[:, 0]).reshape(nodes, nodes),
    )


def cache_folder() -> Path:
    """Where tables are kept between runs: $XDG_CACHE_HOME/entente, else ~/.cache/entente."""
    root = os.environ.get("XDG_CACHE_HOME")
    return (Path(root) if root else Path.home() / ".cache") / "entente"


def _ranked(nodes: int, links: tuple[tuple[int, int], ...]) -> NDArray[np.int16]:
    """Links of every path, [n * n, K, H], -1 behind the last."""
    graph: networkx.Graph[int] = networkx.Graph()
    graph.add_nodes_from(range(nodes))
    graph.add_edges_from(links)
    number = {pair: index for index, (u, v) in enumerate(links) for pair in ((u, v), (v, u))}
    found: dict[tuple[int, int], list[list[int]]] = {}
    for part in networkx.connected_components(graph):
        for source in part:
            for target in part:
                if source != target:
                    ranked = networkx.shortest_simple_paths(graph, source, target)
                    found[target, source] = [
                        [number[step] for step in pairwise(path)] for path in islice(ranked, PATHS)
                    ]
    longest = max((len(path) for paths in found.values() for path in paths), default=1)
    if (size := nodes * nodes * PATHS * longest * 8) > TABLE_BYTES_MAX:
        raise ValueError(f"the paths of {nodes} nodes need {size} bytes: {TABLE_BYTES_MAX} at most")
    steps = np.full((nodes * nodes, PATHS, longest), -1, dtype=np.int16)
    for (target, source), paths in found.items():
        for rank, path in enumerate(paths):
            steps[target * nodes + source, rank, : len(path)] = path
    return steps


def _read(path: Path, nodes: int, links: int) -> NDArray[np.int16] | None:
    """What was kept; None if there is nothing of use, whatever the reason."""
    try:
        with np.load(path, allow_pickle=False) as kept:
            steps: NDArray[np.int16] = kept["steps"]
    except (OSError, ValueError, KeyError, EOFError, BadZipFile):
        return None
    fits = steps.dtype == np.int16 and steps.ndim == 3 and steps.shape[:2] == (nodes**2, PATHS)
    return steps if fits and bool(((steps >= -1) & (steps < links)).all()) else None


def _keep(path: Path, steps: NDArray[np.int16]) -> None:
    """For the next run; a disk that cannot be written costs time, not results."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with NamedTemporaryFile(dir=path.parent, suffix=".part", delete=False) as file:
            np.savez_compressed(file, steps=steps)
        os.replace(file.name, path)
    except OSError:
        return
