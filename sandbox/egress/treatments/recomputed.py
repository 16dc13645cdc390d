"""Makes the table that leaves for a declared output of aggregates: the gate's numbers, never the job's.

The gate's whole table is released, not the job's selection of rows: which rows a job names would
be a message. Rows without units, of too few units or of dominated sums are left out alike.
"""

from dataclasses import dataclass, replace

from sandbox.egress.declared import MODELS
from sandbox.egress.disclosure.profile import Profile
from sandbox.egress.disclosure.suppression import Suppressed, suppress
from sandbox.egress.finding import Finding, Rule, Weight
from sandbox.egress.recompute import Rows, limits, recompute
from sandbox.egress.table import Table
from sandbox.egress.terms import Inspection
from sandbox.egress.treatments.edits import bits, edit, is_complete
from sandbox.egress.treatments.released import released
from sandbox.order import Function, OutputTerms
from sandbox.reason import Offer, Reason, Said

ALL_SMALL = Rule(
    id="egress.small_groups",
    stage=5,
    why=Said(
        zh="每一行代表的受保护单位都过少,没有可以放行的行。",
        en="Every row stands for too few protected units: nothing is left to release.",
    ),
    fix=Said(
        zh="合并类别,或少用一个维度。",
        en="Merge categories, or use one dimension fewer.",
    ),
)
TOO_MANY = Rule(
    id="egress.rows",
    stage=0,
    why=Said(
        zh="门控重算出的表超过声明的行数上限。",
        en="The table as the gate computes it has more rows than were declared.",
    ),
    fix=Said(
        zh="少用一个维度,或在场景中声明更大的行数。",
        en="Use one dimension fewer, or declare more rows in the scenario.",
    ),
    clause="Shanghai art. 23",
)
TOO_HARD = Rule(
    id="egress.too_sparse",
    stage=5,
    why=Said(
        zh="表过于稀疏,无法在限定步数内确认略去的行不会被反推。",
        en="The table is too sparse to make sure, within a set amount of work, that what must be left out cannot be"
        " computed from the rest.",
    ),
    fix=Said(
        zh="合并类别,或少用一个维度。",
        en="Merge categories, or use one dimension fewer.",
    ),
)
UNFIT_MODEL = Rule(
    id="egress.regression",
    stage=5,
    why=Said(
        zh="该回归依据的单位或某一类别的单位过少,或某一单位对系数影响过大,或类别可被完全区分。",
        en="The regression has too few units, in all or in a category, or one unit moves its coefficients too far,"
        " or its categories are told apart without error.",
    ),
    fix=Said(
        zh="去掉单位少的类别或自变量;对取值悬殊的列使用 clip。",
        en="Drop the terms of few units; use clip on columns with values far apart.",
    ),
)
GAPS = Rule(
    id="egress.gaps",
    stage=5,
    weight=Weight.REVIEW,
    why=Said(zh="已放行的表中略去了部分行。", en="Rows of the released table were left out."),
    fix=Said(
        zh="合并类别,或少用一个维度;可查询门控已试过的修改。",
        en="Merge categories, or use one dimension fewer; ask for the edit that the gate has tried.",
    ),
)
"""Never keeps anything in: it is told of a release, where its developer asks."""


@dataclass(frozen=True, slots=True)
class Treated:
    """A table that may leave, and what was done to it."""

    table: Table
    gaps: Reason | None = None
    """What would make it complete, where anything was left out and an edit was found."""
    crowd: int = 0
    """The most units that a number of it stands for."""


def treat(terms: OutputTerms, inspection: Inspection) -> Treated | Finding:
    """Return the table to release for `terms`, or why there is none."""
    rows = recompute(terms, inspection)
    profile = limits(terms, inspection)
    if any(column.function in MODELS for column in terms.columns):
        return _model(rows, terms, profile)
    base = known_base(terms, profile)
    done = suppress(rows, profile, base=base)
    if len(done.kept) > terms.max_rows:
        return TOO_MANY.at()
    offer = None
    if not is_complete(done.kept, terms, inspection):
        fix = edit(rows, done.kept, terms, inspection, base=base)
        offer = Offer(said=fix.said, bits=bits(terms, inspection)) if fix else None
    if not done.kept:
        return _refused(done, offer)
    table = released(rows, done.kept, terms, profile)
    gaps = replace(GAPS.at(terms.name).reason, offer=offer) if offer else None
    return Treated(table, gaps, max(rows[labels].units for labels in done.kept))


def _refused(done: Suppressed, offer: Offer | None) -> Finding:
    finding = (TOO_HARD if done.too_hard else ALL_SMALL).at(exact=_exact(done))
    return replace(finding, reason=replace(finding.reason, offer=offer))


def _model(rows: Rows, terms: OutputTerms, profile: Profile) -> Treated | Finding:
    """Release all coefficients of a model or none."""
    if any(row.concerns for row in rows.values()):
        units = min(row.units for row in rows.values())
        exact = Said(zh=f"数据完整的单位 {units} 个。", en=f"{units} units with complete data.")
        return UNFIT_MODEL.at(exact=exact)
    crowd = max((row.units for row in rows.values()), default=0)
    return Treated(released(rows, tuple(rows), terms, profile), crowd=crowd)


def known_base(terms: OutputTerms, profile: Profile) -> int:
    """Return how counts can be known from the table: as multiples of this, or exactly as multiples of 1.

    The sum and the mean of one number give its count away.
    """
    summed = {c.source or c.name for c in terms.columns if c.function is Function.SUM}
    means = {
        c.source or c.name
        for c in terms.columns
        if c.function in {Function.AVG, Function.VARIANCE, Function.STDDEV}
    }
    weighed = any(c.function is Function.WEIGHTED_AVG for c in terms.columns)
    return 1 if summed & means or (summed and weighed) else profile.count_base


def _exact(done: Suppressed) -> Said:
    return Said(
        zh=f"过小 {done.small} 行,其他问题 {done.dominated} 行,次级抑制 {done.secondary} 行。",
        en=f"{done.small} rows too small, {done.dominated} with other concerns,"
        f" {done.secondary} secondary.",
    )
