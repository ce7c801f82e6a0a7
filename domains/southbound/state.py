"""What the netns driver keeps of a segment."""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import dataclass, field

from domains.southbound.driver import Deployment, FunctionSpec, RunState
from domains.southbound.plumbing import Counters, Namespace
from domains.southbound.processes import AgentProcess


@dataclass(slots=True)
class Function:
    spec: FunctionSpec
    copies: list[tuple[AgentProcess, int]] = field(default_factory=list)
    """Each with the port at which it answers probes."""


@dataclass(frozen=True, slots=True)
class Mark:
    """Where the last measurement left off.

    `up` and `down` are as the trunk counts; `near` and `far` the bytes that the interface at that
    end has received and sent.
    """

    at_s: float
    monotonic_s: float
    up: Counters
    down: Counters
    near: tuple[int, int]
    far: tuple[int, int]
    cpu_s: float


@dataclass(slots=True)
class Segment:
    number: int
    deployment: Deployment
    near: AgentProcess
    far: AgentProcess
    near_links: Namespace
    far_links: Namespace
    undo: ExitStack
    functions: list[Function] = field(default_factory=list)
    state: RunState = RunState.RUNNING
    mark: Mark | None = None
    sender: AgentProcess | None = None
