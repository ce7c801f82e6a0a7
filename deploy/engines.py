"""What reads sentences: the engines that a command line or a service can name."""

from __future__ import annotations

from enum import StrEnum

from coordinator.intent import Interpreter
from deploy.web.readers import Interpreters


class Engine(StrEnum):
    """How sentences are understood."""

    RULES = "rules"


def interpreter(engine: Engine) -> Interpreter:
    """A new interpreter of this kind; keep it, as making one may load a model."""
    match engine:
        case Engine.RULES:
            from coordinator.intent.rules import RulesInterpreter

            return RulesInterpreter()


def interpreters(engine: Engine) -> Interpreters:
    """An interpreter for each tenant; rules know no tenants, so all share one."""
    shared = interpreter(engine)
    return lambda tenant: shared
