"""Fragments to a train batch: one critic pass and one sweep of advantages for all rows at once."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import torch
from ray.rllib.connectors.connector_v2 import ConnectorV2
from ray.rllib.core.columns import Columns
from ray.rllib.evaluation.postprocessing import Postprocessing

from envs.arrays import Array32
from envs.learning.errors import NotFinite
from envs.learning.fragment import Experience, Fragment, advantages
from envs.learning.module import MASK, STATE

TINY = 1e-4


class BatchOfFragments(ConnectorV2):  # type: ignore[misc]
    """Replaces RLlib's whole learner pipeline; the train batch has the columns that PPO reads.

    Raises NotFinite where an environment gave a reward or an observation that is no number: a
    network that learned from one would be lost.
    """

    def __init__(
        self,
        observation_space: Any = None,
        action_space: Any = None,
        *,
        gamma: float,
        lambda_: float,
    ) -> None:
        super().__init__(observation_space, action_space)
        self.gamma, self.lambda_ = gamma, lambda_

    def __call__(
        self, *, rl_module: Any, episodes: Sequence[Fragment], **_: Any
    ) -> Mapping[str, Any]:
        names = dict.fromkeys(name for one in episodes for name in one.of)
        return {
            name: _joined([self._batch(name, rl_module[name], one.of[name]) for one in episodes])
            for name in names
        }

    def _batch(self, name: str, module: Any, seen: Experience) -> dict[str, torch.Tensor]:
        for what, values in (("reward", seen.rewards), ("observation", seen.observations)):
            if not np.isfinite(values).all():
                step = int(np.argwhere(~np.isfinite(values))[0][0])
                raise NotFinite(
                    f"the environment gave {name} a {what} that is no number", step=step
                )
        steps, columns = seen.actions.shape
        flat = steps * columns
        central = seen.states.shape[-1] > 0
        looked = (
            (seen.states.reshape(flat, -1), seen.last_state, seen.cut_states)
            if central
            else (seen.observations.reshape(flat, -1), seen.last, seen.cut_observations)
        )
        column = STATE if central else Columns.OBS
        with torch.no_grad():
            found = module.compute_values({column: torch.from_numpy(np.concatenate(looked))})
        values = found.numpy()
        now = values[:flat].reshape(steps, columns)
        after = np.concatenate((now[1:], values[None, flat : flat + columns]))
        after[seen.terminated] = 0.0
        after[tuple(seen.cut.T)] = values[flat + columns :]
        ended = seen.terminated | seen.truncated
        gains = advantages(seen.rewards, now, after, ended, self.gamma, self.lambda_)
        logits = torch.from_numpy(seen.logits.reshape(flat, -1))
        actions = torch.from_numpy(seen.actions.reshape(flat))
        batch = {
            Columns.OBS: torch.from_numpy(seen.observations.reshape(flat, -1)),
            MASK: torch.from_numpy(seen.masks.reshape(flat, -1)),
            Columns.ACTIONS: actions,
            Columns.ACTION_LOGP: torch.log_softmax(logits, -1).gather(1, actions[:, None])[:, 0],
            Postprocessing.ADVANTAGES: _tensor(gains),
            Postprocessing.VALUE_TARGETS: _tensor(gains + now),
        }
        if central:
            batch[STATE] = torch.from_numpy(seen.states.reshape(flat, -1))
        if seen.idle.any():
            real = torch.from_numpy(~seen.idle.reshape(flat))
            batch = {key: values[real] for key, values in batch.items()}
        return batch


def _joined(batches: Sequence[dict[str, torch.Tensor]]) -> dict[str, torch.Tensor]:
    """All fragments of a policy, with advantages of mean 0 and deviation 1."""
    first, *more = batches
    joined = {key: torch.cat([one[key] for one in batches]) for key in first} if more else first
    gains = joined[Postprocessing.ADVANTAGES]
    joined[Postprocessing.ADVANTAGES] = (gains - gains.mean()) / gains.std().clamp_min(TINY)
    return joined


def _tensor(values: Any) -> torch.Tensor:
    flat: Array32 = np.ascontiguousarray(values.reshape(-1), dtype=np.float32)
    return torch.from_numpy(flat)
