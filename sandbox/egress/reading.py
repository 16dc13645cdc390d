"""What the gate asks the reader container of a file, and what it takes of the answer.

All formats are parsed there and nowhere else: the gate reads one closed form of JSON, of a process that a crafted file may have
taken over. So nothing that is a word of the answer's own is told to anybody but as the file's content; what the file itself says is
written again from its body, whatever the answer has for it; and what is not of the form is a file that cannot be read.
"""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType
from typing import Annotated, ClassVar, Literal

from pydantic import ConfigDict, Field, JsonValue, TypeAdapter, ValidationError

from sandbox.egress import malformed as bad
from sandbox.egress.finding import Finding, Rule
from sandbox.egress.layers import UNREAD, Layer, Unwrapped, Wrapping
from sandbox.egress.malformed import UnreadableError

MAX_BYTES = 8 * 2**20
"""Bytes that are read of a file, and of all that is wrapped in it: the reader's own bound. A columnar file or a model may be larger."""
_CLOSED = ConfigDict(extra="forbid", strict=True)
_HIDDEN = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\ufeff\ue000-\uf8ff]")
_ESCAPED = re.compile(r'(?<!\\)(?:\\\\)*\\[^nrt"\\]')
"""Escapes that bring in what no text may have; the reader needs none."""


class Form(StrEnum):
    """How a file is to be read."""

    CSV = "csv"
    JSON = "json"
    SPECIFICATION = "specification"
    """JSON of a chart or a model: only its words are unwrapped."""
    TEXT = "text"
    TABLE = "table"
    """Arrow or Parquet."""
    MODEL = "model"
    """Safetensors or ONNX."""
    BYTES = "bytes"
    """Of no form that may leave: it is unwrapped as it is."""


_LARGE = frozenset({Form.TABLE, Form.MODEL})
_UNREADABLE: Mapping[Form, Rule] = MappingProxyType(
    {
        Form.CSV: bad.NOT_CSV,
        Form.JSON: bad.NOT_JSON,
        Form.SPECIFICATION: bad.NOT_JSON,
        Form.TEXT: bad.NOT_UTF8,
        Form.TABLE: bad.TABLE_UNREADABLE,
        Form.MODEL: bad.NOT_A_MODEL,
        Form.BYTES: bad.TYPE_REFUSED,
    }
)
_FLAWS: Mapping[str, Rule] = MappingProxyType(
    {
        "encoding": bad.NOT_UTF8,
        "csv": bad.NOT_CSV,
        "json": bad.NOT_JSON,
        "empty": bad.EMPTY,
        "rows": bad.TOO_MANY_ROWS,
        "long": bad.TOO_LONG,
        "table": bad.TABLE_UNREADABLE,
    }
)
MODEL_FLAWS = frozenset({"size", "container", "document", "arrays", "operators", "outputs", "trees"})  # fmt: skip
"""Where a file of the reader's forms is no model: our words, and never its own."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """What is asked of one file."""

    form: Form
    hidden: tuple[str, ...] = ()
    """Columns of the view's own pseudonyms, which look like a code."""
    rows: int
    """How many rows of a table are read."""

    def written(self) -> str:
        """Return the question as the reader is given it."""
        return json.dumps({"form": self.form, "hidden": self.hidden, "rows": self.rows})

    def takes(self, size: int) -> bool:
        """Say whether a file of `size` bytes is read at all."""
        return size <= MAX_BYTES or self.form in _LARGE


Plain = None | bool | int | float | str
_Place = Annotated[int, Field(ge=1, le=2**31)]
"""The number of a line or a row: of more digits than that, it would be a message."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Columns:
    """A table before its cells have their declared types."""

    __pydantic_config__: ClassVar[ConfigDict] = _CLOSED
    columns: tuple[str, ...]
    rows: tuple[tuple[Plain, ...], ...]

    @property
    def is_even(self) -> bool:
        """Whether every row is as long as the header."""
        return all(len(row) == len(self.columns) for row in self.rows)


@dataclass(frozen=True, slots=True, kw_only=True)
class Body:
    """What a file is: one of these, and none where it was not to be parsed."""

    __pydantic_config__: ClassVar[ConfigDict] = _CLOSED
    table: Columns | None = None
    json: JsonValue = None
    text: str | None = None
    model: JsonValue = None
    refused: str = ""
    line: _Place | None = None
    row: _Place | None = None

    @property
    def place(self) -> str:
        """Say where the file is refused."""
        places = {"line": self.line, "row": self.row}
        return next((f"{what} {at}" for what, at in places.items() if at is not None), "")


@dataclass(frozen=True, slots=True, kw_only=True)
class _Layer:
    __pydantic_config__: ClassVar[ConfigDict] = _CLOSED
    text: str
    wrappings: Annotated[tuple[Annotated[Wrapping, Field(strict=False)], ...], Field(max_length=9)]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Answer:
    __pydantic_config__: ClassVar[ConfigDict] = _CLOSED
    body: Body
    bomb: bool
    layers: tuple[_Layer, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Ended:
    """The reader itself ended otherwise: its keeper says so."""

    __pydantic_config__: ClassVar[ConfigDict] = _CLOSED
    refused: Literal["too large", "unreadable"]


_ANSWER: TypeAdapter[_Answer | _Ended] = TypeAdapter(_Answer | _Ended)


@dataclass(frozen=True, slots=True)
class Heard:
    """An answer that is of the one form."""

    body: Body | None
    """Nothing where the file is refused."""
    refused: Finding | None
    unwrapped: Unwrapped


def heard(answer: bytes, question: Question) -> Heard:
    """Parse the answer to `question`; whatever it is, it is answered, at worst as a file that cannot be read."""
    try:
        said = _parsed(answer)
    except (ValidationError, UnicodeDecodeError, UnreadableError, RecursionError):
        said = _Ended(refused="unreadable")
    match said:
        case _Ended(refused="too large"):
            return Heard(None, bad.TOO_LONG.at(), UNREAD)
        case _Ended():
            return Heard(None, _UNREADABLE[question.form].at(), UNREAD)
        case _Answer(body=body):
            layers = tuple(Layer(each.text, each.wrappings) for each in said.layers)
            unwrapped = Unwrapped(layers, said.bomb) if layers else UNREAD
            refused = _refused(body, question)
            return Heard(None if refused else body, refused, unwrapped)


def _parsed(answer: bytes) -> _Answer | _Ended:
    text = answer.decode("utf-8", errors="strict")
    if _HIDDEN.search(text) or ("\\" in text and _ESCAPED.search(text)):
        raise UnreadableError(bad.NOT_UTF8.at())
    return _ANSWER.validate_json(text)


def _refused(body: Body, question: Question) -> Finding | None:
    if question.form is Form.MODEL and body.refused in MODEL_FLAWS:
        return bad.NOT_A_MODEL.at(body.refused)
    if body.refused:
        return _FLAWS.get(body.refused, _UNREADABLE[question.form]).at(body.place)
    return None if _is_answered(body, question.form) else _UNREADABLE[question.form].at()


def _is_answered(body: Body, form: Form) -> bool:
    match form:
        case Form.CSV | Form.TABLE:
            return body.table is not None and body.table.is_even
        case Form.JSON:
            return body.table is None or body.table.is_even
        case Form.TEXT:
            return body.text is not None
        case Form.SPECIFICATION | Form.MODEL | Form.BYTES:
            return True
