"""The gRPC service for the domain's own operator: decodes, makes one call, encodes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from domains import wire
from domains.domain import AdministrativeDomain
from domains.operations import Action, Operation, RunningSegment, operate
from domains.security import Permissions, Role
from domains.wire_measurements import reading_to_proto
from protos.slicing.v1 import operator_pb2 as pb
from protos.slicing.v1 import operator_pb2_grpc

NAME: Final = "slicing.v1.OperatorService"

PERMISSIONS: Final[Permissions] = {"OperateFunctions": frozenset({Role.OPERATOR})}

_ACTIONS: Final[Mapping[Any, Action]] = {
    pb.FUNCTION_ACTION_MONITOR: Action.MONITOR,
    pb.FUNCTION_ACTION_START: Action.START,
    pb.FUNCTION_ACTION_STOP: Action.STOP,
    pb.FUNCTION_ACTION_SCALE: Action.SCALE,
    pb.FUNCTION_ACTION_RESTART: Action.RESTART,
    pb.FUNCTION_ACTION_DELETE: Action.DELETE,
}


class OperatorServicer(operator_pb2_grpc.OperatorServiceServicer):
    """One domain's service for its operator."""

    def __init__(self, domain: AdministrativeDomain) -> None:
        self._domain = domain

    async def OperateFunctions(self, request: pb.OperateFunctionsRequest, context: Any) -> Any:
        found = await operate(self._domain, _operation(request))
        segments = [_segment(self._domain.name, segment) for segment in found]
        return pb.OperateFunctionsResponse(segments=segments)


def _operation(request: pb.OperateFunctionsRequest) -> Operation:
    return Operation(
        action=wire.member(_ACTIONS, request.action, "action"),
        slice_id=wire.parse_slice_name(request.slice),
        function=wire.text(request.function, "function", characters_min=0),
        replicas=wire.quantity(request.replicas, "replicas"),
    )


def _segment(domain: str, segment: RunningSegment) -> pb.RunningSegment:
    shaping = segment.shaping
    return pb.RunningSegment(
        reading=reading_to_proto(segment.reading, domain),
        functions=[
            pb.RunningFunction(
                name=spec.name,
                function_type=spec.function_type,
                dedicated=spec.dedicated,
                replicas=replicas,
                running=segment.running,
            )
            for spec, replicas in segment.functions
        ],
        downlink_kbps=shaping.downlink_kbps if shaping else 0,
        uplink_kbps=shaping.uplink_kbps if shaping else 0,
    )
