"""Looks for columns of the view in the output, alone, shuffled, scaled or with noise."""

from collections.abc import Iterator, Sequence

from sandbox.data.sealed import Store
from sandbox.egress.exhibit import Exhibit
from sandbox.egress.finding import Finding, Rule, Weight
from sandbox.egress.raw.columns import (
    Likeness,
    number_likeness,
    shape_likeness,
    text_likeness,
)
from sandbox.egress.raw.source import source
from sandbox.egress.raw.streams import Stream, streams
from sandbox.egress.terms import Inspection
from sandbox.order import ReleaseClass
from sandbox.reason import Said

FEWEST_CELLS = 50
"""Distinct cells of one column that are no accident."""
MOST = 0.8
"""The share of a stream's cells that must be the source's, to block."""
SOME = 0.3
"""The share from which a person must look: exact quantiles and extremes are cells of the source, too."""
FEWEST_SHAPES = 3
"""Streams that have the shapes of as many columns, to block: a curve over even bins has two."""

RAW_COLUMN = Rule(
    id="egress.raw_column",
    stage=4,
    why=Said(
        zh="输出含有视图某一列的逐条取值,或由其打乱、缩放、加噪、差分而来的内容。",
        en="The output holds the cells of a column of the source, as they are or shuffled, scaled, with noise or as"
        " differences.",
    ),
    fix=Said(
        zh="只输出统计结果;分位数请舍入到三位有效数字。",
        en="Write statistics only, and round quantiles to three significant digits.",
    ),
    clause="Weifang art. 26; Shanghai art. 24",
)
LIKE_A_COLUMN = Rule(
    id="egress.like_a_column",
    stage=4,
    weight=Weight.REVIEW,
    why=Said(
        zh="输出中有一列与视图的一列十分相似,需人工查看。",
        en="One column of the output is much like one column of the source: a person must look.",
    ),
    fix=Said(
        zh="把取值舍入到三位有效数字,或分组汇总。",
        en="Round the values to three significant digits, or group them.",
    ),
    clause="Weifang art. 26",
)


def raw_columns(exhibit: Exhibit, inspection: Inspection) -> Iterator[Finding]:
    """Find streams that are like a column of any view; what the gate computed itself is not asked."""
    if exhibit.terms.release is not ReleaseClass.REVIEWED:
        return
    found = list(streams(exhibit))
    for view in inspection.protected:
        store = source(view)
        yield from _cells(found, store, fewest=inspection.policy.min_units)
        yield from _shapes(found, store)


def _cells(found: Sequence[Stream], store: Store, *, fewest: int) -> Iterator[Finding]:
    """Find the first stream of cells that are the source's own; a text in fewer rows than `fewest` is one."""
    for stream in found:
        alike = [*number_likeness(stream, store), *text_likeness(stream, store, fewest=fewest)]
        best = max(alike, key=lambda each: each.exact / each.of, default=None)
        if best is None or best.exact < max(fewest, SOME * best.of):
            continue
        blocks = best.exact >= min(FEWEST_CELLS, MOST * best.of) and best.exact >= MOST * best.of
        yield (RAW_COLUMN if blocks else LIKE_A_COLUMN).at(stream.place, exact=_counted(best))
        return


def _shapes(found: Sequence[Stream], store: Store) -> Iterator[Finding]:
    """Find streams that have the shapes of columns of the source."""
    shaped = [(s, each) for s in found for each in shape_likeness(s, store) if each.is_shaped]
    if not shaped:
        return
    stream, nearest = min(shaped, key=lambda pair: pair[1].distance)
    places, columns = {s.place for s, _ in shaped}, {each.column for _, each in shaped}
    rule = RAW_COLUMN if min(len(places), len(columns)) >= FEWEST_SHAPES else LIKE_A_COLUMN
    yield rule.at(stream.place, exact=_measured(nearest, len(places)))


def _counted(best: Likeness) -> Said:
    return Said(
        zh=f"源列 {best.column}:{best.of} 个不同取值中有 {best.exact} 个与之相同。",
        en=f"Source column {best.column}: it has {best.exact} of {best.of} distinct cells.",
    )


def _measured(nearest: Likeness, streams_found: int) -> Said:
    return Said(
        zh=f"形状最近的源列 {nearest.column}:距离 {nearest.distance:.3f}(共 {nearest.of} 个数);相似的列 {streams_found} 个。",
        en=f"Nearest in shape is source column {nearest.column}, at distance {nearest.distance:.3f} over {nearest.of}"
        f" numbers; {streams_found} columns of the output are near one.",
    )
