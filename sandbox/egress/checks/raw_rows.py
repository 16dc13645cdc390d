"""Looks for rows of the view in the output, whatever their order, names, rounding or wrapping."""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from sandbox.egress.exhibit import Exhibit
from sandbox.egress.finding import Finding, Rule, Weight
from sandbox.egress.groups import Token, TooMuchTextError, from_table, lines, windows
from sandbox.egress.table import Table
from sandbox.egress.terms import GateView, Inspection
from sandbox.egress.trace import Traces, trace
from sandbox.order import ReleaseClass
from sandbox.reason import Said

STRONG_BITS = 15
"""Above log2 of the view's rows: enough on several rows."""
CERTAIN_BITS = 20
"""Above log2 of the view's rows: enough on three rows to block, on one for a person to look."""
FEWEST_ROWS = 3
SHARE = 0.02
"""Of the output's rows or lines."""

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


@dataclass(frozen=True, slots=True)
class _Match:
    """What was found against one view, in numbers."""

    strong: int
    certain: int
    best: float
    threshold: float
    of: int

    @property
    def is_leak(self) -> bool:
        """Whether enough rows match."""
        share = self.strong >= max(FEWEST_ROWS, SHARE * self.of)
        return share or self.certain >= FEWEST_ROWS


def raw_rows(exhibit: Exhibit, inspection: Inspection) -> Iterator[Finding]:
    """Find rows of any view: first in rows, columns and lines, then in windows over the text.

    Tables of the planner are not asked: their numbers bear noise.
    """
    if exhibit.terms.release is ReleaseClass.DP:
        return
    for view in inspection.views:
        try:
            matches = list(_matches(exhibit, view))
        except TooMuchTextError:
            yield TOO_MUCH.at()
            continue
        yield from _told(max(matches, key=lambda match: (match.is_leak, match.best)))


def _matches(exhibit: Exhibit, view: GateView) -> Iterator[_Match]:
    for groups, of in _groups(exhibit):
        match = _match(trace(groups, view), of)
        yield match
        if match.is_leak:
            return


def _groups(exhibit: Exhibit) -> Iterator[tuple[list[list[Token]], int]]:
    texts: Sequence[str] = exhibit.texts()
    first: list[list[Token]] = []
    if isinstance(exhibit.body, Table):
        first, texts = list(from_table(exhibit.body)), texts[1:]
    by_line = [group for text in texts for group in lines(text)]
    yield first + by_line, sum(map(bool, first + by_line))
    if by_line:
        yield list(windows(by_line)), sum(map(bool, by_line))


def _match(traces: Traces, of: int) -> _Match:
    base = math.log2(max(2, traces.rows))

    def rows(bits: float) -> int:
        return len({each.row for each in traces.best if each.bits >= base + bits})

    best = max((each.bits for each in traces.best), default=0.0)
    return _Match(rows(STRONG_BITS), rows(CERTAIN_BITS), best, base + STRONG_BITS, of)


def _told(match: _Match) -> Iterator[Finding]:
    exact = Said(
        zh=f"最高 {match.best:.1f} 比特(阈值 {match.threshold:.1f});达到阈值的源记录 {match.strong} 条,"
        f"再高 5 比特的 {match.certain} 条;输出共 {match.of} 行。",
        en=f"Best match {match.best:.1f} bits (threshold {match.threshold:.1f}); {match.strong} source"
        f" rows reach it, {match.certain} with 5 bits more; the output has {match.of} lines.",
    )
    if match.is_leak:
        yield RAW_ROWS.at(exact=exact)
    elif match.certain:
        yield ONE_ROW.at(exact=exact)
