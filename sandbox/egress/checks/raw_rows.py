"""Looks for rows of the view in the output, whatever their order, names, rounding or wrapping."""

from collections.abc import Iterator, Sequence

from sandbox.egress.exhibit import Exhibit
from sandbox.egress.finding import Finding, Rule, Weight, is_blocked
from sandbox.egress.raw.rows import Match, row_match
from sandbox.egress.raw.source import source
from sandbox.egress.raw.streams import frames
from sandbox.egress.raw.tokens import TooMuchTextError
from sandbox.egress.raw.tuples import Lines, is_enough, rare_lines
from sandbox.egress.terms import Inspection
from sandbox.order import ReleaseClass
from sandbox.reason import Said

MOST = 0.6
"""The share of an output's lines that must be rare rows, to block without any that is certain."""

RAW_ROWS = Rule(
    id="egress.raw_rows",
    stage=4,
    why=Said(
        zh="输出含有视图的原始记录,或由其改名、重排、舍入、编码而来的内容。",
        en="The output holds rows of the source, as they are or renamed, reordered, rounded or"
        " encoded.",
    ),
    fix=Said(
        zh="只输出统计结果,不输出逐条记录。",
        en="Write statistics only, no records.",
    ),
    clause="Weifang art. 26; Shanghai art. 24",
)
ONE_ROW = Rule(
    id="egress.like_a_row",
    stage=4,
    weight=Weight.REVIEW,
    why=Said(
        zh="输出中有一处与视图的一条记录十分相似,需人工查看。",
        en="One part of the output is much like one row of the source: a person must look.",
    ),
    fix=Said(
        zh="不要举出单条记录作为例子。",
        en="Do not show single records as examples.",
    ),
    clause="Weifang art. 26",
)

TOO_MUCH = Rule(
    id="egress.too_much_text",
    stage=4,
    why=Said(
        zh="输出的内容过多,无法与视图逐一比对。",
        en="The output says more than can be held against the source.",
    ),
    fix=Said(
        zh="只写出结论,或分成几个输出。",
        en="Write the results only, or several smaller outputs.",
    ),
)


def raw_rows(exhibit: Exhibit, inspection: Inspection) -> Iterator[Finding]:
    """Find rows of any view in rows, columns, lines and windows over the text; else lines that are rows all together.

    Tables of the planner are not asked: their numbers bear noise. Nor are those whose subjects consent: see `consents`. Nor are the gate's own asked line by line.
    """
    if exhibit.terms.release in {ReleaseClass.DP, ReleaseClass.CONSENTED}:
        return
    found = tuple(_found((exhibit,), inspection))
    if not is_blocked(found) and exhibit.terms.release is ReleaseClass.REVIEWED:
        found = (*_lines(exhibit, inspection), *found)[:1]
    yield from found


def raw_rows_together(exhibits: Sequence[Exhibit], inspection: Inspection) -> Iterator[Finding]:
    """Find rows that were split over several outputs of one job, none of which shows enough of them alone."""
    if len(exhibits) > 1:
        yield from _found(exhibits, inspection)


def _found(exhibits: Sequence[Exhibit], inspection: Inspection) -> Iterator[Finding]:
    for view in inspection.protected:
        try:
            yield from _told(row_match(exhibits, source(view)))
        except TooMuchTextError:
            yield TOO_MUCH.at()


def _lines(exhibit: Exhibit, inspection: Inspection) -> Iterator[Finding]:
    """Find frames whose lines are rare rows of a view, too many to be a chance."""
    fewest = inspection.policy.min_units
    for view in inspection.protected:
        store = source(view)
        for frame in frames(exhibit):
            lines = rare_lines(frame, view, store, fewest=fewest)
            if lines is not None and is_enough(lines):
                blocks = lines.rare >= MOST * lines.of
                yield (RAW_ROWS if blocks else ONE_ROW).at(exact=_looked_up(lines))


def _looked_up(lines: Lines) -> Said:
    return Said(
        zh=f"{lines.of} 行中有 {lines.rare} 行({lines.columns} 列)是视图中的少见记录;{lines.bits:.0f} 比特。",
        en=f"Of {lines.of} lines, {lines.rare} are rare rows of the view in {lines.columns} columns; {lines.bits:.0f} bits.",
    )


def _told(match: Match) -> Iterator[Finding]:
    if match.is_leak:
        yield RAW_ROWS.at(exact=match.told())
    elif match.certain:
        yield ONE_ROW.at(exact=match.told())
