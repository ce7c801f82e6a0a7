"""Public safety, emergencies, defence: what must not fail."""

from __future__ import annotations

from coordinator.intent.catalogue import (
    CONTROL_GATEWAY,
    FIVE_QI,
    VOICE_SERVER,
    Flow,
    Quality,
    entry,
    figures,
)
from coordinator.model import SliceType

LATENCY, RELIABILITY = Quality.LATENCY, Quality.RELIABILITY

ENTRIES = (
    entry(
        "mission critical voice",
        SliceType.URLLC,
        (RELIABILITY, LATENCY),
        figures(FIVE_QI, latency_ms=75),
        VOICE_SERVER,
        "mission critical voice | push to talk | mcptt | ptt | mission critical communication"
        " | tetra | group call | dispatch radio | walkie talkie | two way radio | emergency call"
        " | emergency voice",
        flow=Flow.BOTH,
    ),
    entry(
        "emergency response",
        SliceType.URLLC,
        (RELIABILITY, LATENCY),
        figures(FIVE_QI, latency_ms=60),
        VOICE_SERVER,
        "emergency response | emergency service | first responder | public safety | disaster"
        " recovery | disaster relief | disaster response | disaster | emergency | firefighter"
        " | fire brigade | fire department | police | rescue | search and rescue | evacuation"
        " | command center | command centre | civil protection | earthquake | emergency priority"
        " | incident | crisis | red cross | law enforcement | wildfire | tsunami | alerting"
        " | fire alarm | alarm panel | early warning | emergency alert | humanitarian",
        flow=Flow.BOTH,
    ),
    entry(
        "defence communication",
        SliceType.URLLC,
        (RELIABILITY, LATENCY),
        figures(FIVE_QI, latency_ms=60),
        CONTROL_GATEWAY,
        "military | defence | defense | battlefield | tactical | army | soldier | navy | border"
        " control | border security | government communication | embassy",
        flow=Flow.BOTH,
    ),
    entry(
        "critical infrastructure",
        SliceType.URLLC,
        (RELIABILITY, LATENCY),
        figures(FIVE_QI, latency_ms=60),
        CONTROL_GATEWAY,
        "critical infrastructure | mission critical | safety critical | business critical"
        " | life critical | critical communication | critical service | critical operation"
        " | life saving | safety system | dam control | tunnel safety",
        flow=Flow.BOTH,
    ),
)
