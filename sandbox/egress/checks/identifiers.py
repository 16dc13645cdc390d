"""Looks for identifiers of people and enterprises in all that can be read, headers and keys included."""

from collections import Counter
from collections.abc import Iterable, Iterator

from sandbox.egress.exhibit import Exhibit
from sandbox.egress.finding import Finding, Rule, Weight
from sandbox.egress.identifiers.kinds import Kind
from sandbox.egress.identifiers.presidio import Presidio
from sandbox.egress.identifiers.scan import Hit, scan_text
from sandbox.egress.table import Cell, Table
from sandbox.egress.terms import Inspection
from sandbox.order import ReleaseClass
from sandbox.reason import Said


def identifiers(exhibit: Exhibit, _inspection: Inspection) -> Iterator[Finding]:
    """Find each kind of identifier once, at the first line that holds one.

    The planner's numbers are noise: of its tables only words and headers are read.
    """
    texts = list(exhibit.texts())
    if isinstance(exhibit.body, Table) and exhibit.terms.release is ReleaseClass.DP:
        texts[0] = _words(exhibit.body)
    presidio = Presidio.ready()
    for depth, text in enumerate(texts):
        hits = [*scan_text(text), *presidio.scan(text)]
        yield from _told(hits, inside=depth > 0)


def _words(table: Table) -> str:
    rows: list[tuple[Cell, ...]] = [table.columns, *table.rows]
    return "\n".join(" ".join(c for c in row if isinstance(c, str)) for row in rows)


def _told(hits: Iterable[Hit], *, inside: bool) -> Iterator[Finding]:
    first: dict[str, Hit] = {}
    counted: Counter[str] = Counter()
    for hit in hits:
        counted[hit.kind.entity] += 1
        known = first.setdefault(hit.kind.entity, hit)
        if hit.line < known.line:
            first[hit.kind.entity] = hit
    for entity, hit in first.items():
        at = "inside an encoded or packed part" if inside else f"line {hit.line}"
        count = counted[entity]
        exact = Said(zh=f"{entity}:{count} 处。", en=f"{entity}: {count} places.")
        yield _rule(hit.kind).at(at, exact=exact)


def _rule(kind: Kind) -> Rule:
    return Rule(
        id=f"egress.identifier.{kind.entity.lower()}",
        stage=3,
        weight=Weight.BLOCK if kind.personal else Weight.REVIEW,
        why=Said(
            zh=f"含有形如{kind.title.zh}的内容。",
            en=f"It holds what looks like {_article(kind.title.en)}.",
        ),
        fix=Said(
            zh="去掉该内容;需要区分个体时只给出统计结果。",
            en="Remove it; where individuals must be told apart, give statistics only.",
        ),
        clause="Shanghai art. 25",
    )


def _article(noun: str) -> str:
    return f"an {noun}" if noun[0] in "aeiouAEIOU" and not noun.startswith("U") else f"a {noun}"
