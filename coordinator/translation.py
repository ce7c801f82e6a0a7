"""The one answer to "what does this sentence mean?": typed, versioned, the same on every surface.

The command line prints it, HTTP publishes it as OpenAPI, files carry it. It is made from an
`Interpretation` by one pure function, so that no surface can say more than was understood.
"""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated, Final, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

from coordinator import limits
from coordinator.model import (
    Action,
    Interpretation,
    Neighbour,
    Preference,
    Service,
    Source,
    TypeLabel,
)
from coordinator.profile import nest, service_profile, service_profile_json
from coordinator.profile_schema import ServiceProfileJson
from domains.errors import InvalidRequest

SCHEMA_VERSION: Final = 1
"""Raised when a key goes or changes its meaning; a new key alone does not raise it."""

Value = Annotated[float, Field(allow_inf_nan=False)] | str
Weight = Annotated[float, Field(ge=0, le=1)]
Similarity = Annotated[float, Field(allow_inf_nan=False)]

_SUM_ERROR_MAX = 1e-6


class _Published(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class PreferenceWeights(_Published):
    """What matters to the tenant; the four weights sum to 1."""

    latency: Weight
    reliability: Weight
    throughput: Weight
    economics: Weight

    @model_validator(mode="after")
    def _sums_to_one(self) -> PreferenceWeights:
        total = self.latency + self.reliability + self.throughput + self.economics
        if abs(total - 1) > _SUM_ERROR_MAX:
            raise ValueError("the weights of a preference sum to 1")
        return self


class StatedValue(_Published):
    """A value of the tenant's own, and the words that say it: `text[start:end]`.

    `start` and `end` count Unicode characters, from 0.
    """

    key: str
    value: Value
    words: str
    start: Annotated[int, Field(ge=0)]
    end: Annotated[int, Field(ge=0)]


class AddedValue(_Published):
    """A value that the tenant did not state, and why it stands.

    `source` is "inferred" where a clause of a standard gives it, "default" where it is our
    own assumption; `clause` says which clause, or why it was assumed.
    """

    key: str
    value: Value
    source: Literal[Source.INFERRED, Source.DEFAULT]
    clause: str


class TranslatedService(_Published):
    """One service of a request.

    `constraints` has what the text states and nothing else, under keys that end in their unit.
    `nest` is the filled template by the labels of GSMA NG.116, `service_profile` the JSON of
    3GPP TS 28.541; both are null where a value is still in question.
    """

    name: str
    slice_type: TypeLabel
    preference: PreferenceWeights
    constraints: dict[str, Value]
    inferred: list[AddedValue]
    evidence: list[StatedValue]
    nest: dict[str, int | Value] | None
    service_profile: ServiceProfileJson | None


class RetrievedNeighbour(_Published):
    """Something stored that means nearly the same, which the answer was grounded on."""

    text: str
    source: str
    slice_type: TypeLabel
    preference: PreferenceWeights
    similarity: Similarity
    weight: Similarity
    outcome: str


class Translation(_Published):
    """What a sentence asks for. `questions` are open where `action` is "clarify"."""

    schema_version: Literal[1] = SCHEMA_VERSION
    action: Action
    services: Annotated[list[TranslatedService], Field(max_length=limits.SERVICES_MAX)]
    questions: list[str]
    engine: str
    neighbours: list[RetrievedNeighbour]
    explanation: str


def translation(found: Interpretation, default_area: str) -> Translation:
    """An interpretation as it is published.

    A value that no profile can hold becomes a question, and the request one to clarify.

    Args:
        default_area: where devices are when no place is named.
    """
    services, problems = [], []
    for service in found.services:
        translated, problem = _service(service, default_area)
        services.append(translated)
        problems += [problem] if problem and not found.questions else []
    create = found.action is Action.CREATE
    return Translation(
        action=Action.CLARIFY if problems and create else found.action,
        services=services,
        questions=[*found.questions, *problems],
        engine=found.engine,
        neighbours=[_neighbour(item) for item in found.neighbours],
        explanation=found.explanation,
    )


def _service(service: Service, default_area: str) -> tuple[TranslatedService, str | None]:
    """One service, and the question that its values raise, if any."""
    stated = [item for item in service.evidence if item.source is Source.STATED]
    constraints = {item.key: item.value for item in reversed(stated)}  # the first of each key
    problem: str | None = None
    filled: dict[str, int | Value] | None = None
    document: ServiceProfileJson | None = None
    try:
        profile = service_profile(service, default_area)
    except InvalidRequest as error:
        problem = f"{error.message}. Which value should it be?"
    else:
        if all(constraints[item.key] == item.value for item in stated):
            filled = dict(nest(profile))
            document = ServiceProfileJson.model_validate(service_profile_json(profile))
    return (
        TranslatedService(
            name=service.name,
            slice_type=service.slice_type.label,
            preference=weights(service.preference),
            constraints=dict(reversed(constraints.items())),
            inferred=[
                AddedValue(key=item.key, value=item.value, source=item.source, clause=item.clause)
                for item in service.evidence
                if item.source is not Source.STATED
            ],
            evidence=[
                StatedValue(
                    key=item.key,
                    value=item.value,
                    words=item.words,
                    start=item.start,
                    end=item.end,
                )
                for item in stated
            ],
            nest=filled,
            service_profile=document,
        ),
        problem,
    )


def weights(preference: Preference) -> PreferenceWeights:
    """The weights as published: rounding by whoever made them is taken from the heaviest."""
    shares = asdict(preference)
    heaviest = max(shares, key=shares.__getitem__)
    others = sum(share for name, share in shares.items() if name != heaviest)
    return PreferenceWeights(**{**shares, heaviest: round(1 - others, 12)})


def _neighbour(item: Neighbour) -> RetrievedNeighbour:
    return RetrievedNeighbour(
        text=item.text,
        source=item.source,
        slice_type=item.slice_type.label,
        preference=weights(item.preference),
        similarity=item.similarity,
        weight=item.weight,
        outcome=item.outcome,
    )
