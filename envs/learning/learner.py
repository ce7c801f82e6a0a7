"""PPO's loss and step without what RLlib's learner does beside it for every batch.

Same algorithm as `PPOTorchLearner` without a KL penalty. Statistics are of the last batch of an
update, as RLlib reports them too. A gradient that is no number is not made zero and learned from:
the loss tells, and the training ends (`training.Training`).
"""

from typing import Any

import torch
from ray.rllib.algorithms.ppo.torch.ppo_torch_learner import PPOTorchLearner
from ray.rllib.core.columns import Columns
from ray.rllib.core.learner.learner import ENTROPY_KEY, POLICY_LOSS_KEY, VF_LOSS_KEY
from ray.rllib.evaluation.postprocessing import Postprocessing
from torch import Tensor

EXPLAINED = "vf_explained_var"


class PpoLearner(PPOTorchLearner):  # type: ignore[misc]
    """`config.learners(learner_class=...)`; for masked actions of one discrete choice."""

    def build(self) -> None:
        self._last: dict[str, dict[str, Tensor]] = {}
        super().build()

    def configure_optimizers_for_module(self, module_id: str, config: Any = None) -> None:
        params = self.get_parameters(self._module[module_id])
        self.register_optimizer(
            module_id=module_id,
            optimizer=torch.optim.Adam(params, fused=True),
            params=params,
            lr_or_lr_schedule=config.lr,
        )

    def compute_loss_for_module(
        self, *, module_id: str, config: Any, batch: Any, fwd_out: Any
    ) -> Tensor:
        module = self.module[module_id].unwrapped()
        chances = torch.log_softmax(fwd_out[Columns.ACTION_DIST_INPUTS], dim=-1)
        taken = chances.gather(1, batch[Columns.ACTIONS][:, None])[:, 0]
        ratio = torch.exp(taken - batch[Columns.ACTION_LOGP])
        gains = batch[Postprocessing.ADVANTAGES]
        clipped = ratio.clamp(1 - config.clip_param, 1 + config.clip_param)
        surrogate = torch.minimum(ratio * gains, clipped * gains).mean()
        # Forbidden actions have odds of 0: they add nothing, and no gradient.
        entropy = -(chances.exp() * chances).sum(dim=-1).mean()
        values, targets = module.compute_values(batch), batch[Postprocessing.VALUE_TARGETS]
        errors = (values - targets).square()
        value_loss = errors.clamp(max=config.vf_clip_param).mean()
        weight = self.entropy_coeff_schedulers_per_module[module_id].get_current_value()
        self._last[module_id] = {
            POLICY_LOSS_KEY: -surrogate.detach(),
            VF_LOSS_KEY: value_loss.detach(),
            ENTROPY_KEY: entropy.detach(),
            EXPLAINED: 1 - (values - targets).detach().var() / targets.var().clamp_min(1e-8),
        }
        loss: Tensor = config.vf_loss_coeff * value_loss - surrogate - weight * entropy
        return loss

    def postprocess_gradients(self, gradients_dict: Any) -> Any:
        for module_id in self.module.keys():  # noqa: SIM118, no mapping
            limit = self.config.get_config_for_module(module_id).grad_clip
            if limit is not None:
                torch.nn.utils.clip_grad_norm_(self.module[module_id].parameters(), limit)
        return gradients_dict

    def apply_gradients(self, gradients_dict: Any) -> None:
        for optimizer in self._named_optimizers.values():
            optimizer.step()

    def after_gradient_based_update(self, *, timesteps: Any) -> None:
        for module_id, figures in self._last.items():
            self.metrics.log_dict(figures, key=module_id, window=1)
        super().after_gradient_based_update(timesteps=timesteps)
