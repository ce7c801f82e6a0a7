"""A service that any network can carry."""

from __future__ import annotations

from coordinator.model import ServiceProfile, SliceType
from domains.model import Isolation, NetworkFunction

SERVICE = ServiceProfile(
    name="video",
    slice_type=SliceType.EMBB,
    latency_us_max=100_000,
    availability_ppb_min=990_000_000,
    downlink_kbps=10_000,
    uplink_kbps=2_000,
    devices=10,
    isolation=Isolation.ISOLATED,
    origin="berlin",
    destination="munich",
    functions=(NetworkFunction("media-server", "media-server", 2_000, 4_096, 20),),
)
