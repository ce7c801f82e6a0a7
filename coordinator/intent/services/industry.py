"""Factories, machines, ports and mines."""

from __future__ import annotations

from coordinator.intent.catalogue import (
    ANALYTICS,
    CONTROL_GATEWAY,
    FIVE_QI,
    GATEWAY,
    MESSAGE_BROKER,
    RENDERER,
    TR_22_847,
    TS_22_104_APERIODIC,
    TS_22_104_NON_DETERMINISTIC,
    TS_22_104_PERIODIC,
    TS_22_261_RATES,
    Flow,
    Quality,
    entry,
    figures,
)
from coordinator.model import SliceType

LATENCY, RELIABILITY = Quality.LATENCY, Quality.RELIABILITY
THROUGHPUT, ECONOMICS = Quality.THROUGHPUT, Quality.ECONOMICS

ENTRIES = (
    entry(
        "motion control",
        SliceType.URLLC,
        (LATENCY, RELIABILITY),
        figures(TS_22_104_PERIODIC, latency_ms=2, availability_pct=99.9999),
        CONTROL_GATEWAY,
        "motion control | servo | cnc | printing machine | packaging machine | machine tool"
        " | press line | milling machine | drive control | spindle",
        flow=Flow.BOTH,
    ),
    entry(
        "closed loop control",
        SliceType.URLLC,
        (LATENCY, RELIABILITY),
        figures(TS_22_104_PERIODIC, latency_ms=10, availability_pct=99.9999),
        CONTROL_GATEWAY,
        "closed loop | closed loop control | process automation | control loop | plc"
        " | programmable logic controller | actuator | actuation | valve control | reactor control"
        " | control to control | fieldbus | profinet | real time control | emergency stop"
        " | safety controller | interlock",
        flow=Flow.BOTH,
    ),
    entry(
        "mobile robots",
        SliceType.URLLC,
        (LATENCY, RELIABILITY),
        figures(TS_22_104_PERIODIC, latency_ms=40, availability_pct=99.9999),
        CONTROL_GATEWAY,
        "agv | automated guided vehicle | autonomous guided vehicle | autonomous mobile robot"
        " | mobile robot | warehouse robot | guided vehicle | amr | autonomous forklift | forklift"
        " | robot fleet | picking robot | delivery robot",
        flow=Flow.BOTH,
    ),
    entry(
        "robot control",
        SliceType.URLLC,
        (LATENCY, RELIABILITY),
        figures(TR_22_847, latency_ms=20, reliability_pct=99.99)
        + figures(TR_22_847, per_ue_dl_mbps=2, per_ue_ul_mbps=2),
        CONTROL_GATEWAY,
        "robot control | robotic control | robot arm | robotic arm | robotic | robot | cobot"
        " | collaborative robot | welding robot | assembly robot | control of robot | exoskeleton"
        " | teleoperated robot | humanoid | manipulator",
        flow=Flow.BOTH,
    ),
    entry(
        "remote machine operation",
        SliceType.URLLC,
        (LATENCY, RELIABILITY),
        figures(TS_22_104_PERIODIC, latency_ms=12, availability_pct=99.9999),
        CONTROL_GATEWAY,
        "remote control | remote operation | remotely operated | remotely control | teleoperation"
        " | tele operation | tele operated | remote controlled crane | crane | excavator"
        " | construction equipment | remote construction | heavy machinery | mining machine"
        " | remote mining | autonomous haul truck | haul truck | bulldozer | control panel"
        " | remote handling | steer remotely | operate remotely | control remotely | joystick"
        " | control command | control signal | command and control | control traffic",
        flow=Flow.BOTH,
    ),
    entry(
        "industrial augmented reality",
        SliceType.HDLLC,
        (LATENCY, THROUGHPUT),
        figures(TS_22_104_APERIODIC, latency_ms=10, availability_pct=99.9),
        RENDERER,
        "industrial augmented reality | industrial ar | ar maintenance | augmented reality"
        " maintenance | remote expert | ar assistance | smart glasses | ar guided | ar assisted",
        flow=Flow.BOTH,
    ),
    entry(
        "industrial automation",
        SliceType.URLLC,
        (LATENCY, RELIABILITY),
        figures(TS_22_104_PERIODIC, latency_ms=10, availability_pct=99.9999),
        CONTROL_GATEWAY,
        "industrial automation | factory automation | assembly line | production line"
        " | manufacturing automation | automated manufacturing | industrial control | scada"
        " | conveyor | production cell | industrial process",
        flow=Flow.BOTH,
    ),
    entry(
        "process monitoring",
        SliceType.MIOT,
        (ECONOMICS, RELIABILITY),
        figures(TS_22_104_PERIODIC, latency_ms=100, availability_pct=99.99),
        MESSAGE_BROKER,
        "process monitoring | plant monitoring | condition monitoring | predictive maintenance"
        " | equipment monitoring | machine monitoring | industrial sensor | vibration sensor"
        " | temperature sensor | pressure sensor | pipeline monitoring | pipeline sensor"
        " | machine health | industrial iot | iiot | structural health | bridge monitoring"
        " | cold chain | tank level",
        flow=Flow.UP,
    ),
    entry(
        "asset tracking",
        SliceType.MIOT,
        (ECONOMICS, RELIABILITY),
        figures(TS_22_104_PERIODIC, latency_ms=100, availability_pct=99.99),
        MESSAGE_BROKER,
        "asset tracking | asset tracker | container tracking | track container | tracking tag"
        " | tag | tracking device | tracker | rfid | inventory | parcel | package tracking"
        " | supply chain tracking | goods tracking | pallet | logistics tracking | track asset"
        " | shipment | luggage | baggage | electronic shelf label | shelf label",
        flow=Flow.UP,
    ),
    entry(
        "digital twin",
        SliceType.HDLLC,
        (THROUGHPUT, LATENCY),
        figures(FIVE_QI, latency_ms=20) + figures(TS_22_261_RATES, per_ue_ul_mbps=50),
        ANALYTICS,
        "digital twin | digital replica | virtual replica | cyber physical twin | live 3d model"
        " | virtual factory | digital model of",
        flow=Flow.UP,
    ),
    entry(
        "machine vision",
        SliceType.EMBB,
        (THROUGHPUT, LATENCY),
        figures(TS_22_104_NON_DETERMINISTIC, per_ue_ul_mbps=10) + figures(FIVE_QI, latency_ms=100),
        ANALYTICS,
        "machine vision | visual inspection | quality inspection | defect detection"
        " | video inspection | image recognition | computer vision | inspection camera"
        " | camera inspection | optical inspection | quality control camera",
        flow=Flow.UP,
    ),
    entry(
        "software updates",
        SliceType.EMBB,
        (THROUGHPUT, ECONOMICS),
        figures(TS_22_104_NON_DETERMINISTIC, per_ue_dl_mbps=1),
        GATEWAY,
        "software update | firmware update | over the air update | ota update | map update",
    ),
    entry(
        "production site",
        SliceType.URLLC,
        (LATENCY, RELIABILITY),
        figures(TS_22_104_PERIODIC, latency_ms=10, availability_pct=99.9999),
        CONTROL_GATEWAY,
        "factory | manufacturing | industry 4 | smart factory | industrial | plant | port"
        " automation | smart port | mine | mining | warehouse | shipyard | refinery",
        sector=True,
        flow=Flow.BOTH,
    ),
)
