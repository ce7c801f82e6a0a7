"""The whole of step 1 put together: rules, memory and, where there is one, a language model.

Whoever has the embedded store open is its one owner: the coordinator. The HTTP service keeps the
catalogue in its own memory and asks the coordinator for what a tenant lived through (`Recall`).
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from coordinator.intent import Interpreter
from coordinator.intent.llm import model_engine
from coordinator.intent.rules import RulesInterpreter
from coordinator.intent.settings import EngineName, EngineSettings
from coordinator.model import Interpretation
from domains.errors import InvalidRequest, NotFound

if TYPE_CHECKING:
    from coordinator.intent.memory import Memory
    from coordinator.intent.retrieval import Recall

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Engine:
    """One per process.

    Attributes:
        name: what reads; note: why it is less than was wanted, or "".
        of: what reads the sentences of a tenant, by its name; quick.
        memory: where outcomes are written back; None without one of one's own.
        close: lets go of the store.
    """

    name: EngineName
    note: str
    of: Callable[[str], Interpreter]
    memory: Memory | None
    close: Callable[[], None]


def open_engine(
    settings: EngineSettings, recall: Recall | None = None, now: Callable[[], float] = time.time
) -> Engine:
    """Load the encoder, open the store, put the catalogue in: half a second of work.

    Args:
        recall: asks somebody else for a tenant's experience; the store is then the catalogue only.

    Raises:
        InvalidRequest: the model's engine is wanted, and no model is named.
        NotFound: what is wanted is not installed; the message says how to get it.
        WrongState: another process has the folder, or it is from another encoder.
        Unreachable: the vector store's server does not answer.
    """
    if settings.name is EngineName.LLM and settings.llm is None:
        raise InvalidRequest(
            "the model's engine needs a model: --llm-url URL --llm-model NAME, or --llm MODEL",
            field="engine",
        )
    base = _base(settings, recall, now)
    if settings.llm is None or settings.name not in (None, EngineName.LLM):
        return base
    model = model_engine(settings.llm)
    return replace(base, name=EngineName.LLM, of=lambda tenant: model.over(base.of(tenant)))


def _base(settings: EngineSettings, recall: Recall | None, now: Callable[[], float]) -> Engine:
    """Retrieval, or the rules alone where that is wanted, or where nothing more can be had."""
    if settings.name is EngineName.RULES:
        return _rules("")
    try:
        return _retrieval(settings, recall, now)
    except NotFound as missing:
        if settings.name is EngineName.RETRIEVAL:
            raise
        log.warning("rules alone read what tenants write: %s", missing.message)
        return _rules(f"rules alone, without memory: {missing.message}")


def _retrieval(settings: EngineSettings, recall: Recall | None, now: Callable[[], float]) -> Engine:
    from coordinator.intent import encoder
    from coordinator.intent.memory import Memory
    from coordinator.intent.retrieval import RetrievalInterpreter
    from coordinator.intent.store import open_store

    model = encoder.load(settings.encoder)
    store = open_store(model.dimension, settings.folder, settings.qdrant_url, settings.qdrant_key)
    own = Memory(store, model, now) if recall is None else None
    reading = RetrievalInterpreter(RulesInterpreter(), store, model, own, recall)
    return Engine(EngineName.RETRIEVAL, "", reading.of, own, store.close)


def _rules(note: str) -> Engine:
    rules: Interpreter = RulesInterpreter()
    shared = Noted(rules, note) if note else rules
    return Engine(EngineName.RULES, note, lambda tenant: shared, None, lambda: None)


@dataclass(frozen=True, slots=True)
class Noted:
    """An `Interpreter` that says in every answer why it is less than it could be."""

    interpreter: Interpreter
    note: str

    def interpret(self, text: str, areas: Sequence[str]) -> Interpretation:
        """See `Interpreter.interpret`."""
        said = self.interpreter.interpret(text, areas)
        return replace(said, explanation="; ".join(filter(None, (said.explanation, self.note))))
