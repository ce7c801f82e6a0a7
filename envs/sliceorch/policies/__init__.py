"""Reference policies, by the name that the command line knows them under."""

from collections.abc import Callable
from typing import Final

from envs.sliceorch.policies.dynamic import OnlineOptimum
from envs.sliceorch.policies.lookahead import Lookahead
from envs.sliceorch.policies.policy import Learned, Policy
from envs.sliceorch.policies.rules import (
    Blind,
    CloudOnly,
    Greedy,
    GreedyFill,
    LocalFirst,
    MaskedRandom,
    Random,
)

__all__ = ["NAMES", "Learned", "Policy", "policy_of"]


def _optimum(seed: int, load_erlang: float | None) -> Policy:
    try:
        from envs.sliceorch.policies.optimum import Optimum
    except ModuleNotFoundError as missing:
        raise ValueError(f"the optimum needs ortools: {missing}") from None
    return Optimum()


_MAKERS: Final[dict[str, Callable[[int, float | None], Policy]]] = {
    "local-first": lambda seed, load: LocalFirst(),
    "cloud-only": lambda seed, load: CloudOnly(),
    "random": lambda seed, load: Random(seed),
    "blind": lambda seed, load: Blind(),
    "masked-random": lambda seed, load: MaskedRandom(seed),
    "greedy": lambda seed, load: Greedy(),
    "greedyfill": lambda seed, load: GreedyFill(load_erlang=load),
    "lookahead": lambda seed, load: Lookahead(seed, load_erlang=load),
    "dp": lambda seed, load: OnlineOptimum(),
    "optimum": _optimum,
}
NAMES: Final = tuple(_MAKERS)


def policy_of(name: str, seed: int = 0, load_erlang: float | None = None) -> Policy:
    """A fresh policy of that name; ValueError names the ones there are.

    `load_erlang` is the offered load where slices depart.
    """
    maker = _MAKERS.get(name)
    if maker is None:
        raise ValueError(f"unknown policy {name!r}: one of {', '.join(NAMES)}")
    return maker(seed, load_erlang)
