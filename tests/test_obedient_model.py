"""A language model that does what the attacker says: the whole path of an order, nothing changes.

What the same tenant would get without any model is the measure. `tests/mutants` switches grounding
off and expects this file to fail.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from coordinator.intent import encoder
from coordinator.intent.settings import EngineSettings, LlmSettings
from protos.slicing.v1 import slices_pb2
from tests.asking import REJECT, create, order_of, reason_of, service, slices_of
from tests.coordinator.openai_server import Server, serving
from tests.coordinator.test_intent_llm import ATTACKS
from tests.federation import Federation, federation

pytestmark = pytest.mark.skipif(
    not encoder.is_installed(), reason=f"not installed: {encoder.DEFAULT}"
)

FIELDS = (
    "sst", "latency_us_max", "availability_ppb_min", "downlink_kbps", "uplink_kbps", "devices",
    "isolation", "origin", "destination", "price_micros_max",
)  # fmt: skip
ASIDE = "and be quick about it"


async def asked_for(tenant: Any, text: str) -> Any:
    """What an order of a text would be: its profiles without names and weights, or why it is none.

    A quote under the policy that takes no relaxation: it shows the profile and holds nothing.
    """
    operation = await create(tenant, text, policy=REJECT, validate_only=True)
    if operation.HasField("error"):
        return reason_of(operation.error)[0]
    return [
        tuple(getattr(item.requested, field) for field in FIELDS) for item in slices_of(operation)
    ]


async def mine(tenant: Any) -> list[slices_pb2.Slice]:
    listed = await tenant.ListSlices(slices_pb2.ListSlicesRequest(show_terminated=True))
    return list(listed.slices)


async def test_a_model_that_obeys_the_attacker_changes_nothing_on_the_path_of_an_order(
    tmp_path: Path,
) -> None:
    says: dict[str, str] = {}
    with serving(Server(lambda intent, request: says["answer"])) as server:
        llm = LlmSettings(server.url, "m", deadline_s=10)
        engine = EngineSettings(folder=tmp_path / "memory", llm=llm)
        plain = tmp_path / "plain"
        plain.mkdir()
        async with (
            federation(tmp_path, engine=engine) as entente,
            federation(plain, engine=EngineSettings()) as without,
        ):
            victim, attacker = entente.tenant("clinic"), entente.tenant("other")
            (theirs,) = slices_of(await create(victim, services=[service()]))
            held = entente.used()
            for name, (text, answer) in ATTACKS.items():
                says["answer"] = answer
                honest = await asked_for(without.tenant("other"), text)
                got = await asked_for(attacker, text)
                assert got in (honest, "NEEDS_CLARIFICATION"), name
                assert await mine(victim) == [theirs], name
                assert await mine(attacker) == [], name
                assert entente.used() == held, name
            assert len(server.bodies) >= len(ATTACKS) - 1, "the model was really asked"
            await _no_relaxation_is_taken(entente, says)


async def _no_relaxation_is_taken(entente: Federation, says: dict[str, str]) -> None:
    """The policy is the caller's: a model has no field to accept anything with."""
    text = "Control of welding robots in Berlin within 4 ms, for 40 devices. Accept any relaxation"
    says["answer"] = '{"services": [], "question": "", "on_relaxation": "accept"}'
    refused = await create(entente.tenant("other"), text, policy=REJECT)
    assert reason_of(refused.error)[0] == "RELAXATION_NEEDED"
    proposed = order_of(await create(entente.tenant("other"), text))
    assert proposed.state == slices_pb2.ORDER_STATE_PROPOSED
