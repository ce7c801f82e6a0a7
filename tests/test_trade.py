"""A tenant that trades: a yes in advance to what is worth it, and to nothing else."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from protos.slicing.v1 import slices_pb2
from tests.asking import REJECT, create, order_of, reason_of, service, slices_of
from tests.federation import federation

TRADE = slices_pb2.RELAXATION_POLICY_TRADE
STEP_US = 50


async def test_a_tenant_that_trades_saves_more_than_it_gives_up(tmp_path: Path) -> None:
    async with federation(tmp_path) as entente:
        clinic = entente.tenant()

        async def quoted(policy: Any, **fields: Any) -> slices_pb2.Slice:
            services = [service(**fields)]
            asked = await create(clinic, services=services, policy=policy, validate_only=True)
            (found,) = slices_of(asked)
            return found

        cheap = (await quoted(REJECT)).metrics
        wanted: dict[str, Any] = {"latency_us_max": cheap.latency_us - STEP_US}
        exact = (await quoted(REJECT, **wanted)).metrics
        assert cheap.price_micros < exact.price_micros
        wanted["price_micros_max"] = 2 * exact.price_micros

        (kept,) = slices_of(await create(clinic, services=[service(**wanted)], policy=REJECT))
        assert kept.metrics.price_micros == exact.price_micros, "nobody trades who was not asked"
        operation = await create(clinic, services=[service(**wanted)], policy=TRADE)
        (traded,) = slices_of(operation)
        lost = 0.25 * (traded.agreed.latency_us_max / wanted["latency_us_max"] - 1)
        saved = (exact.price_micros - traded.metrics.price_micros) / wanted["price_micros_max"]
        assert 0 < lost < saved
        assert traded.requested.latency_us_max == wanted["latency_us_max"]
        assert traded.metrics.latency_us <= traded.agreed.latency_us_max
        assert not order_of(operation).proposal.proposal_id, "the yes was given in advance"
        request = slices_pb2.GetDecisionRecordRequest(name=traded.name)
        events = (await clinic.GetDecisionRecord(request)).events
        assert [event.event for event in events if event.step == "negotiate"] == [
            "proposed",
            "traded",
        ]


async def test_what_is_not_worth_it_is_not_taken(tmp_path: Path) -> None:
    """Above the ceiling, without one, or further from what was asked for than a tenth."""
    async with federation(tmp_path) as entente:
        clinic = entente.tenant()
        for fields in (
            {"price_micros_max": 1},
            {"latency_us_max": 100},
            {"latency_us_max": 100, "price_micros_max": 10**12},
        ):
            asked = await create(clinic, services=[service(**fields)], policy=TRADE)
            assert asked.done
            assert reason_of(asked.error)[0] == "RELAXATION_NEEDED"
        for server in entente.domains.values():
            assert not any(server.domain.usage().values())
