"""Interfaces, addresses, routes and queues of the netns driver, by netlink (pyroute2).

    near --- left ===== trunk ===== right --- far
                  HTB: a class a segment, each way

One HTB class per segment at either end of the trunk: `rate` is what the segment is promised,
`ceil` what it may borrow. Traffic is told apart by the address of its near end.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from domains.errors import DriverFailed, DriverMissing
from domains.southbound.driver import Shaping

BYTES_PER_KBIT = 125
ROOT = 0x1_0000
TRUNK_CLASS = ROOT | 1
OTHERS = 2
CLASS_BASE = 16
QUEUE_PACKETS_MIN, QUEUE_S = 8, 0.02
"""A class queues twenty milliseconds of its rate, then drops."""
PACKET_BYTES = 1_500
IPV4 = 0x0800
RATE_KBPS_MIN = 8


@dataclass(frozen=True, slots=True)
class Counters:
    """Of one class since it was made: bytes and packets sent, packets dropped."""

    bytes: int
    packets: int
    dropped: int


class Namespace:
    """Netlink into the network namespace of a process.

    Raises:
        DriverMissing: pyroute2 is not there. DriverFailed: the kernel said no.
    """

    def __init__(self, pid: int) -> None:
        try:
            from pyroute2 import NetNS
        except ImportError:
            raise DriverMissing(
                "the netns driver needs pyroute2, which installs on Linux only"
            ) from None
        self.pid = pid
        with _kernel("open the namespace"):
            self._netlink: Any = NetNS(f"/proc/{pid}/ns/net", flags=0)

    def close(self) -> None:
        self._netlink.close()

    def veth_to(self, peer: Namespace, here: str, there: str) -> tuple[int, int]:
        """A pair of interfaces, one in each namespace; their indexes."""
        with _kernel(f"make {here}"):
            self._netlink.link(
                "add", ifname=here, kind="veth", peer={"ifname": there, "net_ns_pid": peer.pid}
            )
            return self.index(here), peer.index(there)

    def index(self, interface: str) -> int:
        found: list[int] = self._netlink.link_lookup(ifname=interface)
        if not found:
            raise DriverFailed(f"there is no interface {interface}", interface=interface)
        return found[0]

    def address(self, index: int, address: str, prefix: int = 30) -> None:
        with _kernel(f"give {address}"):
            self._netlink.addr("add", index=index, address=address, prefixlen=prefix)

    def unasking(self, index: int, mac: str) -> None:
        """An interface that sends to its own hardware address and asks nobody for another."""
        with _kernel("switch off ARP"):
            self._netlink.link("set", index=index, address=mac, arp=False)

    def up(self, index: int, up: bool = True) -> None:
        with _kernel("switch a link"):
            self._netlink.link("set", index=index, state="up" if up else "down")

    def route(self, to: str, gateway: str) -> None:
        with _kernel(f"route {to}"):
            self._netlink.route("replace", dst=to, gateway=gateway)

    def remove_link(self, interface: str) -> None:
        """With its other end, its queues and its routes; gone already is as good."""
        with contextlib.suppress(DriverFailed), _kernel(f"remove {interface}"):
            self._netlink.link("del", index=self.index(interface))

    def shape_root(self, index: int, kbps: int) -> None:
        """The queueing discipline of the trunk; what is in no segment's class shares one."""
        rate = kbps * BYTES_PER_KBIT
        least = RATE_KBPS_MIN * BYTES_PER_KBIT
        with _kernel("shape the trunk"):
            self._netlink.tc("add", "htb", index, ROOT, default=OTHERS)
            self._netlink.tc("add-class", "htb", index, TRUNK_CLASS, parent=ROOT, rate=rate)
            self._netlink.tc(
                "add-class", "htb", index, ROOT | OTHERS, parent=TRUNK_CLASS, rate=least, ceil=rate
            )

    def shape(self, index: int, number: int, kbps: int, ceiling_kbps: int, new: bool) -> None:
        """Make or change the class of a segment."""
        rate, ceil = kbps * BYTES_PER_KBIT, ceiling_kbps * BYTES_PER_KBIT
        handle = class_handle(number)
        with _kernel("shape a segment"):
            self._netlink.tc(
                "add-class" if new else "change-class",
                "htb", index, handle, parent=TRUNK_CLASS, rate=rate, ceil=ceil,
            )  # fmt: skip
            limit = max(QUEUE_PACKETS_MIN, round(rate * QUEUE_S / PACKET_BYTES))
            queue = (CLASS_BASE + number) << 16
            self._netlink.tc(
                "add" if new else "change", "pfifo", index, queue, parent=handle, limit=limit
            )

    def classify(self, index: int, number: int, address: str, source: bool) -> None:
        """Packets from (or to) an address belong to a segment's class."""
        octets = bytes(map(int, address.split("."))).hex()
        offset = 12 if source else 16  # RFC 791: source and destination address
        with _kernel("classify a segment"):
            self._netlink.tc(
                "add-filter", "u32", index, parent=ROOT, prio=CLASS_BASE + number, protocol=IPV4,
                target=class_handle(number), keys=[f"0x{octets}/0xffffffff+{offset}"],
            )  # fmt: skip

    def unshape(self, index: int, number: int) -> None:
        """Remove filter, queue and class of a segment, as far as they were made."""
        with contextlib.suppress(DriverFailed), _kernel("remove a filter"):
            self._netlink.tc(
                "del-filter", index=index, parent=ROOT, prio=CLASS_BASE + number, protocol=IPV4
            )
        with contextlib.suppress(DriverFailed), _kernel("remove a class"):
            self._netlink.tc("del-class", index=index, handle=class_handle(number))

    def counters(self, index: int, number: int) -> Counters:
        """What the class of a segment has passed and dropped.

        Raises:
            DriverFailed: it has no class.
        """
        with _kernel("read counters"):
            for found in self._netlink.get_classes(index=index):
                if found["handle"] == class_handle(number):
                    stats = found.get_attr("TCA_STATS2")
                    basic = stats.get_attr("TCA_STATS_BASIC")
                    dropped = stats.get_attr("TCA_STATS_QUEUE")["drops"]
                    return Counters(basic["bytes"], basic["packets"], dropped)
        raise DriverFailed("the segment has no class", segment=number)

    def classes(self, index: int) -> int:
        """How many segments are shaped here."""
        with _kernel("list classes"):
            handles = [found["handle"] for found in self._netlink.get_classes(index=index)]
        return sum(handle >= class_handle(0) for handle in handles)

    def carried(self, interface: str) -> tuple[int, int]:
        """Bytes received and sent by an interface, from its own counters."""
        with _kernel("read an interface"):
            (link,) = self._netlink.get_links(self.index(interface))
            stats = link.get_attr("IFLA_STATS64")
            return stats["rx_bytes"], stats["tx_bytes"]


def class_handle(number: int) -> int:
    return ROOT | (CLASS_BASE + number)


def ceiling_kbps(shaping: Shaping, kbps: int, trunk_kbps: int) -> int:
    """What a segment may take at most: its own rate, or all that is left of the trunk."""
    return kbps if shaping.exclusive else max(kbps, trunk_kbps)


@contextlib.contextmanager
def _kernel(what: str) -> Iterator[None]:
    """Netlink's errors as ours."""
    from pyroute2 import NetlinkError

    try:
        yield
    except NetlinkError as error:
        raise DriverFailed(f"could not {what}: {error.args[-1]}", code=error.code) from error
    except OSError as error:
        raise DriverFailed(f"could not {what}: {error.strerror}") from error
