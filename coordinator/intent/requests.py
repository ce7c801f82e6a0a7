"""Whether a text asks a network for anything, and for what: new, changed, shown or ended."""

from __future__ import annotations

import re
from dataclasses import dataclass

from coordinator.model import Action

_THING = (
    r"(?:slices?|services?|intents?|connections?|subscriptions?|sessions?|deployments?|orders?"
    r"|bookings?|reservations?|instances?|contracts?|links?|profiles?|qos|network service"
    r"|nsi|provision\w*)"
)
_NAMED = r"(?:\b[a-z][a-z_]*(?:-[a-z]+)*[-_#]?\d{1,}\b|\b[0-9a-f]{8}-[0-9a-f-]{4,}\b)"
_OWN = (
    rf"(?:\b(?:my|our|the|this|that|existing|current|running|active|all my|all our)\s(?:[\w-]+\s)"
    rf"{{0,4}}?{_THING}\b|\b(?:slice|intent|service|order|instance|provision\w*|networkslice\w*)"
    rf"\s?[-_#]?\s?(?:id\s?)?(?:{_NAMED}|\d+)|\b\w*(?:slice|provision|intent|service)\w*[-_]?\d+\b)"
)
_LEAD = (
    r"^\W*(?:(?:please|kindly|hi|hello|hey|ok|now|so|then|also|just|go ahead and|i want to|i would"
    r" like to|i'd like to|we want to|we need to|i need to|can you|could you|can we|could we|would"
    r" you|we have to|let's|time to|for (?:my|our|the) [\w -]{1,30}+(?=,)|it is time to|as of now"
    r"|from now"
    r" on)\W+)*+"
)
_TERMINATE = re.compile(
    rf"{_LEAD}(?:terminate|delete|remove|stop|shut ?down|tear ?down|decommission|release|cancel"
    rf"|deactivate|end|kill|drop|take down|dismantle|revoke|discontinue|retire|undeploy|destroy"
    rf"|get rid of)\b(?=.*(?:{_OWN}|{_THING}\b|\bit\b|{_NAMED}))|\b(?:is|are) no longer needed\b"
    rf"|\bno longer need\b(?=.*{_THING})|\bwe are done with\b(?=.*{_THING})"
)
_MODIFY = re.compile(
    rf"{_LEAD}(?:modify|change|update|increase|decrease|raise|lower|reduce|scale|extend|upgrade"
    rf"|downgrade|adjust|augment|double|halve|triple|move|migrate|renew|rename|switch|resize|expand"
    rf"|shrink|set|add|prolong|pause|suspend|resume|reconfigure|shorten|bump|cap|limit|relax"
    rf"|tighten|improve|boost|grow|make|give|activate|restart|prioriti[sz]e|enable|disable"
    rf"|optimi[sz]e|transfer|convert)\b(?=.*{_OWN})"
    rf"|\b(?:my|our|existing|current) (?:[\w-]+ ){{0,3}}(?:slice|service|connection) (?:needs?"
    rf"|should"
    rf"|must|has to) (?:now|be (?:increased|changed|updated|extended|moved)|more|less|to be)"
)
_STATE = (
    r"(?:\b(?:kpis?|slas?|fulfil\w*|status|state|utili[sz]ation|usage|consumption|billing|bill"
    r"|invoice|orders?|alarms?|compliance|breach\w*|violat\w*|performance report|uptime report"
    r"|statistics|metrics|proposal)\b)"
)
_QUERY = re.compile(
    rf"{_LEAD}(?:show|list|display|get|check|query|retrieve|fetch|report|describe|tell me|give me"
    rf"|notify|alert|monitor|inspect|view|print|see|send me|verify|which|how many)\b"
    rf"(?=.*(?:{_STATE}|\b(?:slices|intents|my slice|active slice)\b|{_OWN}))"
    rf"|{_LEAD}(?:what|what's|how|is|are|when|does|do|why|where|has|have)\b"
    rf"(?=.*(?:{_STATE}|{_OWN}))"
    rf"|{_LEAD}report (?:on|about)\b"
)
_CREATE = re.compile(
    r"\b(?:create|deploy|provision|set ?up|establish|configure|allocate|reserve|instantiate|launch"
    r"|build|provide|enable|activate|start|spin up|roll out|implement|initiate|place an intent"
    r"|book|order|prepare|offer|deliver|support|connect|guarantee|ensure|need|needs|want|wants"
    r"|require|requires|request|requesting|looking for|would like|i'd like|must have|give|run"
    r"|operate|design|assign|dedicate|prioriti[sz]e|get me|install|we have|arrange|open|make sure"
    r"|add|serve|supply|improve|make it|better|faster|grant|plan|optimi[sz]e|minimi[sz]e"
    r"|maximi[sz]e|set)\b"
)
_DEMAND = re.compile(
    rf"{_LEAD}{_CREATE.pattern}|\b(?:we|i|they|you|who) (?:also |now |just |really )?(?:need|want"
    r"|require|would like)\b|\b(?:i|we)'d like\b|\bplease\b|\blooking for\b|\brequest\w*\b"
)
"""A demand, and no mere mention of a verb that demands can be made with."""
NETWORK = re.compile(
    r"\b(?:slic(?:e|es|ing)|network\w*|connect\w*|bandwidth|latency|throughput|[456]g|coverage"
    r"|qos|link"
    r"|links|wireless|mobile|cellular|radio|uplink|downlink|edge|signal|internet|data rate|traffic"
    r"|uptime|availability|ran|core network|communications?|resources|capacity|embb|urllc|miot"
    r"|mmtc|v2x|private network|sla|service|infrastructure|reliability|online|wi-?fi)\b"
)
_OFF_TOPIC = re.compile(
    r"\b(?:weather|forecast|recipe|cook|bake|poem|poetry|haiku|song|lyrics|joke|riddle|story about"
    r"|homework|essay|translate|translation|capital of|president|chancellor|prime minister|stock"
    r" price|bitcoin|crypto\w*|horoscope|lottery|pizzas?|restaurant near|book (?:me )?(?:a|two|one)"
    r" (?:flight|hotel|table|room|ticket|taxi|cab)|flight to|hotel room|birthday|dinner|lunch"
    r"|breakfast|coffee|sandwich|girlfriend|boyfriend|marry|my cat|my dog|love you|i love|who won"
    r"|who is|who was|who are you|meaning of life|tell me about|explain|summari[sz]e|write (?:me"
    r" )?(?:a|an|some|code|python)|python (?:function|code|script)|java code|square root|solve"
    r"|calculate|what is \d|\b\d++ ?[+*] ?\d|movie recommendation|recommend (?:me )?a|favou?rite"
    r"|remind me|alarm for|play (?:some|a|the|music)|turn (?:on|off) the (?:light|lamp|tv|heating)"
    r"|how old|how tall|how far|how do i (?:get|make|cook|lose|fix)|once upon|lorem ipsum|quick"
    r" brown fox|blah|football score|score of|sing |dance|shoes|trousers|haircut|dentist|diet"
    r"|vacation|holiday|buy me|sell me|train ticket|bus ticket|history of|difference between"
    r"|what does|what do you|how are you|good morning|good evening|thank you|thanks|milk|eggs"
    r"|(?:buy|purchase)\b(?!.*(?:slice|connect|network|bandwidth|capacity))"
    r"|groceries|shopping list|invest|mortgage|fix my|repair my|my printer|my laptop is|password"
    r" reset|reset my password|philosophy|universe|dinosaurs?|moon|mars"
    r"|what (?:is|are) (?:an? )?(?:network )?(?:slic(?:e|es|ing)|[456]g|embb|urllc|v2x|iot))\b"
)
_QUESTION = re.compile(
    r"^\W*(?:what|who|whom|why|how|when|where|which|whose|is|are|does|did|do|was|were|should)\b"
)
_VOWEL = re.compile(r"[aeiouy]")


@dataclass(frozen=True, slots=True)
class Kind:
    """What a text asks for, and which words say so (offsets in the folded text)."""

    action: Action
    target: tuple[int, int] | None = None


def lifecycle(folded: str) -> Kind | None:
    """A command about a slice that exists, or None."""
    for action, pattern in (
        (Action.TERMINATE, _TERMINATE),
        (Action.QUERY, _QUERY),
        (Action.MODIFY, _MODIFY),
    ):
        if pattern.search(folded):
            target = re.search(_NAMED, folded) or re.search(_OWN, folded)
            return Kind(action, target.span() if target else None)
    return None


def is_off_topic(
    folded: str, *, network_words: int, measured: bool, named: bool, counted: bool
) -> bool:
    """Whether a text is about something else, in spite of a word or two that we know."""
    if _OFF_TOPIC.search(folded):
        served = named and network_words > 0
        return not ((asks(folded) and (measured or served)) or (counted and served))
    question = _QUESTION.match(folded) is not None
    return question and not measured and not _CREATE.search(folded)


def network_words(folded: str) -> int:
    """How many words belong to networks."""
    return len(NETWORK.findall(folded))


def asks(folded: str) -> bool:
    """Whether a verb of asking is there at all."""
    return _CREATE.search(folded) is not None


def demands(folded: str) -> bool:
    """Whether a text demands something of whoever reads it."""
    return _DEMAND.search(folded) is not None


def is_gibberish(folded: str) -> bool:
    """Whether most words are no words: no vowels, or keys next to each other."""
    found = re.findall(r"[a-z]{3,}", folded)
    if not found:
        return True
    odd = sum(1 for word in found if not _VOWEL.search(word) or _KEYS.search(word))
    return 3 * odd > len(found)


_KEYS = re.compile(
    r"asdf|sdfg|qwer|wert|zxcv|xcvb|hjkl|jkl|uiop|(.)\1\1|[bcdfghjklmnpqrstvwxz]{6,}"
)
