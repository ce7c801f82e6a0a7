"""A start from what a reference policy does: the actor learns its actions, the critic its returns.

Not reinforcement: what comes of it is at best the teacher. The updates that follow may pass it.
"""

from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from ray.rllib.core.columns import Columns
from torch.nn.functional import cross_entropy, mse_loss

from envs.learning.demonstrations import COLUMNS, Demonstrations
from envs.learning.module import FORBIDDEN, STATE
from envs.learning.plan import Imitation

Tell = Callable[[int, float, float], None]  # epoch, cross entropy, share of actions agreed on


def imitate(module: Any, shown: Demonstrations, how: Imitation, seed: int, tell: Tell) -> None:
    """Fits `module` to the demonstrations, in place."""
    generator = np.random.default_rng(seed)
    columns = [torch.from_numpy(getattr(shown, name)) for name in COLUMNS]
    optimizer = torch.optim.Adam(module.parameters(), lr=how.lr)
    batches = -(-len(shown) // how.batch)
    decay = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, how.epochs * batches)
    for epoch in range(how.epochs):
        order = torch.from_numpy(generator.permutation(len(shown)))
        entropy = agreed = 0.0
        for chosen in torch.split(order, how.batch):
            seen, masks, actions, returns, states = (column[chosen] for column in columns)
            logits = module.pi(seen).masked_fill(~masks, FORBIDDEN)
            loss = cross_entropy(logits, actions)
            values = module.compute_values({Columns.OBS: seen, STATE: states})
            # Scaled down so that the critic's error does not set the pace of the clip below.
            total: Any = loss + 0.1 * mse_loss(values, returns)
            total.backward()
            torch.nn.utils.clip_grad_norm_(module.parameters(), 1.0)
            optimizer.step()
            optimizer.zero_grad(set_to_none=True)
            decay.step()
            entropy += float(loss.detach()) * len(chosen)
            agreed += float((logits.argmax(1) == actions).sum())
        tell(epoch + 1, entropy / len(shown), agreed / len(shown))
