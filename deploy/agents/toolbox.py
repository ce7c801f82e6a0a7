"""What the names of tools in `agents.yaml` stand for: each does one thing."""

from __future__ import annotations

import contextlib
import shutil
import uuid
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final, TypeVar

from coordinator.descriptors import SliceDescription, files
from deploy.agents.errors import ToolFailed
from deploy.agents.experiments import LEVELS_PERMILLE, SEEDS, Experiment, Progress, prepare
from deploy.agents.monitoring import Monitored, monitored
from deploy.agents.observing import observations
from deploy.agents.recommending import Candidate, Recommendation, candidates, recommendations
from deploy.agents.requirements import Requirements
from deploy.agents.runner import Tool, Undo
from deploy.client import Order, Show, Tenant
from deploy.export import described, write
from deploy.home import Home
from deploy.operator import Desk
from deploy.plain import Plain
from domains.descriptors.tosca import symbol
from domains.errors import EntenteError, Refused
from domains.operations import Action

NAMES: Final = (
    "slicenet-preparer",
    "slicenet",
    "chooser",
    "nsi-deployer",
    "nsi-preparer",
    "resource-deployer",
    "resource-manager",
)
PLANNED_ACTIONS: Final = frozenset({Action.MONITOR.value, Action.START.value})
"""What a plan may tell the resource manager; the rest is for `entente functions`."""
PERSON_S_MAX: Final = 1_800.0
"""How long a person may think about recommendations."""

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Prepared:
    """Experiments, and the candidates that they are for."""

    wanted: Requirements
    candidates: tuple[Candidate, ...]
    experiments: tuple[Experiment, ...]


@dataclass(frozen=True, slots=True)
class Modelled:
    """What the operator chooses from; not ranked yet."""

    wanted: Requirements
    recommendations: tuple[Recommendation, ...]


@dataclass(frozen=True, slots=True)
class Instance:
    """An active slice as the tenant's API shows it, with the domains that carry it."""

    slice: Plain
    views: Sequence[Plain]


@dataclass(frozen=True, slots=True)
class Described:
    """Its descriptors, written."""

    instance: Instance
    description: SliceDescription
    folder: Path
    files: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Functions:
    """Every network function that is described, and whether an instance of it runs."""

    described: Described
    running: Mapping[str, bool]


Chooser = Callable[[Modelled], Awaitable[Recommendation]]


class Toolbox:
    """The tools of one plan.

    Args:
        out: where experiments and descriptors go.
        desks: the operators' lines to the domains that run here; none for those elsewhere.
        show: called with each event of the order; progress: while slicenet runs.
    """

    def __init__(
        self,
        tenant: Tenant,
        home: Home,
        out: Path,
        chooser: Chooser,
        desks: Mapping[str, Desk],
        show: Show | None = None,
        progress: Progress = lambda done, of: None,
        levels: Sequence[int] = LEVELS_PERMILLE,
        seeds: Sequence[int] = SEEDS,
    ) -> None:
        self._tenant, self._home, self._out = tenant, home, out
        self._chooser, self._desks, self._show = chooser, desks, show
        self._levels, self._seeds, self._progress = levels, seeds, progress
        self.undo_with: Callable[[Undo], None] = lambda _: None

    def tools(self) -> dict[str, Tool]:
        """Name -> tool."""
        return {
            "slicenet-preparer": Tool(self._prepare, 60.0),
            "slicenet": Tool(self._simulate, 180.0),
            "chooser": Tool(self._choose, PERSON_S_MAX),
            "nsi-deployer": Tool(self._deploy, 130.0),
            "nsi-preparer": Tool(self._describe, 30.0),
            "resource-deployer": Tool(self._instances, 60.0),
            "resource-manager": Tool(self._manage, 60.0, PLANNED_ACTIONS),
        }

    async def _prepare(self, value: object, action: str) -> Prepared:
        wanted = _given(value, Requirements, "slicenet-preparer")
        found = await candidates(self._tenant, wanted, self._levels)
        levels = sorted({candidate.level_permille for candidate in found})
        return Prepared(wanted, found, prepare(wanted.service, self._out / "experiments", levels))

    async def _simulate(self, value: object, action: str) -> Modelled:
        given = _given(value, Prepared, "slicenet")
        seen = await observations(self._home, given.experiments, self._seeds, self._progress)
        found = recommendations(given.candidates, given.experiments, seen, given.wanted)
        return Modelled(given.wanted, found)

    async def _choose(self, value: object, action: str) -> Candidate:
        chosen = await self._chooser(_given(value, Modelled, "chooser"))
        return chosen.candidate

    async def _deploy(self, value: object, action: str) -> Instance:
        candidate = _given(value, Candidate, "nsi-deployer")
        request_id = str(uuid.uuid4())
        self.undo_with(lambda: self._abandon(candidate, request_id))
        order = await self._tenant.order([candidate.service], request_id)
        order = await self._tenant.settle(order, self._show)
        if order.error is not None:
            raise order.error
        (active,) = order.slices
        return Instance(active, await self._tenant.domains())

    async def _abandon(self, candidate: Candidate, request_id: str) -> None:
        """Whatever became of an order: afterwards nothing of it is left."""
        order = await self._tenant.order([candidate.service], request_id)  # the same one again
        if not order.settled:
            with contextlib.suppress(EntenteError):  # it was decided meanwhile
                await self._tenant.cancel(order)
            order = await self._tenant.settle(order)
        for name in _active(order):
            await self._tenant.settle(await self._tenant.terminate(name, "the plan failed"))

    async def _describe(self, value: object, action: str) -> Described:
        instance = _given(value, Instance, "nsi-preparer")
        description = described(instance.slice, instance.views)
        folder = self._out / "descriptors" / symbol(description.slice_id)

        async def remove() -> None:
            shutil.rmtree(folder, ignore_errors=True)

        made = files(description)
        if not folder.exists():  # what was there before is not ours to take back
            self.undo_with(remove)
        write(made, folder)
        return Described(instance, description, folder, tuple(sorted(made)))

    async def _instances(self, value: object, action: str) -> Functions:
        given = _given(value, Described, "resource-deployer")
        running: dict[str, bool] = {}
        for part in given.description.parts:
            here = set[str]()
            if part.domain in self._desks:
                name = given.instance.slice["name"]
                segments = await self._desks[part.domain].operate(Action.START, name)
                here = {f["name"] for s in segments for f in s["functions"] if f["running"]}
            running |= {f"{part.domain}/{f.name}": f.name in here for f in part.functions}
        missing = [name for name, runs in running.items() if not runs and self._desks]
        if missing:
            raise Refused(f"described, and not running: {', '.join(missing)}", requested=missing)
        return Functions(given, running)

    async def _manage(self, value: object, action: str) -> Monitored:
        given = _given(value, Functions, "resource-manager")
        name = given.described.instance.slice["name"]
        return await monitored(self._desks, name, Action(action or Action.MONITOR))


def _given(value: object, kind: type[T], tool: str) -> T:
    """A tool's input; the file may have joined tools that do not fit."""
    if not isinstance(value, kind):
        raise ToolFailed(
            f"{tool} was given {type(value).__name__}; it works on {kind.__name__}: the names of "
            "its input in the file of agents leads to the wrong tool",
            tool=tool,
        )
    return value


def _active(order: Order) -> list[str]:
    return [found["name"] for found in order.slices if found["state"] == "activated"]
