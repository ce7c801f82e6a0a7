"""The whole use case over real domains: sentence, simulator, choice, deployment, comparison."""

from __future__ import annotations

import asyncio
import re
import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import yaml

from coordinator.intent.rules import RulesInterpreter
from deploy.account import Account
from deploy.agents import plan as planning
from deploy.agents import spec
from deploy.agents.errors import NotDelivered, ToolFailed, ToolTimedOut
from deploy.agents.feedback import Memory
from deploy.agents.plan import Chooser, Outcome
from deploy.agents.recommending import candidates
from deploy.agents.requirements import read
from deploy.agents.runner import Tool, Undo
from deploy.agents.toolbox import NAMES, Instance, Toolbox
from deploy.certificates import ensure_development_certificates
from deploy.client import Order, Tenant
from deploy.home import Home
from deploy.operator import DESK, Desk
from domains import config
from domains.errors import InvalidRequest
from domains.security import Identity
from tests.federation import HOME, Federation, federation, tenant_id

pytestmark = pytest.mark.timeout(180)  # 5 s each where nothing else runs

SENTENCE = "deploy a slice for video for 20 cameras in Berlin, average utilisation above 75 %"
LEVELS, SEEDS = (800, 900, 1_300), (1,)


@dataclass
class Operator:
    """Plans over one federation, with a state folder of its own."""

    entente: Federation
    tenant: Tenant
    desks: dict[str, Desk]
    folder: Path
    observed: Home

    def chooser(self, choose: int | None = None, *answers: str) -> Chooser:
        said = iter(answers)
        memory = Memory(Home(self.folder), "north")
        picture = self.folder / "picture.png"
        return Chooser(None, memory, picture, choose, (lambda _: next(said)) if answers else None)

    async def plan(
        self, chooser: Chooser, agents: bytes | None = None, choosing: bool = True
    ) -> Outcome:
        file = agents or spec.SHIPPED.read_bytes()
        wanted = read(SENTENCE, RulesInterpreter(), ("berlin", "munich"), "berlin")
        toolbox = Toolbox(
            self.tenant,
            self.observed,
            self.folder / "out",
            chooser,
            self.desks,
            levels=LEVELS,
            seeds=SEEDS,
        )
        return await planning.run(
            spec.parse(file, "agents.yaml", NAMES), wanted, toolbox, chooser, choosing=choosing
        )


@pytest.fixture(scope="module")
def observed(tmp_path_factory: pytest.TempPathFactory) -> Home:
    """Where observations are kept: slicenet runs once for all tests here."""
    return Home(tmp_path_factory.mktemp("observed"))


@asynccontextmanager
async def operator(folder: Path, observed: Home) -> AsyncIterator[Operator]:
    async with federation(folder / "running") as entente:
        assert entente.coordinator is not None
        trust = {n: config.load(path).trust_domain for n, path in entente.configs.items()}
        ids = {name: f"spiffe://{trust[name]}/operator/{DESK}" for name in entente.domains}
        made = ensure_development_certificates(
            folder / "running" / "certificates", list(ids.values()), datetime.now(UTC)
        )
        desks = {
            name: Desk(name, server.address, trust[name], Identity.load(made[ids[name]]))
            for name, server in entente.domains.items()
        }
        identity = Identity.load(entente.identities[tenant_id("clinic")])
        async with Tenant(Account(entente.coordinator.address, HOME, identity)) as tenant:
            yield Operator(entente, tenant, desks, folder, observed)


async def test_a_sentence_becomes_recommendations_then_instances_that_are_measured(
    tmp_path: Path, observed: Home
) -> None:
    async with operator(tmp_path, observed) as north:
        # Words first: they are remembered, and the ranking is shown anew. Then a number.
        chooser = north.chooser(None, "make it blue", "less risk", "9", "1")
        outcome = await north.plan(chooser)

        assert len(outcome.shown) >= 3
        assert outcome.chosen is outcome.shown[0]
        assert outcome.chosen.keeps
        assert outcome.chosen.utilisation_pct >= 75
        best = outcome.shown[0].candidate.service.destination
        found = [one.candidate for one in outcome.shown]
        prices = {c.level_permille: c.price_micros for c in found if c.service.destination == best}
        assert prices[800] <= prices[900] < prices[1_300]
        assert Memory(Home(tmp_path), "north").weights().risk == 2
        assert (tmp_path / "picture.png").read_bytes()[:8] == b"\x89PNG\r\n\x1a\n"

        # What was chosen is what runs, and what is described.
        assert outcome.described is not None
        active = outcome.described.instance.slice
        assert active["state"] == "activated"
        assert active["agreed"]["downlink_kbps"] == outcome.chosen.candidate.service.downlink_kbps
        assert active["metrics"]["price_micros"] == outcome.chosen.candidate.price_micros
        assert (outcome.described.folder / "slice.csar").exists()
        assert any(north.entente.used().values())

        # Measured by the domains themselves, beside the prediction.
        assert outcome.monitored is not None
        assert {s["domain"] for s in outcome.monitored.segments} == set(north.entente.domains)
        measured = outcome.monitored.utilisation_pct
        assert measured is not None
        assert 0 < measured <= 100
        names = {f["name"] for s in outcome.monitored.segments for f in s["functions"]}
        assert {f["name"] for s in active["segments"] for f in s["functions"]} == names
        assert [step.tool for step in outcome.steps] == [
            "slicenet-preparer",
            "slicenet",
            "chooser",
            "nsi-deployer",
            "nsi-preparer",
            "resource-deployer",
            "resource-manager",
        ]
        assert outcome.json()["measured_utilisation_pct"] == round(measured, 1)


async def test_what_fails_after_the_deployment_leaves_no_slice_and_no_files(
    tmp_path: Path, observed: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(made: object, folder: Path) -> None:
        (folder / "half").mkdir(parents=True)
        raise OSError("no space left on device")

    async with operator(tmp_path, observed) as north:
        empty = north.entente.used()
        monkeypatch.setattr("deploy.agents.toolbox.write", full)
        with pytest.raises(ToolFailed, match="nsi-preparer failed: OSError: no space left"):
            await north.plan(north.chooser(1))
        assert north.entente.used() == empty
        ended = await north.tenant.slices(show_terminated=True)
        assert [found["state"] for found in ended] == ["terminated"]
        assert not list((tmp_path / "out" / "descriptors").glob("*"))


async def test_a_deployer_that_never_returns_leaves_nothing(
    tmp_path: Path, observed: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The order is with the coordinator and may even be decided: it is found again and ended."""
    settle, tools, waits = Tenant.settle, Toolbox.tools, [True]

    async def stuck(self: Tenant, order: Order, *show: Any) -> Order:
        if show and waits:  # as the deployer asks, the first time
            waits.pop()
            await asyncio.Event().wait()
        return await settle(self, order, *show)

    def hurried(self: Toolbox) -> dict[str, Tool]:
        made = tools(self)
        return made | {"nsi-deployer": replace(made["nsi-deployer"], deadline_s=1.0)}

    async with operator(tmp_path, observed) as north:
        empty = north.entente.used()
        monkeypatch.setattr(Tenant, "settle", stuck)
        monkeypatch.setattr(Toolbox, "tools", hurried)
        with pytest.raises(ToolTimedOut, match=r"nsi-deployer did not return within 1 s"):
            await north.plan(north.chooser(1))
        assert not waits
        assert north.entente.used() == empty


async def test_the_file_decides_what_a_plan_does(tmp_path: Path, observed: Home) -> None:
    shipped = yaml.safe_load(spec.SHIPPED.read_text())
    rows = shipped["llm-assisted-slice-agents"]

    def without(agent: int, tool: str) -> bytes:
        tools = [t for t in rows[agent]["tools"] if t["name"] != tool]
        changed = [*rows[:agent], {**rows[agent], "tools": tools}, *rows[agent + 1 :]]
        return yaml.safe_dump({"llm-assisted-slice-agents": changed}).encode()

    async with operator(tmp_path, observed) as north:
        outcome = await north.plan(north.chooser(1), without(0, "operator"))
        assert outcome.described is not None
        assert outcome.monitored is None
        before = north.entente.used()
        with pytest.raises(NotDelivered, match="Slice Modelling Agent has no tools that lead"):
            await north.plan(north.chooser(1), without(1, "slicenet"))
        modelled = await north.plan(north.chooser(), choosing=False)
        assert len(modelled.shown) >= 3
        assert (modelled.chosen, modelled.described) == (None, None)
        with pytest.raises(InvalidRequest, match="there is no recommendation 7"):
            await north.plan(north.chooser(7))
        with pytest.raises(InvalidRequest, match="nothing was chosen"):
            await north.plan(north.chooser(None, "q"))
        assert north.entente.used() == before


async def test_what_is_short_of_the_sentence_says_so_at_every_size(
    tmp_path: Path, observed: Home
) -> None:
    sentence = "deploy a slice for video for 20 cameras in Berlin to Munich, 1 ms"
    wanted = read(sentence, RulesInterpreter(), ("berlin", "munich"), "berlin")
    async with operator(tmp_path, observed) as north:
        found = await candidates(north.tenant, wanted, (800, 1_000))
        assert [one.level_permille for one in found] == [800, 1_000]
        for one in found:
            assert re.fullmatch(r"latency 1 ms -> \d+(\.\d+)? ms", one.relaxed)
            assert one.service.latency_us_max >= one.latency_us > 1_000
        # It can be ordered as it stands: nothing more is relaxed without a word.
        order = await north.tenant.order([found[0].service], str(uuid.uuid4()))
        assert (await north.tenant.settle(order)).error is None


async def test_tools_that_do_not_fit_are_named(tmp_path: Path, observed: Home) -> None:
    file = spec.SHIPPED.read_bytes().replace(
        b"input: slice deployment descriptors", b"input: network slice deployment information"
    )
    async with operator(tmp_path, observed) as north:
        with pytest.raises(ToolFailed, match="resource-deployer was given Candidate; it works on"):
            await north.plan(north.chooser(1), file)
        assert not any(north.entente.used().values())


async def test_descriptors_of_a_slice_with_an_odd_name_stay_where_they_belong(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The name comes from a coordinator, which may be somebody else's."""
    precious = tmp_path / "precious"
    precious.mkdir()
    (precious / "letters").write_text("mine")
    odd = SimpleNamespace(slice_id="../../precious")
    monkeypatch.setattr("deploy.agents.toolbox.described", lambda slice_, views: odd)
    monkeypatch.setattr("deploy.agents.toolbox.files", lambda description: {"nsd.csar": b"zip"})
    nobody: Any = None
    toolbox = Toolbox(nobody, Home(tmp_path), tmp_path / "out", nobody, {})
    taken_back: list[Undo] = []
    toolbox.undo_with = taken_back.append
    made = await toolbox._describe(Instance({}, ()), "")
    assert made.folder.parent == tmp_path / "out" / "descriptors"
    for undo in taken_back:
        await undo()
    assert not made.folder.exists()
    assert (precious / "letters").read_text() == "mine"
