"""Writes the trusted SQL: integer vectors over the cells of an answer, from the gate's view."""

from collections.abc import Sequence

from sandbox.asset import Column, Kind
from sandbox.privacy.condition import quoted


def over_rows(dimensions: Sequence[Column], aggregates: Sequence[str], *, where: str) -> str:
    """Return the statement that aggregates rows; the cell's categories come first, as text."""
    keys = [_category(column) for column in dimensions]
    parts = ", ".join([*keys, *aggregates])
    return f'SELECT {parts} FROM "view"{_where(dimensions, where)}{_grouped(len(keys))}'  # noqa: S608 - every part is written by this room


def over_units(dimensions: Sequence[Column], aggregates: Sequence[str], *, where: str) -> str:
    """Return the statement that aggregates one row for each unit in each cell that it is in."""
    keys = [f"d{i}" for i in range(len(dimensions))]
    categories = [f"{_category(c)} AS {key}" for c, key in zip(dimensions, keys, strict=True)]
    return (
        f"WITH pairs AS (SELECT DISTINCT {', '.join(['_unit', *categories])}"  # noqa: S608 - every part is written by this room
        f' FROM "view"{_where(dimensions, where)}),'
        " spread AS (SELECT _unit, count(*) AS _cells FROM pairs GROUP BY _unit)"
        f" SELECT {', '.join([*keys, *aggregates])} FROM pairs JOIN spread USING (_unit)"
        f"{_grouped(len(keys))}"
    )


def _category(column: Column) -> str:
    """Return a category as the text that the catalogue's domain has; a cast to text never fails."""
    name = quoted(column.name)
    return name if column.kind is Kind.STRING else f"CAST({name} AS VARCHAR)"


def _where(dimensions: Sequence[Column], where: str) -> str:
    known = [f"{quoted(column.name)} IS NOT NULL" for column in dimensions]
    conditions = " AND ".join([*known, *([where] if where else [])])
    return f" WHERE {conditions}" if conditions else ""


def _grouped(keys: int) -> str:
    """Return GROUP BY over the first columns, by number: names of the view's columns cannot collide."""
    return f" GROUP BY {', '.join(str(i + 1) for i in range(keys))}" if keys else ""
