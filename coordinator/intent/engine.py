"""The whole of step 1 put together: rules, memory and, where there is one, a language model."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from coordinator.intent import Interpreter, encoder
from coordinator.intent.llm import LlmSettings, model_engine
from coordinator.intent.memory import Memory
from coordinator.intent.retrieval import RetrievalInterpreter, TenantInterpreter
from coordinator.intent.rules import RulesInterpreter
from coordinator.intent.store import open_store


@dataclass(frozen=True, slots=True)
class EngineSettings:
    """How sentences are understood.

    Attributes:
        folder: of the embedded memory; one process may have it open. None: in memory only.
        qdrant_url: a server instead, which several processes share.
        encoder: `encoder.DEFAULT`, or the name of a sentence-transformers model.
        llm: None for no language model.
    """

    folder: Path | None = None
    qdrant_url: str = ""
    qdrant_key: str = ""
    encoder: str = encoder.DEFAULT
    llm: LlmSettings | None = None


class Engine:
    """One per process; gives each tenant its interpreter and its memory."""

    def __init__(self, settings: EngineSettings, now: Callable[[], float] = time.time) -> None:
        """Load the encoder, open the store, put the catalogue in.

        Raises:
            NotFound: something of the extra "intents" is not installed; the message says what.
            WrongState: another process has the folder, or it is from another encoder.
            Unreachable: the vector store's server does not answer.
        """
        model = encoder.load(settings.encoder)
        self._store = open_store(
            model.dimension, settings.folder, settings.qdrant_url, settings.qdrant_key
        )
        self._retrieval = RetrievalInterpreter(
            RulesInterpreter(), self._store, model, Memory(self._store, model, now)
        )
        self._llm = model_engine(settings.llm) if settings.llm else None

    def __call__(self, tenant: str) -> Interpreter:
        """What reads the sentences of `tenant`."""
        reader = self.remembering(tenant)
        return self._llm.over(reader) if self._llm else reader

    def remembering(self, tenant: str) -> TenantInterpreter:
        """The same without the language model; its `learn` writes outcomes back."""
        return self._retrieval.of(tenant)

    def close(self) -> None:
        """Let go of the store."""
        self._store.close()
