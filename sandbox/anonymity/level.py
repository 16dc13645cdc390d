"""The level of de-identification that something reaches (GB/T 42460-2023, clause 4), with the reasons for it."""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from enum import IntEnum

from sandbox.anonymity.evidence import Evidence
from sandbox.asset import Column, Role
from sandbox.order import ViewTerms
from sandbox.reason import Said

_IDENTIFYING = frozenset({Role.UNIT, Role.IDENTIFIER})


class Level(IntEnum):
    """How far somebody is from being found (GB/T 42460-2023, clause 4)."""

    IDENTIFIED = 1
    """It holds direct identifiers."""
    UNNAMED = 2
    """Direct identifiers are gone or replaced by pseudonyms, and people can still be found again."""
    ACCEPTABLE = 3
    """The risk of finding somebody again is acceptable."""
    AGGREGATED = 4
    """It holds aggregates, and no row about anybody."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Levelled:
    """A level, and why it is no higher."""

    level: Level
    why: tuple[Said, ...]


_NAMED = Said(
    zh="含有未经假名化的直接标识符",
    en="A column identifies people directly and is not replaced by pseudonyms",
)
_PSEUDONYMS = Said(
    zh="含有假名:假名化不等于匿名化(个人信息保护法第七十三条)",
    en="It holds pseudonyms: what is pseudonymised is not anonymised (PIPL art. 73)",
)
_NO_ROWS = Said(zh="没有任何行可供评估", en="There are no rows to be judged")
_ROWS = Said(
    zh="每一行仍对应一个受保护单元,不是聚合数据",
    en="Each row is still about one protected unit: it holds no aggregates",
)


def level_of_rows(
    columns: Sequence[Column], *, pseudonyms: Collection[str], evidence: Evidence, floor: int
) -> Levelled:
    """Return the level of a table with a row for each observation: 1, 2 or 3.

    `floor` is the fewest units of a class at which the risk of finding somebody again is acceptable.
    """
    named = [c for c in columns if c.role in _IDENTIFYING and c.name not in pseudonyms]
    if named:
        return Levelled(level=Level.IDENTIFIED, why=(_NAMED,))
    why = tuple(_findable(pseudonyms, evidence, floor))
    if why:
        return Levelled(level=Level.UNNAMED, why=why)
    return Levelled(level=Level.ACCEPTABLE, why=(_ROWS,))


def promised(terms: ViewTerms) -> Level:
    """Return the level that a view's terms alone promise, whatever the data are: 3 or 2.

    A grant's k is at least its rulebook's, and a generalised view that cannot keep it is not compiled.
    """
    return Level.UNNAMED if terms.generalise is None else Level.ACCEPTABLE


def _findable(pseudonyms: Collection[str], evidence: Evidence, floor: int) -> Iterator[Said]:
    if pseudonyms:
        yield _PSEUDONYMS
    if not evidence.rows:
        yield _NO_ROWS
    elif evidence.k < floor:
        yield Said(
            zh=f"最小的等价类只有 {evidence.k} 个受保护单元,少于 {floor} 个",
            en=f"The smallest class has {evidence.k} protected units, fewer than {floor}",
        )
