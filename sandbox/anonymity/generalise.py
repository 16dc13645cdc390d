"""Makes rows k-anonymous: coarsens what others may know until everybody has company, and loses no row."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction

import numpy as np
import pyarrow as pa

from sandbox.anonymity.classes import Groups, Numbers, grouped
from sandbox.anonymity.coding import coded
from sandbox.anonymity.evidence import Evidence, at_least
from sandbox.anonymity.items import Items, items_of
from sandbox.anonymity.judge import Known, Rows, Source, chosen, coded_rows, judged, read
from sandbox.anonymity.labels import Labels, labels
from sandbox.anonymity.mondrian import cutter_for, meets
from sandbox.asset import Column, Grade, Kind, Role
from sandbox.errors import ViewError
from sandbox.order import Generalise
from sandbox.reason import Said

_LEAST_K = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class Generalised:
    """The classes of a table's rows, and how each is shown."""

    classes: Numbers
    """By row of the table: the class that it is in, from 0 on."""
    labels: pa.Table
    """By class: the text that each column of `aim.quasi` shows."""
    loss: Fraction
    """The normalised certainty penalty of all cells of these columns, from 0 to 1, rounded up at nine decimals."""
    evidence: Evidence
    """Of the rows as they are shown, which are taken to be their whole population."""


def generalised(
    source: Source, columns: Sequence[Column], *, unit: str, aim: Generalise
) -> Generalised:
    """Put a table's rows into classes that keep `aim`, and label these.

    `columns` declares the table's columns, and `unit` names the one that tells protected units apart. The same rows in any
    order are shown the same. Raises `ViewError` where all rows together do not keep `aim`, or it names no such columns.
    """
    for wrong in _wrongs(aim):
        raise ViewError(wrong)
    known = Known(quasi=aim.quasi, sensitive=aim.sensitive)
    named = chosen(columns, known)
    rows = coded_rows(read(source, named, unit=unit), named, unit=unit, known=known)
    asks_for_spread = aim.l > 1 or aim.t < 1
    items, tuples = items_of(rows if asks_for_spread else replace(rows, sensitive=()))
    if items.count and not meets(items, aim, np.arange(items.count)):
        raise ViewError("All rows together do not have the k, l and t that are asked of each class")
    return _shown(rows, items, tuples, cutter_for(items)(items, aim))


def _wrongs(aim: Generalise) -> Iterator[str]:
    if not aim.quasi:
        yield "A view is generalised in no column"
    if aim.k < _LEAST_K:
        yield f"A class of a generalised view has at least {_LEAST_K} units"
    if not 0 <= aim.t <= 1 or aim.l < 1:
        yield "A class has at least 1 value, at a distance from 0 to 1"
    if (aim.l > 1 or aim.t < 1) and not aim.sensitive:
        yield "A spread of values is asked of no sensitive column"


def _shown(rows: Rows, items: Items, tuples: Groups, found: Numbers) -> Generalised:
    count = int(found.max()) + 1 if len(found) else 0
    named = tuple(
        labels(column, items.codes[:, place], found[items.tuples], count)
        for place, column in enumerate(rows.quasi)
    )
    classes = found[tuples.of]
    table = pa.table([each.texts for each in named], [column.name for column in rows.quasi])
    return Generalised(
        classes=classes,
        labels=table,
        loss=_loss(named, classes, count),
        evidence=judged(rows, classes=_alike(table, classes)),
    )


def _loss(named: Sequence[Labels], classes: Numbers, count: int) -> Fraction:
    rows = np.bincount(classes, minlength=count)
    lost = sum(float((each.losses * rows).sum()) for each in named)
    return at_least(lost / max(1, len(classes) * len(named)))


def _alike(table: pa.Table, classes: Numbers) -> Groups:
    """Return the classes as they look: a relaxed partition may label two of them alike."""
    texts = tuple(coded(table.column(name), _text(name)) for name in table.column_names)
    looks = grouped(texts, table.num_rows)
    return Groups(of=looks.of[classes], count=looks.count)


def _text(name: str) -> Column:
    return Column(
        name=name,
        kind=Kind.STRING,
        role=Role.ATTRIBUTE,
        grade=Grade.L1,
        title=Said(zh=name, en=name),
    )
