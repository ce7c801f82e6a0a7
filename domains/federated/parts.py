"""The parts that a hold has at the controllers: all held or none, all confirmed or none.

A small saga of its own. Every call is idempotent and its identifier derived, so that trying again
is always right; a call that got no answer counts as one that may have been heard.
"""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import Coroutine, Iterable, Mapping, Sequence
from dataclasses import replace
from hashlib import blake2b
from typing import Any, Final

from domains.errors import EntenteError, HoldLapsed, NotFound, Refused, Unreachable
from domains.federated.stitch import Combination
from domains.model import (
    LABEL_MAX,
    LABEL_MIN,
    Attachment,
    Hold,
    HoldRequest,
    HoldState,
    SliceProfile,
)
from domains.port import Domain

SLACK_S: Final = 15.0
"""What a part lives longer than its whole: confirming at all controllers takes less."""
NAMESPACE: Final = uuid.UUID("6c1f1e6a-5a0f-5d3b-9d0e-6b1f6a3f2c10")


def part_id(hold_id: str, controller: str) -> str:
    """The id of a hold's part at a controller, the same whoever computes it and when."""
    return str(uuid.uuid5(NAMESPACE, f"{controller}/{hold_id}"))


class Parts:
    """Calls to the controllers, several at once.

    Args:
        epoch: this incarnation of the domain; an earlier one is fenced off by the controllers.
    """

    def __init__(self, controllers: Mapping[str, Domain], epoch: int) -> None:
        self._controllers = controllers
        self._epoch = epoch

    async def hold(
        self,
        request: HoldRequest,
        chosen: Combination,
        profile: SliceProfile,
        replaced: Iterable[str],
    ) -> None:
        """Hold at each controller on the way, for what `profile` was offered as `chosen`.

        Args:
            replaced: controllers that have a part of the hold that `request` replaces.

        Raises:
            EntenteError: one refused or did not answer; the others may hold now.
        """
        before = set(replaced)
        calls = []
        for piece, offer in zip(chosen.path, chosen.offers, strict=True):
            ends = replace(profile, ingress=piece.link.ingress, egress=piece.link.egress)
            successor = request.replaces is not None and piece.controller in before
            part = HoldRequest(
                hold_id=part_id(request.hold_id, piece.controller),
                slice_id=request.slice_id,
                tenant=request.tenant,
                profile=ends,
                offer=offer,
                attachments=_attachments(request, piece.link.ingress, piece.link.egress),
                ttl_s=request.ttl_s + SLACK_S,
                epoch=self._epoch,
                replaces=part_id(str(request.replaces), piece.controller) if successor else None,
            )
            calls.append(self._controllers[piece.controller].hold(part))
        for held in await _all(calls):
            if held.state is not HoldState.HELD:
                raise Unreachable("a part of this domain answered something else than a hold")

    async def confirm(self, hold_id: str, controllers: Iterable[str]) -> None:
        """Confirm every part.

        Raises:
            Refused: one is gone there; Unreachable: one did not answer, try again.
        """
        await _all(
            [self._controllers[c].confirm(part_id(hold_id, c), self._epoch) for c in controllers]
        )

    async def activate(self, hold_id: str, controllers: Iterable[str], active: bool) -> None:
        """Let every part run, or stand still with its capacity kept.

        Raises:
            Refused, Unreachable: as `confirm`.
        """
        await _all(
            [
                self._controllers[c].activate(part_id(hold_id, c), self._epoch, active)
                for c in controllers
            ]
        )

    async def release(self, hold_id: str, controllers: Iterable[str], reason: str) -> bool:
        """Give back every part that there is; whether all controllers said that they have."""
        names = list(controllers)
        calls = [
            self._controllers[c].release(part_id(hold_id, c), self._epoch, reason) for c in names
        ]
        answers = await asyncio.gather(*calls, return_exceptions=True)
        return not any(isinstance(answer, BaseException) for answer in answers)

    async def held(self, controller: str) -> Sequence[Hold]:
        """All that a controller holds for us."""
        return await self._controllers[controller].holds()

    async def give_back(self, controller: str, part: str, reason: str) -> None:
        """Release one part by its own id."""
        await self._controllers[controller].release(part, self._epoch, reason)


def _attachments(request: HoldRequest, ingress: str, egress: str) -> tuple[Attachment, ...]:
    """The caller's labels at our border points, derived ones where two controllers meet."""
    given = {attachment.border_point: attachment for attachment in request.attachments}
    return tuple(given.get(end) or _label(request.hold_id, end) for end in (ingress, egress))


def _label(hold_id: str, border_point: str) -> Attachment:
    digest = blake2b(f"{hold_id} {border_point}".encode(), digest_size=8).digest()
    span = LABEL_MAX - LABEL_MIN + 1
    return Attachment(border_point, LABEL_MIN + int.from_bytes(digest) % span)


async def _all(calls: Sequence[Coroutine[Any, Any, Hold]]) -> list[Hold]:
    """Every answer, or the first error once all have ended: none of them is left behind.

    Raises:
        EntenteError: without what a controller said in words, which would be inner.
    """
    answers = await asyncio.gather(*calls, return_exceptions=True)
    held = []
    for answer in answers:
        if isinstance(answer, Refused):
            raise type(answer)("a part of this domain refused it") from None
        if isinstance(answer, NotFound):
            raise HoldLapsed("a part of it is not known any more") from None
        if isinstance(answer, EntenteError):
            raise Unreachable("a part of this domain does not answer as it should") from None
        if isinstance(answer, BaseException):
            raise answer
        held.append(answer)
    return held
