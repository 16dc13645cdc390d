"""Scans text and Arrow columns for identifiers: a cheap filter first, patterns and checks then."""

import re
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import pyarrow as pa
import pyarrow.compute as pc

from sandbox.egress.identifiers.kinds import KINDS, Kind
from sandbox.egress.identifiers.plain import plain

_COMPILED = tuple((kind, re.compile(kind.pattern)) for kind in KINDS)
_SUSPECT = r"[@＠﹫]|[0-9][0-9A-Z .\-]{9}|[^\x00-\x7f]{10}|[^\x00-\x7f].*[0-9]|[0-9].*[^\x00-\x7f]"
"""What a cell must hold to be looked at: an at sign, ten digits or so, or disguised digits."""


@dataclass(frozen=True, slots=True)
class Hit:
    """One identifier in a text; where, but never which."""

    kind: Kind
    line: int
    """Counted from 1."""


def scan_text(text: str) -> Iterator[Hit]:
    """Find every identifier in `text`, whatever its disguise, with the line that it is on."""
    looked_at = plain(text)
    for kind, pattern in _COMPILED:
        line, seen = 1, 0
        for match in pattern.finditer(looked_at):
            if kind.accepts(match):
                line += looked_at.count("\n", seen, match.start())
                seen = match.start()
                yield Hit(kind, line)


def scan_column(values: pa.ChunkedArray, *, header: str = "") -> Mapping[str, int]:
    """Count the cells of a column that hold identifiers, for each kind of identifier.

    `header` gives context to kinds that need it. Whole numbers and whole floats are read as
    digits; nested types are refused by ingest and egress before they come here.
    """
    texts = _texts(values)
    if texts is None:
        return {}
    counted = pc.value_counts(texts)
    cells, counts = counted.field("values"), counted.field("counts")
    suspect = pc.fill_null(pc.match_substring_regex(cells, _SUSPECT), fill_value=False)
    cells, counts = cells.filter(suspect), counts.filter(suspect).to_pylist()
    return _count(cells.to_pylist(), counts, header=header)


def _count(cells: list[str], counts: list[int], *, header: str) -> Mapping[str, int]:
    """Scan distinct cells as one text, a cell a line, and weigh each hit by its cell's count."""
    lines = [f"{header} {plain(cell)}".replace("\n", " ") for cell in cells]
    hits = {(hit.kind.entity, hit.line) for hit in scan_text("\n".join(lines))}
    found: Counter[str] = Counter()
    for entity, line in hits:
        found[entity] += counts[line - 1]
    return dict(found)


def _texts(values: pa.ChunkedArray) -> pa.Array | None:
    kind = values.type
    if pa.types.is_dictionary(kind):
        return _texts(values.cast(kind.value_type))
    if pa.types.is_floating(kind):
        whole = pc.and_(pc.equal(pc.floor(values), values), pc.less(pc.abs(values), 2.0**62))
        values = values.filter(pc.fill_null(whole, fill_value=False)).cast(pa.int64())
    if pa.types.is_integer(values.type):
        values = values.filter(pc.greater(values, 10**9)).cast(pa.string())
    is_text = pa.types.is_string(values.type) or pa.types.is_large_string(values.type)
    return values.cast(pa.large_string()) if is_text else None
