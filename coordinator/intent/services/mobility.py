"""Roads, rails, air and sea."""

from __future__ import annotations

from coordinator.intent.catalogue import (
    CONTROL_GATEWAY,
    FIVE_QI,
    GATEWAY,
    MEDIA_SERVER,
    TRAFFIC_SERVER,
    TS_22_104_PERIODIC,
    TS_22_186_ADVANCED,
    TS_22_186_PLATOON,
    TS_22_186_REMOTE,
    TS_22_186_SENSORS,
    TS_22_261_RATES,
    TS_22_261_ROADSIDE,
    TS_22_289_METRO,
    TS_22_289_RAIL,
    VOICE_SERVER,
    Flow,
    Quality,
    entry,
    figures,
)
from coordinator.model import SliceType

LATENCY, RELIABILITY = Quality.LATENCY, Quality.RELIABILITY
THROUGHPUT, ECONOMICS = Quality.THROUGHPUT, Quality.ECONOMICS
BOTH = Flow.BOTH

ROAD = (
    entry(
        "platooning",
        SliceType.V2X,
        (RELIABILITY, LATENCY),
        figures(TS_22_186_PLATOON, latency_ms=10, reliability_pct=99.99),
        TRAFFIC_SERVER,
        "platooning | platoon | truck convoy | convoy | cooperative driving",
        flow=BOTH,
    ),
    entry(
        "cooperative collision avoidance",
        SliceType.V2X,
        (RELIABILITY, LATENCY),
        figures(
            TS_22_186_ADVANCED,
            latency_ms=10,
            reliability_pct=99.99,
            per_ue_dl_mbps=10,
            per_ue_ul_mbps=10,
        ),
        TRAFFIC_SERVER,
        "collision avoidance | collision warning | lane change | emergency braking | crash warning"
        " | hazard warning | pedestrian warning | vulnerable road user | trajectory alignment"
        " | intersection safety | cooperative intersection | blind spot",
        flow=BOTH,
    ),
    entry(
        "remote driving",
        SliceType.V2X,
        (LATENCY, RELIABILITY),
        figures(
            TS_22_186_REMOTE,
            latency_ms=5,
            reliability_pct=99.999,
            per_ue_ul_mbps=25,
            per_ue_dl_mbps=1,
        ),
        CONTROL_GATEWAY,
        "remote driving | tele driving | teledriving | remotely driven | teleoperated vehicle"
        " | teleoperated car | teleoperated driving | drive remotely | remote control of vehicle"
        " | remote control of car | remote control of truck | remote controlled vehicle | robotaxi"
        " | remote driver",
        flow=Flow.UP,
    ),
    entry(
        "extended vehicle sensors",
        SliceType.V2X,
        (LATENCY, RELIABILITY),
        figures(
            TS_22_186_SENSORS,
            latency_ms=10,
            reliability_pct=99.99,
            per_ue_ul_mbps=25,
            per_ue_dl_mbps=25,
        ),
        TRAFFIC_SERVER,
        "extended sensor | see through | sensor sharing | cooperative perception | lidar sharing"
        " | hd map | vehicle sensor | lidar of vehicle",
        flow=BOTH,
    ),
    entry(
        "connected vehicles",
        SliceType.V2X,
        (RELIABILITY, LATENCY),
        figures(FIVE_QI, latency_ms=50)
        + figures(TS_22_186_PLATOON, reliability_pct=99.99)
        + figures(TS_22_186_ADVANCED, per_ue_dl_mbps=10, per_ue_ul_mbps=10),
        TRAFFIC_SERVER,
        "v2x | v2v | v2i | c v2x | vehicle to everything | vehicle to vehicle | vehicle to"
        " infrastructure | vehicular communication | connected car | connected vehicle"
        " | autonomous car | autonomous vehicle | autonomous driving | autonomous truck | self"
        " driving | driverless car | automated driving | autonomous shuttle | autonomous bus"
        " | driverless shuttle | autonomous taxi | vehicle | car | truck | automotive"
        " | autonomous mobility | motorway traffic | highway safety | lorry | smart road",
        flow=BOTH,
    ),
    entry(
        "traffic management",
        SliceType.URLLC,
        (LATENCY, RELIABILITY),
        figures(
            TS_22_261_ROADSIDE,
            latency_ms=30,
            availability_pct=99.9999,
            per_ue_dl_mbps=10,
            per_ue_ul_mbps=10,
        ),
        TRAFFIC_SERVER,
        "traffic management | traffic control | traffic light | traffic signal | intelligent"
        " transport | road side unit | roadside | toll | smart traffic | city traffic",
        flow=BOTH,
    ),
    entry(
        "in-vehicle infotainment",
        SliceType.EMBB,
        (THROUGHPUT, ECONOMICS),
        figures(TS_22_261_RATES, per_ue_dl_mbps=50, per_ue_ul_mbps=25, activity_pct=20),
        MEDIA_SERVER,
        "infotainment | in car entertainment | in vehicle entertainment | car entertainment"
        " | rear seat | in car streaming | bus wifi | passenger entertainment",
    ),
)

RAIL = (
    entry(
        "train control",
        SliceType.URLLC,
        (RELIABILITY, LATENCY),
        figures(
            TS_22_289_RAIL,
            latency_ms=100,
            reliability_pct=99.9999,
            per_ue_dl_mbps=1,
            per_ue_ul_mbps=1,
        ),
        CONTROL_GATEWAY,
        "train control | cbtc | etcs | frmcs | rail signalling | railway signalling | railway"
        " signaling | driverless train | automated train | train operation | train protection"
        " | interlocking | level crossing | signalling",
        flow=BOTH,
    ),
    entry(
        "railway communication",
        SliceType.URLLC,
        (RELIABILITY, LATENCY),
        figures(TS_22_289_RAIL, latency_ms=500, reliability_pct=99.9999, per_ue_ul_mbps=0.5),
        VOICE_SERVER,
        "railway communication | rail communication | railway | rail | train | metro line | tram"
        " | subway | locomotive | high speed rail | gsm r | track side | trackside | train radio"
        " | rail operator",
        flow=BOTH,
    ),
    entry(
        "train coupling",
        SliceType.URLLC,
        (RELIABILITY, LATENCY),
        figures(
            TS_22_289_METRO,
            latency_ms=100,
            availability_pct=99.9999,
            per_ue_dl_mbps=1_000,
            per_ue_ul_mbps=1_000,
        ),
        CONTROL_GATEWAY,
        "train coupling | virtual coupling",
        flow=BOTH,
    ),
    entry(
        "passenger broadband",
        SliceType.EMBB,
        (THROUGHPUT, ECONOMICS),
        figures(TS_22_261_RATES, per_ue_dl_mbps=50, per_ue_ul_mbps=25, activity_pct=20),
        GATEWAY,
        "passenger broadband | passenger wifi | train wifi | onboard wifi | on board wifi"
        " | passenger internet | internet on train | wifi on train | wi fi for passenger"
        " | passenger | commuter | internet for passenger | high speed train broadband",
    ),
    entry(
        "onboard cameras",
        SliceType.EMBB,
        (THROUGHPUT, RELIABILITY),
        figures(TS_22_289_METRO, latency_ms=500, availability_pct=99.99, per_ue_ul_mbps=2),
        MEDIA_SERVER,
        "train cctv | metro cctv | onboard camera | train camera | cctv on train | bus camera",
        flow=Flow.UP,
    ),
)

AIR_AND_SEA = (
    entry(
        "drone control",
        SliceType.URLLC,
        (LATENCY, RELIABILITY),
        figures(TS_22_104_PERIODIC, latency_ms=40, availability_pct=99.9999),
        CONTROL_GATEWAY,
        "drone control | control of drone | control drone | uav control | bvlos | beyond visual"
        " line of sight | drone | uav | unmanned aerial | drone swarm | drone delivery | drone"
        " fleet | air taxi | urban air mobility | drone command | unmanned aircraft | pilot drone",
        flow=BOTH,
    ),
    entry(
        "drone video",
        SliceType.EMBB,
        (THROUGHPUT, LATENCY),
        figures(TS_22_261_RATES, per_ue_ul_mbps=25, per_ue_dl_mbps=50),
        MEDIA_SERVER,
        "drone video | video from drone | drone camera | drone footage | drone imaging | aerial"
        " video | aerial footage | drone stream | aerial imaging | drone inspection | drone"
        " survey | aerial image",
        flow=Flow.UP,
    ),
    entry(
        "air traffic control",
        SliceType.URLLC,
        (RELIABILITY, LATENCY),
        figures(FIVE_QI, latency_ms=60),
        VOICE_SERVER,
        "air traffic control | air traffic management | airport ground control | runway"
        " | aviation safety | flight control | tarmac | apron control",
        flow=BOTH,
    ),
    entry(
        "in-flight connectivity",
        SliceType.EMBB,
        (THROUGHPUT, ECONOMICS),
        figures(TS_22_261_RATES, per_ue_dl_mbps=15, per_ue_ul_mbps=7.5, activity_pct=20),
        GATEWAY,
        "in flight wifi | in flight entertainment | inflight | airplane connectivity"
        " | aircraft cabin | cruise ship | ferry"
        " | maritime broadband | ship broadband | plane wifi | cabin wifi",
    ),
    entry(
        "maritime communication",
        SliceType.URLLC,
        (RELIABILITY, LATENCY),
        figures(FIVE_QI, latency_ms=100),
        VOICE_SERVER,
        "vessel | maritime communication | ship to shore | autonomous ship | offshore platform"
        " | oil rig | coast guard | lighthouse",
        flow=BOTH,
    ),
)

ENTRIES = ROAD + RAIL + AIR_AND_SEA
