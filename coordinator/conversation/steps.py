"""The conversation as a state machine: pure, so that it can be replayed and checked.

`heard` takes what the tenant says; `quoted`, `ordered`, `listed` and `failed` take what came of an
effect; `resumed` says which effect an interrupted conversation still owes.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from coordinator.conversation import answers, telling
from coordinator.conversation.answers import Answer
from coordinator.conversation.model import (
    AskQuote,
    Conversation,
    Effect,
    Failed,
    ListSlices,
    MadeSlice,
    Phase,
    PlaceOrder,
    Question,
    Quote,
    Reply,
    ReplyKind,
    Said,
    Step,
)
from coordinator.limits import SERVICES_MAX
from coordinator.model import Action, Evidence, Interpretation, Service, ServiceProfile, Source
from coordinator.profile import service_profile
from domains.errors import InvalidRequest, Overloaded, StoreFailed, Unreachable

AGAIN = frozenset({Unreachable.reason, Overloaded.reason, StoreFailed.reason})
"""No answer, so the outcome is unknown: the same effect is tried again with the next message."""
CHANGED = frozenset({"RELAXATION_NEEDED", "OVERTAKEN", "OFFER_CHANGED"})
"""What was shown is gone: find out what can be had now, and show that."""


# -- the tenant speaks -------------------------------------------------------------------------


def heard(talk: Conversation, said: Said) -> Step:
    """Take a message of the tenant."""
    talk = replace(talk, turns=talk.turns + 1)
    if effect := resumed(talk):
        return Step(talk, (_said("I look again at what came of it."),), effect)
    answer = answers.short_answer(said.text)
    if talk.phase is Phase.QUOTED and answer is Answer.YES:
        talk = replace(talk, phase=Phase.ORDERING, orders=talk.orders + 1)
        return Step(talk, (_said("Ordering exactly that."),), resumed(talk))
    if talk.phase is Phase.QUOTED and answer is Answer.NO:
        talk = replace(talk, phase=Phase.OPEN, offered=())
        return Step(talk, (_said("Nothing is ordered. What should be different?"),))
    if talk.questions:
        return _answered(talk, said, answer)
    if answer is not None:
        return Step(talk, (_said(_nothing_asked(talk)),))
    return _requested(talk, said)


def resumed(talk: Conversation) -> Effect | None:
    """What was under way when the conversation was interrupted."""
    match talk.phase:
        case Phase.QUOTING:
            return AskQuote(talk.offered)
        case Phase.ORDERING:
            words = tuple(service.words for service in talk.services)
            return PlaceOrder(talk.orders, talk.offered, words if all(words) else ())
    return None


def _nothing_asked(talk: Conversation) -> str:
    if talk.services:
        return "Say what should be different, for example: at most 20 ms."
    return 'Say what you need, for example: "video calls for 200 users in Berlin".'


def _requested(talk: Conversation, said: Said) -> Step:
    """Words that answer no question: a request, a change of the draft, or neither."""
    found = said.heard
    if answers.is_change(said.text, found, talk.services) and (changes := _changes(talk, said)):
        return _changed(talk, said, changes)
    place = None if found.services else answers.named_place(said.text, said.areas)
    if talk.services and place:
        moved = (_evidence(talk, said, "origin", place),)
        services = [answers.amended(service, moved) for service in talk.services]
        return _advanced(_with(talk, said, services), said)
    match found.action:
        case Action.CREATE | Action.CLARIFY:
            return _begun(talk, said, found, said.text)
        case Action.QUERY:
            return Step(talk, (), ListSlices())
        case Action.MODIFY | Action.TERMINATE:
            return Step(talk, (_said(telling.lifecycle(found.action, bool(talk.services))),))
    if talk.services:
        return Step(talk, (_said("I did not understand that. " + _nothing_asked(talk)),))
    reason = found.explanation or "this asks for no slice"
    return Step(talk, (Reply(ReplyKind.REFUSED, reason, {"reason": "NOT_A_SLICE_REQUEST"}),))


def _begun(talk: Conversation, said: Said, found: Interpretation, words: str) -> Step:
    """A request of its own; beside the draft where it says "also"."""
    services, shift = found.services, 0
    kept: tuple[Service, ...] = ()
    if talk.services and found.services and answers.is_addition(said.text):
        kept, shift = talk.services, len(talk.words) + 1
        words = f"{talk.words}\n{words}"
    services = (*kept, *answers.shifted(services, shift))
    if len(services) > SERVICES_MAX:
        text = f"That would be {len(services)} services; {SERVICES_MAX} can be had at once."
        return Step(talk, (_said(text),))
    asked = tuple(_question_of(text, services) for text in found.questions)
    draft = replace(
        talk,
        phase=Phase.OPEN,
        words=words,
        engine=found.engine,
        services=_distinct(services),
        questions=asked,
        settled=talk.settled if kept else (),
        offered=(),
    )
    return _advanced(draft, said)


Change = tuple[str, tuple[Evidence, ...]]
"""The service that words name, or "", and its new values."""


def _changes(talk: Conversation, said: Said) -> list[Change]:
    """What a message changes; spans index into the words with this message at their end."""
    start = len(talk.words) + 1
    named = [
        (service.name, answers.stated([service]))
        for service in answers.shifted(said.heard.services, start)
    ]
    unnamed = answers.moved(answers.unnamed_values(said.text, said.heard), start)
    return [(name, values) for name, values in (*named, ("", unnamed)) if values]


def _changed(talk: Conversation, said: Said, changes: Sequence[Change]) -> Step:
    """New values for the draft: for the service they name, or for the only one there is."""
    services = list(talk.services)
    for name, values in changes:
        index = _meant(services, name)
        if index is None:
            names = " or ".join(f'"{draft.name}: {said.text}"' for draft in services[:2])
            return Step(talk, (_said(f"For which service? Say {names}."),))
        services[index] = answers.amended(services[index], values)
    return _advanced(_with(talk, said, services), said)


def _meant(services: Sequence[Service], name: str) -> int | None:
    if len(services) == 1:
        return 0
    same = [index for index, service in enumerate(services) if service.name == name]
    return same[0] if len(same) == 1 else None


def _with(talk: Conversation, said: Said, services: Sequence[Service]) -> Conversation:
    words = f"{talk.words}\n{said.text}"
    return replace(talk, phase=Phase.OPEN, words=words, services=tuple(services), offered=())


def _distinct(services: Sequence[Service]) -> tuple[Service, ...]:
    """Names within one order differ: the second "video streaming" becomes "... 2"."""
    named: list[Service] = []
    for service in services:
        name, count = service.name, 1
        while any(other.name == name for other in named):
            count += 1
            name = f"{service.name} {count}"
        named.append(replace(service, name=name))
    return tuple(named)


# -- questions ---------------------------------------------------------------------------------


def _answered(talk: Conversation, said: Said, answer: Answer | None) -> Step:
    """Words while a question is open: its answer, or a new request, or neither."""
    question, later = talk.questions[0], talk.questions[1:]
    if answer is Answer.SKIP and _has_default(question):
        settled = (*talk.settled, f"{question.service}/{question.key}")
        return _advanced(replace(talk, questions=later, settled=settled), said)
    if not talk.services:
        return _clarified(talk, said)
    if values := _values(talk, question, said):
        services = [
            answers.amended(service, values) if _is_about(question, service) else service
            for service in talk.services
        ]
        return _advanced(replace(_with(talk, said, services), questions=later), said)
    fresh = not answers.is_change(said.text, said.heard, talk.services)
    if fresh and said.heard.action is Action.CREATE:
        return _begun(talk, said, said.heard, said.text)
    return Step(talk, (_said("I did not understand that."), _asked(question)))


def _clarified(talk: Conversation, said: Said) -> Step:
    """The request was too vague: what was said before and now, together, or now alone."""
    if said.joined is not None and said.joined.action is Action.CREATE:
        return _begun(talk, said, said.joined, f"{talk.words}\n{said.text}")
    if said.heard.action in (Action.CREATE, Action.CLARIFY):
        return _begun(talk, said, said.heard, said.text)
    return Step(talk, (_said("I did not understand that."), _asked(talk.questions[0])))


def _values(talk: Conversation, question: Question, said: Said) -> tuple[Evidence, ...]:
    """What an answer says about what was asked; values besides it count as well."""
    told = tuple(item for _, values in _changes(talk, said) for item in values)
    if not question.key or any(_fits(question.key, item) for item in told):
        return told
    if question.key == "origin":
        value: float | str | None = answers.named_place(said.text, said.areas)
    else:
        value = None if told else answers.bare_number(said.text)
    return () if value is None else (_evidence(talk, said, question.key, value), *told)


def _evidence(talk: Conversation, said: Said, key: str, value: float | str) -> Evidence:
    """A value that the whole message stands for."""
    start = len(talk.words) + 1
    return Evidence(key, value, Source.STATED, said.text, start, start + len(said.text))


def _fits(key: str, item: Evidence) -> bool:
    return item.key == key or answers.same_family(item.key, key)


def _is_about(question: Question, service: Service) -> bool:
    if question.service:
        return service.name == question.service
    return question.key != "origin" or service.value("origin") is None


def _has_default(question: Question) -> bool:
    """Whether the value may be left open: what is contradictory or impossible may not."""
    if question.key == "origin":
        return not question.service
    return question.key == "num_ues"


def _question_of(text: str, services: Sequence[Service]) -> Question:
    """An interpreter's question; it is about the value whose words it quotes."""
    for service in services:
        for item in service.evidence:
            if item.source is Source.STATED and f'"{item.words}"' in text:
                return Question(text, service.name, item.key)
    return Question(text)


def _missing(talk: Conversation, areas: Sequence[str]) -> Question | None:
    """The first thing that only the tenant can know and has not said."""
    for service in talk.services:
        counted = any(item.key == "num_ues" for item in answers.stated([service]))
        if not counted and f"{service.name}/num_ues" not in talk.settled:
            text = f'How many devices will use {service.name}? ("skip" for one)'
            return Question(text, service.name, "num_ues")
    cities = ", ".join(area for area in areas if "/" not in area)
    for service in talk.services:
        origin = service.value("origin")
        if origin is None and "/origin" not in talk.settled:
            text = f'Where are the devices: {cities}? ("skip" to leave it open)'
            return Question(text, "", "origin")
        if origin is not None and areas and origin not in areas:
            text = f'No domain covers "{origin}". Where are the devices: {cities}?'
            return Question(text, service.name, "origin")
    return None


def _advanced(talk: Conversation, said: Said) -> Step:
    """Ask the next question, or find out what can be had."""
    if not talk.questions and talk.services and (missing := _missing(talk, said.areas)):
        talk = replace(talk, questions=(missing,))
    if not talk.questions:
        profiles, problem = _profiles(talk, said.default_area)
        if problem is None:
            return _quoting(talk, profiles, said.default_area)
        talk = replace(talk, questions=(problem,))
    return Step(talk, (_asked(talk.questions[0]),))


def _profiles(
    talk: Conversation, default_area: str
) -> tuple[tuple[ServiceProfile, ...], Question | None]:
    found = []
    for service in talk.services:
        try:
            found.append(service_profile(service, default_area))
        except InvalidRequest as error:
            field = error.metadata.get("field", "")
            return (), Question(f"{error.message}. Which value?", service.name, field)
    return tuple(found), None


def _quoting(talk: Conversation, profiles: tuple[ServiceProfile, ...], default_area: str) -> Step:
    talk = replace(talk, phase=Phase.QUOTING, offered=profiles)
    replies = [telling.understood(talk, default_area)]
    replies += [
        telling.suggestion(service, profile)
        for service, profile in zip(talk.services, profiles, strict=True)
        if answers.is_free(service)
    ]
    return Step(talk, tuple(replies), AskQuote(profiles))


# -- the coordinator answers -------------------------------------------------------------------


def quoted(talk: Conversation, quote: Quote) -> Step:
    """What can be had: shown, and the tenant is asked for a yes."""
    assert talk.phase is Phase.QUOTING, talk.phase
    talk = replace(talk, phase=Phase.QUOTED, offered=quote.profiles)
    return Step(talk, (telling.proposal(quote) if quote.relaxations else telling.quote(quote),))


def ordered(talk: Conversation, made: Sequence[MadeSlice]) -> Step:
    """The slices are there; the next words begin something new."""
    assert talk.phase is Phase.ORDERING, talk.phase
    done = replace(
        talk,
        phase=Phase.ORDERED,
        words="",
        services=(),
        settled=(),
        offered=(),
        slices=(*talk.slices, *(item.name for item in made)),
    )
    return Step(done, (telling.slices(made),))


def listed(talk: Conversation, made: Sequence[MadeSlice]) -> Step:
    """What the tenant has; the draft stays as it is."""
    return Step(talk, (telling.slices(made),))


def failed(talk: Conversation, failure: Failed) -> Step:
    """The effect did not succeed; the draft stays, so that it can be changed and tried again."""
    data = {"reason": failure.reason, "metadata": dict(failure.metadata)}
    if failure.reason in AGAIN:
        text = f"{failure.message.rstrip('.')}. Say anything and I try again."
        return Step(talk, (Reply(ReplyKind.REFUSED, text, data),))
    if talk.phase is Phase.ORDERING and failure.reason in CHANGED:
        talk = replace(talk, phase=Phase.QUOTING)
        text = "What was offered is gone; this is what can be had now."
        return Step(talk, (_said(text),), AskQuote(talk.offered))
    talk = replace(talk, phase=Phase.OPEN, offered=()) if talk.phase.in_flight else talk
    text = f"{failure.message.rstrip('.')}. What should be different?"
    return Step(talk, (Reply(ReplyKind.REFUSED, text, data),))


def _said(text: str) -> Reply:
    return Reply(ReplyKind.SAID, text)


def _asked(question: Question) -> Reply:
    data = {"service": question.service, "key": question.key}
    return Reply(ReplyKind.QUESTION, question.text, data)
