"""The networks that are shipped, each open in this process, with a clock that tests turn."""

from __future__ import annotations

import contextlib
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from domains.config import DomainConfig, load
from domains.domain import AdministrativeDomain
from domains.errors import Refused
from domains.model import Attachment, HoldRequest, Isolation, Menu, SliceProfile
from domains.port import Domain
from domains.southbound.driver import Driver

CONFIGS = Path(__file__).parents[2] / "deploy" / "configs" / "germany"
KINDS = ("access", "transport", "core", "cloud")
ALICE, BOB = "spiffe://one.example/coordinator/a", "spiffe://two.example/coordinator/b"
FILL_MAX = 200


@dataclass
class Clock:
    now_s: float = 1_000.0

    def __call__(self) -> float:
        return self.now_s


@dataclass
class Bench:
    """An open domain, its clock, and a profile that it can serve."""

    config: DomainConfig
    database: Path
    clock: Clock
    domain: AdministrativeDomain
    profile: SliceProfile

    @property
    def alice(self) -> Domain:
        return self.domain.as_seen_by(ALICE)

    async def menu(self, profile: SliceProfile, replaces: str | None = None) -> Menu:
        (answer,) = await self.alice.offers([profile], "clinic", replaces)
        return answer

    async def request(
        self,
        number: int,
        profile: SliceProfile | None = None,
        replaces: str | None = None,
        **changes: Any,
    ) -> HoldRequest:
        profile = profile or self.profile
        menu = await self.menu(profile, replaces)
        if not menu.offers:
            raise Refused(menu.refusal_text)
        borders = (await self.alice.topology()).border_points
        ends = [end for end in (profile.ingress, profile.egress) if end in borders]
        plain = HoldRequest(
            f"hold-{number}",
            f"slice-{number}",
            "clinic",
            profile,
            menu.offers[0],
            tuple(Attachment(end, 16 + number) for end in ends),
            30.0,
            1,
            replaces,
        )
        return replace(plain, **changes)

    async def fill(self, first: int) -> int:
        """Hold the most that is on offer until there is nothing; how many holds that took."""
        number = first
        for kbps in (10**9, 10**7, 10**5, 10**3):
            greedy = replace(self.profile, downlink_kbps=kbps, uplink_kbps=kbps)
            with contextlib.suppress(Refused):
                while number < first + FILL_MAX:
                    await self.alice.hold(await self.request(number, greedy))
                    number += 1
        assert number < first + FILL_MAX, "it never fills"
        return number - first

    async def reopen(self) -> None:
        await self.domain.close()
        self.domain = await AdministrativeDomain.open(self.config, self.database, self.clock)


async def bench_of(
    kind: str, folder: Path, driver: Driver | None = None, config: DomainConfig | None = None
) -> Bench:
    # By the rule: what a policy that was trained shows is tested in test_ranking.py.
    shipped = load(CONFIGS / f"{kind}.toml").model_copy(update={"ranking": None})
    config, clock = config or shipped, Clock()
    database = folder / f"{kind}.db"
    domain = await AdministrativeDomain.open(config, database, clock, driver)
    link = (await domain.as_seen_by(ALICE).topology()).links[0]
    profile = SliceProfile(
        link.ingress, link.egress, 1_000_000, 0, 1_000, 1_000, 10, Isolation.SHARED
    )
    return Bench(config, database, clock, domain, profile)
