"""The tenants' gRPC service: each method decodes, makes one call and encodes.

Who calls, whether they may and how errors become statuses is `domains.security.Guard`'s.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from typing import Any

from google.longrunning import operations_pb2

from coordinator import limits, wire, wire_services
from coordinator.assurance.history import History
from coordinator.clock import Clock
from coordinator.orders import Orders, Request
from coordinator.past import Past
from coordinator.records import Running
from coordinator.resources import ResourceDatabase
from domains.security import Permissions, Role, principal_of
from protos.slicing.v1 import slices_pb2, slices_pb2_grpc

_TENANT = frozenset({Role.TENANT})

SLICE_SERVICE = "slicing.v1.SliceService"

PERMISSIONS: Permissions = {
    "CreateSlice": _TENANT,
    "GetSlice": _TENANT,
    "ListSlices": _TENANT,
    "WatchSlice": _TENANT,
    "UpdateSlice": _TENANT,
    "TerminateSlice": _TENANT,
    "ActivateSlice": _TENANT,
    "DeactivateSlice": _TENANT,
    "ListMeasurements": _TENANT,
    "AcceptProposal": _TENANT,
    "RejectProposal": _TENANT,
    "GetOperation": _TENANT,
    "CancelOperation": _TENANT,
    "GetDecisionRecord": _TENANT,
    "ExplainAlternative": _TENANT,
    "RecallIntents": _TENANT,
    "ListDomains": frozenset({Role.TENANT, Role.OPERATOR, Role.AUDITOR}),
}
"""A tenant is its SPIFFE id: what it may see beyond its role is `Orders`' concern."""


class SliceServicer(slices_pb2_grpc.SliceServiceServicer):
    """Tenants ask here. What a reply says is durable, or follows from what is."""

    def __init__(
        self,
        orders: Orders,
        resources: ResourceDatabase,
        history: History,
        addresses: Mapping[str, str],
        clock: Clock,
        default_area: str,
        past: Past,
    ) -> None:
        self._orders = orders
        self._views = orders.views
        self._resources = resources
        self._history = history
        self._addresses = addresses
        self._clock = clock
        self._default_area = default_area
        self._past = past

    async def CreateSlice(
        self, request: slices_pb2.CreateSliceRequest, context: Any
    ) -> operations_pb2.Operation:
        typed = [wire_services.typed_from_proto(s, self._default_area) for s in request.services]
        running = self._orders.create(
            _request(_tenant(context), request),
            request.intent,
            [one.profile for one in typed],
            wire.on_relaxation(request.on_relaxation),
            request.validate_only,
            typed=typed if request.intent else (),
            words=tuple(request.words),
        )
        return await self._reply(running, wire.wait_s(request.wait))

    async def UpdateSlice(
        self, request: slices_pb2.UpdateSliceRequest, context: Any
    ) -> operations_pb2.Operation:
        asked, name = _request(_tenant(context), request), wire.name_of("slices", request.name)
        policy = wire.on_relaxation(request.on_relaxation)
        if request.intent:
            running = self._orders.change(asked, name, request.intent, policy)
        else:
            paths = request.update_mask.paths
            changes = wire_services.changes_from_proto(request.service, paths)
            running = self._orders.update(asked, name, changes, policy)
        return await self._reply(running, wire.wait_s(request.wait))

    async def TerminateSlice(
        self, request: slices_pb2.TerminateSliceRequest, context: Any
    ) -> operations_pb2.Operation:
        tenant = _tenant(context)
        running = self._orders.terminate(
            _request(tenant, request),
            wire.name_of("slices", request.name),
            wire.reason(request.reason),
            wire.seconds(request.drain),
        )
        return await self._reply(running, wire.wait_s(request.wait))

    async def ActivateSlice(
        self, request: slices_pb2.ActivateSliceRequest, context: Any
    ) -> operations_pb2.Operation:
        running = self._orders.set_active(
            _request(_tenant(context), request), wire.name_of("slices", request.name), True, ""
        )
        return await self._reply(running, wire.wait_s(request.wait))

    async def DeactivateSlice(
        self, request: slices_pb2.DeactivateSliceRequest, context: Any
    ) -> operations_pb2.Operation:
        running = self._orders.set_active(
            _request(_tenant(context), request),
            wire.name_of("slices", request.name),
            False,
            wire.reason(request.reason),
        )
        return await self._reply(running, wire.wait_s(request.wait))

    async def ListMeasurements(
        self, request: slices_pb2.ListMeasurementsRequest, context: Any
    ) -> slices_pb2.ListMeasurementsResponse:
        record = self._views.slice(_tenant(context), wire.name_of("slices", request.name))
        kept = self._history.of(record.slice_id, wire.seconds(request.after_time))
        return slices_pb2.ListMeasurementsResponse(samples=[wire.sample_to_proto(k) for k in kept])

    async def AcceptProposal(
        self, request: slices_pb2.AcceptProposalRequest, context: Any
    ) -> operations_pb2.Operation:
        wire.request_id(request.request_id)
        operation = wire.name_of("operations", request.name)
        seen = self._views.order(_tenant(context), operation).order.revision
        running = self._orders.answer(_tenant(context), operation, request.proposal_id, True)
        return await self._reply(running, wire.wait_s(request.wait), seen)

    async def RejectProposal(
        self, request: slices_pb2.RejectProposalRequest, context: Any
    ) -> operations_pb2.Operation:
        wire.request_id(request.request_id)
        operation = wire.name_of("operations", request.name)
        seen = self._views.order(_tenant(context), operation).order.revision
        running = self._orders.answer(_tenant(context), operation, request.proposal_id, False)
        return await self._reply(running, limits.WAIT_S_MAX, seen)

    async def GetOperation(
        self, request: slices_pb2.GetOperationRequest, context: Any
    ) -> operations_pb2.Operation:
        running = self._views.order(_tenant(context), wire.name_of("operations", request.name))
        return await self._reply(running, wire.wait_s(request.wait), request.after_revision)

    async def CancelOperation(
        self, request: slices_pb2.CancelOperationRequest, context: Any
    ) -> operations_pb2.Operation:
        wire.request_id(request.request_id)
        running = self._orders.cancel(_tenant(context), wire.name_of("operations", request.name))
        return await self._reply(running, limits.WAIT_S_MAX, running.order.revision)

    async def GetSlice(self, request: slices_pb2.GetSliceRequest, context: Any) -> slices_pb2.Slice:
        record = self._views.slice(_tenant(context), wire.name_of("slices", request.name))
        return wire.slice_to_proto(record)

    async def ListSlices(
        self, request: slices_pb2.ListSlicesRequest, context: Any
    ) -> slices_pb2.ListSlicesResponse:
        records = self._views.slices(_tenant(context), request.show_terminated)
        start, end = wire.page(request.page_token, request.page_size)
        return slices_pb2.ListSlicesResponse(
            slices=[wire.slice_to_proto(record) for record in records[start:end]],
            next_page_token=str(end) if end < len(records) else "",
        )

    async def WatchSlice(
        self, request: slices_pb2.WatchSliceRequest, context: Any
    ) -> AsyncIterator[slices_pb2.Event]:
        entries = self._views.watch(
            _tenant(context), request.name, request.after_sequence, request.follow
        )
        async for entry in entries:
            yield wire.event_to_proto(entry)

    async def GetDecisionRecord(
        self, request: slices_pb2.GetDecisionRecordRequest, context: Any
    ) -> slices_pb2.GetDecisionRecordResponse:
        entries, verified = self._views.decision_record(_tenant(context), request.name)
        return slices_pb2.GetDecisionRecordResponse(
            events=[wire.event_to_proto(entry) for entry in entries], verified=verified
        )

    async def RecallIntents(
        self, request: slices_pb2.RecallIntentsRequest, context: Any
    ) -> slices_pb2.RecallIntentsResponse:
        found = await self._past.recall(_tenant(context), request.text, request.limit)
        return slices_pb2.RecallIntentsResponse(intents=map(wire.recalled_to_proto, found))

    async def ExplainAlternative(
        self, request: slices_pb2.ExplainAlternativeRequest, context: Any
    ) -> slices_pb2.ExplainAlternativeResponse:
        found = await self._orders.alternative(
            _tenant(context),
            wire.name_of("slices", request.name),
            wire_services.changes_from_proto(request.service, request.update_mask.paths),
        )
        return wire.alternative_to_proto(found)

    async def ListDomains(
        self, request: slices_pb2.ListDomainsRequest, context: Any
    ) -> slices_pb2.ListDomainsResponse:
        now_s = self._clock.now_s()
        return slices_pb2.ListDomainsResponse(
            domains=[
                wire.view_to_proto(view, self._addresses.get(view.topology.domain, ""), now_s)
                for view in self._resources.views()
            ]
        )

    async def _reply(
        self, running: Running, wait_s: float, after_revision: int = 0
    ) -> operations_pb2.Operation:
        await self._views.settled(running, wait_s, after_revision)
        order = running.order
        return wire.operation_to_proto(order, self._views.slices_of_order(order))


def _tenant(context: Any) -> str:
    return principal_of(context).spiffe_id


def _request(tenant: str, message: Any) -> Request:
    return Request(tenant, wire.request_id(message.request_id), wire.digest(message))
