"""Whether a text asks a network for slices: rules first, the heads where these are unsure."""

from __future__ import annotations

import re
from collections.abc import Sequence

from coordinator.intent import requests
from coordinator.intent.doubts import doubts
from coordinator.intent.guard import Text
from coordinator.intent.heads import Heads, Speech, is_aside, is_request
from coordinator.intent.pieces import Piece
from coordinator.intent.quantity import Quantity
from coordinator.model import Action, Interpretation

_EXAMPLE = 'for example "video calls for 200 users in Berlin" or "robot control within 10 ms"'
_TERSE = 7
"""Words of a text that is rather a list of key words than a sentence."""
_PLAIN = 2.0
"""The weight of a service that is named by more than one word."""
_CLEARLY = 0.9
"""How sure the heads must be of a request whose service no word names."""
_MINE = re.compile(r"\b(?:my|our|this|that|existing)\b|\d")
"""What the tenant calls its own, or by its number."""
_OF_ANYTHING = frozenset(("num_ues", "duration_h", "speed_kmh", "price_eur_per_h"))
"""What people also count, price and time when they speak of something else."""
_UNCLEAR = re.compile(r"\b(?:something|anything|stuff|some kind of)\b")
_TOLD = re.compile(
    r"\b(?:learn(?:ed|t)|heard|told|said|announced|published|visited|lecture|article|newspaper|paper|study|book"
    r"|yesterday|last (?:week|night|monday|year))\b"
)
"""What is only told asks for nothing, whatever the numbers."""
NO_REQUEST = "this does not ask for a network slice"
_DOUBTFUL = "this may be no request for a network slice"
FORBIDDEN = "this asks for what no tenant may ask for"


def refusal(
    text: Text, parts: Sequence[Piece], found: Sequence[Quantity], cut: int, heads: Heads | None
) -> Interpretation | None:
    """Why a text is no request for slices, or None where it is one.

    Args:
        cut: how many parts of it asked for what no tenant may ask for.
    """
    folded = text.folded
    named = any(part.kind is not None for part in parts)
    networked = [item for item in found if item.key not in _OF_ANYTHING]
    asks, known = requests.asks(folded), requests.network_words(folded)
    if requests.is_gibberish(folded) and not (named or networked):
        return rejected(NO_REQUEST)
    aside = requests.is_off_topic(
        folded, network_words=known, measured=bool(networked), named=named, counted=bool(found)
    )
    demands = requests.demands(folded)
    plain = demands and (networked or any(part.weight >= _PLAIN for part in parts)) and not aside
    if heads is not None and not plain:
        speech = heads.speech(folded.strip())
        brief = len(folded.split()) <= _TERSE
        terse = brief and any(part.speech.concrete for part in parts)
        # What only a network can be asked for was stated: heads may not overrule that.
        doubted = is_aside(speech, doubtful=aside, terse=terse) and not (
            networked and (demands or brief or not (aside or _TOLD.search(folded)))
        )
        if doubted and cut:  # nothing but the forbidden, and words around it
            return rejected(FORBIDDEN)
        if doubted and not aside:  # only the heads think so: the tenant may explain
            return clarify([f"What is the service, and what does it need: {_EXAMPLE}?"], _DOUBTFUL)
        aside = doubted
        named = named or (
            is_request(speech)
            and (
                bool(found)
                or speech[Speech.REQUEST] >= _CLEARLY
                or any(part.hinted for part in parts)
            )
        )
    if aside:
        return rejected(NO_REQUEST)
    if cut and not named and not found:
        return rejected(FORBIDDEN)
    sector = any(hit.meaning.sector for part in parts for hit in part.speech.entries)
    firm = any(part.speech.firm for part in parts)
    meant = sector and known and not _UNCLEAR.search(folded)
    if named or firm or networked or meant or (found and (sector or known)):
        return None
    if odd := list(doubts(text, list(found))):
        return clarify([doubt.question for doubt in odd], "some numbers cannot be meant")
    if known or sector or asks or any(part.speech.cues for part in parts):
        return clarify([f"What is the service, and what does it need: {_EXAMPLE}?"], "too vague")
    return rejected(NO_REQUEST)


def is_trap(text: Text, command: requests.Kind, heads: Heads | None) -> bool:
    """Whether a command only looks like one about the tenant's own slices."""
    if heads is None or (command.target and _MINE.search(text.folded[slice(*command.target)])):
        return False
    return is_aside(heads.speech(text.folded.strip()))


def clarify(questions: Sequence[str], explanation: str) -> Interpretation:
    """No services, but questions."""
    return Interpretation(Action.CLARIFY, (), tuple(questions), explanation)


def rejected(explanation: str) -> Interpretation:
    """No services and nothing to ask."""
    return Interpretation(Action.REJECT, (), (), explanation)
