"""The tenants: closed loops, each over a connection and with a certificate of its own."""

from __future__ import annotations

import asyncio
import time
import uuid
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any

import grpc
from google.protobuf import duration_pb2

from deploy.bench import fanout
from deploy.bench.figures import Window
from deploy.bench.stage import Stage
from domains.errors import EntenteError
from domains.security import Identity, channel_credentials
from protos.slicing.v1 import slices_pb2, slices_pb2_grpc, types_pb2

CALL_S = 30.0
_WAIT = duration_pb2.Duration(seconds=25)

SERVICE = slices_pb2.ServiceProfile(
    name="telemetry",
    latency_us_max=50_000,
    availability_ppb_min=990_000_000,
    downlink_kbps=1_000,
    uplink_kbps=1_000,
    devices=1,
    isolation=types_pb2.ISOLATION_SHARED,
    origin="berlin",
    destination="munich",
)
"""What everybody asks for: cheap enough that the network never fills."""

Operation = Callable[["Tenant"], Awaitable[None]]


@dataclass(slots=True)
class Tenant:
    """One tenant; make it inside the event loop."""

    stub: Any
    bare: Any
    channels: Sequence[grpc.aio.Channel]
    service: slices_pb2.ServiceProfile = field(default_factory=lambda: SERVICE)
    standing: list[str] = field(default_factory=list)
    """Names of its active slices."""

    async def fan_out(self) -> None:
        """The empty calls of a set-up."""
        await self.bare(b"", timeout=CALL_S)

    async def set_up(self) -> None:
        """One slice, active in every domain when this returns."""
        request = slices_pb2.CreateSliceRequest(
            request_id=str(uuid.uuid4()),
            services=[self.service],
            on_relaxation=slices_pb2.RELAXATION_POLICY_REJECT,
            wait=_WAIT,
        )
        operation = await self.stub.CreateSlice(request, timeout=CALL_S)
        reply = slices_pb2.OrderResponse()
        if not operation.done or operation.HasField("error"):
            raise EntenteError(f"a slice was not set up: {operation.error or operation.metadata}")
        operation.response.Unpack(reply)
        (made,) = reply.slices
        if made.state != slices_pb2.SLICE_STATE_ACTIVATED:
            raise EntenteError(f"a slice is {made.state} after it was set up")
        self.standing.append(made.name)

    async def terminate_one(self) -> None:
        request = slices_pb2.TerminateSliceRequest(
            request_id=str(uuid.uuid4()), name=self.standing.pop(), wait=_WAIT
        )
        operation = await self.stub.TerminateSlice(request, timeout=CALL_S)
        if not operation.done or operation.HasField("error"):
            raise EntenteError(f"a slice was not terminated: {operation.error}")


class Tenants:
    """All tenants of a stage, connected while the context is open."""

    def __init__(self, stage: Stage) -> None:
        self._stage = stage
        self._all: list[Tenant] = []

    async def __aenter__(self) -> Tenants:
        self._all = [self._tenant(Identity.load(folder)) for folder in self._stage.tenants]
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None
    ) -> None:
        for tenant in self._all:
            for channel in tenant.channels:
                await channel.close()

    async def window(self, operation: Operation, tenants: int, seconds: float) -> Window:
        """That many closed loops for so long; every operation begun is waited for."""
        began_cpu_s, began_s = self._stage.cpu_s(), time.perf_counter()
        until_s = began_s + seconds
        loops = [_closed_loop(operation, one, until_s) for one in self._all[:tenants]]
        latencies = [latency for found in await asyncio.gather(*loops) for latency in found]
        wall_s, ended_cpu_s = time.perf_counter() - began_s, self._stage.cpu_s()
        used = {name: ended_cpu_s[name] - began_cpu_s[name] for name in ended_cpu_s}
        return Window(wall_s, latencies, used)

    async def count(self, operation: Operation, tenants: int, count: int) -> float:
        """So many operations in all, shared by closed loops; the seconds that they took."""
        left = iter(range(count))

        async def loop(tenant: Tenant) -> None:
            for _ in left:
                await operation(tenant)

        began_s = time.perf_counter()
        await asyncio.gather(*map(loop, self._all[:tenants]))
        return time.perf_counter() - began_s

    def standing(self) -> list[int]:
        """How many active slices each tenant has."""
        return [len(tenant.standing) for tenant in self._all]

    async def clear(self, keep: Sequence[int] | None = None) -> None:
        """Terminate the newest slices of every tenant until that many are left, or none."""

        async def loop(tenant: Tenant, left: int) -> None:
            while len(tenant.standing) > left:
                await tenant.terminate_one()

        await asyncio.gather(*map(loop, self._all, keep or [0] * len(self._all)))

    def _tenant(self, identity: Identity) -> Tenant:
        credentials = channel_credentials(identity, self._stage.trust_domain)
        api = grpc.aio.secure_channel(self._stage.address, credentials)
        bare = grpc.aio.secure_channel(self._stage.bare, credentials)
        call: Any = bare.unary_unary(f"/{fanout.SERVICE}/{fanout.METHOD}")
        return Tenant(slices_pb2_grpc.SliceServiceStub(api), call, (api, bare))


async def _closed_loop(operation: Operation, tenant: Tenant, until_s: float) -> list[float]:
    latencies = []
    began_s = time.perf_counter()
    while began_s < until_s:
        await operation(tenant)
        ended_s = time.perf_counter()
        latencies.append(ended_s - began_s)
        began_s = ended_s
    return latencies
