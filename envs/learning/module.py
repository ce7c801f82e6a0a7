"""The RLModule: a policy under a mask, and its critic."""

from typing import Any, Final

import torch
from ray.rllib.core.columns import Columns
from ray.rllib.core.rl_module.apis import InferenceOnlyAPI, ValueFunctionAPI
from ray.rllib.core.rl_module.torch import TorchRLModule
from torch import Tensor

from envs.learning.networks import Shape, actor, critic

MASK: Final = "action_mask"
STATE: Final = "state"
FORBIDDEN: Final = -1e9
SHAPE: Final = "shape"  # key in the model_config

Batch = dict[str, Any]


class MaskedPolicy(TorchRLModule, ValueFunctionAPI, InferenceOnlyAPI):  # type: ignore[misc]
    """Columns: observations [N, D], `action_mask` bool [N, A], and for a centralised critic `state`
    [N, S]. `model_config["shape"]`: a `Shape` as a dict."""

    def setup(self) -> None:
        shape = Shape.of(self.model_config[SHAPE])
        self.central = shape.state > 0
        self.pi = actor(shape)
        self.vf = critic(shape)

    def get_non_inference_attributes(self) -> list[str]:
        return ["vf"]

    def _forward(self, batch: Batch, **_: Any) -> Batch:
        logits = self.pi(batch[Columns.OBS])
        return {Columns.ACTION_DIST_INPUTS: logits.masked_fill(~batch[MASK], FORBIDDEN)}

    def compute_values(self, batch: Batch, embeddings: Any = None) -> Tensor:
        seen = batch[STATE] if self.central else batch[Columns.OBS]
        values: Tensor = self.vf(seen).squeeze(-1)
        return values


@torch.no_grad()
def logits_of(module: Any, observations: Tensor, masks: Tensor) -> Tensor:
    """Masked logits, without RLlib's wrapping around a forward pass: this is called every step."""
    logits: Tensor = module.pi(observations).masked_fill_(~masks, FORBIDDEN)
    return logits
