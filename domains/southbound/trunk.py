"""What all segments of a domain share: the seam inside the netns driver, and HTB behind it."""

from __future__ import annotations

from contextlib import ExitStack
from typing import Protocol

from domains.southbound.driver import Shaping
from domains.southbound.plumbing import RATE_KBPS_MIN, Counters, Namespace, ceiling_kbps
from domains.southbound.processes import AgentProcess

REFLECTOR_PORT = 8_620
NEAR_NET, FAR_NET, TRUNK_NET = "10.64", "10.65", "10.66.0"
INNER = "ent-segment"
"""The interface of a segment's own two namespaces."""


class Trunk(Protocol):
    """Connects the near and far ends of segments, gives each its rates, and counts.

    `home` is the agent whose namespace the pool's functions share, reached at `HOME`. Every method
    raises `DriverFailed`.
    """

    home: AgentProcess

    def connect(self, number: int, near: Namespace, far: Namespace, undo: ExitStack) -> None:
        """Links, addresses and routes; each step puts its own undoing on the stack."""
        ...

    def shape(self, number: int, shaping: Shaping, new: bool) -> None:
        """Give a segment its rates, each way."""
        ...

    def unshape(self, number: int) -> None:
        """Take away what `shape` made, as far as it did."""
        ...

    def classify(self, number: int) -> None:
        """From now on the traffic of a segment gets its rates."""
        ...

    def counters(self, number: int) -> tuple[Counters, Counters]:
        """Of a segment, up and down."""
        ...

    def pull(self, pulled: bool) -> None:
        """The cable, out or in again."""
        ...

    def shaped(self) -> int:
        """How many segments have rates."""
        ...

    def close(self) -> None: ...


HOME = f"{TRUNK_NET}.2"


class RoutedTrunk:
    """A veth pair between two routers, HTB at either end of it.

    Args:
        prefix: of the names that `ps` shows. kbps: what it carries, each way.
        isolate: False for a trunk without classes, to see what those are good for.

    Raises:
        DriverMissing: no Linux, no root, or a kernel without HTB, u32 or veth.
    """

    def __init__(self, prefix: str, kbps: int, isolate: bool = True) -> None:
        self._kbps, self._isolate = kbps, isolate
        with ExitStack() as opening:
            left = opening.enter_context(AgentProcess(f"{prefix}-left", forward=True))
            self.home = opening.enter_context(
                AgentProcess(f"{prefix}-right", forward=True, port=REFLECTOR_PORT)
            )
            self._left, self._right = Namespace(left.pid), Namespace(self.home.pid)
            opening.callback(self._left.close)
            opening.callback(self._right.close)
            self._ends = self._left.veth_to(self._right, "ent-trunk", "ent-trunk")
            for end, side, last in ((0, self._left, 1), (1, self._right, 2)):
                side.address(self._ends[end], f"{TRUNK_NET}.{last}")
                side.up(self._ends[end])
                side.shape_root(self._ends[end], kbps)
            self._left.route(f"{FAR_NET}.0.0/16", HOME)
            self._right.route(f"{NEAR_NET}.0.0/16", f"{TRUNK_NET}.1")
            self._opened = opening.pop_all()

    def connect(self, number: int, near: Namespace, far: Namespace, undo: ExitStack) -> None:
        for inner, router, net, here in (
            (near, self._left, NEAR_NET, "near"),
            (far, self._right, FAR_NET, "far"),
        ):
            outer = f"ent-{here}{number}"
            inside, outside = inner.veth_to(router, INNER, outer)
            undo.callback(router.remove_link, outer)
            inner.address(inside, f"{net}.{number}.2")
            router.address(outside, f"{net}.{number}.1")
            inner.up(inside)
            router.up(outside)
            inner.route("0.0.0.0/0", f"{net}.{number}.1")

    def shape(self, number: int, shaping: Shaping, new: bool) -> None:
        for side, index, kbps in (
            (self._left, self._ends[0], shaping.uplink_kbps),
            (self._right, self._ends[1], shaping.downlink_kbps),
        ):
            rate = min(max(kbps, RATE_KBPS_MIN), self._kbps)
            side.shape(index, number, rate, ceiling_kbps(shaping, rate, self._kbps), new)

    def unshape(self, number: int) -> None:
        self._left.unshape(self._ends[0], number)
        self._right.unshape(self._ends[1], number)

    def classify(self, number: int) -> None:
        if self._isolate:
            self._left.classify(self._ends[0], number, near_address(number), source=True)
            self._right.classify(self._ends[1], number, near_address(number), source=False)

    def counters(self, number: int) -> tuple[Counters, Counters]:
        return (
            self._left.counters(self._ends[0], number),
            self._right.counters(self._ends[1], number),
        )

    def pull(self, pulled: bool) -> None:
        self._left.up(self._ends[0], not pulled)
        if not pulled:
            self._left.route(f"{FAR_NET}.0.0/16", HOME)

    def shaped(self) -> int:
        ends = zip((self._left, self._right), self._ends, strict=True)
        return max(side.classes(index) for side, index in ends)

    def close(self) -> None:
        self._opened.close()


def near_address(number: int) -> str:
    return f"{NEAR_NET}.{number}.2"


def far_address(number: int) -> str:
    return f"{FAR_NET}.{number}.2"
