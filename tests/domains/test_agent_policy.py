"""The operator's policy file: what it may say, what contradicts itself, and when it is closed."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from domains.agents.policy import Maintenance, Policy, Relax, Weekday
from domains.config import load, parse
from domains.errors import InvalidRequest, PolicyContradiction
from domains.model import PPB, Attribute, Relaxation

CORE = Path(__file__).parents[2] / "deploy" / "configs" / "germany" / "core.toml"


def with_policy(table: str) -> str:
    """The shipped core with another policy."""
    before, _, rest = CORE.read_text().partition("[policy]")
    return before + table + "\n[core]" + rest.partition("\n[core]")[2]


CONTRADICTIONS = {
    "margin_permille_min and margin_permille_open": (
        "[policy]\nmargin_permille_open = 10\nmargin_permille_min = 20"
    ),
    "scarcity_permille_medium and scarcity_permille_low": (
        "[policy]\nscarcity_permille_medium = 200\nscarcity_permille_low = 100"
    ),
    "points_first and points_max": "[policy]\npoints_first = 9\npoints_max = 5",
    "allow and deny": '[policy]\nallow = ["clinic"]\ndeny = ["clinic"]',
    "engine and llm": '[policy]\nengine = "llm"',
    "classes.gold.tenants and classes.silver.tenants": """
[policy.classes.gold]
tenants = ["clinic"]
margin_permille_open = 50
margin_permille_min = 0
[policy.classes.silver]
tenants = ["clinic"]
margin_permille_open = 60
margin_permille_min = 0
""",
    "classes.gold.tenants and deny": """
[policy]
deny = ["clinic"]
[policy.classes.gold]
tenants = ["clinic"]
margin_permille_open = 50
margin_permille_min = 0
""",
    "start and end": """
[[policy.maintenance]]
start = 2026-12-01T02:00:00Z
end = 2026-12-01T01:00:00Z
""",
    "start and at": """
[[policy.maintenance]]
start = 2026-12-01T02:00:00Z
end = 2026-12-01T03:00:00Z
at = 02:00:00
minutes = 30
""",
    "at and minutes": "[[policy.maintenance]]\nat = 02:00:00",
}


@pytest.mark.parametrize("fields", CONTRADICTIONS)
def test_a_policy_that_contradicts_itself_is_refused_by_both_names(fields: str) -> None:
    with pytest.raises(PolicyContradiction) as refused:
        parse(with_policy(CONTRADICTIONS[fields]), "core.toml")
    assert refused.value.metadata["fields"] == fields
    assert fields in refused.value.message


@pytest.mark.parametrize(
    ("table", "field"),
    [
        ("[policy]\nmargin = 3", "policy.margin"),
        ("[policy]\nmargin_permille_open = -1", "policy.margin_permille_open"),
        ("[policy]\nrounds_max = 5", "policy.rounds_max"),
        ("[policy]\nheadroom_permille = 1000", "policy.headroom_permille"),
        ('[policy]\nengine = "oracle"', "policy.engine"),
        ("[policy.relax]\nlatency_ms = 3", "policy.relax.latency_ms"),
    ],
)
def test_what_is_no_policy_is_refused_by_its_field(table: str, field: str) -> None:
    with pytest.raises(InvalidRequest) as refused:
        parse(with_policy(table), "core.toml")
    assert refused.value.metadata["field"] == field


def test_a_policy_may_have_a_file_of_its_own(tmp_path: Path) -> None:
    before, _, rest = CORE.read_text().partition("[policy]")
    domain = tmp_path / "core.toml"
    domain.write_text(
        'policy_file = "policy.toml"\n' + before + "[core]" + rest.partition("\n[core]")[2]
    )
    (tmp_path / "policy.toml").write_text("margin_permille_open = 77")
    assert load(domain).policy == Policy(margin_permille_open=77)
    (tmp_path / "policy.toml").unlink()
    with pytest.raises(InvalidRequest, match=r"policy\.toml"):
        load(domain)
    domain.write_text('policy_file = "policy.toml"\n' + CORE.read_text())
    with pytest.raises(PolicyContradiction, match="policy_file and policy"):
        load(domain)


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


@pytest.mark.parametrize(
    ("now", "until"),
    [
        ("2026-11-28T22:59:59", None),  # a Saturday
        ("2026-11-28T23:00:00", "2026-11-29T02:00:00"),
        ("2026-11-29T01:59:59", "2026-11-29T02:00:00"),  # past midnight, still Saturday's window
        ("2026-11-29T02:00:00", None),
        ("2026-11-29T23:30:00", None),  # a Sunday
    ],
)
def test_a_weekly_window_lasts_past_midnight(now: str, until: str | None) -> None:
    window = Maintenance(weekday=Weekday.SATURDAY, at=at("2026-01-01T23:00:00").time(), minutes=180)
    assert window.until(at(now)) == (at(until) if until else None)


def test_a_window_of_a_date_and_the_latest_of_several() -> None:
    once = Maintenance(start=at("2026-12-01T01:00:00"), end=at("2026-12-01T05:00:00"))
    daily = Maintenance(at=at("2026-01-01T04:00:00").time(), minutes=120)
    policy = Policy(maintenance=(once, daily))
    assert policy.closed_until(at("2026-12-01T00:59:59").timestamp()) is None
    assert policy.closed_until(at("2026-12-01T01:00:00").timestamp()) == at("2026-12-01T05:00:00")
    assert policy.closed_until(at("2026-12-01T04:30:00").timestamp()) == at("2026-12-01T06:00:00")


@pytest.mark.parametrize(
    ("relaxation", "allowed"),
    [
        (Relaxation(Attribute.LATENCY, 10_000, 15_000), True),
        (Relaxation(Attribute.LATENCY, 10_000, 15_001), False),
        (Relaxation(Attribute.AVAILABILITY, PPB - 100, PPB - 300), True),
        (Relaxation(Attribute.AVAILABILITY, PPB - 100, PPB - 301), False),
        (Relaxation(Attribute.DOWNLINK, 1_000, 750), True),
        (Relaxation(Attribute.DOWNLINK, 1_000, 749), False),
        (Relaxation(Attribute.UPLINK, 1_000, 1), True),
        (Relaxation(Attribute.DEVICES, 10, 9), False),
    ],
)
def test_how_far_an_offer_may_fall_short(relaxation: Relaxation, allowed: bool) -> None:
    relax = Relax(
        latency_permille=500,
        unavailability_permille=2_000,
        downlink_permille=250,
        devices_permille=0,
    )
    assert relax.allows(relaxation) is allowed


def test_tenants_are_known_by_name_or_by_their_whole_id() -> None:
    clinic, other = "spiffe://a.example/tenant/clinic", "spiffe://a.example/tenant/other"
    policy = Policy.model_validate(
        {
            "deny": [other],
            "margin_permille_open": 100,
            "classes": {
                "gold": {
                    "tenants": ["clinic"],
                    "margin_permille_open": 20,
                    "margin_permille_min": 10,
                }
            },
        }
    )
    assert policy.serves(clinic)
    assert not policy.serves(other)
    assert policy.margins(clinic) == (20, 10)
    assert policy.margins("anybody") == (100, 0)
    assert not Policy(allow=("clinic",)).serves(other)
