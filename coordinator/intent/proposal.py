"""What a language model may say about a sentence: typed, bounded, and without a single number.

A value is a key and the tenant's own words for it; code reads the number from the words. Services
go by the catalogue's names. There is no action, no tenant and no slice to name: what the schema
cannot express, no model can be talked into.
"""

from __future__ import annotations

import json
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from coordinator.intent.catalogue import Quality
from coordinator.intent.outcomes import normalised
from coordinator.intent.services import BY_NAME
from coordinator.model import Preference, SliceType

SERVICES_PROPOSED_MAX = 4
VALUES_PROPOSED_MAX = 8
WORDS_CHARACTERS_MAX = 60
QUESTION_CHARACTERS_MAX = 160

KEYS = (
    "latency_ms", "rtt_ms", "jitter_ms", "availability_pct", "reliability_pct", "packet_loss_pct",
    "mbps", "dl_mbps", "ul_mbps", "per_ue_mbps", "per_ue_dl_mbps", "per_ue_ul_mbps", "num_ues",
    "density_per_km2", "speed_kmh", "duration_h", "battery_years",
)  # fmt: skip
_NAMES = tuple(BY_NAME)
_LABELS = tuple(kind.label for kind in SliceType)
Weight = Literal[0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10]


def _short(limit: int) -> Any:
    """A string's limit, as an engine is told it; twice as much is read, as some miscount.

    A grammar counts characters while a vocabulary of bytes can break them: vLLM 0.32 with
    xgrammar 0.2 was seen to overshoot, and to let raw control characters through.
    """
    return Field(max_length=2 * limit, json_schema_extra={"maxLength": limit})


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Weights(_Strict):
    """How much each quality matters, 0 to 10."""

    latency: Weight
    reliability: Weight
    throughput: Weight
    economics: Weight

    def preference(self) -> Preference:
        """The weights, made to sum to 1."""
        return normalised({quality: getattr(self, quality.value) for quality in Quality})


class Quote(_Strict):
    """One stated value: what it is of, and the tenant's exact words."""

    key: Literal[KEYS]  # type: ignore[valid-type]  # the tuple is the one list of keys
    words: Annotated[str, _short(WORDS_CHARACTERS_MAX)]


class ProposedService(_Strict):
    """One service; `name` is one of the catalogue's."""

    name: Literal[_NAMES]  # type: ignore[valid-type]
    slice_type: Literal[_LABELS]  # type: ignore[valid-type]
    preference: Weights
    values: Annotated[list[Quote], Field(max_length=VALUES_PROPOSED_MAX)]

    def kind(self) -> SliceType:
        """The slice type that the label stands for."""
        return next(kind for kind in SliceType if kind.label == self.slice_type)


class Proposal(_Strict):
    """A model's reading of one sentence; `question` is empty where nothing is unclear."""

    services: Annotated[list[ProposedService], Field(max_length=SERVICES_PROPOSED_MAX)]
    question: Annotated[str, _short(QUESTION_CHARACTERS_MAX)]


def parse(answer: str) -> Proposal:
    """A model's answer as a proposal.

    Control characters inside strings do no harm here and are let through.

    Raises:
        ValueError: it is not JSON, or not of the schema.
    """
    try:
        return Proposal.model_validate(json.loads(answer, strict=False), strict=True)
    except ValidationError as error:
        raise ValueError(f"{error.error_count()} errors against the schema") from None
    except (ValueError, RecursionError):
        raise ValueError("no JSON") from None
