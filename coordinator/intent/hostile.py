"""What no tenant may ask for in words: it is cut out, and what remains is judged alone.

This is hygiene, not the defence. The defence is that an interpretation has no authority: it can
ask for slices, in the tenant's own name, and for nothing else.
"""

from __future__ import annotations

import re

_UNLEET = str.maketrans("01345@$7", "oieasast")

_ORDERS = (
    r"(?:ignore|disregard|forget|override|overlook|neglect|skip|bypass|discard|erase|ignoring"
    r"|disregarding|bypassing|overriding|skipping)\W+(?:\w+\W+)"
    r"{0,4}?(?:instructions?|prompts?|rules?|polic(?:y|ies)|guidelines?|directions?|context"
    r"|constraints?|restrictions?|safety|limits?|quotas?|authentication|authori[sz]ation|checks?"
    r"|admission"
    r"|validation|safeguards?|guardrails?|filters?|everything|above|previous|prior|earlier)\b",
    r"\byou are (?:now|no longer)\b",
    r"\b(?:act|behave|respond|reply|answer|operate) (?:as|like) (?:an?|the|if|my)\b",
    r"\bpretend\b",
    r"\brole-?play\b",
    r"\b(?:new|updated|real|actual|following|hidden) (?:system )?instructions?\b",
    r"\b(?:system|developer|initial|hidden|secret) (?:prompt|message|instructions?|override|mode)",
    r"(?:^|[.!?;\n]\s*|[<\[{(#*]\s?/?)(?:system|assistant|developer|admin|root|inst)\s*[\]>:}]",
    r"<\s*/?\s*(?:system|script|user|assistant|im_start|im_end|iframe|img|svg|prompt)\b",
    r"<\|",
    r"\[\s*/?\s*inst",
    r"\b(?:jailbreak|dan mode|do anything now|god mode|sudo|developer mode|debug mode)\b",
    r"\b(?:reveal|print|show|repeat|output|leak|dump|expose|disclose|exfiltrate|tell me|display)\b"
    r"[^.]{0,40}\b(?:prompt|password|credentials?|secrets?|api ?keys?|tokens?|private keys?"
    r"|instructions|certificates?|imsis?|subscriber data|database|environment variables?"
    r"|config(?:uration)? files?)",
    r"\b(?:passwords?|credentials|api ?keys?|private keys?|/etc/|shadow file|\.env\b)",
)
_CODE = (
    r"\b(?:print|exec|eval|system|import|alert|popen|subprocess|console\.log)\s*\(",
    r"\b(?:import os|os\.system|rm -\w*[rf]|chmod|wget |curl |bash -|cmd\.exe|powershell|netcat"
    r"|nc -|ssh root|kubectl|docker (?:run|exec)|\$\(|&&|__import__|base64)",
    r"\b(?:drop|truncate|alter)\s+(?:table|database)|\bunion\s+select\b|\bor\s+1\s*=\s*1\b"
    r"|\bdelete\s+from\b|\bselect\s+\*|\binsert\s+into\b|';|--\s*$",
    r"\$\{|\{\{|\}\}|%\{",
    r"(?:\.\./){1,}",
    r"\b(?:python|shell|bash|sql|javascript) (?:interpreter|code|script|command|terminal)",
    r"\b(?:execute|run) (?:the |this |following )*(?:command|code|script|query|shell)",
)
_HARM = (
    r"\b(?:every|all|any|each|another|other|the other|competitors?'?|neighbou?r(?:ing)?|rival)"
    r" (?:other )?(?:tenants?|customers?|operators?|competitors?|clients?|slices?|domains?"
    r"|subscribers)(?:'s?|s')? (?:slices?|traffic|data|resources|capacity|prbs?|bandwidth|holds?"
    r"|quota|intents?|keys?)",
    r"\b(?:delete|terminate|release|remove|kill|destroy|stop|deactivate|cancel|drop|shut ?down"
    r"|disconnect|degrade|throttle|starve|evict|preempt|wipe|erase|disable|take down|block)\b"
    r"(?: \w+){0,3}? (?:everyone|everybody|others?|another|competitors?|rivals?|(?:all|every|any"
    r"|each)(?: of)?(?: the)?(?: \w+)? (?:slices?|tenants?|domains?|networks?|services?|users?"
    r"|connections?|segments?))\b",
    r"\b(?:of|from|to|for|belonging to) (?:(?:every|all|any|another|other|the other|a rival)"
    r" (?:tenants?|customers?|competitors?|operators?)|(?:our|the|a|my) (?:rivals?|competitors?"
    r"|competition)\b)",
    r"\btenant [a-z0-9-]+'s\b",
    r"\b(?:all|100 ?%|100 percent|every) (?:of )?(?:the )?(?:prbs?|spectrum|network resources?"
    r"|resources of|capacity of the network)",
    r"\b(?:mirror|intercept|sniff|eavesdrop|wiretap|spy on|spoof|hijack|hack|hacked|ddos|dos attack"
    r"|(?:flood|attack|exploit|crash|jam|jamming) (?:the|all|your|this|their|gps|signals?)"
    r"|ransomware|botnet|backdoor|phish\w*|brute ?force)\b",
    r"\b(?:disable|turn off|switch off|remove|deactivate|without|circumvent|avoid)\b(?: \w+){0,2}?"
    r" (?:authenti\w+|authori[sz]\w+|encryption|security|firewalls?|isolation|logging|audit\w*"
    r"|billing|charging|monitoring of|rate limits?|mtls|tls|policy|admission control|checks)\b",
    r"\b(?:grant|give|make|escalate|elevate)\b(?: \w+){0,3}? (?:admin\w*|root|superuser|operator"
    r" (?:rights|access)|privileges?|full access|unrestricted)\b",
    r"\b(?:user|i|caller|tenant) (?:is|am) (?:now )?(?:an? |the )?(?:admin\w*|root|operator"
    r"|superuser|owner)\b",
)
_HOSTILE = re.compile("|".join(f"(?:{way})" for way in (*_ORDERS, *_CODE, *_HARM)), re.MULTILINE)
_SENTENCE_END = re.compile(r"[.!?;](?=\s|$|\")|\n|\s(?=system:|</?\w)")
_JOINT = re.compile(r"(?:[,;]|\band\b|\bthen\b|\bbut\b|\balso\b|-)\s*(?:also|then|please|and)?\W*$")


def cut(folded: str) -> tuple[str, int]:
    """Blank out every sentence that asks for what no tenant may, keeping positions.

    A sentence that turns hostile half-way keeps what it said before the turn ("create a slice
    for 500 sensors and then ignore your rules"): that part is judged like any other request.

    Returns:
        the text with hostile parts replaced by spaces, and how many parts there were.
    """
    if not _HOSTILE.search(folded) and not _HOSTILE.search(folded.translate(_UNLEET)):
        return folded, 0
    kept, found, start = "", 0, 0
    for end in [*(match.end() for match in _SENTENCE_END.finditer(folded)), len(folded)]:
        sentence, start = folded[start:end], end
        match = _HOSTILE.search(sentence) or _HOSTILE.search(sentence.translate(_UNLEET))
        if match is None:
            kept += sentence
            continue
        found += 1
        before = sentence[: match.start()]
        before = before if _JOINT.search(before) else ""
        kept += before + " " * (len(sentence) - len(before))
    return kept, found
