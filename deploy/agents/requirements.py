"""From the operator's sentence to what has to be modelled: a service and a constraint."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from coordinator.intent import Interpreter
from coordinator.model import Action, ServiceProfile
from coordinator.profile import service_profiles
from domains.errors import InvalidRequest

UTILISATION_PCT: Final = 80.0
"""The constraint where none is stated: that of the concept's own use case."""
SENTENCE_CHARACTERS_MAX: Final = 2_000

_CLAUSE: Final = re.compile(
    r"[,;]?\s*(?:\b(?:such|so)\s+that\b|\bwith\b|\bwhile\b|\band\b|\bkeeping\b|\bwhere\b)?"
    r"\s*(?:the\s+|its\s+|an?\s+)?(?:average\s+|mean\s+)?(?:slice\s+|overall\s+)*"
    r"utili[sz]ation(?:\s+ratio)?(?P<how>[^.;,%\d]*)(?P<number>-?\d+(?:\.\d+)?)\s*"
    r"(?:%|per\s?cent\b)",
    re.IGNORECASE,
)
_BELOW: Final = re.compile(r"\b(?:below|under|less|lower|at most|no more|up to)\b|<", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Requirements:
    """What the modelling agent is given.

    Attributes:
        stated: whether the operator named the constraint, or it is the default.
    """

    text: str
    service: ServiceProfile
    utilisation_pct_min: float
    stated: bool


def read(
    text: str, interpreter: Interpreter, areas: Sequence[str], default_area: str
) -> Requirements:
    """What a sentence asks for.

    Args:
        areas: places that the network covers; default_area: where none is named.

    Raises:
        InvalidRequest: no slice, several slices, or a constraint that cannot be.
    """
    if len(text) > SENTENCE_CHARACTERS_MAX:
        raise InvalidRequest(
            f"a sentence has at most {SENTENCE_CHARACTERS_MAX} characters", field="text"
        )
    found = list(_CLAUSE.finditer(text))
    bounds = {_bound(match) for match in found}
    if len(bounds) > 1:
        raise InvalidRequest(
            "the sentence states two constraints on utilisation; which one?", field="utilisation"
        )
    wanted = _CLAUSE.sub(" ", text).strip(" ,;")
    interpretation = interpreter.interpret(wanted, areas)
    if interpretation.action is not Action.CREATE:
        questions = " ".join(interpretation.questions)
        raise InvalidRequest(
            questions or f"this asks for no new slice: {interpretation.explanation}", field="text"
        )
    services = service_profiles(interpretation, default_area)
    if len(services) != 1:
        names = ", ".join(service.name for service in services)
        raise InvalidRequest(f"plan one slice at a time; this names: {names}", field="text")
    return Requirements(text, services[0], next(iter(bounds), UTILISATION_PCT), bool(bounds))


def _bound(match: re.Match[str]) -> float:
    if _BELOW.search(match["how"]):
        raise InvalidRequest(
            "a constraint on utilisation is a lower bound: an upper one is a price",
            field="utilisation",
        )
    bound = float(match["number"])
    if not 0 < bound < 100:
        raise InvalidRequest(
            f"a utilisation of {bound:g} % cannot be kept",
            field="utilisation",
            requested=bound,
            achievable="0 to 100, both excluded",
        )
    return bound
