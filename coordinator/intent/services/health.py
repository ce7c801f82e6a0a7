"""Health: surgery, consultation, monitoring."""

from __future__ import annotations

from coordinator.intent.catalogue import (
    COLLABORATION,
    CONTROL_GATEWAY,
    FIVE_QI,
    MEDIA_SERVER,
    MESSAGE_BROKER,
    SURGERY_STUDY,
    TR_22_826,
    TR_22_847,
    TS_22_104_MEDICAL,
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
        "surgical robot control",
        SliceType.URLLC,
        (LATENCY, RELIABILITY),
        figures(
            TS_22_104_MEDICAL,
            latency_ms=20,
            availability_pct=99.9999,
            per_ue_dl_mbps=2,
            per_ue_ul_mbps=2,
        ),
        CONTROL_GATEWAY,
        "surgical robot | robot surgery | remote surgery | surgery | telesurgery | tele surgery"
        " | remote operation on patient | surgeon operate | surgeon remote | surgical procedure"
        " | operating theatre | operating room | surgical arm | surgical instrument | teleoperator"
        " | scalpel | surgical",
        flow=Flow.BOTH,
    ),
    entry(
        "haptic feedback",
        SliceType.URLLC,
        (LATENCY, RELIABILITY),
        figures(SURGERY_STUDY, latency_ms=10)
        + figures(TR_22_847, reliability_pct=99.99, per_ue_dl_mbps=2, per_ue_ul_mbps=2),
        CONTROL_GATEWAY,
        "haptic | haptic feedback | haptic control | tactile | tactile feedback | tactile internet"
        " | force feedback | kinesthetic | remote tactile interaction | haptic glove",
        flow=Flow.BOTH,
    ),
    entry(
        "remote ultrasound",
        SliceType.URLLC,
        (LATENCY, RELIABILITY),
        figures(
            TS_22_104_MEDICAL,
            latency_ms=20,
            availability_pct=99.999,
            per_ue_dl_mbps=2,
            per_ue_ul_mbps=2,
        ),
        CONTROL_GATEWAY,
        "remote ultrasound | robotic diagnosis | remote diagnosis robot | tele ultrasound",
        flow=Flow.BOTH,
    ),
    entry(
        "video consultation",
        SliceType.EMBB,
        (THROUGHPUT, LATENCY),
        figures(FIVE_QI, latency_ms=150)
        + figures(TR_22_826, availability_pct=99.99)
        + figures(COLLABORATION, per_ue_dl_mbps=2.5, per_ue_ul_mbps=2.5),
        MEDIA_SERVER,
        "video consultation | consultation | teleconsultation | tele consultation | video visit"
        " | patient video | doctor video | remote doctor | see doctor | telehealth session",
        flow=Flow.BOTH,
    ),
    entry(
        "medical imaging",
        SliceType.EMBB,
        (THROUGHPUT, RELIABILITY),
        figures(TR_22_826, latency_ms=250, availability_pct=99.99)
        + figures(TS_22_261_RATES, per_ue_ul_mbps=25, per_ue_dl_mbps=50),
        MEDIA_SERVER,
        "medical imaging | medical image | radiology | mri | ct scan | x ray image | pathology"
        " image | endoscopy video | surgical video | 3d camera | 3d stream | image guided",
        flow=Flow.UP,
    ),
    entry(
        "patient monitoring",
        SliceType.MIOT,
        (RELIABILITY, ECONOMICS),
        figures(
            SURGERY_STUDY,
            latency_ms=250,
            reliability_pct=99.9,
            per_ue_ul_mbps=0.01,
            per_ue_dl_mbps=0.001,
        ),
        MESSAGE_BROKER,
        "patient monitor | patient monitoring | remote patient | vital sign | vitals"
        " | physiological data | heart rate | blood pressure | glucose | ecg | pulse oximeter"
        " | wearable medical | medical wearable | health wearable | health sensor | infusion pump"
        " | fall detector | elderly care | insulin | medical device",
        flow=Flow.UP,
    ),
    entry(
        "ambulance link",
        SliceType.URLLC,
        (LATENCY, RELIABILITY),
        figures(TS_22_104_MEDICAL, latency_ms=20, availability_pct=99.999)
        + figures(TS_22_261_RATES, per_ue_ul_mbps=25, per_ue_dl_mbps=50),
        MEDIA_SERVER,
        "ambulance | paramedic | emergency medical | emergency room | connected ambulance"
        " | medical emergency | trauma team",
        flow=Flow.BOTH,
    ),
    entry(
        "life support",
        SliceType.URLLC,
        (RELIABILITY, LATENCY),
        figures(TS_22_104_MEDICAL, latency_ms=20, availability_pct=99.999),
        CONTROL_GATEWAY,
        "life support | ventilator | intensive care | icu | dialysis | anaesthesia | incubator",
        flow=Flow.BOTH,
    ),
    entry(
        "telemedicine",
        SliceType.EMBB,
        (THROUGHPUT, RELIABILITY),
        figures(FIVE_QI, latency_ms=150)
        + figures(TR_22_826, availability_pct=99.99)
        + figures(COLLABORATION, per_ue_dl_mbps=2.5, per_ue_ul_mbps=2.5),
        MEDIA_SERVER,
        "telemedicine | telehealth | hospital | clinic | ehealth | e health | healthcare"
        " | health care | medical | doctor | nurse",
        sector=True,
        flow=Flow.BOTH,
    ),
)
