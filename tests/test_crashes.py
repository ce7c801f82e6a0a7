"""G2, G5 and G6 with real processes: the coordinator is killed at any moment and starts again."""

from __future__ import annotations

import asyncio
import random
from dataclasses import asdict
from pathlib import Path

import grpc

from coordinator.settings import CoordinatorSettings, DomainEndpoint
from deploy.child import Child
from domains import config
from domains.model import HoldState
from protos.slicing.v1 import slices_pb2
from tests.asking import create, eventually, new_id, service, slices_of, terminate
from tests.federation import COORDINATOR, HOME, Federation, federation

KILLS = 5
ORDERS_PER_LIFE = 6


def settings_of(entente: Federation, address: str) -> dict[str, object]:
    settings = CoordinatorSettings(
        name="main",
        trust_domain=HOME,
        address=address,
        database=entente.folder / "killed.sqlite",
        identity=entente.identities[COORDINATOR],
        domains=tuple(
            DomainEndpoint(name, server.address, config.load(entente.configs[name]).trust_domain)
            for name, server in entente.domains.items()
        ),
        default_area="berlin",
    )
    return {
        **asdict(settings),
        "database": str(settings.database),
        "identity": str(settings.identity),
    }


async def test_a_coordinator_killed_again_and_again_leaves_whole_slices_and_nothing_else(
    tmp_path: Path,
) -> None:
    chance = random.Random(7)
    async with federation(tmp_path) as entente:
        assert entente.coordinator is not None
        address = entente.coordinator.address
        await entente.coordinator.stop(0)

        async def start() -> Child:
            child = Child("deploy.coordinator_process", tmp_path / "coordinator.log")
            await asyncio.to_thread(child.serve, settings_of(entente, address))
            return child

        clinic = entente.tenant_at(address)
        asked: dict[str, slices_pb2.ServiceProfile] = {}
        cut_off = 0
        for _ in range(KILLS):
            child = await start()
            ids = [new_id() for _ in range(ORDERS_PER_LIFE)]
            asked |= {request_id: service() for request_id in ids}
            calls = [
                asyncio.ensure_future(create(clinic, services=[asked[i]], request_id=i))
                for i in ids
            ]
            await asyncio.wait(calls, timeout=chance.uniform(0.005, 0.12))
            child.kill()
            for call in calls:  # answered before the kill, or cut off by it
                try:
                    await call
                except grpc.aio.AioRpcError as error:
                    if error.code() is not grpc.StatusCode.UNAVAILABLE:
                        raise
                    cut_off += 1
        assert cut_off >= KILLS, "the kills came too late to interrupt anything"

        # The last life: asking again under the same ids answers for every order, once.
        child = await start()
        try:
            names = set()
            for request_id, wanted in asked.items():
                operation = await create(clinic, services=[wanted], request_id=request_id)
                names.add(slices_of(operation)[0].name)
            assert len(names) == len(asked)
            listed = await clinic.ListSlices(slices_pb2.ListSlicesRequest())
            assert {s.name for s in listed.slices} == names
            wanted_holds = {
                segment.hold.rsplit("/", 1)[1] for s in listed.slices for segment in s.segments
            }

            async def domains_hold_just_that() -> bool:
                held = [
                    hold
                    for server in entente.domains.values()
                    for hold in await server.domain.as_seen_by(COORDINATOR).holds()
                ]
                states = {hold.state for hold in held}
                return {h.hold_id for h in held} == wanted_holds and states == {HoldState.CONFIRMED}

            await eventually(domains_hold_just_that)
            for name in names:
                slices_of(await terminate(clinic, name))
            assert not any(entente.used().values())
        finally:
            await asyncio.to_thread(child.stop)
