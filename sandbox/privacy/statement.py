"""Says in two languages what an answer promises: the unit, the neighbours, the cost and the public bounds."""

from collections.abc import Iterator
from fractions import Fraction

from sandbox.asset import UnitKind
from sandbox.privacy.accounting import rho_text
from sandbox.privacy.draft import Draft
from sandbox.privacy.events import PURE, DpEvent
from sandbox.reason import Said

UNITS = {
    UnitKind.NATURAL_PERSON: Said(zh="自然人", en="natural person"),
    UnitKind.ENTERPRISE: Said(zh="企业", en="enterprise"),
    UnitKind.HOUSEHOLD: Said(zh="家庭户", en="household"),
    UnitKind.METER: Said(zh="计量表", en="meter"),
    UnitKind.VEHICLE: Said(zh="车辆", en="vehicle"),
    UnitKind.VISIT: Said(zh="就诊", en="visit"),
    UnitKind.NOBODY: Said(zh="无", en="nobody"),
}


def stated(draft: Draft, events: tuple[DpEvent, ...], epsilon: Fraction) -> Said:
    """Return the statement that goes with the answer."""
    parts = [
        _promise(events, epsilon),
        _unit(draft),
        _weights(draft),
        _clamps(draft),
        _cells(draft),
    ]
    return Said(zh="".join(part.zh for part in parts), en=" ".join(part.en for part in parts))


def _promise(events: tuple[DpEvent, ...], epsilon: Fraction) -> Said:
    if all(event.mechanism in PURE for event in events):
        return Said(
            zh=f"整个答案满足纯差分隐私,epsilon = {epsilon},delta = 0;",
            en=f"The whole answer is purely differentially private with epsilon = {epsilon}, delta = 0.",
        )
    rho = rho_text(sum(event.rho for event in events))
    delta = sum((event.delta for event in events), Fraction(0))
    approximate = f", delta = {float(delta):g}" if delta else ""
    return Said(
        zh=f"整个答案满足零集中差分隐私(zCDP),rho = {rho}{approximate};",
        en=f"The whole answer is differentially private in zCDP with rho = {rho}{approximate}.",
    )


def _unit(draft: Draft) -> Said:
    unit = UNITS[draft.rows.unit.asset.unit_kind]
    assets = ", ".join(draft.protects)
    return Said(
        zh=f"受保护单元:{unit.zh};相邻关系:增加或删除一个单元及其全部行(涉及资产:{assets})。",
        en=(
            f"Protected unit: {unit.en}. Neighbours: one unit with all of its rows is added or"
            f" removed, in {assets}."
        ),
    )


def _weights(draft: Draft) -> Said:
    bound, hints = draft.hints.rows_per_unit, draft.hints
    if draft.rows.unit.once:
        return Said(zh="每个单元恰有至多一行。", en="Each unit has at most one row.")
    if hints.exact:
        cells = hints.keys_per_unit or 1
        return Said(
            zh=f"每个单元至多计入 {cells} 个单元格,每格至多 {bound} 行,其余不计。",
            en=f"A unit counts in at most {cells} cells, with at most {bound} rows each; the rest is left out.",
        )
    return Said(
        zh=f"每个单元至多计入 {bound} 行的权重,超出者按比例缩减;",
        en=f"A unit weighs as much as its rows, but no more than {bound}: larger ones are scaled down.",
    )


def _clamps(draft: Draft) -> Said:
    named = ", ".join(dict.fromkeys(_bounds(draft))) or "-"
    return Said(
        zh=f"按公开上下界截断的度量:{named}。",
        en=f"Measures clamped to their public bounds: {named}.",
    )


def _bounds(draft: Draft) -> Iterator[str]:
    for measure in draft.measures:
        value = measure.value
        if value is None or value.interval is None or measure.form == "count":
            continue
        column = value.column
        if column is not None and column.lower:
            yield f"{column.name} [{column.lower}, {column.upper}]"
        else:
            yield f"{measure.form} [{value.interval.lower:g}, {value.interval.upper:g}]"


def _cells(draft: Draft) -> Said:
    if draft.private:
        return Said(
            zh="非公开类别只在足够多单元投票(加噪)后出现;没有出现不代表不存在;计数可能为负。",
            en=(
                "A private key is answered where enough units vote for it, under noise; one that is"
                " not answered may exist; counts may be negative."
            ),
        )
    return Said(
        zh="公开维度的每个组合都作答,包括没有数据的组合;维度为空的行不计入任何单元格;计数可能为负。",
        en=(
            "Every combination of the public categories is answered, also those without data; rows"
            " without a category are in no cell; counts may be negative."
        ),
    )
