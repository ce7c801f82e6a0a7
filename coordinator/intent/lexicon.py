"""What words speak of: services of the catalogue, slice types, qualities, and their negation."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from coordinator.intent.catalogue import Entry, Quality
from coordinator.intent.counts import singular
from coordinator.intent.services import ENTRIES
from coordinator.intent.words import Hit, PhraseBook, Word
from coordinator.model import SliceType

LATENCY, RELIABILITY = Quality.LATENCY, Quality.RELIABILITY
THROUGHPUT, ECONOMICS = Quality.THROUGHPUT, Quality.ECONOMICS
EMBB, URLLC, MIOT = SliceType.EMBB, SliceType.URLLC, SliceType.MIOT
V2X, HMTC, HDLLC = SliceType.V2X, SliceType.HMTC, SliceType.HDLLC


@dataclass(frozen=True, slots=True)
class Cue:
    """A word that names no service, but leans towards a type or asks for a quality.

    Attributes:
        firm: how far it makes a request: "ultra-low latency" (1) does, "bandwidth" (0.5) does
            together with another such word, "fast" (0) does not.
    """

    types: Mapping[SliceType, float]
    qualities: Mapping[Quality, float]
    firm: float = 0.0


_CUES: tuple[tuple[str, Cue], ...] = (
    (
        "ultra low latency | extremely low latency | minimal latency | minimum latency | minimise"
        " latency | minimize latency | lowest latency | near zero latency | zero latency | very low"
        " latency | ultra reliable | sub millisecond | no delay | without delay | instant response"
        " | lowest possible latency | reduce latency | latency as low | shortest delay"
        " | millisecond response | instantaneous | hard real time | smallest delay | no lag"
        " | without lag | lag free | zero lag",
        Cue({URLLC: 2.2, HDLLC: 0.3}, {LATENCY: 2.0}, firm=1.0),
    ),
    (
        "low latency | latency critical | latency sensitive | time critical | time sensitive"
        " | deterministic | fast reaction | quick reaction | response time | split second"
        " | reaction time | short delay | low delay | low ping | fast response | react immediately"
        " | low jitter | bounded latency | tight latency | prioritize latency | react instantly",
        Cue({URLLC: 0.9, HDLLC: 0.2}, {LATENCY: 1.5}, firm=1.0),
    ),
    (
        "real time | latency | delay | immediate | immediately | instant | responsive | lag | ping"
        " | smooth | interactive | instantly | responsiveness | live",
        Cue({URLLC: 0.15}, {LATENCY: 0.5}, firm=0.3),
    ),
    (
        "reliability key | reliability paramount | reliability most important | reliability first"
        " | mission critical | safety critical | never fail | must not fail | cannot fail"
        " | fail safe"
        " | fault tolerant | always available | always on | uninterrupted | without interruption"
        " | redundant | redundancy | high availability | highly available | ultra high reliability"
        " | highest reliability | maximum reliability | high reliability | highly reliable"
        " | resilient | resilience | never drop | business continuity | life critical"
        " | lives depend"
        " | no outage | zero downtime | no downtime | no packet loss | zero packet loss | life"
        " death | five nines | failover | guaranteed availability | may never | must never"
        " | stay online | whatever happens | under all circumstances | no matter what"
        " | keep working | around clock | maximum availability | top reliability | rock solid"
        " | seamless handover | loss free",
        Cue({URLLC: 0.9}, {RELIABILITY: 2.0}, firm=1.0),
    ),
    (
        "reliable | reliability | reliably | availability | critical | guaranteed | robust | stable"
        " | dependable | secure | security | safety | uptime | continuous | seamless | priority"
        " | urgent | stability | prioritised | prioritized | vital | protected | trusted",
        Cue({URLLC: 0.3}, {RELIABILITY: 0.7}),
    ),
    (
        "ultra fast | super fast | superfast | fast download | high bandwidth"
        " | maximum throughput | high throughput | highest throughput | high capacity"
        " | high data rate | gigabit | very high speed | maximise throughput | maximize throughput"
        " | maximum bandwidth | ultra high definition | massive bandwidth | large bandwidth | bulk"
        " | more bandwidth | huge bandwidth | peak rate | massive throughput | lots of bandwidth"
        " | big pipe | high volume | maximum speed | bandwidth hungry | bandwidth intensive"
        " | maximise bandwidth | maximize bandwidth | enormous data | terabyte | high speed data"
        " | plenty of bandwidth | heavy data | data intensive | boost bandwidth | extra capacity"
        " | high speed",
        Cue({EMBB: 1.3, HDLLC: 0.3}, {THROUGHPUT: 2.0}, firm=1.0),
    ),
    (
        "bandwidth | throughput | download | upload | data rate | megabit | picture | photo",
        Cue({EMBB: 0.4}, {THROUGHPUT: 0.5}, firm=0.5),
    ),
    (
        "fast | speed | capacity | high quality | quality | hd | large | content | media",
        Cue({EMBB: 0.4}, {THROUGHPUT: 0.5}),
    ),
    (
        "low cost | cost effective | cheap | cheapest | lowest cost | lowest price | minimal cost"
        " | budget | affordable | economical | cost efficient | low budget | save money | best"
        " effort | inexpensive | as little as possible | low price | minimum cost | keep cost low"
        " | minimise cost | minimize cost | lower cost | reduce cost | cost sensitive | low cost"
        " connectivity | cost | price | money",
        Cue({EMBB: 0.2, MIOT: 0.2}, {ECONOMICS: 1.8}),
    ),
    (
        "low power | battery | energy efficient | energy efficiency | power saving | infrequent"
        " | small packet | few bytes | delay tolerant | massive number | low bandwidth | low data"
        " rate | sporadic | once an hour | once a day | every hour | hourly | daily reading | tiny"
        " message | small message | once per day | per hour | low energy | years on a battery"
        " | low throughput | massive connectivity | massive machine | dense deployment"
        " | kilobyte a day | once per hour | long battery",
        Cue({MIOT: 1.2}, {ECONOMICS: 1.5}, firm=1.0),
    ),
    (
        "control | steer | steering | operate | operation | actuate | manipulate | command | pilot"
        " | teleoperate | maneuver | manoeuvre | closed | remotely | remote | precise | precision",
        Cue({URLLC: 0.5}, {LATENCY: 0.4}),
    ),
    (
        "report | reading | monitor | measure | measurement | track | tracking | log | detect"
        " | count | sense | sensing | collect | status",
        Cue({MIOT: 0.35}, {ECONOMICS: 0.2}),
    ),
    (
        "watch | view | show | film | image | download | browse | display | screen | stream",
        Cue({EMBB: 0.5}, {THROUGHPUT: 0.4}),
    ),
    (
        "machine | equipment | motor | industrial | automated | automation",
        Cue({URLLC: 0.4}, {RELIABILITY: 0.2}),
    ),
)

_ENTRY_BOOK = PhraseBook((phrase, item) for item in ENTRIES for phrase in item.phrases)
_CUE_BOOK = PhraseBook(
    (phrase.strip(), cue) for phrases, cue in _CUES for phrase in phrases.split("|")
)

_EXPLICIT = re.compile(
    r"\b(?:(?P<embb>embb|enhanced mobile broad-?band)|(?P<urllc>u-?rllc|ultra-?\s?reliable(?:,"
    r"| and)?"
    r" low-?\s?latency(?: communications?)?)|(?P<miot>m-?iot|mmtc|massive iot"
    r"|massive machine[- ]type"
    r"(?: communications?)?)|(?P<v2x>c-?v2x|v2x|v2v|v2i)|(?P<hmtc>hmtc|high[- ]performance machine"
    r"[- ]type)|(?P<hdllc>hdllc|high[- ]data[- ]rate(?: and)? low[- ]latency)"
    r"|sst\s?[=:]?\s?(?P<sst>[1-6]))\b"
)
_NEGATION = re.compile(
    r"\b(?:no need (?:for|of)|(?:do(?:es)?|did|is|are|will|would|need)(?: not|n'?t)(?: really)?"
    r"(?: need| require| want| care (?:about|for)| use| have| be| include| worry about)?"
    r"|neither|nor|without|instead of|rather than|regardless of|not (?:for|about|an?|any|the)"
    r"|never (?:mind|needs?)|no|not)\s+"
    r"(?P<what>(?:(?!and\b|but\b|nor\b|so\b|just\b|only\b)[\w'/-]+\s?)"
    r"{1,4})"
)
_NOT_NEGATION = re.compile(
    r"(?:no|not) (?:more|less|later|lower|higher|slower|faster|worse|exceed\w*|longer|matter|only"
    r"|fewer|greater|above|over|below|delay|lag|outage|downtime|packet|interrupt\w*|drop\w*|loss"
    r"|buffer\w*|fail\w*|tolerate|allow\w*|accept\w*|too)|without (?:any )?(?:delay|lag|interrupt"
    r"\w*|drop\w*|loss|buffer\w*|fail\w*|stutter\w*|gaps?|outage|jitter|downtime|human)|n'?t fail"
    r"|(?:not|n'?t) (?:be )?(?:drop|fail|tolerate|afford|allow|accept|go down|lag|stop|break)"
)
_CONCEDED = re.compile(r"\beven (?:when|if|though|while)\b(?P<what>[^.;]*)")
"""What else goes on: "must be able to talk even when half the town is streaming"."""
_DISMISSED = re.compile(
    r"(?<![\w/-])(?P<what>(?:[\w/-]++ ){1,4})(?:(?:do|does|is|are|can|may|will)(?: not|n'?t"
    r"|not)? )?(?:really )?"
    r"(?:(?<=not )|(?<=n't )|(?<=nt )|(?=irrelevant|unimportant|secondary|negligible|no concern"
    r"|no issue|optional|of no|a non-issue))(?:matter|important|critical|needed|required|relevant"
    r"|necessary|(?:a|an|the|our|my) (?:concern|issue|priority|problem|requirement)|irrelevant"
    r"|unimportant|secondary|negligible|no concern|no issue|optional|of no \w+|a non-issue"
    r"|urgent|an? factor)\b"
)

_SPARED = re.compile(
    r"\b(?P<what>(?:whatever|no matter what|however much) (?:it|this|that|they|we)"
    r" (?:costs?|takes?|pays?)|(?:whatever|regardless of) the (?:costs?|price)|at (?:any|all)"
    r" (?:cost|price)s?|(?:money|costs?|price|budget|expense) (?:is|are|being) no"
    r" (?:object|issue|limit|obstacle|concern))\b"
    r"|(?<!not )(?<!n't )(?<!cannot )(?<!nothing )\b(?:tolerat(?:es?|ing)|cop(?:es?|ing) with"
    r"|liv(?:es?|ing) with) (?P<borne>(?:some |a |any |long |high |more )?"
    r"(?:delay|latency|lag)s?)\b"
    r"|(?P<slight>(?:[\w/-]++ ){1,2})(?:that |which )?(?:hardly|barely|scarcely)"
    r" (?:matters?|counts?)"
)
"""What need not be spared or can be borne: "money is no object", "tolerates delay"."""


_AUDIENCE = frozenset(
    """
    vehicle car truck player gamer passenger visitor attendee guest student employee subscriber
    tourist commuter spectator fan crowd
    """.split()  # noqa: SIM905
)
"""Words that tell who or what is served; alone they do not start another service."""
_AUDIENCE_WEIGHT = 0.9
_SERVED = re.compile(r"\b(?:for|covering|serving|among|across) (?:[a-z]+ )?\d[\d.,]* ?k? $")
_SERVED_LENGTH = 32
"""What is counted behind these is served, as in "99.999 % for 800 sensors"."""
_SCOPE = re.compile(r"\b(?:per|each|every)[\s-]$")
_SCOPE_LENGTH = 6
"""Behind these a word says what a rate is for, and names no service: "5 Mbit/s per player"."""


@dataclass(frozen=True, slots=True)
class Speech:
    """What a piece of text speaks of."""

    entries: tuple[Hit[Entry], ...]
    cues: tuple[Hit[Cue], ...]
    explicit: tuple[SliceType, ...]

    @property
    def concrete(self) -> tuple[Hit[Entry], ...]:
        """Services that were really named and not denied."""
        return tuple(hit for hit in self.entries if not hit.negated and not hit.meaning.sector)

    @property
    def firm(self) -> bool:
        """Whether there is enough to ask a network for something."""
        certain = sum(hit.meaning.firm for hit in self.cues if not hit.negated)
        return bool(self.explicit) or certain >= 1


def negated_spans(folded: str) -> list[tuple[int, int]]:
    """What the tenant says it does not need: "latency does not matter", "no video"."""
    spans = []
    for match in _NEGATION.finditer(folded):
        if not _NOT_NEGATION.search(folded, match.start(), match.end()):
            spans.append(match.span("what"))
    spans.extend(match.span("what") for match in _CONCEDED.finditer(folded))
    spans.extend(match.span("what") for match in _DISMISSED.finditer(folded))
    spans.extend(match.span(match.lastgroup or 0) for match in _SPARED.finditer(folded))
    return spans


def speech(folded: str, text: Sequence[Word], denied: Sequence[tuple[int, int]]) -> Speech:
    """Look up the words of one piece; `denied` are spans of the folded text."""
    if not text:
        return Speech((), (), ())
    negated = {
        index
        for index, word in enumerate(text)
        if any(start <= word.start < end for start, end in denied)
    }
    explicit = tuple(
        _explicit_type(match)
        for match in _EXPLICIT.finditer(folded, text[0].start, text[-1].end)
        if not any(start <= match.start() < end for start, end in denied)
    )
    named = [
        hit
        for hit in _ENTRY_BOOK.find(text, negated)
        if hit.weight > 1 or not _SCOPE.search(folded, max(0, hit.start - _SCOPE_LENGTH), hit.start)
    ]
    named = [replace(hit, weight=_weight(folded, hit)) for hit in named]
    return Speech(tuple(named), tuple(_CUE_BOOK.find(text, negated)), explicit)


def _weight(folded: str, hit: Hit[Entry]) -> float:
    alone = singular(folded[hit.start : hit.end]) in _AUDIENCE
    served = hit.weight == 1 and _SERVED.search(
        folded, max(0, hit.start - _SERVED_LENGTH), hit.start
    )
    return _AUDIENCE_WEIGHT if alone or served else hit.weight


def _explicit_type(match: re.Match[str]) -> SliceType:
    if match["sst"]:
        return SliceType(int(match["sst"]))
    group = match.lastgroup
    assert group is not None
    return SliceType[group.upper()]


def phrase_words() -> frozenset[str]:
    """Every word of the phrase book, as it is written there."""
    phrases = [phrase for item in ENTRIES for phrase in item.phrases]
    phrases += [phrase for phrases, _ in _CUES for phrase in phrases.split("|")]
    return frozenset(word for phrase in phrases for word in phrase.split())
