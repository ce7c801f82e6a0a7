"""How many devices: a number and the noun that it counts."""

from __future__ import annotations

import math
import re
from collections.abc import Callable

from coordinator.intent.numerals import Reading
from coordinator.intent.quantity import Number, Quantity


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


NOUNS = _words(
    """
    actor actuator agent agv ambulance amr animal apartment architect arm asset athlete
    attendee audience axis bag barge bay beacon bed bicycle bike bin bird buoy bus caller
    cam camera car cattle charger citizen client cobot collar commuter computer connection
    console consumer container contributor controller cow crane customer delegate detector
    device display doctor driver drone elevator employee endoscope endpoint engineer
    excavator fan farmhouse firefighter forklift gamer gateway glasses guest gun handset
    harvester headset helmet hmi home horse house household instrument investigator
    journalist kiosk label lamp laptop learner lock locomotive lorry machine member meter
    microphone monitor motorbike motorcycle mower musician node nurse observer officer
    operative operator package pallet panel parcel participant passenger patient pc people
    performer person personnel phone pig pilot player plc plug policeman ppl printer probe
    professional pump pupil radio reader register reporter resident responder robot scanner
    scooter screen seat sensor session sheep ship shopper shuttle singer smartphone soldier
    specialist spectator staff streetlight student subscriber subscription surgeon tablet
    tag taxi teacher technician terminal thermostat thing tool tourist tracker tractor
    trader train tram tree truck turbine uav ue unit user valve van vehicle vessel viewer
    visitor wagon watch wearable worker wristband
    """
)
"""What is counted as a device, in the singular."""

NOT_DEVICES = _words(
    """
    acre agreement answer antenna area bakery band bank bit booth boundary branch
    buffer building byte call camp campus carriage casino cell cent center centimeter centre
    channel church cinema cities city clinic club color companies company concert core
    corner counter countries country day degree dollar domain euro event factor factory farm
    feed field floor frame gpu hectare hop hospital hotel hour hundred image incident joint
    kilometer kilometre lab laboratory lane layer lesson letter line match megawatt message
    metre mile millimeter million mine minute moment month museum nine number office
    operator order packet parameter percent percentage pixel plant quarter region
    requirement road room school season second sector series server service shop site slice
    stall stand station step store storey story stream street studio supermarket telegram
    tenant theatre thousand time transaction transfer tunnel vcpu vendor venue video village
    visit volt ward week window year zone
    """
)
"""Plurals that are no devices, whatever their ending."""

_MEASURES = _words(
    """
    band bit byte cent center day degree dollar euro frame hectare hop hour hundred lane line
    megawatt million minute month nine packet percent percentage pixel second thousand time volt
    week year zone
    """
)
"""A number before one of these measures it; before others it may count what follows them:
"300 school buses"."""

_NO_NOUN = _words(
    """
    with for in at and per that to on from by or is are the as over across between while which
    who but against into within under during via using of when where because if so must need
    needs will should can g x mbps ms times
    """
)
_HEAD = re.compile(
    r"\b(?P<noun>crowd|audience|fleet|swarm|population|capacity|number of [a-z]+|[a-z]+)\s*"
    r"(?:count\s*)?(?:of|:|=|is|are|up to)\s*(?:up to |about |around |at least |over )*$"
)
_ABBREVIATED = _words("agv amr hmi pc plc uav ue")
"""Abbreviations get no plural from everybody: "20 AGV"."""
_COLLECTIVE = _words("crowd audience fleet swarm population attendance")
_PLURAL = _words("people ppl staff cattle sheep livestock personnel glasses")
_COMPOUNDS = frozenset(
    (
        "weather station",
        "charging station",
        "docking station",
        "ground station",
        "access point",
        "measuring point",
        "traffic light",
        "street light",
        "parking space",
        "video wall",
        "sensor node",
        "sales point",
        "edge site",
    )
)
"""Devices whose second word alone is none."""
_SMART = ("smart", "connected", "wireless", "networked")
_PICTURES = (2e3, 4e3, 5e3, 8e3)
_THINGS = re.compile(
    r"\s(?:pcs|pieces|units|ues?|devices|sensors|meters|tags|nodes|users|people)\b"
)
"""What has no picture: "2k pcs"."""
_ALL_AROUND = 360.0
_PANORAMA = re.compile(r"[\s-]*(?:degrees?|deg|cameras?|videos?|views?|streams?|tours?|films?)\b")
_WORDS_AHEAD_MAX = 4


_LINEAR = re.compile(r"\s*(?:per|/|an?|every)\s?(?:km|kilomet\w+|m|met(?:er|re)|mile)\b(?! ?\^?2)")
"""So many on each kilometre of a road is a density along a line, and no number of devices."""
_ALONE_BEFORE = re.compile(
    r"(?P<first>[a-z]+ )?(?P<noun>[a-z][\w/-]*[a-z])(?P<mark>\s*[,(:=-]\s*|\s)(?:an? )?"
    r"(?:about |around "
    r"|approx\w*\.? |some |roughly |up to |at least |over |nearly |almost |ca\.? |circa |say "
    r"|estimated |~ ?|x ?)*$"
)
_ALONE_AFTER = re.compile(
    r"\s*(?:pieces|pcs|units?|of (?:them|these|those|each)|in (?:total|all)|altogether|total"
    r"|overall)\b|\s*(?:$|[,;)\n]|\.(?=\s|$))"
)
"""A number that stands alone counts the noun before it: "livestock tags, 4000, cheapest"."""

_LISTED = re.compile(r"\s*(?:different |separate )?(?:things|parts|items|needs|uses)\s*:")
"""What is counted here are the items of a list: "two things: cameras and alarms"."""
_OF_THEM = re.compile(r"\s*of (?:them|those|these)\b")
"""What counts something that was named before: "card readers, 45 of them"."""

Counted = Callable[[str], float]
"""How likely it is that a noun, as `counted` puts it, is a device or a person."""
_COUNTED_SURE = 0.75


def devices(number: Number, likely: Counted | None = None) -> Quantity | None:
    """Devices: a number and the noun it counts, at most four words on.

    Args:
        likely: asked about nouns that no list has.
    """
    value = number.value(Reading.COUNT)
    end = number.match.end()
    if number.match["scale"] == "k" and value in _PICTURES and not _THINGS.match(number.after):
        return None  # 4k and 8k are pictures
    if value == _ALL_AROUND and _PANORAMA.match(number.after):
        return None
    if _LISTED.match(number.after):
        return None
    spoken_one = bool(number.match["words"]) and value <= 1
    smart = False
    previous = ""
    for index, word in enumerate(
        re.finditer(r"(?:^x)?\s+(?:of (?:the |our )?)?([a-z][\w/-]*)|.", number.after)
    ):
        name = word[1]
        if name is None or index > _WORDS_AHEAD_MAX or name in _NO_NOUN:
            break
        single = singular(name)
        smart = smart or name in _SMART
        compound = f"{previous} {single}" in _COMPOUNDS and name != single
        previous = name
        if not compound and single in NOT_DEVICES and (name != single or single in _MEASURES):
            break
        if (
            (
                compound
                or _is_device(name, single, value)
                or (smart and name != single)
                or (likely and _is_likely(name, single, value, likely))
            )
            and not spoken_one
            and _whole(value)
        ):
            if _LINEAR.match(number.after, word.end()):
                return None
            return Quantity("num_ues", value, number.start, end + word.end())
    head = _HEAD.search(number.before)
    if head and not spoken_one and _whole(value) and value > 1:
        noun = head["noun"].removeprefix("number of ")
        if noun in _COLLECTIVE or (noun != singular(noun) and singular(noun) in NOUNS):
            return Quantity("num_ues", value, number.start, end)
    return _alone(number, value, likely)


def _alone(number: Number, value: float, likely: Counted | None) -> Quantity | None:
    """A number behind the noun it counts, with nothing of its own behind it."""
    if value <= 1 or not _whole(value):
        return None
    if them := _OF_THEM.match(number.after):
        return Quantity("num_ues", value, number.start, number.match.end() + them.end())
    head = _ALONE_BEFORE.search(number.before)
    if head is None:
        return None
    after = _ALONE_AFTER.match(number.after)
    name = head["noun"]
    single = singular(name)
    compound = f"{head['first'] or ''}{single}" in _COMPOUNDS
    if after is None or (single in NOT_DEVICES and not compound):
        return None
    if not head["mark"].strip() and single not in NOUNS:
        return None
    if (
        compound
        or _is_device(name, single, 2.0)
        or (likely and _is_likely(name, single, value, likely))
    ):
        return Quantity("num_ues", value, number.start, number.match.end() + len(after[0].rstrip()))
    return None


def _is_likely(name: str, single: str, value: float, likely: Counted) -> bool:
    """A plural that the head takes for devices or people."""
    if name == single or value <= 1 or len(single) < 3 or not single.isalpha():
        return False
    return likely(counted(single)) >= _COUNTED_SURE


def _is_device(name: str, single: str, value: float) -> bool:
    if single in NOUNS:
        return name != single or name in _PLURAL or name in _ABBREVIATED or value == 1
    agents = ("er", "or", "ant", "ist", "ee", "phone", "meter", "sensor", "ian", "bot")
    return name != single and len(single) > 4 and single.endswith(agents)


def counted(single: str) -> str:
    """How the head is asked about a noun: as it stands behind a number."""
    return f"20 {single}s"


def _whole(value: float) -> bool:
    return value.is_integer() or math.isinf(value)


def singular(noun: str) -> str:
    """ "batteries" -> "battery", "buses" -> "bus", "users" -> "user"; others as they are."""
    if noun in _PLURAL:
        return noun
    if noun == "axes":
        return "axis"
    if noun.endswith("s") and noun[:-1] in NOUNS:
        return noun[:-1]
    if noun.endswith("ies") and len(noun) > 4:
        return noun[:-3] + "y"
    if noun.endswith(("sses", "xes", "ches", "shes", "buses")):
        return noun[:-2]
    if noun.endswith("s") and not noun.endswith(("ss", "us", "is")) and len(noun) > 2:
        return noun[:-1]
    return noun
