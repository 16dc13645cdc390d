"""Says how an output differs from an earlier one: rows and cells of a table, lines of a text, with their counts."""

import difflib
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from itertools import islice

from jobs.rules.sheets import Row, Table, bounded, table_of

MAX_SHOWN = 200
"""The most differences that are shown."""
MAX_LINES = 1000
"""The most lines of each of two texts that are compared: more could be made to take for ever."""


class Kind(StrEnum):
    """What became of a row or a line."""

    ADDED = "added"
    REMOVED = "removed"
    CHANGED = "changed"
    SAME = "same"
    """A line that stands beside a difference."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """One row or line that differs."""

    kind: Kind
    what: Row
    """The row's key, the row itself, or the line."""
    cells: tuple[tuple[str, str, str], ...] = ()
    """Of a changed row: the column, what stood there, and what stands there now."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """How an output differs from an earlier one; every text is plain to see."""

    added: int
    removed: int
    changed: int
    """How many cells of rows that both have; of a text none."""
    columns_added: Row = ()
    columns_removed: Row = ()
    changes: tuple[Change, ...]
    more: int
    is_whole: bool
    """Whether all of both was compared."""

    @property
    def is_none(self) -> bool:
        """Say whether nothing differs, as far as it was compared."""
        return not (self.changes or self.columns_added or self.columns_removed)


def difference(old: str, new: str, media_type: str, *, keys: Row = ()) -> Difference:
    """Compare two canonical texts of one kind; `keys` are the columns that name a row of a table."""
    before, after = table_of(old, media_type), table_of(new, media_type)
    if before is None or after is None:
        return _of_texts(old, new)
    return _of_tables(before, after, keys)


def _of_tables(old: Table, new: Table, keys: Row) -> Difference:
    shared = tuple(key for key in keys if key in old.columns and key in new.columns)
    before, after = _named(old, shared), _named(new, shared)
    if before is None or after is None:
        changes = list(_whole_rows(old, new))
    else:
        changes = list(_by_key(before, after))
    kinds = Counter(change.kind for change in changes)
    return Difference(
        added=kinds[Kind.ADDED],
        removed=kinds[Kind.REMOVED],
        changed=sum(len(change.cells) for change in changes),
        columns_added=_missing(new.columns, old.columns),
        columns_removed=_missing(old.columns, new.columns),
        changes=tuple(map(_plain, changes[:MAX_SHOWN])),
        more=max(0, len(changes) - MAX_SHOWN),
        is_whole=not (old.is_cut or new.is_cut),
    )


Named = Mapping[Row, Mapping[str, str]]


def _named(table: Table, keys: Row) -> Named | None:
    """Return the rows by their keys, or nothing where the keys do not name each row."""
    if not keys:
        return None
    rows = [dict(zip(table.columns, row, strict=False)) for row in table.rows]
    named = {tuple(row.get(key, "") for key in keys): row for row in rows}
    return named if len(named) == len(rows) else None


def _by_key(old: Named, new: Named) -> Iterator[Change]:
    for key, row in new.items():
        if key not in old:
            yield Change(kind=Kind.ADDED, what=tuple(row.values()))
        elif cells := tuple(_cells(old[key], row)):
            yield Change(kind=Kind.CHANGED, what=key, cells=cells)
    for key, row in old.items():
        if key not in new:
            yield Change(kind=Kind.REMOVED, what=tuple(row.values()))


def _cells(old: Mapping[str, str], new: Mapping[str, str]) -> Iterator[tuple[str, str, str]]:
    for column, value in new.items():
        if column in old and old[column] != value:
            yield (column, old[column], value)


def _whole_rows(old: Table, new: Table) -> Iterator[Change]:
    before, after = Counter(old.rows), Counter(new.rows)
    for row in (after - before).elements():
        yield Change(kind=Kind.ADDED, what=row)
    for row in (before - after).elements():
        yield Change(kind=Kind.REMOVED, what=row)


def _missing(these: Row, those: Row) -> Row:
    return tuple(bounded(name) for name in these if name not in those)


def _of_texts(old: str, new: str) -> Difference:
    before, after = old.splitlines(), new.splitlines()
    compared = difflib.unified_diff(before[:MAX_LINES], after[:MAX_LINES], lineterm="", n=2)
    lines = [_line(line) for line in islice(compared, 2, None) if not line.startswith("@@")]
    kinds = Counter(change.kind for change in lines)
    return Difference(
        added=kinds[Kind.ADDED],
        removed=kinds[Kind.REMOVED],
        changed=0,
        changes=tuple(map(_plain, lines[:MAX_SHOWN])),
        more=max(0, len(lines) - MAX_SHOWN),
        is_whole=max(len(before), len(after)) <= MAX_LINES,
    )


_SIGNS = {"+": Kind.ADDED, "-": Kind.REMOVED}


def _line(line: str) -> Change:
    return Change(kind=_SIGNS.get(line[:1], Kind.SAME), what=(line[1:],))


def _plain(change: Change) -> Change:
    cells = tuple((bounded(one), bounded(two), bounded(three)) for one, two, three in change.cells)
    return Change(kind=change.kind, what=tuple(map(bounded, change.what)), cells=cells)
