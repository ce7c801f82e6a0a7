"""A policy that was trained: it scores every legal node, and first whether to take the request."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from hashlib import sha256
from pathlib import Path
from typing import Any, Final, Self
from zipfile import BadZipFile

import numpy as np

from envs.arrays import Bools, Floats, Ints
from envs.embedding.core import Embedding, Mask
from envs.embedding.features import NODE_NAMES, REQUEST_NAMES, candidates, network_of, requests

ENV_ID: Final = "entente/Embedding-v0"
# Of each node feature, of each request feature, and a constant.
WEIGHTS: Final = len(NODE_NAMES) + len(REQUEST_NAMES) + 1
FEATURES: Final = sha256("\n".join((*NODE_NAMES, "", *REQUEST_NAMES)).encode()).hexdigest()[:16]
FOLDER: Final = Path(__file__).with_name("weights")
SHIPPED: Final = {"learned": "seed0.npz", "learned-1": "seed1.npz", "learned-2": "seed2.npz"}
FILLING: Final = "filling.npz"
# A network fills until requests have come for so many mean stays; from then on as many leave as
# come, and who stays long keeps others out.
FILLING_STAYS: Final = 1.5


class CheckpointError(ValueError):
    """A file that is no policy for this environment: says why."""


@dataclass(frozen=True, slots=True)
class Learned:
    """weights: [WEIGHTS]. Refuses a request whose score is above zero, else takes it and puts each
    function on the legal node that scores most. made: how, for people to read."""

    weights: Floats
    made: Mapping[str, Any]
    name: str = "learned"
    mask: Mask = Mask.LINKS

    def act(self, core: Embedding) -> Ints:
        return actions(core, self.weights[None], np.zeros(core.rows, dtype=np.int64))

    def save(self, path: Path) -> None:
        """Writes what `load` reads."""
        about = {"env": ENV_ID, "features": FEATURES, **self.made}
        with path.open("wb") as file:
            np.savez(file, weights=self.weights, manifest=np.array(json.dumps(about)))

    @classmethod
    def load(cls, path: Path, name: str | None = None) -> Self:
        """Raises CheckpointError for what is no such policy, OSError for no file."""
        try:
            with np.load(path, allow_pickle=False) as kept:
                weights, about = kept["weights"], json.loads(str(kept["manifest"]))
        except (ValueError, KeyError, EOFError, BadZipFile) as wrong:
            raise CheckpointError(f"{path}: not a policy: {wrong}") from None
        if not isinstance(about, dict) or about.get("env") != ENV_ID:
            raise CheckpointError(f"{path}: not a policy for {ENV_ID}")
        if about.get("features") != FEATURES:
            raise CheckpointError(
                f"{path}: made for other features than this version's: train anew"
            )
        if weights.shape != (WEIGHTS,) or weights.dtype != np.float64:
            raise CheckpointError(
                f"{path}: {weights.dtype}{weights.shape} are no {WEIGHTS} weights"
            )
        if not np.isfinite(weights).all():
            raise CheckpointError(f"{path}: a weight is no finite number")
        return cls(weights, about, name or path.stem)


@dataclass(frozen=True, slots=True)
class ByAge:
    """Acts by one policy while a network fills and by another once it is busy.

    How long requests stay is known from those that have come so far.
    """

    filling: Learned
    busy: Learned
    name: str
    mask: Mask = Mask.LINKS

    def act(self, core: Embedding) -> Ints:
        weights = np.stack([self.filling.weights, self.busy.weights])
        return actions(core, weights, is_busy(core).astype(np.int64))


def is_busy(core: Embedding) -> Bools:
    """Of each row, [B]: whether requests have come for long enough."""
    traces, first = core.traces, core.room * core.traces.requests
    age = traces.arrival.take(core.request) - traces.arrival.take(first)
    busy: Bools = age > FILLING_STAYS * traces.mean_life.take(core.request)
    return busy


def shipped(name: str) -> ByAge:
    """A policy that comes with the package, by its name in `SHIPPED`."""
    filling, busy = (Learned.load(FOLDER / file) for file in (FILLING, SHIPPED[name]))
    return ByAge(filling, busy, name)


def ageless() -> Learned:
    """Places as `learned-1` does on a busy network and takes whatever finds a place: it never looks
    at how long a request stays."""
    whole = Learned.load(FOLDER / SHIPPED["learned-1"], "ageless")
    weights = whole.weights.copy()
    weights[len(NODE_NAMES) :] = 0.0
    return replace(whole, weights=weights)


def actions(core: Embedding, weights: Floats, member: Ints) -> Ints:
    """What the policies with `weights`, [M, WEIGHTS], do: row i acts by `weights[member[i]]`."""
    network = network_of(core.substrate)
    seen = candidates(core, network)
    of_nodes = weights[:, : len(NODE_NAMES)]
    scores = np.full((core.rows, core.nodes + 1), -np.inf)
    scores[:, core.refuse] = np.finfo(np.float64).min
    by = of_nodes.take(member.take(seen.rows), axis=0)
    scores[seen.rows, seen.nodes] = np.einsum("cf,cf->c", seen.x, by)
    chosen: Ints = scores.argmax(axis=1)
    begins = (core.active & (core.position == 0)).nonzero()[0]
    if begins.size:
        by = weights[:, len(NODE_NAMES) :].take(member.take(begins), axis=0)
        x = requests(core, network, begins)
        refusing = np.einsum("rf,rf->r", x, by[:, :-1]) + by[:, -1] > 0
        chosen[begins[refusing]] = core.refuse
    return chosen
