"""Feedback in words: what it says about the ranking, remembered per operator.

What is understood is a short list of phrases; words outside it change nothing and are asked about.
Each piece of feedback doubles or halves a weight, within bounds, so that the latest counts most
and no single one decides for ever.
"""

from __future__ import annotations

import json
import re
from dataclasses import asdict, dataclass, replace
from enum import StrEnum
from pathlib import Path
from typing import Final

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from deploy.agents.errors import FeedbackUnclear
from deploy.home import Home, write_private
from domains.descriptors.tosca import line, symbol
from domains.errors import EntenteError

WEIGHT_MAX: Final = 8.0
HISTORY_MAX: Final = 32
FEEDBACK_CHARACTERS_MAX: Final = 500


class Quality(StrEnum):
    """What recommendations are ranked by."""

    COST = "cost"
    RISK = "risk"
    UTILISATION = "utilisation"


@dataclass(frozen=True, slots=True)
class Weights:
    """How much each quality counts; 1 where nothing was said."""

    cost: float = 1.0
    risk: float = 1.0
    utilisation: float = 1.0


MORE: Final = {
    Quality.COST: (
        r"(too|very|so) (expensive|costly|dear|pricey)",
        r"cheaper",
        r"(less|lower|reduce|cut)\w* (the )?(costs?|prices?|expens\w+)",
        r"(costs?|prices?) (is |are )?(too (high|much)|matters?)",
        r"save money",
    ),
    Quality.RISK: (
        r"(less|lower|reduce|too much|minimi[sz]e)\w* (the )?(risk|waiting)",
        r"too risky",
        r"safer",
        r"more (reliable|headroom|safety)",
        r"fewer (waits|waiting)",
        r"(risk|waiting) matters",
    ),
    Quality.UTILISATION: (
        r"(more|higher|better|increase)\w* (the )?(utili[sz]ation|efficien\w+)",
        r"more efficient",
        r"less (waste|idle)",
        r"too (empty|idle|wasteful)",
        r"utili[sz]ation matters",
    ),
}
LESS: Final = {
    Quality.COST: (
        r"(costs?|prices?|money) (does not|do not|doesn't|don't) matter",
        r"more expensive is (fine|ok|okay)",
        r"at any (cost|price)",
        r"(cost|price|money) is (no|not an) (issue|object|problem)",
    ),
    Quality.RISK: (
        r"risk is (fine|ok|okay|acceptable)",
        r"(more|higher) risk",
        r"risk (does not|doesn't) matter",
        r"accept (the |more )?risk",
    ),
    Quality.UTILISATION: (
        r"(less|lower) utili[sz]ation",
        r"utili[sz]ation (does not|doesn't) matter",
        r"(idle|empty) is (fine|ok|okay)",
    ),
}
_NEGATED: Final = re.compile(r"(\b(not|no|never|without|nor)|n't)( \w+)? $")
EXAMPLES: Final = '"too expensive", "less risk", "higher utilisation", "price does not matter"'


def understood(text: str) -> dict[Quality, bool]:
    """Quality -> whether it shall count more (True) or less (False).

    Raises:
        FeedbackUnclear: it says both of one quality, or nothing that can be ranked by.
    """
    said = " ".join(text.lower().replace("\u2019", "'").split())[:FEEDBACK_CHARACTERS_MAX]
    less = {quality for quality in Quality if _found(LESS[quality], said)}
    # "more expensive is fine" also has words of the other list in it: those are taken out first.
    rest = said
    for quality in less:
        rest = re.sub("|".join(LESS[quality]), " ", rest)
    more = {quality for quality in Quality if _found(MORE[quality], rest)}
    if both := sorted(more & less):
        raise FeedbackUnclear(
            f"that says both that {both[0]} matters and that it does not; which one?",
            field="feedback",
            attribute=both[0],
        )
    if not more and not less:
        raise FeedbackUnclear(
            f"what shall count more or less? For example: {EXAMPLES}", field="feedback"
        )
    return dict.fromkeys(more, True) | dict.fromkeys(less, False)


def _found(phrases: tuple[str, ...], said: str) -> bool:
    """Whether one of the phrases is there.

    Raises:
        FeedbackUnclear: it is, behind a "not".
    """
    match = re.search(rf"\b(?:{'|'.join(phrases)})\b", said)
    if match is None:
        return False
    if _NEGATED.search(said[: match.start()]):
        raise FeedbackUnclear(
            f"say it without a negation: what shall count more or less? For example: {EXAMPLES}",
            field="feedback",
        )
    return True


def adjusted(weights: Weights, said: dict[Quality, bool]) -> Weights:
    """Weights after one piece of feedback."""
    values = asdict(weights)
    for quality, more in said.items():
        value = values[quality] * (2 if more else 0.5)
        values[quality] = min(WEIGHT_MAX, max(1 / WEIGHT_MAX, value))
    return replace(weights, **values)


class _Kept(BaseModel):
    model_config = ConfigDict(extra="forbid")

    cost: float = Field(default=1, ge=1 / WEIGHT_MAX, le=WEIGHT_MAX)
    risk: float = Field(default=1, ge=1 / WEIGHT_MAX, le=WEIGHT_MAX)
    utilisation: float = Field(default=1, ge=1 / WEIGHT_MAX, le=WEIGHT_MAX)
    said: list[str] = Field(default_factory=list, max_length=HISTORY_MAX)


class Memory:
    """One operator's feedback, in the state folder."""

    def __init__(self, home: Home, operator: str) -> None:
        self._path: Path = home.root / "plans" / f"feedback-{symbol(operator)}.json"

    def weights(self) -> Weights:
        """What was learned from all feedback so far.

        Raises:
            EntenteError: the file is damaged; it says where it is.
        """
        kept = self._read()
        return Weights(kept.cost, kept.risk, kept.utilisation)

    def add(self, text: str) -> Weights:
        """Take a piece of feedback to heart; what cannot be understood changes nothing.

        Raises:
            FeedbackUnclear: as `understood`.
        """
        kept = self._read()
        before = Weights(kept.cost, kept.risk, kept.utilisation)
        after = adjusted(before, understood(text))
        body = {**asdict(after), "said": [*kept.said, line(text)][-HISTORY_MAX:]}
        self._path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        new = self._path.with_suffix(".new")
        write_private(new, json.dumps(body, indent=2) + "\n")
        new.replace(self._path)
        return after

    def _read(self) -> _Kept:
        try:
            return _Kept.model_validate_json(self._path.read_bytes())
        except FileNotFoundError:
            return _Kept()
        except (OSError, ValidationError):
            raise EntenteError(
                f"{self._path} cannot be read; remove it to forget all feedback"
            ) from None
