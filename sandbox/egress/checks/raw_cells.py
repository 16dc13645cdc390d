"""Looks for keys of protected units and for identifying cells of the view, anywhere in the output."""

import re
from collections.abc import Iterator

import pyarrow as pa

from sandbox.asset import Column, Role
from sandbox.egress.exhibit import Exhibit
from sandbox.egress.finding import Finding, Rule
from sandbox.egress.gate import opened, quoted
from sandbox.egress.terms import GateView, Inspection
from sandbox.order import ReleaseClass
from sandbox.reason import Said

SHORTEST = 8
"""Keys of fewer characters are too common to look for."""
NEEDLE = 12
"""Of a longer key, its first characters are enough."""
MAX_NEEDLES = 4_000_000

_TOKEN = re.compile(rf"[^\W_]{{{SHORTEST},}}|[\w-]{{{SHORTEST},}}")
_SEPARATORS = re.compile(r"[\s\-_:.,;\"'|/]+")
_HEX = re.compile(rf"[0-9a-f]{{{NEEDLE},}}")

UNIT_KEYS = Rule(
    id="egress.unit_keys",
    stage=4,
    why=Said(
        zh="输出含有受保护单位的键、化名或标识列的取值。",
        en="The output holds keys or pseudonyms of protected units, or cells of an identifying"
        " column.",
    ),
    fix=Said(
        zh="去掉该列,只输出统计结果。",
        en="Drop that column, and write statistics only.",
    ),
    clause="Weifang art. 26; Shanghai art. 24",
)


def raw_cells(exhibit: Exhibit, inspection: Inspection) -> Iterator[Finding]:
    """Find identifying cells of any view in the text, its wrappings, and split by separators."""
    if exhibit.terms.release in {ReleaseClass.DP, ReleaseClass.CONSENTED}:
        return  # in a consented output pseudonyms stand in one column, and no text in any other: see `consents`
    asked = [(view, column) for view in inspection.protected for column in _identifying(view)]
    if not asked:
        return
    needles = _needles(exhibit.texts())
    for view, column in asked:
        found = _found(needles, view, column)
        if found:
            exact = Said(
                zh=f"列 {column.name}:{found} 个不同取值。",
                en=f"Column {column.name}: {found} distinct values.",
            )
            yield UNIT_KEYS.at(f"source column {column.name}", exact=exact)


def _identifying(view: GateView) -> Iterator[Column]:
    for column in view.columns():
        named = column.name in view.terms.pseudonyms
        if named or column.role in {Role.UNIT, Role.IDENTIFIER}:
            yield column


def _needles(texts: tuple[str, ...]) -> pa.Table:
    found: set[str] = set()
    for text in texts:
        folded = text.casefold()
        for token in _TOKEN.findall(folded):
            found.add(token)
            found.update(token[i : i + NEEDLE] for i in range(len(token) - NEEDLE + 1))
        for run in _HEX.findall(_SEPARATORS.sub("", folded)):
            found.update(run[i : i + NEEDLE] for i in range(len(run) - NEEDLE + 1))
        if len(found) > MAX_NEEDLES:
            raise OverflowError
    return pa.table({"needle": pa.array(sorted(found), pa.string())})


def _found(needles: pa.Table, view: GateView, column: Column) -> int:
    cell = f"lower(trim({quoted(column.name)}::VARCHAR))"
    asked = f"SELECT DISTINCT {cell} AS key FROM source WHERE length({cell}) >= {SHORTEST}"  # noqa: S608 - quoted names
    with opened(view) as gate:
        gate.register("needles", needles)
        counted = gate.execute(
            f"SELECT count(*) FROM ({asked}) WHERE left(key, {NEEDLE}) IN (SELECT needle FROM needles)"  # noqa: S608 - ours
        ).fetchall()
    return int(counted[0][0])
