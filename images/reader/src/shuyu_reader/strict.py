"""Strict JSON: no key twice, not nested deeply, no characters that nobody sees."""

import json
import re
from collections.abc import Iterator

from shuyu_reader.flaws import Flaw, UnreadableError
from shuyu_reader.text import hidden_in

Json = None | bool | int | float | str | list["Json"] | dict[str, "Json"]
MAX_DEPTH = 32
"""How deeply it may be nested."""
_STRING = re.compile(r'"(?:[^"\\]++|\\.)*+"')
"""Never gives back what it took: a long string would cost a hundred bytes of memory a character."""


def parsed(text: str) -> Json:
    """Parse JSON; NaN and the infinities stay what they are, for the gate says where they stand. Raise `UnreadableError`."""
    if _depth(text) > MAX_DEPTH:
        raise UnreadableError(Flaw.JSON)
    try:
        value: Json = json.loads(text, object_pairs_hook=_object)
    except (ValueError, RecursionError):
        raise UnreadableError(Flaw.JSON) from None
    # escapes may bring in what the text itself did not have
    if "\\" in text and any(hidden_in(each, "\r\n\t") for each in strings(value)):
        raise UnreadableError(Flaw.ENCODING)
    return value


def strings(value: Json) -> Iterator[str]:
    """Yield every string of a value, its keys among them, from the outermost."""
    return (each for each in scalars(value) if isinstance(each, str))


def scalars(value: Json) -> Iterator[str | float | bool | None]:
    """Yield every key and plain item of a value in its order."""
    match value:
        case list():
            for item in value:
                yield from scalars(item)
        case dict():
            for key, item in value.items():
                yield key
                yield from scalars(item)
        case _:
            yield value


def said(value: Json) -> str:
    """Write every key and plain item on a line of its own; only the items of one list may be one run of letters."""
    return ";\n".join(_runs(value))


def _runs(value: Json) -> Iterator[str]:
    match value:
        case list():
            yield "\n".join(str(item) for item in value if not isinstance(item, list | dict))
            for item in value:
                if isinstance(item, list | dict):
                    yield from _runs(item)
        case dict():
            for key, item in value.items():
                yield key
                yield from _runs(item)
        case _:
            yield str(value)


def _object(pairs: list[tuple[str, Json]]) -> dict[str, Json]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise UnreadableError(Flaw.JSON)
    return found


def _depth(text: str) -> int:
    deepest = depth = 0
    for character in re.findall(r"[\[\]{}]", _STRING.sub("", text)):
        depth += 1 if character in "[{" else -1
        deepest = max(deepest, depth)
    return deepest
