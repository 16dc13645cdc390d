"""Tells before the charge, and without data, how far the noise will reach."""

from sandbox.order import Function
from sandbox.privacy.measures import Form
from sandbox.privacy.plan import Plan
from sandbox.privacy.words import USUAL_ROWS, AnswerColumn
from sandbox.reason import Said

_TOLERABLE = 10
"""Deviations that a cell should be above: below, its relative error is more than 10 %."""
_FLAT = frozenset({Form.COUNT, Form.UNITS, Form.SUM})
"""Measures whose noise is the same in every cell, however many rows it has."""


def preview(plan: Plan) -> Said:
    """Return the expected error of every noisy column, as one sentence for each."""
    told = [_told(c, plan) for c in plan.columns if c.function is not Function.DIMENSION]
    return Said(zh="".join(said.zh for said in told), en=" ".join(said.en for said in told))


def _told(column: AnswerColumn, plan: Plan) -> Said:
    deviation = short(column.deviation)
    form = None if column.estimate is None else plan.estimates[column.estimate].form
    if form is not None and form not in _FLAT:
        return Said(
            zh=f"{column.name}:在 {USUAL_ROWS} 行的单元格中,噪声标准差不超过 {deviation};行数越少误差越大。",
            en=(
                f"{column.name}: standard deviation at most {deviation} in a cell of {USUAL_ROWS:,}"
                " rows, and more in smaller ones."
            ),
        )
    if not column.deviation:
        return Said(
            zh=f"{column.name}:由加噪后的值计算得出,误差取决于这些值。",
            en=f"{column.name}: computed from noisy values; its error depends on them.",
        )
    least = short(column.deviation * _TOLERABLE)
    return Said(
        zh=(
            f"{column.name}:每个单元格的噪声标准差约为 {deviation};"
            f"真值低于 {least} 的单元格误差超过 10 %,可合并类别或减少聚合。"
        ),
        en=(
            f"{column.name}: standard deviation about {deviation} in every cell; cells below {least}"
            " are off by more than 10 %: merge categories, or ask for fewer aggregates."
        ),
    )


def short(number: float) -> str:
    """Return a number with three figures."""
    return f"{float(f'{number:.3g}'):,}".removesuffix(".0")
