"""Replies in the tenant's words and units, with the same facts as values beside them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from coordinator.conversation.model import Conversation, MadeSlice, Quote, Reply, ReplyKind
from coordinator.model import Action, Interpretation, Service, ServiceProfile, ServiceRelaxation
from coordinator.suggestion import suggested_functions
from coordinator.translation import translation
from coordinator.words import percent, said, said_relaxation
from domains.model import Attribute, Metrics


def lifecycle(action: Action, drafting: bool) -> str:
    """What to do where a message speaks of changing or ending something."""
    if drafting and action is Action.MODIFY:
        return "Say the new value itself, for example: at most 20 ms."
    return f"To {action} a slice, name it by its id: the list of your slices has it."


def understood(talk: Conversation, default_area: str) -> Reply:
    """The draft with its profiles; spans of evidence index into `words`."""
    found = Interpretation(Action.CREATE, talk.services, engine=talk.engine)
    published = translation(found, default_area)
    names = ", ".join(f"{service.name} ({service.slice_type})" for service in published.services)
    data = {"words": talk.words, "translation": published.model_dump(mode="json")}
    return Reply(ReplyKind.UNDERSTOOD, f"Understood: {names}.", data)


def suggestion(service: Service, profile: ServiceProfile) -> Reply:
    """A chain of network functions for what no catalogue entry describes."""
    functions = suggested_functions(profile)
    chain = " - ".join(function.name for function in functions)
    data = {"service": service.name, "functions": [asdict(function) for function in functions]}
    return Reply(
        ReplyKind.SUGGESTION,
        f"{service.name} is in no catalogue; it would run through {chain}.",
        data,
    )


def quote(found: Quote) -> Reply:
    """All of it can be had as asked."""
    lines = [
        f"{profile.name}: {_promised(metrics)}"
        for profile, metrics in zip(found.profiles, found.metrics, strict=True)
    ]
    return Reply(
        ReplyKind.QUOTE, f"This can be had: {'; '.join(lines)}. Shall I order it?", _quote(found)
    )


def proposal(found: Quote) -> Reply:
    """It can be had only if something gives: what, by how much, and whose limit it is."""
    gives = "; ".join(
        f"{item.service}: {said_relaxation(item.relaxation)}"
        f" ({item.domain} can do {said(item.at_domain.attribute, item.at_domain.achievable)})"
        for item in found.relaxations
    )
    total = said(Attribute.PRICE, sum(metrics.price_micros for metrics in found.metrics))
    return Reply(
        ReplyKind.PROPOSAL,
        f"As asked it cannot be had. With {gives} it can, for {total}. Do you agree?",
        {**_quote(found), "relaxations": [_relaxation(item) for item in found.relaxations]},
    )


def slices(made: Sequence[MadeSlice]) -> Reply:
    """Slices as they are now."""
    told = [
        f"{item.service} is {item.state} as {item.name}"
        + (f" ({_promised(item.metrics)})" if item.metrics else "")
        for item in made
    ]
    text = "; ".join(told) + "." if told else "You have no slices."
    return Reply(ReplyKind.SLICES, text, {"slices": [asdict(item) for item in made]})


def _promised(metrics: Metrics) -> str:
    return (
        f"{said(Attribute.LATENCY, metrics.latency_us)} one way, "
        f"{percent(metrics.availability_ppb)}, "
        f"{said(Attribute.DOWNLINK, metrics.downlink_kbps)} down, "
        f"{said(Attribute.UPLINK, metrics.uplink_kbps)} up, "
        f"{said(Attribute.PRICE, metrics.price_micros)}"
    )


def _quote(found: Quote) -> dict[str, Any]:
    return {
        "services": [
            {"name": profile.name, **asdict(metrics)}
            for profile, metrics in zip(found.profiles, found.metrics, strict=True)
        ],
        "price_micros": sum(metrics.price_micros for metrics in found.metrics),
    }


def _relaxation(item: ServiceRelaxation) -> dict[str, Any]:
    return asdict(item)
