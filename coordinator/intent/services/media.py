"""Pictures, sound, games and other realities."""

from __future__ import annotations

from coordinator.intent.catalogue import (
    ANALYTICS,
    COLLABORATION,
    FIVE_QI,
    MEDIA_SERVER,
    RENDERER,
    TS_22_261_INTERACTIVE,
    TS_22_261_RATES,
    TS_22_263,
    TS_22_289_METRO,
    VOICE_SERVER,
    Flow,
    Quality,
    entry,
    figures,
)
from coordinator.model import SliceType

LATENCY, RELIABILITY = Quality.LATENCY, Quality.RELIABILITY
THROUGHPUT, ECONOMICS = Quality.THROUGHPUT, Quality.ECONOMICS

VIDEO = (
    entry(
        "video streaming",
        SliceType.EMBB,
        (THROUGHPUT, LATENCY),
        figures(FIVE_QI, latency_ms=300)
        + figures(TS_22_261_RATES, per_ue_dl_mbps=20, per_ue_ul_mbps=0.5),
        MEDIA_SERVER,
        "video streaming | stream video | streaming | video stream | video on demand | vod | ott"
        " | iptv | movie | television | tv channel | 4k | 8k | uhd | ultra hd | hd video"
        " | high definition | high definition video | full hd | 1080p | video | multimedia"
        " | media delivery | content delivery | cdn | video playback | netflix | youtube | footage"
        " | video feed | video transmission",
    ),
    entry(
        "live broadcast",
        SliceType.EMBB,
        (THROUGHPUT, LATENCY),
        figures(FIVE_QI, latency_ms=150) + figures(TS_22_263, per_ue_ul_mbps=20, per_ue_dl_mbps=10),
        MEDIA_SERVER,
        "live broadcast | live stream | livestream | broadcast | broadcasting | news gathering"
        " | tv crew | reporter | journalist | live coverage | outside broadcast | live video"
        " | live event coverage | broadcaster | live sport | sport coverage | camera crew"
        " | live feed | concert stream | influencer",
        flow=Flow.UP,
    ),
    entry(
        "video conferencing",
        SliceType.EMBB,
        (THROUGHPUT, LATENCY),
        figures(FIVE_QI, latency_ms=150)
        + figures(COLLABORATION, per_ue_dl_mbps=2.5, per_ue_ul_mbps=2.5),
        MEDIA_SERVER,
        "video conferencing | video conference | video call | video calling | videoconference"
        " | web conferencing | online meeting | virtual meeting | remote collaboration"
        " | teleconference | telepresence | video chat | webinar | video meeting",
        flow=Flow.BOTH,
    ),
    entry(
        "video surveillance",
        SliceType.EMBB,
        (THROUGHPUT, RELIABILITY),
        figures(TS_22_289_METRO, latency_ms=500, availability_pct=99.99, per_ue_ul_mbps=2),
        ANALYTICS,
        "video surveillance | surveillance camera | security camera | cctv | surveillance"
        " | camera | ip camera | camera feed | camera analytics | video analytics | monitoring"
        " camera | video monitoring | number plate recognition | dashcam | body cam | body camera"
        " | bodycam | body worn camera | security video | facial recognition",
        flow=Flow.UP,
    ),
    entry(
        "event broadband",
        SliceType.EMBB,
        (THROUGHPUT, RELIABILITY),
        figures(TS_22_261_RATES, per_ue_dl_mbps=25, per_ue_ul_mbps=50, activity_pct=30),
        MEDIA_SERVER,
        "stadium | festival | concert | fan | spectator | crowd | music festival | sport event"
        " | fair | trade fair | exhibition | conference venue | football match | olympics"
        " | parade | arena | visitor | attendee | match day | world cup | carnival | temporary"
        " event | large event | crowded | tournament | convention",
    ),
)

PRODUCTION = (
    entry(
        "remote production",
        SliceType.EMBB,
        (THROUGHPUT, LATENCY),
        figures(TS_22_263, latency_ms=6, per_ue_ul_mbps=200, per_ue_dl_mbps=20),
        MEDIA_SERVER,
        "remote production | studio | tv production | film production | av production | video"
        " production | uncompressed video | mezzanine | production camera | film set | uncompressed"
        " | contribution feed | video contribution",
        flow=Flow.UP,
    ),
    entry(
        "live audio production",
        SliceType.URLLC,
        (LATENCY, RELIABILITY),
        figures(
            TS_22_263,
            latency_ms=0.75,
            reliability_pct=99.9999,
            per_ue_dl_mbps=0.5,
            per_ue_ul_mbps=0.5,
        ),
        VOICE_SERVER,
        "wireless microphone | microphone | in ear monitor | live audio | musician | orchestra"
        " | remote music | jam session | stage audio | intercom",
        flow=Flow.BOTH,
    ),
)

IMMERSIVE = (
    entry(
        "extended reality",
        SliceType.HDLLC,
        (LATENCY, THROUGHPUT),
        figures(
            TS_22_261_INTERACTIVE,
            latency_ms=5,
            reliability_pct=99.9,
            per_ue_dl_mbps=100,
            per_ue_ul_mbps=100,
        ),
        RENDERER,
        "vr gaming | vr arena | augmented reality | virtual reality | mixed reality"
        " | extended reality | ar vr | vr | xr"
        " | ar | ar application | ar overlay | vr headset | ar headset | ar glasses | vr training"
        " | immersive | headset | split rendering | cloud rendering | edge rendering"
        " | remote rendering | head mounted | 360 video | 360 degree video | ar experience"
        " | vr experience | vr game | immersive experience",
        flow=Flow.BOTH,
    ),
    entry(
        "holographic communication",
        SliceType.HDLLC,
        (THROUGHPUT, LATENCY),
        figures(TS_22_261_RATES, latency_ms=2, per_ue_dl_mbps=300, per_ue_ul_mbps=300),
        RENDERER,
        "hologram | holographic | holography | volumetric video | volumetric | 3d telepresence"
        " | metaverse | 8k 3d | holoportation",
        flow=Flow.BOTH,
    ),
    entry(
        "cloud gaming",
        SliceType.HDLLC,
        (LATENCY, THROUGHPUT),
        figures(
            TS_22_261_INTERACTIVE,
            latency_ms=10,
            reliability_pct=99.99,
            per_ue_dl_mbps=100,
            per_ue_ul_mbps=100,
        ),
        RENDERER,
        "cloud gaming | game streaming | cloud game | gaming in the cloud | game rendering"
        " | interactive game stream | streamed game",
    ),
    entry(
        "online gaming",
        SliceType.EMBB,
        (LATENCY, THROUGHPUT),
        figures(FIVE_QI, latency_ms=50),
        MEDIA_SERVER,
        "gaming | online gaming | gamer | game | esport | e sport | multiplayer | mobile gaming"
        " | game server | gaming tournament | player",
    ),
)

ENTRIES = VIDEO + PRODUCTION + IMMERSIVE
