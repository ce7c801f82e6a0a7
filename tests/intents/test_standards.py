"""Every service of every sentence becomes documents that the standards' own schemas accept."""

from __future__ import annotations

import functools
import importlib.util
import json
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import pytest

from coordinator.intent.rules import RulesInterpreter
from coordinator.model import Action, ServiceProfile
from coordinator.profile import nest, service_profile_json, service_profiles, slice_profile_json
from coordinator.profile_schema import ServiceProfileJson, SliceProfileJson
from coordinator.translation import translation
from domains.model import DomainKind, SliceProfile
from tests.intents.sentences import AREAS, labelled

SHARED = Path(__file__).resolve().parents[2].parent / "shared"
SETS = ("tune", "tune2", "held")
PROFILES_MIN = 300
"""Services that our own sentences ask for, at least."""


@functools.cache
def profiles() -> tuple[ServiceProfile, ...]:
    """The profiles of everything that can be ordered as it stands."""
    return tuple(_profiles())


def _profiles() -> Iterator[ServiceProfile]:
    engine = RulesInterpreter()
    texts = [row.text for name in SETS for row in labelled(name)]
    public = SHARED / "data/intents_dev.jsonl"
    if public.exists():
        texts += [json.loads(line)["text"] for line in public.read_text("utf-8").splitlines()]
    for text in texts:
        said = engine.interpret(text, AREAS)
        if translation(said, "berlin").action is Action.CREATE:
            yield from service_profiles(said, "berlin")


def shares(profile: ServiceProfile) -> Iterator[dict[str, object]]:
    """What each kind of domain would be asked for, if it had to keep all of it alone."""
    share = SliceProfile(
        ingress=profile.origin,
        egress="bp-1",
        latency_us_max=profile.latency_us_max,
        availability_ppb_min=profile.availability_ppb_min,
        downlink_kbps=profile.downlink_kbps,
        uplink_kbps=profile.uplink_kbps,
        devices=profile.devices,
        isolation=profile.isolation,
    )
    for kind in DomainKind:
        yield slice_profile_json(share, kind, profile.slice_type, sd="0000af")


def test_every_document_keeps_our_own_strict_models() -> None:
    assert len(profiles()) >= PROFILES_MIN
    for profile in profiles():
        ServiceProfileJson.model_validate(service_profile_json(profile))
        filled = nest(profile)
        assert filled["Availability"] == pytest.approx(profile.availability_ppb_min / 1e7)
        for document in shares(profile):
            SliceProfileJson.model_validate(document)


def test_every_document_is_valid_for_ts_28_541() -> None:
    check = checker()
    for profile in profiles():
        assert list(check.errors("ServiceProfile", service_profile_json(profile))) == []
    for document in (d for profile in profiles()[::10] for d in shares(profile)):
        assert list(check.errors("SliceProfile", document)) == []


def checker() -> ModuleType:
    """The script that knows the 3GPP schemas; reading them takes seconds, so once."""
    script = SHARED / "tools/check_profile.py"
    if not script.exists():
        pytest.skip("no 3GPP schemas next to this repository")
    pytest.importorskip("openapi_schema_validator", reason="validates against 3GPP schemas")
    spec = importlib.util.spec_from_file_location("check_profile", script)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    vars(module)["_load"] = functools.cache(module._load)
    return module
