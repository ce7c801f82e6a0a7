"""Personal data in a sentence, masked before anything is stored, logged or sent to a model.

Patterns, not a model: e-mail addresses, telephone numbers, record and account numbers, subscriber
identities, and names of people where the words around them or a given name show that they are
names. A mask says what stood there: "[name]". What a slice needs (numbers with a unit, counts,
places) is never personal, and stays.
"""

from __future__ import annotations

import re
from functools import partial

_EMAIL = re.compile(r"[\w.+'-]{1,64}@[\w-]{1,63}(?:\.[\w-]{1,63}){1,8}")
_CARD = re.compile(r"\b[A-Z]{2}\d{2}(?: ?[A-Z0-9]{4}){3,7}(?: ?[A-Z0-9]{1,3})?\b")
_PHONE = re.compile(
    r"(?<![\w.,+])(?:\+|00)\d{1,3}[\s./-]?(?:\(0?\d{1,4}\)[\s./-]?)?\d(?:[\s./-]?\d){5,12}(?!\w)"
    r"|(?<![\w.,])\(?0\d{1,4}\)?[\s./-]\d(?:[\s./-]?\d){4,10}(?!\w)"
    r"|(?<![\w.,])(?:\(\d{3}\)\s?|\d{3}[.-])\d{3}[.-]\d{4}(?!\w)"
    r"|(?i:\b(?:call|phone|tel(?:ephone)?|mobile(?= number| no)|cell(?= number| no)|fax|reach (?:me"
    r"|us|him|her)|whats ?app|sms|text (?:me|him|her))\b)[^\d+\n]{0,20}\+?\(?\d(?:[\s()./-]?\d)"
    r"{5,14}"
)
_RECORD = re.compile(
    r"(?i:\b(?:mrn|(?:patient|medical|health|hospital|case|customer|client|employee|staff|member"
    r"|citizen|passport|insurance|social security|national|tax|driver'?s? licen[cs]e|licen[cs]e"
    r" plate|account|contract|subscriber|personal|record|file|ssn|nhs|imsi|imei|msisdn|iccid|iban"
    r"|supi|nino)(?: (?:record|insurance|identity|identification|security))?"
    r"(?:\s?(?:id|number|no\.?|nr\.?|num|#))?)\b)"
    r"(?:\s?(?:is|was|=|:|#|of))*\s*#?(?P<value>(?=[\w/.-]*\d)[A-Z0-9][\w/.-]{3,})"
)
_LONG_NUMBER = re.compile(
    r"(?<![\w.,-])(?:\d{3}-\d{2}-\d{4}|\d{13,19}|(?:\d{4}[ -]){3}\d{1,7}|(?=[A-Z]*\d)[A-Z]{1,3}"
    r"[-/]?\d{6,12}[A-Z]?)(?![\w%])"
)
_BORN = re.compile(
    r"(?i:\b(?:born(?: on)?|date of birth|dob|birthday)\b)[\s:]*(?P<value>\d{1,4}[./-]\d{1,2}[./-]"
    r"\d{1,4}|\d{1,2}\.? [A-Z][a-z]+ \d{4})"
)
_WORD = r"(?:[A-Z][a-zà-öø-ÿ'’]+(?:-[A-Z][a-zà-öø-ÿ]+)?|[A-Z]\.)"  # noqa: RUF001
_PARTICLE = r"(?:(?:von|van|de|der|den|la|le|di|da|bin|al|el|y|zu)\s)*"
_FULL = rf"{_WORD}(?:\s{_PARTICLE}{_WORD}){{0,3}}"
_TITLED = re.compile(
    r"(?P<cue>\b(?:Mrs?|Ms|Miss|Mx|Dr|Prof|Professor|Doctor|Herr|Frau|Sir|Madame|Se[ñn]ora?|Nurse"
    r"|Captain|Officer|Sister|Pater|Rev)\b\.?(?:\s(?:Dr|med|Prof)\b\.?)*\s)"
    rf"(?P<value>{_PARTICLE}{_FULL})"
)
_CUED = re.compile(
    r"(?P<cue>(?i:\b(?:my name is|i am|i'm|this is|named|name:|name is|called|signed(?: by)?"
    r"|regards|sincerely|contact(?: person)?:?|patients?(?: named)?:?|customer:|attn:?"
    r"|for the attention of|on behalf of|wife|husband|son|daughter"
    r"|mother|father|colleague|manager|ask for"
    r"|speak to|yours)\b)[,:\s]\s*)(?P<value>"
    rf"{_WORD}(?:\s{_PARTICLE}{_WORD}){{1,3}})"
)
_SAID = re.compile(
    r"(?i:\bmy name(?:'s| is)\s+|\bnamed\s+(?=\S+ [A-Z])|\b(?:mrs?|dr)\.?\s+)"
    r"(?P<value>(?!\[)[^\W\d_]+(?:\s(?!and\b|needs?\b|is\b|in\b|at\b|for\b|wants?\b)[^\W\d_]+)?)"
)
"""Where the cue alone is enough, however the name is written."""
_GIVEN = (
    "Aaron Abdul Adam Ahmed Aisha Alan Albert Alejandro Alexander Ali Alice Amina Amira Amy"
    " Ana Andrea Andreas Andrew Angela Anita Anna Anne Anthony Antonio Arjun Barbara Beatrice"
    " Ben Benjamin Bernd Betty Bjorn Brian Carla Carlos Carmen Carol Caroline Catherine"
    " Charles Charlotte Chen Chiara Chris Christian Christina Christoph Claire Clara Claudia"
    " Daniel Daniela David Deborah Dennis Diana Diego Dmitri Dorothy Edward Elena Eleanor"
    " Elisabeth Elizabeth Emily Emma Eric Erika Eva Fatima Felix Fernando Florian Francesca"
    " Francisco Frank Franz Gabriel George Gerhard Giovanni Giulia Grace Greta Gustav Hannah"
    " Hans Harry Hassan Heather Heike Heinz Helen Helena Henry Hiroshi Hugo Ibrahim Ines"
    " Ingrid Irene Isabel Isabella Ivan Jack Jacob James Jan Jane Janet Jasmin Javier Jean"
    " Jennifer Jessica Joachim Joan Johann Johannes John Jonas Jonathan Jose Joseph Juan Julia"
    " Julian Juliette Jun Karen Karin Karl Katharina Katherine Kenji Kevin Klaus Lars Laura"
    " Lea Lena Leon Leonardo Li Lina Linda Lisa Lucas Lucia Luis Luisa Lukas Maja Manuel Marco"
    " Margaret Maria Marie Marion Mark Markus Marta Martin Mary Mateo Matthew Matthias Max"
    " Maximilian Mehmet Mei Melissa Michael Michelle Miguel Mohamed Mohammed Monika Muhammad"
    " Nadia Nancy Natalia Natalie Nicholas Nicolas Nicole Nina Noah Nora Olaf Oliver Olga"
    " Olivia Omar Pablo Pamela Patricia Patrick Paul Paula Pedro Peter Petra Philip Pierre"
    " Priya Rachel Raj Rebecca Renate Richard Robert Roberto Ronald Rosa Ruth Ryan Sabine"
    " Samantha Samuel Sandra Sara Sarah Scott Sebastian Sergio Sharon Simon Sofia Sophia"
    " Sophie Stefan Stefanie Stephanie Stephen Steven Susan Susanne Svetlana Takashi Teresa"
    " Thomas Tim Timothy Tobias Tom Ulrich Ursula Uwe Valentina Vanessa Victor Victoria Viktor"
    " Vincent Walter Wei Werner William Wolfgang Xavier Yan Yasmin Yuki Yusuf Zainab Zoe"
)
_PERSON = re.compile(
    rf"\b(?P<value>(?:{'|'.join(_GIVEN.split())})(?:\s[A-Z]\.)?(?:\s{_PARTICLE}{_WORD}){{1,2}})"
)
_STEPS = (
    (_EMAIL, "[e-mail]"),
    (_CARD, "[account]"),
    (_BORN, "[date]"),
    (_RECORD, "[record]"),
    (_PHONE, "[phone]"),
    (_LONG_NUMBER, "[record]"),
    (_TITLED, "[name]"),
    (_CUED, "[name]"),
    (_SAID, "[name]"),
    (_PERSON, "[name]"),
)
_WITH_UNIT = re.compile(
    r"\s?(?:[kmgt]?(?:bit|byte|b)(?:s|ps|/s)|ms\b|us\b|%|percent|users?|devices?|sensors?|km|hz|mhz"
    r"|ghz|eur|€|hours?|days?|meters?|metres?)",
    re.IGNORECASE,
)


def mask(text: str) -> str:
    """`text` with a mask in the place of each piece of personal data; masking again changes
    nothing.
    """
    for pattern, sign in _STEPS:
        text = pattern.sub(partial(_masked, sign), text)
    return text


def _masked(sign: str, match: re.Match[str]) -> str:
    if _WITH_UNIT.match(match.string, match.end()):
        return match[0]  # a quantity: "0049 12 345 678 devices" is odd, but no telephone
    if "value" not in match.re.groupindex:
        return sign
    whole, start = match[0], match.start()
    return whole[: match.start("value") - start] + sign + whole[match.end("value") - start :]
