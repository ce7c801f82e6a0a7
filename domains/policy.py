"""A trained policy as a small file, and its decisions in numpy: no torch, no Ray, microseconds.

A policy is NAME.npz, its weights, beside NAME.json, its manifest: what it sees and may do, by name,
how it was made, and what it scored. It is used only where names and sizes are the same ones.

Observations are one vector: the `shared` numbers, then of each number in `each` one per candidate,
`vector[len(shared):].reshape(len(each), K)`. Actions are the K candidates, then the `extras`.
"""

from __future__ import annotations

import hashlib
import json
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from io import BytesIO
from pathlib import Path
from typing import Any, Final, Protocol

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from domains.errors import PolicyUnusable
from domains.policy_network import Activation, Array, Layers, Pointer

FORMAT: Final = 1
POLICY_BYTES_MAX: Final = 1 << 20
MANIFEST_BYTES_MAX: Final = 1 << 16
_FORBIDDEN: Final = np.float32(-1e9)


@dataclass(frozen=True, slots=True)
class Schema:
    """What a policy sees and may do. `environment` is versioned: a change of meaning changes it."""

    environment: str
    shared: tuple[str, ...]
    each: tuple[str, ...] = ()
    extras: tuple[str, ...] = ()

    @property
    def digest(self) -> str:
        """Equal for two schemas that mean the same."""
        named = [self.environment, self.shared, self.each, self.extras]
        return hashlib.sha256(json.dumps(named).encode()).hexdigest()

    def size(self, candidates: int) -> int:
        """Length of an observation with that many candidates."""
        return len(self.shared) + len(self.each) * candidates

    def actions(self, candidates: int) -> int:
        return candidates + len(self.extras)


class Architecture(StrEnum):
    LAYERS = "layers"
    POINTER = "pointer"


class Manifest(BaseModel):
    """What is said of a policy beside its weights.

    Attributes:
        candidates: of the training; a "layers" policy fits no other number of them.
        schema_digest: of the four fields above it, so that one line tells two policies apart.
        weights_sha256: of the .npz.
        commit: of the code that trained it; "" where that was not known.
        made_by: the command that makes it again.
        scores: what it reached, by name of the figure.
        config: of the training, in full.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    format: int = FORMAT
    name: str = Field(min_length=1, max_length=200)
    environment: str
    shared: tuple[str, ...]
    each: tuple[str, ...]
    extras: tuple[str, ...]
    schema_digest: str
    candidates: int = Field(ge=0, le=100_000)
    architecture: Architecture
    activation: Activation
    weights_sha256: str
    seed: int
    commit: str = ""
    made_by: str = ""
    scores: dict[str, float] = Field(default_factory=dict)
    config: dict[str, Any] = Field(default_factory=dict)

    @property
    def schema_(self) -> Schema:
        return Schema(self.environment, self.shared, self.each, self.extras)


class Network(Protocol):
    """Logits [.., A] of observations [.., D], any leading shape; the array is the caller's."""

    def __call__(self, observations: Array) -> Array: ...


@dataclass(frozen=True, slots=True)
class Policy:
    """Decides by the best logit among what the mask allows."""

    manifest: Manifest
    network: Network

    def choose(self, observation: Array, mask: NDArray[np.bool_]) -> int:
        """An action for one observation [D] under a mask [A] with something allowed."""
        logits = self.network(observation)
        logits[~mask] = _FORBIDDEN
        return int(logits.argmax())

    def choose_each(
        self, observations: Array, masks: NDArray[np.bool_]
    ) -> NDArray[np.signedinteger]:
        """Actions [B] for observations [B, D] under masks [B, A]."""
        logits: Array = np.where(masks, self.network(observations), _FORBIDDEN)
        chosen: NDArray[np.signedinteger] = logits.argmax(axis=-1)
        return chosen

    def rank(self, observation: Array, mask: NDArray[np.bool_]) -> NDArray[np.signedinteger]:
        """The allowed actions, the best first."""
        logits = np.where(mask, self.network(observation), _FORBIDDEN)
        order = np.argsort(-logits, kind="stable")
        ranked: NDArray[np.signedinteger] = order[mask[order]]
        return ranked

    def require(self, schema: Schema, candidates: int | None = None) -> Policy:
        """Itself, if made for this schema and number of candidates; else PolicyUnusable."""
        made = self.manifest
        if made.schema_ != schema:
            raise PolicyUnusable(
                f"policy {made.name!r} was made for {_difference(made.schema_, schema)}",
                requested=schema.digest[:12],
                achievable=made.schema_digest[:12],
            )
        fits_any = candidates is None or made.architecture is Architecture.POINTER
        if not fits_any and made.candidates != candidates:
            raise PolicyUnusable(
                f"policy {made.name!r} was made for {made.candidates} candidates, not {candidates}",
                requested=candidates,
                achievable=made.candidates,
            )
        return self


def write(policy_file: Path, weights: Mapping[str, Array], manifest: Manifest) -> Manifest:
    """Writes both files, the manifest last, and returns it with the digest of the weights.

    Raises:
        PolicyUnusable: too large, or weights that do not fit the manifest.
    """
    buffer = BytesIO()
    arrays: dict[str, Any] = {key: value.astype(np.float32) for key, value in weights.items()}
    np.savez(buffer, **arrays)
    body = buffer.getvalue()
    if len(body) > POLICY_BYTES_MAX:
        raise PolicyUnusable(
            f"the weights take {len(body)} bytes", requested=len(body), achievable=POLICY_BYTES_MAX
        )
    done = manifest.model_copy(update={"weights_sha256": hashlib.sha256(body).hexdigest()})
    _network(arrays, done)
    policy_file.parent.mkdir(parents=True, exist_ok=True)
    policy_file.with_suffix(".npz").write_bytes(body)
    policy_file.with_suffix(".json").write_text(done.model_dump_json(indent=2) + "\n")
    return done


def read(policy_file: Path) -> Policy:
    """The policy in NAME.npz and NAME.json; either may be named.

    Raises:
        PolicyUnusable: not there, damaged, of another format, or not what its manifest says.
    """
    try:
        manifest = Manifest.model_validate_json(
            _bytes(policy_file.with_suffix(".json"), MANIFEST_BYTES_MAX)
        )
    except ValidationError as wrong:
        first = wrong.errors()[0]
        where = ".".join(str(part) for part in first["loc"])
        raise PolicyUnusable(
            f"{policy_file.with_suffix('.json')} is no manifest: {where}: {first['msg']}"
        ) from None
    if manifest.format != FORMAT:
        raise PolicyUnusable(f"{policy_file} has format {manifest.format}, not {FORMAT}")
    if manifest.schema_digest != manifest.schema_.digest:
        raise PolicyUnusable(f"the manifest of {policy_file} contradicts itself: schema_digest")
    body = _bytes(policy_file.with_suffix(".npz"), POLICY_BYTES_MAX)
    if hashlib.sha256(body).hexdigest() != manifest.weights_sha256:
        raise PolicyUnusable(f"{policy_file.with_suffix('.npz')} is not what its manifest says")
    try:
        with np.load(BytesIO(body), allow_pickle=False) as stored:
            weights = {key: stored[key] for key in stored.files}
    except (ValueError, OSError, KeyError, zipfile.BadZipFile) as damaged:
        raise PolicyUnusable(f"{policy_file} is damaged: {damaged}") from None
    return Policy(manifest, _network(weights, manifest))


def _network(weights: Mapping[str, Array], manifest: Manifest) -> Network:
    for key, value in weights.items():
        if value.dtype != np.float32 or not np.isfinite(value).all():
            raise PolicyUnusable(f"policy {manifest.name!r}: {key} is not finite float32")
    schema, candidates = manifest.schema_, manifest.candidates
    if manifest.architecture is Architecture.POINTER:
        shape = len(schema.shared), len(schema.each), len(schema.extras)
        return Pointer.of(weights, *shape, manifest.activation)
    sizes = schema.size(candidates), schema.actions(candidates)
    return Layers.of(weights, *sizes, manifest.activation)


def _bytes(path: Path, limit: int) -> bytes:
    try:
        with path.open("rb") as file:
            body = file.read(limit + 1)
    except OSError as error:
        raise PolicyUnusable(f"cannot read {path}: {error.strerror}") from None
    if len(body) > limit:
        raise PolicyUnusable(f"{path} is larger than {limit} bytes")
    return body


def _difference(made: Schema, asked: Schema) -> str:
    if made.environment != asked.environment:
        return f"{made.environment}, not {asked.environment}"
    for part in ("shared", "each", "extras"):
        ours, theirs = getattr(made, part), getattr(asked, part)
        if ours != theirs:
            odd = sorted(set(ours) ^ set(theirs)) or ["the order"]
            return f"another schema of {made.environment}: {part} differs in {', '.join(odd[:5])}"
    return "this schema"
