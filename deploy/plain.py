"""Protobuf messages as plain values: what the tenant's side shows, and the JSON that it prints.

Keys are the field names of the .proto files and so as stable as the wire contract: integers stay
integers with their unit in the name, enums become the word in lower case, an unset message is
None, a time is RFC 3339.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, MutableSequence
from typing import Any

from google.protobuf.json_format import MessageToDict
from google.protobuf.message import Message

Plain = dict[str, Any]

_WELL_KNOWN = {"google.protobuf.Struct", "google.protobuf.Timestamp", "google.protobuf.Duration"}


def plain(message: Message) -> Plain:
    """Every field of a message, set or not, in the order of the .proto file."""
    return {field.name: _field(message, field) for field in message.DESCRIPTOR.fields}


def _field(message: Message, field: Any) -> Any:
    value = getattr(message, field.name)
    if isinstance(value, MutableSequence):
        return [_value(item, field) for item in value]
    if field.message_type is not None and not message.HasField(field.name):
        return None
    return _value(value, field)


def _value(value: Any, field: Any) -> Any:
    if field.enum_type is not None:
        return word(field.enum_type, value)
    if field.message_type is None:
        return value
    if field.message_type.full_name in _WELL_KNOWN:
        return _whole(MessageToDict(value))
    return plain(value)


def _whole(value: Any) -> Any:
    """A Struct knows floats only: whole numbers become integers again."""
    match value:
        case float() if value.is_integer():
            return int(value)
        case Mapping():
            return {key: _whole(item) for key, item in value.items()}
        case list():
            return [_whole(item) for item in value]
    return value


def word(enum: Any, number: int) -> str:
    """SLICE_STATE_ACTIVATED -> "activated"; what is unspecified is ""."""
    known = enum.values_by_number.get(number)
    prefix = re.sub(r"(?<!^)(?=[A-Z])", "_", enum.name).upper() + "_"
    name = known.name.removeprefix(prefix).lower() if known else str(number)
    return "" if name == "unspecified" else name
