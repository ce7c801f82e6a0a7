"""What people see: one order as it unfolds, and what there is to look at afterwards.

Nothing here decides anything. Text that came from outside (a tenant's words, a domain's name) is
never read as markup.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from rich.console import Console, Group, RenderableType
from rich.padding import Padding
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from coordinator.words import percent, said
from deploy import prose
from deploy.plain import Plain
from domains.model import Attribute

MARGIN = 13
"""Columns for the number and the name of a step."""

OFFERS_SHOWN = 3
"""Of each menu; the decision record has all of them."""

STATE_STYLE = {
    "activated": "green",
    "reserved": "cyan",
    "requested": "yellow",
    "terminated": "dim",
}
STEPS = (
    "interpret",
    "profile",
    "route",
    "split",
    "offers",
    "negotiate",
    "reserve",
    "deploy",
    "assure",
)


class Story:
    """Shows the events of an order, one after the other, as they come."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._services: dict[str, str] = {}

    def __call__(self, event: Plain) -> None:
        """Show one event, with its detail where there is more to it than a line."""
        if event["event"] == "profiled":
            self._services[event["slice"]] = str(event["detail"].get("name", ""))
        step = event["step"]
        number = STEPS.index(step) + 1 if step in STEPS else ""
        rows = Table.grid()
        rows.add_column(width=MARGIN, no_wrap=True)
        rows.add_column(overflow="fold")
        margin = Text.assemble((f"{number:>2} ", "dim"), (step, "bold cyan"))
        rows.add_row(margin, self._line(event))
        if (more := self._more(event)) is not None:
            rows.add_row("", more)
        self._console.print(rows)

    def _line(self, event: Plain) -> Text:
        line = Text()
        service = self._services.get(event["slice"], "")
        if service and not event["text"].startswith(service):
            line.append(f"{service}: ", "magenta")
        if event["domain"] and not event["text"].startswith(event["domain"]):
            line.append(f"{event['domain']} ", "bold")
        bad = event["event"] in ("refused", "failed")
        return line.append(event["text"], "red" if bad else "")

    def _more(self, event: Plain) -> RenderableType | None:
        detail = event["detail"] or {}
        match event["event"]:
            case "understood":
                return Group(*(_evidence(service) for service in detail.get("services", ())))
            case "divided":
                return _shares(detail.get("shares", ()))
            case "offered":
                return _offers(detail.get("offers", ())) if detail.get("offers") else None
        return None


def _evidence(service: Mapping[str, object]) -> RenderableType:
    rows = _plain_table("value", "", "from")
    evidence = service["evidence"]
    assert isinstance(evidence, list)
    for item in evidence:
        stated = item["source"] == "stated"
        origin = Text(f"“{item['words']}”", "green") if stated else Text(item["clause"], "dim")
        rows.add_row(Text(item["key"]), Text(_number(item["value"])), origin)
    title = Text.assemble((str(service["name"]), "magenta"), f" ({service['slice_type']})")
    return Group(title, rows)


def _shares(shares: Iterable[Mapping[str, int]]) -> RenderableType:
    rows = _plain_table("domain", "from - to", "latency", "availability", "down", "up")
    for share in shares:
        rows.add_row(
            Text(str(share["domain"]), "bold"),
            Text(f"{share['ingress']} - {share['egress']}"),
            said(Attribute.LATENCY, share["latency_us_max"]),
            percent(share["availability_ppb_min"]),
            said(Attribute.DOWNLINK, share["downlink_kbps"]),
            said(Attribute.UPLINK, share["uplink_kbps"]),
        )
    return rows


def _offers(offers: Sequence[Plain]) -> RenderableType:
    rows = _plain_table()
    for _ in range(4):
        rows.add_column()
    for offer in offers[:OFFERS_SHOWN]:
        short = ", ".join(relaxed(r) for r in offer["relaxes"])
        rows.add_row(
            said(Attribute.LATENCY, offer["latency_us"]),
            percent(offer["availability_ppb"]),
            said(Attribute.PRICE, offer["price_micros"]),
            Text(f"relaxes {short}", "yellow") if short else Text("exact", "green"),
        )
    if len(offers) > OFFERS_SHOWN:
        rows.add_row(Text(f"and {len(offers) - OFFERS_SHOWN} more", "dim"))
    return rows


def relaxed(relaxation: Plain) -> str:
    """For example "latency 10 ms -> 10.8 ms"."""
    attribute = Attribute(relaxation["attribute"])
    asked = said(attribute, relaxation["requested"])
    return f"{attribute.value} {asked} -> {said(attribute, relaxation['achievable'])}"


def proposal(found: Plain) -> RenderableType:
    """What the tenant is asked to agree to, and whose limit makes it necessary."""
    lines = []
    for item in found["relaxations"]:
        there = item["at_domain"]
        attribute = Attribute(there["attribute"])
        lines.append(
            Text.assemble(
                (f"{item['service']}: ", "magenta"),
                (relaxed(item["relaxation"]), "bold yellow"),
                "\n  because ",
                (str(item["domain"]), "bold"),
                f" was asked for {said(attribute, there['requested'])}"
                f" and can do {said(attribute, there['achievable'])}",
            )
        )
    lines.append(
        Text(f"price of what is relaxed {said(Attribute.PRICE, found['price_micros'])}", "dim")
    )
    return Panel(
        Group(*lines), title="A relaxation has to be agreed", border_style="yellow", expand=False
    )


def slices(found: Sequence[Plain]) -> RenderableType:
    """One line per slice."""
    rows = Table(box=None, pad_edge=False, header_style="dim")
    for heading in ("slice", "service", "state", "latency", "availability", "price", "domains"):
        rows.add_column(heading, no_wrap=heading == "slice")
    for slice_ in found:
        metrics = slice_["metrics"] or {}
        rows.add_row(
            Text(slice_["name"].removeprefix("slices/")),
            Text(_agreed(slice_).get("name", ""), "magenta"),
            state(slice_),
            said(Attribute.LATENCY, metrics["latency_us"]) if metrics else "",
            percent(metrics["availability_ppb"]) if metrics else "",
            said(Attribute.PRICE, metrics["price_micros"]) if metrics else "",
            str(len(slice_["segments"])),
        )
    return rows


def state(slice_: Plain) -> Text:
    """The state, and why where it ended."""
    text = Text(slice_["state"], STATE_STYLE.get(slice_["state"], ""))
    return text.append(f" ({slice_['reason']})", "dim") if slice_["reason"] else text


def slice_(found: Plain) -> RenderableType:
    """All of one slice: what was agreed, and the segment in each domain."""
    title = Text.assemble(
        (_agreed(found).get("name", ""), "magenta"), " ", (found["name"], "bold"), " ", state(found)
    )
    asked, agreed = found["requested"] or {}, _agreed(found)
    rows = _plain_table("", "asked", "agreed", "promised")
    for label, attribute, field, promised in (
        ("latency", Attribute.LATENCY, "latency_us_max", "latency_us"),
        ("availability", Attribute.AVAILABILITY, "availability_ppb_min", "availability_ppb"),
        ("downlink", Attribute.DOWNLINK, "downlink_kbps", "downlink_kbps"),
        ("uplink", Attribute.UPLINK, "uplink_kbps", "uplink_kbps"),
        ("devices", Attribute.DEVICES, "devices", "devices"),
        ("price", Attribute.PRICE, "price_micros_max", "price_micros"),
    ):
        metrics = found["metrics"] or {}
        rows.add_row(
            label,
            said(attribute, asked[field]) if asked.get(field) else "",
            said(attribute, agreed[field]) if agreed.get(field) else "",
            said(attribute, metrics[promised]) if metrics else "",
        )
    rows.add_row("isolation", asked.get("isolation", ""), agreed.get("isolation", ""), "")
    return Group(title, Padding(rows, (0, 2)), Padding(_segments(found["segments"]), (1, 2)))


def _segments(segments: Iterable[Plain]) -> RenderableType:
    rows = _plain_table("domain", "from", "to", "latency", "price", "functions", "meets at")
    for segment in segments:
        metrics = segment["metrics"]
        functions = ", ".join(f["name"] for f in segment["functions"])
        borders = ", ".join(f"{a['border_point']}/{a['label']}" for a in segment["attachments"])
        rows.add_row(
            Text(segment["domain"], "bold"),
            Text(segment["ingress"]),
            Text(segment["egress"]),
            said(Attribute.LATENCY, metrics["latency_us"]) if metrics else "",
            said(Attribute.PRICE, metrics["price_micros"]) if metrics else "",
            Text(functions),
            Text(borders),
        )
    return rows


def record(found: Plain) -> RenderableType:
    """A decision record: everything that happened and why, in order."""
    rows = _plain_table("#", "time", "step", "domain", "what")
    for event in found["events"]:
        rows.add_row(
            str(event["sequence"]),
            Text(str(event["time"] or "")[11:23]),
            Text(event["step"], "cyan"),
            Text(event["domain"], "bold"),
            Text(event["text"].removeprefix(f"{event['domain']}: ")),
        )
    return Group(rows, chain(found))


def account(found: Plain) -> RenderableType:
    """A decision record as an account: paragraphs under headings."""
    parts: list[RenderableType] = []
    for heading, paragraph in prose.account(found["events"]):
        parts += [Text(heading, "bold cyan"), Text(paragraph), Text("")]
    return Group(*parts, chain(found))


def chain(found: Plain) -> Text:
    """Whether nobody has changed the record since."""
    if found["verified"]:
        return Text("the hash chain of the record is unbroken", "green")
    return Text("the hash chain of the record is BROKEN: it has been changed", "bold red")


def domains(found: Sequence[Plain]) -> RenderableType:
    """One line per domain: who, where, how fresh."""
    rows = _plain_table("domain", "kind", "operator", "address", "state", "links")
    for view in found:
        topology = view["topology"]
        fresh = Text("reachable", "green") if view["reachable"] else Text("silent", "red")
        rows.add_row(
            Text(topology["domain"], "bold"),
            topology["kind"],
            Text(topology["operator"]),
            Text(view["address"]),
            fresh.append(f", seen {view['age_s']:.0f} s ago", "dim"),
            str(len(topology["links"])),
        )
    return rows


def domain(view: Plain) -> RenderableType:
    """What one domain shows of itself."""
    topology = view["topology"]
    rows = _plain_table("from", "to", "latency from", "availability to", "left", "price from")
    for link in topology["links"]:
        rows.add_row(
            Text(link["ingress"]),
            Text(link["egress"]),
            said(Attribute.LATENCY, link["latency_us_min"]),
            percent(link["availability_ppb_max"]),
            link["residual"],
            said(Attribute.PRICE, link["price_micros_from"]),
        )
    places = Text("covers " + ", ".join(topology["areas"])) if topology["areas"] else Text("")
    zones = ", ".join(f"{zone['zone']} ({zone['area']})" for zone in topology["zones"])
    more = [text for text in (places, Text(f"computes in {zones}" if zones else "")) if text]
    return Group(domains([view]), *more, rows)


def _agreed(slice_: Plain) -> Plain:
    agreed: Plain = slice_["agreed"] or slice_["requested"] or {}
    return agreed


def _number(value: object) -> str:
    return f"{value:g}" if isinstance(value, float) else str(value)


def _plain_table(*headings: str) -> Table:
    rows = Table(box=None, pad_edge=False, header_style="dim", show_header=any(headings))
    for heading in headings:
        rows.add_column(heading, overflow="fold")
    return rows
