"""A policy of `python -m envs.train --env embedding`, acting on a workload."""

from dataclasses import dataclass
from pathlib import Path
from typing import Final, Self

from domains.policy import Policy, Schema, read
from envs.arrays import Ints
from envs.embedding.core import Embedding, Mask
from envs.embedding.observation import GLOBAL_NAMES, NODE_NAMES, Scales, observe

ENVIRONMENT: Final = "entente/Embedding-v0"
SCHEMA: Final = Schema(ENVIRONMENT, GLOBAL_NAMES, NODE_NAMES, ("refuse",))


@dataclass(frozen=True, slots=True)
class Trained:
    """Takes the best action of those that the mask it was trained with allows."""

    policy: Policy
    name: str
    mask: Mask

    def act(self, core: Embedding) -> Ints:
        chosen: Ints = self.policy.choose_each(observe(core, Scales(core.substrate)), core.legal)
        return chosen

    @classmethod
    def load(cls, file: Path) -> Self:
        """Raises PolicyUnusable if it is damaged, or made for something else."""
        policy = read(file).require(SCHEMA)
        settings = policy.manifest.config.get("settings", {})
        return cls(policy, file.stem, Mask(settings.get("mask", Mask.LINKS)))
