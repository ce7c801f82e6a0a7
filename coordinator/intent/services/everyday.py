"""Homes, offices, shops, banks: connectivity as such."""

from __future__ import annotations

from coordinator.intent.catalogue import (
    ANALYTICS,
    CONTROL_GATEWAY,
    FIVE_QI,
    GATEWAY,
    MEDIA_SERVER,
    TS_22_261_RATES,
    VOICE_SERVER,
    Flow,
    Quality,
    entry,
    figures,
)
from coordinator.model import SliceType

LATENCY, RELIABILITY = Quality.LATENCY, Quality.RELIABILITY
THROUGHPUT, ECONOMICS = Quality.THROUGHPUT, Quality.ECONOMICS
MACRO = figures(TS_22_261_RATES, per_ue_dl_mbps=50, per_ue_ul_mbps=25, activity_pct=20)
HOTSPOT = figures(TS_22_261_RATES, per_ue_dl_mbps=1_000, per_ue_ul_mbps=500)

ENTRIES = (
    entry(
        "mobile broadband",
        SliceType.EMBB,
        (THROUGHPUT, ECONOMICS),
        MACRO,
        GATEWAY,
        "mobile broadband | broadband | internet access | internet | wifi | wi fi | hotspot"
        " | smartphone | mobile data | browsing | web browsing | social media | tourist | student"
        " | campus | campus network | campus connectivity | subscriber | tablet | laptop"
        " | shopping mall | high speed internet | app download | connectivity for user | guest"
        " | mobile user | data plan | handset",
    ),
    entry(
        "fixed wireless access",
        SliceType.EMBB,
        (THROUGHPUT, ECONOMICS),
        MACRO,
        GATEWAY,
        "fixed wireless | fwa | home internet | home broadband | household | rural broadband"
        " | rural internet | backhaul | rural connectivity | rural area | residential internet"
        " | village internet | broadband for home",
    ),
    entry(
        "office connectivity",
        SliceType.EMBB,
        (THROUGHPUT, RELIABILITY),
        MACRO,
        GATEWAY,
        "office | enterprise network | enterprise connectivity | vpn | remote work | remote worker"
        " | home office | branch | corporate network | employee | headquarters | business"
        " application | saas | erp | private network | co working | coworking | workforce"
        " | pop up office | telework",
    ),
    entry(
        "remote education",
        SliceType.EMBB,
        (THROUGHPUT, LATENCY),
        MACRO,
        MEDIA_SERVER,
        "education | e learning | elearning | classroom | online class | lecture | school"
        " | university | distance learning | remote learning | online learning | exam",
    ),
    entry(
        "bulk data transfer",
        SliceType.EMBB,
        (THROUGHPUT, ECONOMICS),
        HOTSPOT,
        ANALYTICS,
        "bulk data | bulk transfer | file transfer | data transfer | backup | large file | upload"
        " file | data center | data centre | replication | dataset | scientific data | big data"
        " | database sync | archive | cloud storage | data migration | file upload | file download"
        " | log collection | data exchange | cctv offload",
        flow=Flow.BOTH,
    ),
    entry(
        "edge intelligence",
        SliceType.EMBB,
        (THROUGHPUT, LATENCY),
        figures(FIVE_QI, latency_ms=100) + MACRO,
        ANALYTICS,
        "edge ai | ai inference | ai processing | machine learning | ai model | federated learning"
        " | model training | edge analytics | ai workload | data analytics | analytics",
        flow=Flow.UP,
    ),
    entry(
        "voice",
        SliceType.EMBB,
        (LATENCY, RELIABILITY),
        figures(FIVE_QI, latency_ms=100),
        VOICE_SERVER,
        "voice call | voice service | telephony | voip | vonr | volte | phone call"
        " | call center | call centre | voice stream | conversational voice | voice and video",
        flow=Flow.BOTH,
    ),
    entry(
        "payments",
        SliceType.EMBB,
        (RELIABILITY, LATENCY),
        figures(FIVE_QI, latency_ms=100),
        GATEWAY,
        "payment | point of sale | pos terminal | cash register | atm | banking | bank"
        " | financial transaction | checkout | card terminal | ticketing | vending machine"
        " | cashless",
        flow=Flow.BOTH,
    ),
    entry(
        "trading",
        SliceType.URLLC,
        (LATENCY, RELIABILITY),
        figures(FIVE_QI, latency_ms=5),
        CONTROL_GATEWAY,
        "high frequency trading | trading | stock exchange | algorithmic trading | market data"
        " | financial trading | trading floor",
        flow=Flow.BOTH,
    ),
    entry(
        "shops and kitchens",
        SliceType.EMBB,
        (THROUGHPUT, RELIABILITY),
        MACRO,
        GATEWAY,
        "retail | shop | store | restaurant | kitchen | hotel | mall | supermarket | gym | spa"
        " | resort | salon | cafe | bakery | facility | connected kitchen | theme park | theatre"
        " | cinema | casino | museum | library | art gallery | church | zoo | smart venue"
        " | airport",
        sector=True,
    ),
    entry(
        "best effort traffic",
        SliceType.EMBB,
        (ECONOMICS, THROUGHPUT),
        MACRO,
        GATEWAY,
        "best effort traffic | background traffic | best effort internet | best effort slice"
        " | remaining traffic | other traffic | guest network | non critical traffic",
    ),
)
