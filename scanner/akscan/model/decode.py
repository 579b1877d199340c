"""From the JSON of Azure and Kubernetes to the structs of the model, and back.

Unknown fields are dropped here, so nothing outside the model can reach a report. Null means absent, as both APIs have
it.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from typing import Any, TypeVar, get_args, get_origin, get_type_hints

import msgspec

from akscan.model.literals import Classified
from akscan.model.text import Token

T = TypeVar("T")
Hook = Callable[[type[Any], object], Any]

_DECODERS: dict[tuple[Any, Hook], msgspec.json.Decoder[Any]] = {}
_MAKING = threading.Lock()


class Malformed(Exception):  # noqa: N818 becomes a gap
    """JSON that does not fit the struct; the message holds the path of the field."""


def _from_text(kind: type[Any], value: object) -> Any:
    """The hook of msgspec for the string types of the model."""
    if issubclass(kind, Token) and isinstance(value, str):
        return kind(value)
    raise TypeError(f"Expected `str`, got `{type(value).__name__}`")


def _from_answer(kind: type[Any], value: object) -> Any:
    """The same for what an API answered, where what is to be classified still is a value."""
    if issubclass(kind, Classified):
        if not kind.takes(value):
            raise TypeError(f"Got `{type(value).__name__}`")
        return kind.of(value)
    return _from_text(kind, value)


def decode(data: bytes, kind: type[T]) -> T:
    """A struct from text that `encode` wrote. Raises `Malformed` with the path."""
    return _decode(data, kind, _from_text)


def decode_answer(data: bytes, kind: type[T]) -> T:
    """A struct from the JSON text of a Kubernetes answer, values that may be secrets
    withheld. Raises `Malformed` with the path.
    """
    return _decode(data, kind, _from_answer)


def _decode(data: bytes, kind: type[T], hook: Hook) -> T:
    try:
        found: T = _decoder(kind, hook).decode(data)
    except (msgspec.ValidationError, msgspec.DecodeError, UnicodeDecodeError) as error:
        raise Malformed(str(error)) from None
    return found


def _decoder(kind: Any, hook: Hook) -> msgspec.json.Decoder[Any]:
    """One decoder for each type. msgspec describes a struct to itself at its first use, and crashes the interpreter
    when two threads do that at once, so decoders are made one at a time.
    """
    with _MAKING:
        key = (kind, hook)
        if key not in _DECODERS:
            _DECODERS[key] = msgspec.json.Decoder(kind, dec_hook=hook)
        return _DECODERS[key]


def encode(value: object) -> bytes:
    """JSON text of structs, in the shape that `decode` reads."""
    return msgspec.json.encode(value, enc_hook=str)


def convert(data: object, kind: type[T]) -> T:
    """A struct from the decoded JSON of an answer. Keys match without case, nulls count as absent, and members of
    ``properties`` may stand beside it (as the Azure CLI prints them). Raises `Malformed` with the path.
    """
    # by way of JSON text: msgspec.convert leaves the keys of mappings plain strings, which compare with case
    return decode_answer(msgspec.json.encode(_conform(data, kind)), kind)


@lru_cache(maxsize=1024)
def _fields(kind: type[msgspec.Struct]) -> dict[str, tuple[str, Any]]:
    """Field names of the JSON in lower case -> their spelling and type."""
    hints = get_type_hints(kind)
    pairs = zip(kind.__struct_encode_fields__, kind.__struct_fields__, strict=True)
    return {encoded.casefold(): (encoded, hints[name]) for encoded, name in pairs}


def _struct_of(kind: Any) -> Any:
    """The part of an annotation that decides how to walk on: a struct, or a container with arguments."""
    if isinstance(kind, type) and issubclass(kind, msgspec.Struct):
        return kind
    origin = get_origin(kind)
    if origin in (tuple, dict):
        return kind
    return next((found for arg in get_args(kind) if (found := _struct_of(arg)) is not None), None)


def _conform(data: object, annotation: Any) -> object:
    kind = _struct_of(annotation)
    if kind is None or not isinstance(data, Mapping | list):
        return _without_nulls(data)
    origin = get_origin(kind)
    if origin is tuple and isinstance(data, list):
        return [_conform(item, get_args(kind)[0]) for item in data if item is not None]
    if origin is dict and isinstance(data, Mapping):
        return {key: _conform(value, get_args(kind)[1]) for key, value in data.items() if value is not None}
    if origin is None and isinstance(data, Mapping):
        return _conform_struct(data, kind)
    return data


def _conform_struct(data: Mapping[str, object], kind: type[msgspec.Struct]) -> dict[str, object]:
    fields = _fields(kind)
    result: dict[str, object] = {}
    beside: dict[str, object] = {}
    for key, value in data.items():
        if value is None:
            continue
        if (field := fields.get(key.casefold())) is not None:
            result[field[0]] = _conform(value, field[1])
        else:
            beside[key] = value
    if "properties" in fields and "properties" not in result and beside:
        result["properties"] = _conform(beside, fields["properties"][1])
    return result


def _without_nulls(data: object) -> object:
    if isinstance(data, Mapping):
        return {key: _without_nulls(value) for key, value in data.items() if value is not None}
    if isinstance(data, Sequence) and not isinstance(data, str | bytes):
        return [_without_nulls(item) for item in data if item is not None]
    return data
