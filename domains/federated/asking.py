"""Asking the controllers: one call each, and what their answers come to per profile."""

from __future__ import annotations

import asyncio
from collections import OrderedDict, deque
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Final

from domains.errors import EntenteError
from domains.federated.stitch import At, Combination, Path, Stitched, together
from domains.model import Attribute, Counter, Menu, SliceProfile
from domains.port import Domain

KEPT_S: Final = 60.0
"""How long an answer serves to recognise offers made from it; a domain without it asks again."""
KEYS_MAX: Final = 1_024
KEPT_PER_KEY_MAX: Final = 8

Paths = Mapping[tuple[str, str], Sequence[Path]]
Down = Mapping[At, Counter]
"""Counters to controllers, by what they are about."""
_Key = tuple[str, str | None, str, str]


async def ask(
    controllers: Mapping[str, Domain],
    paths: Paths,
    profiles: Sequence[SliceProfile],
    tenant: str,
    held: Mapping[str, str],
    room: Mapping[str, int],
) -> list[Stitched]:
    """Per profile what the controllers can do together; a silent one has no part in it.

    Args:
        held: controller -> the part there that counts as free.
    """
    wanted: dict[str, dict[SliceProfile, None]] = {}
    for profile in profiles:
        for path in paths.get((profile.ingress, profile.egress), ()):
            for piece, share in zip(path, shares(profile, path), strict=True):
                wanted.setdefault(piece.controller, {})[share] = None
    names = list(wanted)
    calls = [controllers[name].offers(list(wanted[name]), tenant, held.get(name)) for name in names]
    answers = await asyncio.gather(*calls, return_exceptions=True)
    menus: dict[tuple[str, SliceProfile], Menu] = {}
    for name, answer in zip(names, answers, strict=True):
        if isinstance(answer, EntenteError):
            continue
        if isinstance(answer, BaseException):
            raise answer
        menus.update(zip([(name, share) for share in wanted[name]], answer, strict=False))
    return [_stitched(profile, paths, menus, room) for profile in profiles]


def shares(profile: SliceProfile, path: Path) -> list[SliceProfile]:
    """What each controller is asked for: the same load between its own ends.

    The latency budget is divided in proportion to what each advertises; a menu shows the frontier
    beyond its budget as well, so the division decides only what is shown first.
    """
    floors = [max(piece.link.latency_us_min, 1) for piece in path]
    return [
        replace(
            profile,
            ingress=piece.link.ingress,
            egress=piece.link.egress,
            latency_us_max=profile.latency_us_max * floor // sum(floors),
        )
        for piece, floor in zip(path, floors, strict=True)
    ]


def _stitched(
    profile: SliceProfile,
    paths: Paths,
    menus: Mapping[tuple[str, SliceProfile], Menu],
    room: Mapping[str, int],
) -> Stitched:
    said: dict[At, Menu] = {}
    for path in paths.get((profile.ingress, profile.egress), ()):
        asked = zip(path, shares(profile, path), strict=True)
        answers = [menus.get((piece.controller, share)) for piece, share in asked]
        if all(menu is not None and menu.offers for menu in answers):
            said |= {(path, p): menu for p, menu in zip(path, answers, strict=True) if menu}
    return together(profile, said, room)


async def ask_less(
    controllers: Mapping[str, Domain],
    stitched: Stitched,
    counters: Down,
    tenant: str,
    held: Mapping[str, str],
) -> Stitched:
    """What was offered together once controllers have answered counters, one call each.

    What the others said stands, and so does what one said that does not answer.
    """
    calls = [
        controllers[at[1].controller].offers(
            [stitched.said[at].profile], tenant, held.get(at[1].controller), [countered]
        )
        for at, countered in counters.items()
    ]
    answers = await asyncio.gather(*calls, return_exceptions=True)
    said = dict(stitched.said)
    for at, answer in zip(counters, answers, strict=True):
        if isinstance(answer, EntenteError):
            continue
        if isinstance(answer, BaseException):
            raise answer
        said.update((at, menu) for menu in answer[:1])
    return together(stitched.profile, said, stitched.capacities())


def passed_down(stitched: Stitched, offered: Combination, affordable_micros: int) -> Down:
    """What controllers have to be countered with, so that a combination costs no more than this.

    Each that has left its price open is asked to come down by the same share; nothing where it
    costs no more already, or where those that can come down would have to pay for it.
    """
    pieces = [
        ((offered.path, piece), offer)
        for piece, offer in zip(offered.path, offered.offers, strict=True)
    ]
    still_open = [
        (at, offer) for at, offer in pieces if Attribute.PRICE in stitched.said[at].negotiable
    ]
    moves = sum(offer.metrics.price_micros for _, offer in still_open)
    left = affordable_micros - (offered.metrics.price_micros - moves)
    if not 0 < left < moves:
        return {}
    return {
        at: Counter(stitched.said[at].round + 1, offer, offer.metrics.price_micros * left // moves)
        for at, offer in still_open
    }


class Book:
    """The latest answers, so that an award need not ask again. Bounded; forgetting costs a call."""

    def __init__(self) -> None:
        self._kept: OrderedDict[_Key, deque[tuple[float, Stitched]]] = OrderedDict()

    def note(self, tenant: str, replaces: str | None, stitched: Stitched, now_s: float) -> None:
        key = (tenant, replaces, stitched.profile.ingress, stitched.profile.egress)
        self._kept.setdefault(key, deque(maxlen=KEPT_PER_KEY_MAX)).append((now_s, stitched))
        self._kept.move_to_end(key)
        if len(self._kept) > KEYS_MAX:
            self._kept.popitem(last=False)

    def known(
        self, tenant: str, replaces: str | None, profile: SliceProfile, now_s: float
    ) -> list[Stitched]:
        """The answers that an offer may be from, newest first."""
        key = (tenant, replaces, profile.ingress, profile.egress)
        kept = self._kept.get(key, ())
        return [stitched for at_s, stitched in reversed(kept) if now_s - at_s <= KEPT_S]
