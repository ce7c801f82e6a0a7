"""Policy files: what is written is what decides, and what does not fit is refused."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from domains.errors import PolicyUnusable
from domains.policy import (
    POLICY_BYTES_MAX,
    Architecture,
    Manifest,
    Policy,
    Schema,
    read,
    write,
)
from domains.policy_network import Activation

SCHEMA = Schema("entente/Test-v1", ("a", "b", "c"), ("x", "y"), ("refuse",))
CANDIDATES = 4


def manifest(**changes: Any) -> Manifest:
    values: dict[str, Any] = {
        "name": "test",
        "environment": SCHEMA.environment,
        "shared": SCHEMA.shared,
        "each": SCHEMA.each,
        "extras": SCHEMA.extras,
        "schema_digest": SCHEMA.digest,
        "candidates": CANDIDATES,
        "architecture": Architecture.POINTER,
        "activation": Activation.RELU,
        "weights_sha256": "",
        "seed": 7,
    }
    return Manifest.model_validate(values | changes)


def pointer(width: int = 8, wide: int = 6, seed: int = 0) -> dict[str, Any]:
    shapes = {
        "node": (width, 2),
        "start": (3, width + wide),
        "start_bias": (width + wide,),
        "mean": (width, wide),
        "context0": (wide, 5),
        "context0_bias": (5,),
        "out": (5, width + 1),
        "out_bias": (width + 1,),
    }
    generator = np.random.default_rng(seed)
    return {key: generator.normal(size=size).astype(np.float32) for key, size in shapes.items()}


def layers() -> dict[str, Any]:
    """Logit of action i is the i-th number of the observation: 3 + 2 * 4 numbers, 5 actions."""
    return {
        "layer0": np.eye(11, 5, dtype=np.float32),
        "layer0_bias": np.zeros(5, dtype=np.float32),
    }


@pytest.fixture
def stored(tmp_path: Path) -> Path:
    write(tmp_path / "test.npz", pointer(), manifest())
    return tmp_path / "test.npz"


def test_decides_by_the_best_logit_that_the_mask_allows(tmp_path: Path) -> None:
    write(tmp_path / "p.npz", layers(), manifest(architecture="layers"))
    policy = read(tmp_path / "p.json")
    seen = np.array([1, 5, 3, 4, 2, 9, 9, 9, 9, 9, 9], dtype=np.float32)
    assert policy.choose(seen, np.ones(5, dtype=bool)) == 1
    assert policy.choose(seen, np.array([True, False, True, False, False])) == 2
    assert policy.rank(seen, np.array([True, False, True, True, True])).tolist() == [3, 2, 4, 0]
    both = policy.choose_each(np.stack((seen, -seen)), np.ones((2, 5), dtype=bool))
    assert both.tolist() == [1, 0]


def test_a_pointer_follows_its_candidates_in_whatever_order_and_number(stored: Path) -> None:
    network = read(stored).network
    generator = np.random.default_rng(1)
    shared, each = generator.random(3), generator.random((2, 4))
    logits = network(np.concatenate((shared, each.ravel())).astype(np.float32))
    order = np.array([2, 0, 3, 1])
    swapped = network(np.concatenate((shared, each[:, order].ravel())).astype(np.float32))
    assert np.allclose(swapped[:4], logits[:4][order], atol=1e-5)
    assert np.isclose(swapped[4], logits[4], atol=1e-5)
    twice = np.concatenate((each, each), axis=1)
    doubled = network(np.concatenate((shared, twice.ravel())).astype(np.float32))
    assert np.allclose(doubled, np.concatenate((logits[:4], logits)), atol=1e-5)


def test_one_decision_is_the_same_alone_and_in_a_batch(stored: Path) -> None:
    network = read(stored).network
    seen = np.random.default_rng(2).random((6, 11), dtype=np.float32)
    together = network(seen)
    assert together.shape == (6, 5)
    assert all(np.allclose(network(one), row, atol=1e-5) for one, row in zip(seen, together))  # noqa: B905


@pytest.mark.parametrize("activation", Activation)
@pytest.mark.parametrize("architecture", Architecture)
def test_numpy_decides_what_torch_would(
    architecture: Architecture, activation: Activation, tmp_path: Path
) -> None:
    torch = pytest.importorskip("torch", reason="the learn extra is not installed")
    from envs.learning.networks import Shape, actor

    shape = Shape(architecture, activation, 3, 2, CANDIDATES, 1, width=8, hidden=(6, 5))
    torch.manual_seed(3)
    module = actor(shape)
    for parameter in module.parameters():
        torch.nn.init.normal_(parameter)
    made = manifest(architecture=architecture, activation=activation)
    write(tmp_path / "p.npz", module.arrays(), made)
    seen = np.random.default_rng(4).random((50, 11), dtype=np.float32)
    theirs = module(torch.from_numpy(seen)).detach().numpy()
    assert np.allclose(read(tmp_path / "p.npz").network(seen), theirs, atol=1e-4)


def test_a_policy_is_used_for_what_it_was_made_for_only(stored: Path, tmp_path: Path) -> None:
    policy = read(stored)
    assert policy.require(SCHEMA, candidates=99) is policy
    newer = Schema("entente/Test-v2", SCHEMA.shared, SCHEMA.each, SCHEMA.extras)
    with pytest.raises(PolicyUnusable, match=r"made for entente/Test-v1, not entente/Test-v2"):
        policy.require(newer)
    other = Schema(SCHEMA.environment, ("a", "b", "z"), SCHEMA.each, SCHEMA.extras)
    with pytest.raises(PolicyUnusable, match="shared differs in c, z"):
        policy.require(other)
    swapped = Schema(SCHEMA.environment, ("b", "a", "c"), SCHEMA.each, SCHEMA.extras)
    with pytest.raises(PolicyUnusable, match="the order"):
        policy.require(swapped)
    write(tmp_path / "flat.npz", layers(), manifest(architecture="layers"))
    with pytest.raises(PolicyUnusable, match="4 candidates, not 5"):
        read(tmp_path / "flat.npz").require(SCHEMA, candidates=5)


def cut(stored: Path) -> None:
    stored.write_bytes(stored.read_bytes()[:-100])


def gone(stored: Path) -> None:
    stored.unlink()


def swollen(stored: Path) -> None:
    stored.write_bytes(b"\0" * (POLICY_BYTES_MAX + 1))


def changed(key: str, value: Any) -> Any:
    def change(stored: Path) -> None:
        file = stored.with_suffix(".json")
        file.write_text(json.dumps(json.loads(file.read_text()) | {key: value}))

    return change


@pytest.mark.parametrize(
    ("damage", "said"),
    [
        (cut, "not what its manifest says"),
        (gone, "cannot read"),
        (swollen, "larger than"),
        (changed("format", 2), "format 2, not 1"),
        (changed("each", ["x", "z"]), "contradicts itself"),
        (changed("architecture", "magic"), "architecture"),
        (changed("extra", 1), "extra"),
        (changed("candidates", -1), "candidates"),
    ],
)
def test_what_is_damaged_is_refused_and_says_why(damage: Any, said: str, stored: Path) -> None:
    damage(stored)
    with pytest.raises(PolicyUnusable, match=said):
        read(stored)


@pytest.mark.parametrize(
    ("key", "value", "said"),
    [
        ("node", np.zeros((8, 3)), "node has shape"),
        ("start_bias", np.zeros(3), "start_bias has shape"),
        ("out", np.zeros((5, 4)), "out_bias has shape"),
        ("mean", np.full((8, 6), np.nan), "not finite"),
    ],
)
def test_weights_that_do_not_fit_are_never_written(
    key: str, value: Any, said: str, tmp_path: Path
) -> None:
    with pytest.raises(PolicyUnusable, match=said):
        write(tmp_path / "p.npz", pointer() | {key: value}, manifest())
    assert not list(tmp_path.iterdir())


def test_a_domain_needs_neither_torch_nor_ray_to_decide(stored: Path) -> None:
    program = (
        "import sys, numpy, pathlib; from domains.policy import read; "
        f"policy = read(pathlib.Path({str(stored)!r})); "
        "policy.choose(numpy.zeros(11, 'f4'), numpy.ones(5, bool)); "
        "sys.exit(bool({'torch', 'ray', 'gymnasium'} & set(sys.modules)))"
    )
    assert subprocess.run([sys.executable, "-c", program], timeout=60).returncode == 0


def test_what_was_written_is_read_again(stored: Path) -> None:
    policy: Policy = read(stored)
    assert policy.manifest.seed == 7
    assert policy.manifest.schema_ == SCHEMA
    assert len(policy.manifest.weights_sha256) == 64
