"""How quantities are said to people: integers in base units in, "10.4 ms" out."""

from __future__ import annotations

from domains.model import PPB, Attribute, Metrics, Relaxation


def said(attribute: Attribute, value: int) -> str:
    """A value of an attribute, in the unit people use for it."""
    match attribute:
        case Attribute.LATENCY:
            return f"{value / 1000:.3f}".rstrip("0").rstrip(".") + " ms"
        case Attribute.AVAILABILITY:
            return percent(value)
        case Attribute.DOWNLINK | Attribute.UPLINK:
            return f"{value / 1000:,.3f}".rstrip("0").rstrip(".") + " Mbit/s"
        case Attribute.PRICE:
            return f"{value / 1e6:,.2f} EUR/h"
        case Attribute.COMPUTE:
            return f"{value / 1000:g} vCPU"
        case _:
            return f"{value:,}"


def counted(number: int, noun: str) -> str:
    """For example "1 device", "200 devices"."""
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"


def percent(availability_ppb: int) -> str:
    """Parts per billion as a percentage with just the digits that matter: 99.9999 %."""
    whole, fraction = divmod(availability_ppb, PPB // 100)
    digits = f"{fraction:07d}".rstrip("0")
    return f"{whole}.{digits} %" if digits else f"{whole} %"


def said_relaxation(relaxation: Relaxation) -> str:
    """For example "latency 10 ms -> 10.8 ms"."""
    asked = said(relaxation.attribute, relaxation.requested)
    return f"{relaxation.attribute} {asked} -> {said(relaxation.attribute, relaxation.achievable)}"


def said_metrics(metrics: Metrics) -> str:
    """Latency, availability and price of an offer or an agreement, in one line."""
    return ", ".join(
        (
            said(Attribute.LATENCY, metrics.latency_us),
            percent(metrics.availability_ppb),
            said(Attribute.PRICE, metrics.price_micros),
        )
    )
