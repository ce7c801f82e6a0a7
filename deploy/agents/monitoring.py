"""What the network functions of a slice do, and how well the slice is used, as domains measure."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from deploy.operator import Desk
from deploy.plain import Plain
from domains.errors import InvalidRequest, NotFound
from domains.operations import Action

INTERVAL_S: Final = 2.0
"""A segment that was never measured is measured again after this: it takes an interval."""


@dataclass(frozen=True, slots=True)
class Monitored:
    """Every segment of a slice whose domain can be asked, as on the operator's wire."""

    segments: tuple[Plain, ...]

    @property
    def utilisation_pct(self) -> float | None:
        """Carried over entitled, mean of the segments; None where nothing was measured."""
        shares = [share for s in self.segments if (share := utilisation_pct(s)) is not None]
        return sum(shares) / len(shares) if shares else None


def utilisation_pct(segment: Plain) -> float | None:
    """Of one segment: both directions together."""
    carried = segment["measurement"]
    entitled = segment["downlink_kbps"] + segment["uplink_kbps"]
    if carried is None or not entitled:
        return None
    return 100 * float(carried["downlink_kbps"] + carried["uplink_kbps"]) / float(entitled)


async def monitored(
    desks: Mapping[str, Desk],
    slice_name: str,
    action: Action = Action.MONITOR,
    function: str = "",
    replicas: int = 0,
) -> Monitored:
    """Do something to a slice's functions in every domain, then measure.

    Raises:
        NotFound: no function of that name. InvalidRequest: all functions are the pools' own.
        EntenteError: a domain's own; those before it have done as told.
    """
    found = [
        segment
        for desk in desks.values()
        for segment in await desk.operate(action, slice_name, function, replicas)
    ]
    if action in (Action.SCALE, Action.RESTART):
        _check(found, function)
    if any(s["measurement"] is None and s["condition"] not in ("stopped", "failed") for s in found):
        await asyncio.sleep(INTERVAL_S)
        found = [s for d in desks.values() for s in await d.operate(Action.MONITOR, slice_name)]
    return Monitored(tuple(found))


def _check(found: Sequence[Plain], function: str) -> None:
    """Whether there was anything to scale or restart."""
    functions = [one for segment in found for one in segment["functions"]]
    names = ", ".join(one["name"] for one in functions)
    if function and not any(one["name"] == function for one in functions):
        raise NotFound(f"the slice has no function {function!r}; it has: {names}")
    if functions and not function and not any(one["dedicated"] for one in functions):
        raise InvalidRequest(
            f"nothing to do: {names} are pools that slices share; an isolated slice has its own",
            field="function",
        )
