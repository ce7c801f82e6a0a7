"""Learning from what an adviser says every action would come to, on one's own way.

Imitation shows what a teacher does where the teacher goes. Here the policies play by themselves.
An adviser who knows more than they do says what all that each could have done is worth, the others
as they were, and each moves towards what is worth most on average over all that looks the same to
it (AggreVaTe: Ross and Bagnell, arXiv:1406.5979; with gradients: Sun et al., arXiv:1703.01030).
Advice holds while the others stay as they were, and all of them move at once: now and then they
agree on nothing any more. A round that shows this is taken back, and all go on at half the pace.
"""

import math
from collections.abc import Callable, Mapping
from copy import deepcopy
from typing import Any, Final

import numpy as np
import torch
from ray.rllib.core.columns import Columns

from envs.arrays import Array32, Bools, Ints
from envs.learning.demonstrations import Advised, Adviser, Choose
from envs.learning.module import FORBIDDEN, STATE, logits_of
from envs.learning.plan import Advice

Tell = Callable[[int, float, bool], None]
"""Rounds that are over, mean score in the last one, whether what led to it was taken back."""
_DRAWS: Final = 0xAD71CE
STEADY: Final = 0.02
"""Weight of the divergence from the policy that played: its choices are what the advice is on."""


def take_advice(
    modules: Any,
    adviser: Adviser,
    names: Mapping[str, str],
    how: Advice,
    seed: int,
    tell: Tell,
) -> None:
    """All rounds, for the modules of all agents, in place; `names`: which one each agent has."""
    generator = np.random.default_rng((seed, _DRAWS))
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        optimizers = {
            name: torch.optim.Adam(modules[name].parameters(), lr=how.lr) for name in names.values()
        }
        held: dict[str, tuple[Any, Any]] = {}
        best, pace = -math.inf, 1.0
        for number in range(how.rounds):
            policies = {agent: _playing(modules[name], generator) for agent, name in names.items()}
            advised, score = adviser.advise(policies, how.episodes, (seed, number))
            fell = score < best - how.fall_max
            if fell:
                pace /= 2
                for name, optimizer in optimizers.items():
                    modules[name].load_state_dict(held[name][0])
                    optimizer.load_state_dict(held[name][1])
            else:
                if score > best:
                    best, held = score, _held(modules, optimizers)
                for agent, name in names.items():
                    done = number / how.rounds
                    follow(modules[name], optimizers[name], advised[agent], how, done, pace)
            tell(number + 1, score, fell)


def _held(modules: Any, optimizers: Mapping[str, Any]) -> dict[str, tuple[Any, Any]]:
    """A copy of all that learns, by name."""
    return {
        name: (deepcopy(modules[name].state_dict()), deepcopy(optimizer.state_dict()))
        for name, optimizer in optimizers.items()
    }


def _playing(module: Any, generator: np.random.Generator) -> Choose:
    """Draws actions by their odds."""

    def choose(seen: Array32, masks: Bools) -> Ints:
        logits = logits_of(module, torch.from_numpy(seen), torch.from_numpy(masks)).numpy()
        drawn: Ints = (logits + generator.gumbel(size=logits.shape)).argmax(axis=1)
        return drawn

    return choose


def follow(
    module: Any, optimizer: Any, advised: Advised, how: Advice, done: float, pace: float = 1.0
) -> None:
    """Moves `module` towards the advice, in place; `done`: part of all rounds that are over."""
    seen, masks, gains, worth, states = map(
        torch.from_numpy,
        (advised.observations, advised.masks, advised.gains, advised.worth, advised.states),
    )
    optimizer.param_groups[0]["lr"] = pace * how.lr * (1.0 - 0.95 * done)
    entropy_weight = how.entropy * max(0.0, 1.0 - 1.5 * done)
    with torch.no_grad():
        old = _log_odds(module, seen, masks)
    for _ in range(how.epochs):
        for chosen in torch.split(torch.randperm(len(seen)), how.batch):
            now = _log_odds(module, seen[chosen], masks[chosen])
            odds, then = now.exp(), old[chosen]
            gain = (odds * gains[chosen]).sum(1).mean()
            entropy = -(odds * now).sum(1).mean()
            away = (then.exp() * (then - now)).sum(1).mean()
            batch = {Columns.OBS: seen[chosen], STATE: states[chosen]}
            missed = (module.compute_values(batch) - worth[chosen]).square().mean()
            loss: Any = STEADY * away - gain - entropy_weight * entropy
            _step(module.pi, loss, 0.5)
            _step(module.vf, missed, 1.0)
            optimizer.step()
            optimizer.zero_grad(set_to_none=True)


def _log_odds(module: Any, seen: torch.Tensor, masks: torch.Tensor) -> torch.Tensor:
    """[N, A]; of forbidden actions far below all others, but finite: 0 times them is 0."""
    found: torch.Tensor = torch.log_softmax(module.pi(seen).masked_fill(~masks, FORBIDDEN), dim=-1)
    return found


def _step(network: Any, loss: Any, limit: float) -> None:
    loss.backward()
    torch.nn.utils.clip_grad_norm_(network.parameters(), limit)
