"""Says in two languages what an answer promises: the unit, the neighbours, epsilon and the public bounds."""

from fractions import Fraction

from sandbox.asset import UnitKind
from sandbox.order import Function
from sandbox.privacy.reading import Reading
from sandbox.reason import Said

_UNITS = {
    UnitKind.NATURAL_PERSON: Said(zh="自然人", en="natural person"),
    UnitKind.ENTERPRISE: Said(zh="企业", en="enterprise"),
    UnitKind.HOUSEHOLD: Said(zh="家庭户", en="household"),
    UnitKind.METER: Said(zh="计量表", en="meter"),
    UnitKind.VEHICLE: Said(zh="车辆", en="vehicle"),
    UnitKind.VISIT: Said(zh="就诊", en="visit"),
}


def stated(reading: Reading, epsilon: Fraction) -> Said:
    """Return the statement that goes with the answer."""
    unit, bound = _UNITS[reading.asset.unit_kind], reading.rows_per_unit
    clamped = ", ".join(_clamps(reading)) or "-"
    return Said(
        zh=(
            f"整个答案满足纯差分隐私,epsilon = {epsilon},delta = 0;受保护单元:{unit.zh};"
            f"相邻关系:增加或删除一个单元及其全部行。每个单元至多计入 {bound} 行的权重,超出者按比例缩减;"
            f"按声明的上下界截断的度量:{clamped}。公开维度的每个组合都作答,包括没有数据的组合;"
            "维度为空的行不计入任何单元格;计数可能为负。"
        ),
        en=(
            f"The whole answer is purely differentially private with epsilon = {epsilon}, delta = 0."
            f" Protected unit: {unit.en}. Neighbours: one unit with all of its rows is added or removed."
            f" A unit weighs as much as its rows, but no more than {bound}: larger ones are scaled down."
            f" Measures clamped to their declared bounds: {clamped}. Every combination of the public"
            " categories is answered, also those without data; rows without a category are in no cell;"
            " counts may be negative."
        ),
    )


def _clamps(reading: Reading) -> list[str]:
    columns = {
        asked.column.name: asked.column
        for asked in reading.columns
        if asked.column is not None and asked.function in (Function.SUM, Function.AVG)
    }
    return [f"{name} [{column.lower}, {column.upper}]" for name, column in columns.items()]
