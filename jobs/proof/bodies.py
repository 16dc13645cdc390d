"""Words as canonical JSON and back: the one place where stored bodies are parsed.

The canonical form has sorted keys, no spaces and is UTF-8 without escapes; fractions are "n/d",
bytes are base64, times are ISO 8601 in UTC with six decimals. Signatures and digests are taken over it.
"""

import base64
import hashlib
import json
from collections.abc import Mapping
from dataclasses import Field, fields, is_dataclass
from datetime import UTC, date, datetime
from fractions import Fraction
from functools import cache
from typing import Any, TypeVar

from pydantic import ConfigDict, TypeAdapter, ValidationError
from typing_extensions import TypeForm

from jobs.errors import RecordBrokenError
from sandbox.asset import Digest
from sandbox.order import LATER

Word = TypeVar("Word")


def dump(word: object) -> str:
    """Return `word` as canonical JSON.

    Raise `TypeError` for a type that the record does not keep, and `ValueError` for a float
    that is not finite or a time without a zone.
    """
    return json.dumps(
        plain(word), sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False
    )


def load(kind: TypeForm[Word], text: str | bytes) -> Word:
    """Return the word of type `kind` that `text` holds; raise `RecordBrokenError` if there is none."""
    body = text.encode() if isinstance(text, str) else text
    adapter: TypeAdapter[tuple[Word]] = _adapter(kind)  # type: ignore[arg-type] # types are hashable
    try:
        return adapter.validate_json(b"[" + body + b"]")[0]
    except (ValidationError, RecursionError):
        name = getattr(kind, "__name__", "word")
        raise RecordBrokenError(f"a stored {name} does not read as one") from None


@cache
def _adapter(kind: TypeForm[Word]) -> TypeAdapter[tuple[Word]]:
    # Pydantic takes no configuration for a dataclass itself, but hands a tuple's down to it.
    config = ConfigDict(val_json_bytes="base64")
    return TypeAdapter(tuple[kind], config=config)  # type: ignore[valid-type,arg-type]


def plain(word: object) -> Any:  # noqa: ANN401 - JSON's own types
    """Return `word` in lists, dictionaries, texts and numbers, as its canonical JSON has it."""
    if isinstance(word, str | int | float) or word is None:
        return word
    if isinstance(word, list | tuple):
        return [plain(item) for item in word]
    if isinstance(word, Mapping):
        return {str(key): plain(value) for key, value in word.items()}
    if is_dataclass(word):
        return {
            part.name: plain(getattr(word, part.name))
            for part in fields(word)
            if not _is_left_out(word, part)
        }
    return _text(word)


def _is_left_out(word: object, part: Field[Any]) -> bool:
    """Say whether a field came later and has its default: what was signed before it has no such field."""
    return part.metadata == LATER and getattr(word, part.name) == part.default


def _text(value: object) -> str:
    match value:
        case Fraction():
            return f"{value.numerator}/{value.denominator}"
        case bytes():
            return base64.b64encode(value).decode()
        case datetime():
            return stamp(value)
        case date():
            return value.isoformat()
        case _:
            raise TypeError(f"the record keeps no {type(value).__name__}")


def stamp(at: datetime) -> str:
    """Return `at` as the record writes times: such texts sort as the times do."""
    if at.tzinfo is None:
        raise ValueError("the record keeps no time without a zone")
    return at.astimezone(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")


def unstamp(text: str) -> datetime:
    """Return the time that `stamp` wrote."""
    return datetime.fromisoformat(text)


def digest_of(content: bytes) -> Digest:
    """Return the SHA-256 of `content`, as the record writes digests."""
    return Digest(f"sha256:{hashlib.sha256(content).hexdigest()}")
