"""An output's content once it is parsed, and how a place in it is called."""

from dataclasses import dataclass

from sandbox.order import Function, OutputTerms, ReleaseClass

Cell = str | int | float | bool | None
Json = None | bool | int | float | str | list["Json"] | dict[str, "Json"]

COUNT_NAMES = frozenset(
    [
        "n",
        "count",
        "counts",
        "cnt",
        "num",
        "number",
        "units",
        "persons",
        "people",
        "rows",
        "records",
        "total",
        "frequency",
        "freq",
        "support",
        "n_obs",
        "nobs",
        "n_units",
        "n_rows",
        "size",
        "人数",
        "户数",
        "数量",
        "笔数",
        "样本数",
        "计数",
        "频数",
        "单位数",
        "企业数",
        "件数",
    ]
)
"""Names that a count goes by where it was not declared as one."""


@dataclass(frozen=True, slots=True)
class Table:
    """A rectangular table of plain cells."""

    columns: tuple[str, ...]
    rows: tuple[tuple[Cell, ...], ...]

    def cells(self, index: int) -> tuple[Cell, ...]:
        """Return the cells of the column at `index`."""
        return tuple(row[index] for row in self.rows)


@dataclass(frozen=True, slots=True)
class Document:
    """JSON that is no table."""

    value: Json


@dataclass(frozen=True, slots=True)
class Text:
    """Prose."""

    text: str


@dataclass(frozen=True, slots=True)
class Sealed:
    """Bytes that a mechanism of the domain's own wrote in their canonical form, such as a model; nobody else's are taken so."""

    suffix: str
    content: bytes


Body = Table | Document | Text | Sealed


def subject_names(terms: OutputTerms) -> frozenset[str]:
    """Return the names of a consented table's columns that hold the view's pseudonyms, as `consents` makes sure."""
    if terms.release is not ReleaseClass.CONSENTED:
        return frozenset()
    return frozenset(c.name for c in terms.columns if c.function is Function.SUBJECT)


def without_subjects(table: Table, terms: OutputTerms) -> Table:
    """Return a consented table with blanks for its subjects."""
    hidden = subject_names(terms)
    if not hidden:
        return table
    shown = [name not in hidden for name in table.columns]
    rows = (
        tuple(cell if seen else None for cell, seen in zip(row, shown, strict=True))
        for row in table.rows
    )
    return Table(table.columns, tuple(rows))


def place(terms: OutputTerms, column: str, *, index: int, row: int | None = None) -> str:
    """Say where a cell is; `row` counts from 1, `index` from 0.

    A column is called by its name only where the name was declared: any other header is the
    job's own words, and may be a value from the data.
    """
    declared = {each.name for each in terms.columns}
    called = f"column {column}" if column in declared else f"column number {index + 1}"
    return called if row is None else f"row {row}, {called}"


def functions(table: Table, terms: OutputTerms) -> tuple[Function, ...]:
    """Say what each column of `table` is computed by, as declared or as its name gives away."""
    declared = {each.name: each.function for each in terms.columns}
    return tuple(_function(name, declared.get(name, Function.FREE)) for name in table.columns)


def _function(name: str, declared: Function) -> Function:
    if declared is Function.FREE and name.strip().casefold() in COUNT_NAMES:
        return Function.COUNT
    return declared
