"""The operator's policy: what an agent may do in the operator's name. Strict, checked as a whole.

Two fields that contradict each other are refused by both their names (`PolicyContradiction`).
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, time, timedelta
from enum import StrEnum
from typing import Annotated, Self

from pydantic import AwareDatetime, Field, model_validator
from pydantic_core import PydanticCustomError

from domains.model import Attribute, Relaxation
from domains.technologies import PERMILLE, Name, Section

ROUNDS_MAX = 4
"""Counters that any policy may answer; the first menu is round 0."""
POINTS_MAX = 24
"""Points of the frontier in one menu; as many as the solver hands out."""
RATIONALE_CHARACTERS_MAX = 200
TENANTS_MAX = 1_024
CONTRADICTION = "policy_contradiction"

Permille = Annotated[int, Field(ge=0, le=10 * PERMILLE)]
TenantName = Annotated[str, Field(min_length=1, max_length=256)]
Tenants = Annotated[tuple[TenantName, ...], Field(max_length=TENANTS_MAX)]

DAY = timedelta(days=1)


def contradiction(one: str, other: str, why: str) -> PydanticCustomError:
    """An error of two fields, both named."""
    return PydanticCustomError(
        CONTRADICTION, "{fields}: {why}", {"fields": f"{one} and {other}", "why": why}
    )


class Engine(StrEnum):
    """Who decides how to concede."""

    RULES = "rules"
    LLM = "llm"


class Weekday(StrEnum):
    """In the order of `datetime.weekday`."""

    MONDAY = "monday"
    TUESDAY = "tuesday"
    WEDNESDAY = "wednesday"
    THURSDAY = "thursday"
    FRIDAY = "friday"
    SATURDAY = "saturday"
    SUNDAY = "sunday"


class Maintenance(Section):
    """A time in which no new slice is taken on: once (`start`, `end`) or again and again, in UTC.

    Attributes:
        weekday: None for every day; at: when it begins; minutes: how long it lasts.
    """

    start: AwareDatetime | None = None
    end: AwareDatetime | None = None
    weekday: Weekday | None = None
    at: time | None = None
    minutes: int | None = Field(default=None, ge=1, le=24 * 60)

    @model_validator(mode="after")
    def _one_kind(self) -> Self:
        once, again = self.start is not None, self.at is not None
        if once and again:
            raise contradiction("start", "at", "a window is either once or recurring")
        if once != (self.end is not None):
            raise contradiction("start", "end", "one without the other")
        if again != (self.minutes is not None):
            raise contradiction("at", "minutes", "one without the other")
        if not once and not again:
            raise contradiction("start", "at", "a window needs one of them")
        if once and self.weekday is not None:
            raise contradiction("start", "weekday", "a window is either once or recurring")
        if self.start is not None and self.end is not None and self.end <= self.start:
            raise contradiction("start", "end", "it ends before it starts")
        return self

    def until(self, now: datetime) -> datetime | None:
        """When the window that `now` is in ends; None outside of it."""
        if self.start is not None and self.end is not None:
            return self.end if self.start <= now < self.end else None
        assert self.at is not None
        assert self.minutes is not None
        for day in (now.date(), (now - DAY).date()):  # one may reach past midnight
            began = datetime.combine(day, self.at.replace(tzinfo=None), UTC)
            ends = began + timedelta(minutes=self.minutes)
            wanted = self.weekday is None or list(Weekday)[began.weekday()] is self.weekday
            if wanted and began <= now < ends:
                return ends
        return None


class Relax(Section):
    """How far an offer may fall short of what was asked, in thousandths of it; None: any amount.

    Attributes:
        latency_permille: more latency than asked; unavailability_permille: more unavailability.
        downlink_permille, uplink_permille, devices_permille: less than asked.
    """

    latency_permille: int | None = Field(default=None, ge=0)
    unavailability_permille: int | None = Field(default=None, ge=0)
    downlink_permille: int | None = Field(default=None, ge=0, lt=PERMILLE)
    uplink_permille: int | None = Field(default=None, ge=0, lt=PERMILLE)
    devices_permille: int | None = Field(default=None, ge=0, lt=PERMILLE)

    def allows(self, relaxation: Relaxation) -> bool:
        """Whether an offer may fall short by this much."""
        limits = {
            Attribute.LATENCY: self.latency_permille,
            Attribute.AVAILABILITY: self.unavailability_permille,
            Attribute.DOWNLINK: self.downlink_permille,
            Attribute.UPLINK: self.uplink_permille,
            Attribute.DEVICES: self.devices_permille,
        }
        limit = limits.get(relaxation.attribute)
        if limit is None:
            return True
        scale = relaxation.requested
        if relaxation.attribute is Attribute.AVAILABILITY:
            scale = 10**9 - relaxation.requested
        return abs(relaxation.achievable - relaxation.requested) * PERMILLE <= limit * scale


class TenantClass(Section):
    """Tenants who get other margins than everybody."""

    tenants: Annotated[Tenants, Field(min_length=1)]
    margin_permille_open: Permille
    margin_permille_min: Permille

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        _floor_below_opening(self.margin_permille_open, self.margin_permille_min)
        return self


class LlmSection(Section):
    """`[policy.llm]`: an OpenAI-compatible endpoint; the key comes from the environment."""

    url: str = Field(pattern=r"^https?://[^\s]+$", max_length=512)
    model: str = Field(min_length=1, max_length=128)
    api_key_env: str = Field(default="", max_length=64)
    deadline_s: float = Field(default=2.0, gt=0, le=3.0)


class Policy(Section):
    """`[policy]` of a domain's configuration. Prices in the technology's table are what serving
    costs the operator; margins come on top.

    Attributes:
        headroom_permille: of every resource, kept for slices that grow in place.
        margin_permille_open: on top of cost in the first menu; _min: below which it never goes.
        scarcity_permille_medium, scarcity_permille_low: of the cost, charged on top of it, margins
            coming on top of both, where the scarcest resource that an offer takes is down to three
            fifths and to a quarter: `scarcity`.
        price_micros_min: no segment is sold for less.
        patience_permille: how late the agent concedes, `beta` of `concession`; below 1000 is
            Boulware: firm first.
        rounds_max: counters that are answered; points_first, points_max: points of the frontier
            disclosed at once and in the end.
        offer_valid_s: an offer can be awarded for that long, and at most twice that.
        allow, deny: tenants, by name or SPIFFE id; an empty `allow` is everybody.
    """

    engine: Engine = Engine.RULES
    headroom_permille: int = Field(default=0, ge=0, lt=PERMILLE)
    margin_permille_open: Permille = 0
    margin_permille_min: Permille = 0
    scarcity_permille_medium: Permille = 0
    scarcity_permille_low: Permille = 0
    price_micros_min: int = Field(default=0, ge=0, le=10**12)
    patience_permille: int = Field(default=PERMILLE, ge=50, le=20 * PERMILLE)
    rounds_max: int = Field(default=ROUNDS_MAX, ge=0, le=ROUNDS_MAX)
    points_first: int = Field(default=POINTS_MAX, ge=3, le=POINTS_MAX)
    points_max: int = Field(default=POINTS_MAX, ge=3, le=POINTS_MAX)
    offer_valid_s: int = Field(default=120, ge=30, le=3_600)
    allow: Tenants = ()
    deny: Tenants = ()
    classes: Mapping[Name, TenantClass] = Field(default_factory=dict, max_length=64)
    relax: Relax = Relax()
    maintenance: tuple[Maintenance, ...] = Field(default=(), max_length=64)
    llm: LlmSection | None = None

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        _floor_below_opening(self.margin_permille_open, self.margin_permille_min)
        if self.scarcity_permille_medium > self.scarcity_permille_low:
            raise contradiction(
                "scarcity_permille_medium",
                "scarcity_permille_low",
                "less is asked for what is rarer",
            )
        if self.points_first > self.points_max:
            raise contradiction("points_first", "points_max", "more at first than in the end")
        if both := set(self.allow) & set(self.deny):
            raise contradiction("allow", "deny", f"{min(both)!r} is in both")
        if (self.engine is Engine.LLM) != (self.llm is not None):
            raise contradiction("engine", "llm", "one without the other")
        seen: dict[str, str] = {}
        for name, group in self.classes.items():
            for tenant in group.tenants:
                if tenant in seen and seen[tenant] != name:
                    fields = f"classes.{seen[tenant]}.tenants", f"classes.{name}.tenants"
                    raise contradiction(*fields, f"{tenant!r} is in both")
                if tenant in self.deny:
                    fields = f"classes.{name}.tenants", "deny"
                    raise contradiction(*fields, f"{tenant!r} is in both")
                if self.allow and tenant not in self.allow:
                    fields = f"classes.{name}.tenants", "allow"
                    raise contradiction(*fields, f"{tenant!r} is not allowed at all")
                seen[tenant] = name
        return self

    def serves(self, tenant: str) -> bool:
        """Whether this tenant is served at all."""
        if not self.allow and not self.deny:
            return True
        names = names_of(tenant)
        return names.isdisjoint(self.deny) and (not self.allow or not names.isdisjoint(self.allow))

    def margins(self, tenant: str) -> tuple[int, int]:
        """(opening, floor) in thousandths of the cost, for this tenant."""
        if self.classes:
            names = names_of(tenant)
            for group in self.classes.values():
                if not names.isdisjoint(group.tenants):
                    return group.margin_permille_open, group.margin_permille_min
        return self.margin_permille_open, self.margin_permille_min

    def closed_until(self, now_s: float) -> datetime | None:
        """When the maintenance ends that is going on; None where there is none."""
        if not self.maintenance:
            return None
        now = datetime.fromtimestamp(now_s, UTC)
        ends = [end for window in self.maintenance if (end := window.until(now)) is not None]
        return max(ends, default=None)


def names_of(tenant: str) -> frozenset[str]:
    """What a policy may call a tenant: the whole id, or its last part."""
    return frozenset({tenant, tenant.rpartition("/")[2]})


def _floor_below_opening(opening: int, floor: int) -> None:
    if floor > opening:
        raise contradiction(
            "margin_permille_min", "margin_permille_open", "the floor is above the opening"
        )
