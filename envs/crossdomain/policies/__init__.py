"""References by the name that the command line knows them under. What a policy does is put offers
on the table; the coordinator's merge decides."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from domains.errors import InvalidRequest
from envs.crossdomain.policies.learned import Learned
from envs.crossdomain.policies.policy import Policy
from envs.crossdomain.policies.prices import Prices, Scarcity
from envs.crossdomain.policies.rules import (
    BudgetPassing,
    Cheapest,
    EqualSplit,
    Menus,
    ProportionalSplit,
    RandomLegal,
)

__all__ = ["NAMES", "Learned", "Policy", "policy_of"]


def _optimum(_: int) -> Policy:
    try:
        from envs.crossdomain.policies.optimum import Optimum
    except ModuleNotFoundError as missing:
        raise InvalidRequest(f"the optimum needs ortools: {missing}") from None
    return Optimum()


_MAKERS: Final[dict[str, Callable[[int], Policy]]] = {
    "cheapest": lambda seed: Cheapest(),
    "random": RandomLegal,
    "equal-split": lambda seed: EqualSplit(),
    "proportional-split": lambda seed: ProportionalSplit(),
    "greedy": lambda seed: BudgetPassing(),
    "menus": lambda seed: Menus(),
    "prices": lambda seed: Prices(),
    "scarcity": lambda seed: Scarcity(),
    "optimum": _optimum,
}
NAMES: Final = tuple(_MAKERS)


def policy_of(name: str, seed: int = 0) -> Policy:
    """A fresh policy of that name. Raises InvalidRequest, naming the ones that there are."""
    maker = _MAKERS.get(name)
    if maker is None:
        raise InvalidRequest(f"no policy {name!r}: one of {', '.join(NAMES)}")
    return maker(seed)
