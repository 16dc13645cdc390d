"""Explains a plan before its charge and without data: its steps, its mechanisms, its price and its expected error."""

from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction

from sandbox.asset import AssetId
from sandbox.order import Function
from sandbox.privacy.events import DISCRETE_GAUSSIAN, EXPONENTIAL, GAUSSIAN_KEYS, DpEvent
from sandbox.privacy.hints import Hints
from sandbox.privacy.measures import Form
from sandbox.privacy.plan import Plan
from sandbox.privacy.preview import short
from sandbox.privacy.shares import deviation_of
from sandbox.privacy.trusted import Bound, Shape
from sandbox.privacy.words import USUAL_ROWS, AnswerColumn
from sandbox.reason import Said

_TOLERABLE = 0.1
"""A relative error above this calls for advice."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One line of the plan's tree."""

    depth: int
    """How far it is below the answer, which has 0; what it is made from follows it, one deeper."""
    does: Said


@dataclass(frozen=True, slots=True, kw_only=True)
class Mechanism:
    """One event, in the measure's own unit."""

    measure: str
    name: str
    norm: str
    """`L1` or `L2`: in which norm over all cells the sensitivity is."""
    sensitivity: float
    """In the measure's own unit; for a quantile in ranks, times the quantile's denominator."""
    scale: float
    """In the same unit."""
    deviation: float
    epsilon: Fraction
    rho: int
    """Pico-rho."""
    delta: Fraction


@dataclass(frozen=True, slots=True, kw_only=True)
class Expected:
    """How exact one answered column will be."""

    name: str
    deviation: float
    """0 where it follows from no public number."""
    interval: float
    """Half the width of the 95 % interval around each cell's value."""
    relative: float | None
    """Of a count in a cell of 1,000 rows; nothing for other columns."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Explanation:
    """Everything that can be told of a plan without data."""

    assets: tuple[AssetId, ...]
    """Those whose budgets are charged, each in full."""
    steps: tuple[Step, ...]
    mechanisms: tuple[Mechanism, ...]
    columns: tuple[Expected, ...]
    hints: tuple[str, ...]
    advice: tuple[Said, ...]
    epsilon: Fraction
    rho: int
    """Pico-rho."""
    delta: Fraction
    pure: bool
    statement: Said
    sql: tuple[str, ...]
    """The trusted statements, which hold nothing of the data."""


def explain(plan: Plan) -> Explanation:
    """Explain a plan; it neither touches data nor costs anything."""
    columns = tuple(_expected(column, plan) for column in plan.columns if _noisy(column))
    return Explanation(
        assets=plan.assets,
        steps=tuple(_steps(plan)),
        mechanisms=tuple(_mechanism(event) for event in plan.events),
        columns=columns,
        hints=tuple(_hints(plan.hints)),
        advice=tuple(_advice(plan, columns)),
        epsilon=plan.epsilon,
        rho=plan.rho,
        delta=plan.delta,
        pure=plan.pure,
        statement=plan.statement,
        sql=plan.sql,
    )


def _noisy(column: AnswerColumn) -> bool:
    return column.function is not Function.DIMENSION


def _mechanism(event: DpEvent) -> Mechanism:
    gaussian = event.mechanism in (DISCRETE_GAUSSIAN, GAUSSIAN_KEYS)
    return Mechanism(
        measure=event.measure,
        name=event.mechanism,
        norm="L2" if gaussian else "L1",
        sensitivity=float(event.sensitivity * event.grid),
        scale=float(event.scale * event.grid),
        deviation=deviation_of(event),
        epsilon=event.epsilon,
        rho=event.rho,
        delta=event.delta,
    )


def _expected(column: AnswerColumn, plan: Plan) -> Expected:
    estimate = plan.estimates[column.estimate] if column.estimate is not None else None
    counts = estimate is not None and estimate.form in (Form.COUNT, Form.UNITS)
    return Expected(
        name=column.name,
        deviation=column.deviation,
        interval=column.interval,
        relative=column.deviation / USUAL_ROWS if counts else None,
    )


def _hints(hints: Hints) -> Iterator[str]:
    yield f"rows_per_unit({hints.rows_per_unit})"
    if hints.keys_per_unit is not None:
        yield f"keys_per_unit({hints.keys_per_unit})"
    if hints.key_share is not None:
        yield f"key_share({hints.key_share})"
    for word, said in (("exact", hints.exact), ("counted", hints.counted)):
        if said:
            yield word
    if hints.noise:
        yield hints.noise


def _steps(plan: Plan) -> Iterator[Step]:
    """Return the tree from the answer down to the assets."""
    depth = 0
    for stage in reversed(plan.stages):
        more = [
            word
            for word, said in (
                ("HAVING/WHERE", stage.where),
                ("ORDER BY", stage.order),
                ("LIMIT", stage.limit),
            )
            if said
        ]
        listed = ", ".join(more) or "-"
        columns = len(stage.columns)
        yield Step(
            depth=depth,
            does=Said(
                zh=f"对加噪后的值计算 {columns} 列({listed}),不产生费用",
                en=f"compute {columns} columns from noisy values ({listed}), at no cost",
            ),
        )
        depth += 1
    yield Step(depth=depth, does=_noise(plan))
    for statement in plan.statements:
        yield Step(depth=depth + 1, does=_STATEMENTS[statement.shape])
        yield Step(depth=depth + 2, does=_BOUNDS[statement.bound])
        named = ", ".join(plan.reads)
        yield Step(depth=depth + 3, does=Said(zh=f"读取 {named}", en=f"read {named}"))


def _noise(plan: Plan) -> Said:
    if plan.private:
        return Said(
            zh=f"先以噪声选出非公开类别(delta = {float(plan.delta):g}),再对每个单元格加噪",
            en=f"choose private keys under noise (delta = {float(plan.delta):g}), then add noise to each cell",
        )
    cells = len(plan.cells)
    return Said(
        zh=f"对 {cells} 个单元格逐一加噪,空单元格也作答",
        en=f"add noise to each of {cells} cells, empty ones too",
    )


_STATEMENTS = {
    Shape.SUMS: Said(zh="按单元格求整数和", en="sum integers in each cell"),
    Shape.BINS: Said(zh="按单元格统计加权直方图", en="weigh the bins of each cell"),
    Shape.VOTES: Said(zh="各单元为其类别投票", en="let each unit vote for its keys"),
}
_BOUNDS = {
    Bound.STORED: Said(
        zh="以入库时记录的行数限制每个单元", en="bound each unit by its stored row count"
    ),
    Bound.COUNTED: Said(
        zh="以语句内统计的行数限制每个单元", en="bound each unit by its rows, counted here"
    ),
    Bound.ONCE: Said(zh="每个单元至多一行,无须缩减", en="each unit has one row: nothing to scale"),
    Bound.NORM: Said(zh="以 L2 范数限制每个单元", en="bound each unit by the L2 norm of its rows"),
    Bound.EXACT: Said(
        zh="每个单元只保留若干单元格并截断", en="keep some cells of each unit, and clamp them"
    ),
    Bound.CELLS: Said(
        zh="以所在单元格数限制每个单元", en="bound each unit by the cells that it is in"
    ),
}


def _advice(plan: Plan, columns: tuple[Expected, ...]) -> Iterator[Said]:
    """Say what would make the answer more exact, where it will be coarse."""
    for column in columns:
        if column.relative is not None and column.relative > _TOLERABLE:
            error = f"{column.relative:.0%}"
            yield Said(
                zh=f"{column.name}:1000 行的单元格误差约 {error};可合并类别、减少聚合或提高 epsilon。",
                en=(
                    f"{column.name}: about {error} error at 1,000 rows a cell; merge categories, ask"
                    " for fewer aggregates, or raise epsilon."
                ),
            )
    for event in plan.events:
        if event.mechanism == GAUSSIAN_KEYS:
            least = short(float(event.threshold * event.grid))
            yield Said(
                zh=f"类别约须得到 {least} 票(每个单元共一票)才会出现。",
                en=f"A key is answered from about {least} votes on; a unit in c keys gives each 1/sqrt(c).",
            )
    if plan.pure and not any(e.mechanism == EXPONENTIAL for e in plan.events):
        yield Said(
            zh="加上提示 gaussian,同样的 rho 下噪声约小 30 %(保证变为 zCDP)。",
            en="With the hint gaussian the noise is about 30 % smaller for the same rho (in zCDP).",
        )
