"""Looks for identifiers of people and enterprises in all that can be read, headers and keys included."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace

import pyarrow as pa

from sandbox.asset import Role
from sandbox.egress.exhibit import Exhibit
from sandbox.egress.finding import Finding, Rule, Weight
from sandbox.egress.gate import opened, quoted
from sandbox.egress.identifiers.columns import Found, study_all, study_json
from sandbox.egress.identifiers.exact import Searched, Secrets, match
from sandbox.egress.identifiers.kind import Kind
from sandbox.egress.identifiers.neighbours import cut_apart
from sandbox.egress.identifiers.people import KEY, NAME
from sandbox.egress.identifiers.presidio import Presidio
from sandbox.egress.identifiers.scan import scan_names, scan_text
from sandbox.egress.table import Cell, Document, Json, Table, place, without_subjects
from sandbox.egress.terms import GateView, Inspection
from sandbox.order import Function, OutputTerms, ReleaseClass
from sandbox.reason import Said

_INT64 = 19
"""Digits of the largest number of 64 bits."""
_KEYS_AT_ONCE = 1_000_000
_FEWEST_NUMBERS = 3
_INSIDE = "inside an encoded or packed part"
_LINE = 2000
"""Characters of a line that presidio is asked about."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Sighting:
    """One kind at one place."""

    kind: Kind
    place: str
    count: int = 1
    how: str = ""
    sure: bool = True
    """Whether it blocks where its kind points at a person; else a person looks."""
    texts: tuple[str, ...] = field(default=(), repr=False)
    """What holds it, for presidio's explanation alone: never told."""


def identifiers(exhibit: Exhibit, inspection: Inspection) -> Iterator[Finding]:
    """Find each kind of identifier once, where it stands first.

    Numbers of a table leave rounded, or are the gate's own: only a column that is full of them counts.
    """
    texts = exhibit.texts()
    match exhibit.body:
        case Table() as whole:
            table = without_subjects(whole, exhibit.terms)
            texts = (_words(table), *texts[1:])
            found = list(_in_table(table, exhibit.terms))
        case Document(value=value):
            found = [*_in_text(texts[0]), *_in_document(value)]
        case _:
            found = list(_in_text(texts[0]))
    found += [replace(each, place=_INSIDE) for text in texts[1:] for each in _in_text(text)]
    explained = _explained(found)
    yield from (_told(each, explained) for each in _merged(found))
    if exhibit.terms.release is not ReleaseClass.DP:
        yield from _keys(texts, inspection)


def _words(table: Table) -> str:
    """Write the headers and the texts of a table, one a line: numbers disguise nothing."""
    rows: tuple[tuple[Cell, ...], ...] = (table.columns, *table.rows)
    return "\n".join(cell for row in rows for cell in row if isinstance(cell, str))


def _in_text(text: str) -> Iterator[_Sighting]:
    lines = text.split("\n")
    for hit in (*scan_text(text), *scan_names(text)):
        held = (lines[hit.line - 1][:_LINE],)
        yield _Sighting(
            kind=hit.kind, place=f"line {hit.line}", how=hit.how, sure=hit.sure, texts=held
        )


def _in_document(value: Json) -> Iterator[_Sighting]:
    """Study what stands under one key, wherever it does, as a column under that header."""
    for found in study_json(value):
        yield _seen(found, "under a key")


def _seen(found: Found, where: str) -> _Sighting:
    return _Sighting(
        kind=found.kind,
        place=where,
        count=found.cells,
        how=found.how,
        sure=found.sure,
        texts=found.texts,
    )


def _in_table(table: Table, terms: OutputTerms) -> Iterator[_Sighting]:
    for hit in scan_text("\n".join(map(_one_line, table.columns))):
        at = place(terms, table.columns[hit.line - 1], index=hit.line - 1)
        yield _Sighting(kind=hit.kind, place=f"header of {at}", how=hit.how)
    for index, found in _in_columns(table, terms):
        name, row = table.columns[index], None if found.row is None else found.row + 1
        yield _seen(found, place(terms, name, index=index, row=row))
    yield from _named(table, terms)
    yield from _cut(table, terms)


def _named(table: Table, terms: OutputTerms) -> Iterator[_Sighting]:
    """Look for names in headers and words, row by row."""
    words = [_one_line(cell) for row in (table.columns, *table.rows) for cell in row]
    for hit in scan_names("\n".join(words)):
        row, index = divmod(hit.line - 1, len(table.columns))
        at = place(terms, table.columns[index], index=index, row=row or None)
        yield _Sighting(kind=hit.kind, place=at, sure=hit.sure)


def _one_line(cell: Cell) -> str:
    return cell.replace("\n", " ") if isinstance(cell, str) else ""


def _in_columns(table: Table, terms: OutputTerms) -> Iterator[tuple[int, Found]]:
    """Study the words of each column, and its numbers where the job's own would leave."""
    cells = [table.cells(index) for index in range(len(table.columns))]
    for index, some in enumerate(study_all(zip(table.columns, map(_texts, cells), strict=True))):
        listed = terms.release is ReleaseClass.DP or _is_listed(table.columns[index], terms)
        for found in some:
            if not (
                listed and found.kind in {NAME, KEY}
            ):  # the catalogue's own labels, or drawn by a mechanism
                yield index, found
    if terms.release is not ReleaseClass.REVIEWED:
        return
    numbers = [_numbers(column) for column in cells]
    for index, some in enumerate(study_all(zip(table.columns, numbers, strict=True))):
        many = len(numbers[index]) - numbers[index].null_count
        for found in some:
            if 2 * found.cells >= many and found.kind is not KEY:
                yield index, replace(found, sure=found.sure and many >= _FEWEST_NUMBERS)


def _is_listed(name: str, terms: OutputTerms) -> bool:
    return any(one.name == name and one.function is Function.DIMENSION for one in terms.columns)


def _texts(cells: Sequence[Cell]) -> pa.Array:
    return pa.array([cell if isinstance(cell, str) else None for cell in cells], pa.large_string())


def _numbers(cells: Sequence[Cell]) -> pa.Array:
    """Return the whole numbers among cells; any other is no identifier."""
    digits = [_digits(cell) for cell in cells]
    if all(len(each) < _INT64 for each in digits if each):
        return pa.array([int(each) if each else None for each in digits], pa.int64())
    return pa.array(digits, pa.large_string())


def _digits(cell: Cell) -> str | None:
    if isinstance(cell, bool) or not isinstance(cell, int | float) or cell != int(cell):
        return None
    return str(int(cell))


def _cut(table: Table, terms: OutputTerms) -> Iterator[_Sighting]:
    columns = [[_piece(cell) for cell in table.cells(index)] for index in range(len(table.columns))]
    for cut in cut_apart(columns):
        places = [
            place(terms, table.columns[index], index=index) for index in (cut.first, cut.last)
        ]
        yield _Sighting(kind=cut.kind, place=" to ".join(places), count=cut.rows, how="cut apart")


def _piece(cell: Cell) -> str:
    return cell if isinstance(cell, str) else _digits(cell) or ""


def _merged(found: Iterable[_Sighting]) -> Iterator[_Sighting]:
    """Yield one sighting for each kind and weight: the first place, with all counts added."""
    first: dict[tuple[str, bool], _Sighting] = {}
    for each in found:
        key = (each.kind.entity, each.sure)
        known = first.get(key)
        first[key] = replace(known, count=known.count + each.count) if known else each
    yield from first.values()


def _explained(found: list[_Sighting]) -> dict[str, str]:
    """Let presidio say what it makes of what holds a kind; it is not asked where nothing was found."""
    held: dict[Kind, list[str]] = {}
    for each in found:
        if each.kind.personal and each.texts:
            held.setdefault(each.kind, []).extend(text[:_LINE] for text in each.texts)
    said = Presidio.ready().explain(held) if held else {}
    return {
        entity: f" Presidio: {one.agreed}/{one.values}, {one.score:.2f}."
        for entity, one in said.items()
    }


def _told(each: _Sighting, explained: dict[str, str]) -> Finding:
    how = f" ({each.how})" if each.how else ""
    more = explained.get(each.kind.entity, "")
    exact = Said(
        zh=f"{each.kind.title.zh} {each.kind.entity}{how}:{each.count} 处。{more}",
        en=f"{each.kind.title.en}, {each.kind.entity}{how}: {each.count} places.{more}",
    )
    rule = _rule(each.kind)
    weight = rule.weight if each.sure else Weight.REVIEW
    return replace(rule, weight=weight).at(each.place, exact=exact)


def _keys(texts: tuple[str, ...], inspection: Inspection) -> Iterator[Finding]:
    """Find keys and identifying cells of the views behind hashes, encodings and other disguises.

    Keys that stand there plainly are another check's.
    """
    asked = [(view, name) for view in inspection.protected for name in _identifying(view)]
    searched = Searched.of(texts)
    if not searched.hides:
        return
    for view, name in asked:
        ways = _disguised_keys(searched, view, name)
        if ways:
            count = sum(ways.values())
            exact = Said(
                zh=f"视图列 {name},方式 {'、'.join(ways)}:{count} 处。",
                en=f"view column {name}, by {', '.join(ways)}: {count} places.",
            )
            yield _rule(_HIDDEN_KEY).at(f"source column {name}", exact=exact)


_HIDDEN_KEY = replace(KEY, entity="HIDDEN_KEY")


def _identifying(view: GateView) -> Iterator[str]:
    for column in view.columns():
        if column.name in view.terms.pseudonyms or column.role in {Role.UNIT, Role.IDENTIFIER}:
            yield column.name


def _disguised_keys(searched: Searched, view: GateView, name: str) -> dict[str, int]:
    found: dict[str, int] = {}
    cell = quoted(name)
    with opened(view) as gate:
        asked = f"SELECT DISTINCT {cell}::VARCHAR FROM source WHERE {cell} IS NOT NULL"  # noqa: S608 - a quoted name
        for batch in gate.sql(asked).to_arrow_reader(_KEYS_AT_ONCE):
            ways = match(searched, Secrets.of(batch.column(0)))
            for how in ways.keys() - {"exact"}:
                found[how] = found.get(how, 0) + ways[how]
    return found


def _rule(kind: Kind) -> Rule:
    family = kind.family
    return Rule(
        id=f"egress.identifier.{family.id}",
        stage=3,
        weight=Weight.BLOCK if family.personal else Weight.REVIEW,
        why=Said(
            zh=f"含有形如{family.title.zh}的内容。",
            en=f"It holds what looks like {_article(family.title.en)}.",
        ),
        fix=Said(
            zh="去掉该内容;需要区分个体时只给出统计结果。",
            en="Remove it; where individuals must be told apart, give statistics only.",
        ),
        clause="Shanghai art. 25",
    )


def _article(noun: str) -> str:
    return f"an {noun}" if noun[0] in "aeiouAEIOU" and not noun.startswith("U") else f"a {noun}"
