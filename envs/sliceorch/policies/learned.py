"""Policies that were trained: the ones that ship, policy files and checkpoints."""

from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

from domains.policy import Policy, Schema, read
from envs.sliceorch.observation import GLOBAL_NAMES, NODE_NAMES
from envs.sliceorch.policies.policy import Learned
from envs.sliceorch.profiles import Mask, Profile, mask_of

SHIPPED: Final = Path(__file__).parent / "shipped"
NAMES: Final = ("qappo", "ppo")
EXTRAS: Final = ("local", "refuse")


def schema(departures: bool) -> Schema:
    """What a policy of the case study sees and may do."""
    version = 2 if departures else 1
    return Schema(f"entente/SliceOrch-v{version}", GLOBAL_NAMES, NODE_NAMES, EXTRAS)


def is_learned(name: str) -> bool:
    """Whether that names a trained policy: a shipped one, a file, or a folder of a training."""
    return name in NAMES or Path(name).suffix in (".npz", ".json") or Path(name).is_dir()


def learned(
    name: str, profile: Profile, requests: int, departures: bool, mask: Mask | None = None
) -> Learned:
    """Acts under the mask that it was trained with, if no other is said.

    Raises:
        ValueError: none ships for this profile and length.
        PolicyUnusable, CheckpointUnusable: damaged, or made for something else.
    """
    if name in NAMES:
        policy = read(_shipped(name, profile, requests))
    elif Path(name).is_dir():
        policy = _of_checkpoint(Path(name))
    else:
        policy = read(Path(name))
    policy.require(schema(departures), profile.nodes)
    settings = policy.manifest.config.get("settings", {})
    trained = mask_of(settings.get("mask", Mask.SLA))
    acting = Learned(name, policy.choose_each, trained, bool(settings.get("qoe", True)))
    return acting if mask is None else replace(acting, mask=mask)


def _shipped(name: str, profile: Profile, requests: int) -> Path:
    ours = f"{profile.name.lower()}-{name}"
    for file in (SHIPPED / f"{ours}-{requests}.npz", SHIPPED / f"{ours}.npz"):
        if file.exists():
            return file
    there = ", ".join(sorted(file.stem for file in SHIPPED.glob("*.npz"))) or "none"
    raise ValueError(f"no {name} ships for {profile.name} with {requests} requests: {there}")


def _of_checkpoint(folder: Path) -> Policy:
    from envs.learning.export import of_checkpoint  # brings torch and Ray

    with TemporaryDirectory() as into:
        (policy,) = of_checkpoint(folder, Path(into)).values()
    return policy
