"""What is asked of a file, and what is answered: its body, and every layer that is wrapped in what it says.

The answer is one JSON object, `{"body": …, "layers": […], "bomb": …}`. The body is one of `{"table": {"columns": […], "rows": [[…]]}}`,
`{"json": …}`, `{"text": …}`, `{"model": …}` (a document of the form `shuyu-fitted-1`) and `{"refused": flaw}` with the number of a
`line` or `row`. A layer is `{"wrappings": […], "text": …}`, outermost first; the first is what the file itself says, without wrapping.
`bomb` says that unwrapping stopped at a bound. NaN and the infinities are written as Python's json does.
"""

import json
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any

from shuyu_reader import strict, tables
from shuyu_reader.flaws import Flaw, UnreadableError
from shuyu_reader.strict import Json
from shuyu_reader.tables import Table
from shuyu_reader.text import hidden_in, shown, text_of
from shuyu_reader.unwrap import MAX_BYTES, unwrap

Read = tuple[dict[str, Any], bytes]
"""A body, and what it says."""
_SLOT = re.compile(r"\{\{[^{}\n]{0,600}\}\}")
_GRAPH = 0x08
"""The first byte of an ONNX file: the key of `ir_version`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What the gate wants to know of a file."""

    form: str
    """How it is read: `csv`, `json`, `specification` (JSON of which only the words are unwrapped), `text`, `table` (Arrow or
    Parquet), `model` (safetensors or ONNX), or `bytes`, of which there is no body."""
    hidden: frozenset[str]
    """Columns whose cells are known pseudonyms, and would look like a code."""
    rows: int
    """How many rows of a table are read; more are refused."""


def question_of(text: str) -> Asked:
    """Parse a question, which is the gate's own."""
    said = json.loads(text)
    return Asked(form=said["form"], hidden=frozenset(said["hidden"]), rows=said["rows"])


def answer(file: Path, question: Asked) -> Iterator[str]:
    """Yield the answer in pieces; whatever is in the file, the answer is of the one form."""
    content = file.read_bytes()
    try:
        body, said = _read(file, content, question)
    except RecursionError:
        body, said = {"refused": Flaw.JSON}, content
    except UnreadableError as error:
        body, said = {"refused": error.flaw, **error.place}, content
    if len(said) > MAX_BYTES and "refused" not in body:
        body = {"refused": Flaw.LONG}
    unwrapped = unwrap(said)
    yield '{"body":'
    yield from _written(body)
    yield f',"bomb":{_json(unwrapped.bomb)},"layers":['
    comma = ""
    for layer in unwrapped.layers:
        told = {"wrappings": layer.wrappings, "text": shown(layer.content)}
        yield comma + _json(told)
        comma = ","
    yield "]}"


def _read(file: Path, content: bytes, question: Asked) -> Read:
    """Return the body, and what it says, free of its own quoting and escapes; raise `UnreadableError`."""
    match question.form:
        case "bytes":
            return {}, content
        case "table":
            return _of_table(_columnar(file, question.rows), question)
        case "model":
            model = _model(file, content)
            return {"model": model}, _words(model)
        case form:
            return _TEXTS[form](text_of(content), question)


def _of_csv(text: str, question: Asked) -> Read:
    return _of_table(tables.of_csv(text, question.rows), question)


def _of_json(text: str, question: Asked) -> Read:
    value = strict.parsed(text)
    table = tables.of_json(value, question.rows)
    return _of_table(table, question) if table else ({"json": value}, strict.said(value).encode())


def _of_specification(text: str, _question: Asked) -> Read:
    value = strict.parsed(text)
    return {"json": value}, _words(value)


def _of_text(text: str, _question: Asked) -> Read:
    # what is written around the slots of a report comes together where they are filled with nothing
    return {"text": text}, "\n".join(dict.fromkeys([text, _SLOT.sub("", text)])).encode()


def _of_table(table: Table, question: Asked) -> Read:
    said = tables.written(table, question.hidden)
    if hidden_in(said, "\r\n\t"):  # a columnar file's cells have not been looked at
        raise UnreadableError(Flaw.ENCODING)
    return {"table": table}, said.encode()


def _columnar(file: Path, most: int) -> Table:
    from shuyu_reader import columnar  # noqa: PLC0415 - Arrow takes long to load, and most files need it not

    return columnar.of_file(file, most)


def _model(file: Path, content: bytes) -> Json:
    from shuyu_reader.models import graph, tensors  # noqa: PLC0415 - as Arrow
    from shuyu_reader.models.document import UnfitError  # noqa: PLC0415 - as Arrow

    # an ONNX file begins with a version and a key, a safetensors file with eight bytes of length and an object
    is_graph = content[8:9] != b"{" and content[:1] == bytes([_GRAPH])
    try:
        model: Json = graph.model(file) if is_graph else tensors.model(file)
    except UnfitError as error:
        raise UnreadableError(error.flaw) from None
    return model


def _written(body: dict[str, Any]) -> Iterator[str]:
    """Write a body, a table row by row."""
    table = body.get("table")
    if not isinstance(table, Table):
        yield _json(body)
        return
    yield f'{{"table":{{"columns":{_json(list(table.columns))},"rows":['
    comma = ""
    for row in table.rows:
        yield comma + _json(row)
        comma = ","
    yield "]}}"


def _words(value: Json) -> bytes:
    return ";\n".join(strict.strings(value)).encode()


def _json(value: object) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


_TEXTS: Mapping[str, Callable[[str, Asked], Read]] = MappingProxyType(
    {"csv": _of_csv, "json": _of_json, "specification": _of_specification, "text": _of_text}
)
