"""Asks of a model whether every part of it was learnt from enough units, and whether it can hold less than they are."""

from collections.abc import Iterator, Sequence

from sandbox.asset import Column, Kind, Role
from sandbox.egress.disclosure.profile import profile_of
from sandbox.egress.exhibit import Exhibit
from sandbox.egress.finding import Finding, Rule
from sandbox.egress.models.rows import read
from sandbox.egress.models.support import bits, fewest_units, leverage, parameters, work
from sandbox.egress.models.words import Category, Model
from sandbox.egress.terms import GateView, Inspection
from sandbox.reason import Said

BITS_PER_UNIT = 1
"""The most that a model may tell, in bits for each protected unit: with fewer it cannot hold a single yes or no of each."""

MOST_WORK = 20_000_000
"""The most that a shadow may cost to fit: 32 of them take about four minutes of one processor."""

NO_COLUMN = Rule(
    id="egress.model_column",
    stage=8,
    why=Said(
        zh="模型使用了未授权的列、标识列或化名,或目录中没有的类别。",
        en="The model uses a column that was not granted, an identifier or a pseudonym, or a category that is not in the"
        " catalogue.",
    ),
    fix=Said(
        zh="只使用已授权的数值列与目录中的类别;作业读多份数据时写明 asset。",
        en="Use granted columns of numbers and the catalogue's categories only; name the asset where the job reads several.",
    ),
)
FEW = Rule(
    id="egress.model_support",
    stage=8,
    why=Said(
        zh="模型的某个叶、分箱或类别依据的受保护单位过少,或某一单位对系数影响过大。",
        en="Too few protected units are behind a leaf, a bin or a category of the model, or one unit moves its weights too far.",
    ),
    fix=Said(
        zh="增大叶的最小样本(如 min_samples_leaf=50)、合并分箱或类别;对取值悬殊的列先截断。",
        en="Use larger leaves, such as min_samples_leaf=50, merge bins or categories, and clip columns with values far apart.",
    ),
    clause="Weifang art. 26",
)
LARGE = Rule(
    id="egress.model_capacity",
    stage=8,
    why=Said(
        zh="模型(或同一作业的各模型合计)的容量(比特数)超过受保护单位数,可能记住个体;或训练量过大,门控无法测试。",
        en="The model, or all models of the job together, have more bits than there are protected units, and could remember"
        " them; or it took too much training for the gate to test.",
    ),
    fix=Said(
        zh="减少模型或树的数量、深度、网络的宽度或步数,或用更多数据训练。",
        en="Use fewer models, fewer or shallower trees, narrower layers or fewer steps, or train on more units.",
    ),
    clause="Weifang art. 26",
)


def models(exhibit: Exhibit, inspection: Inspection) -> Iterator[Finding]:
    """Find a column that a model may not use; else a part of it that stands for few units, or too many parts."""
    model = exhibit.body
    if not isinstance(model, Model):
        return
    view = inspection.view_of_model(model.asset)
    if view is None or not _may_use(model, view):
        yield NO_COLUMN.at()
        return
    rows = read(model, view)
    profile = profile_of(view.asset, model.columns, inspection.policy)
    units = rows.many_units
    fewest, share = fewest_units(model, rows), leverage(model, rows)
    thin = fewest < profile.min_units or units - parameters(model) < profile.residual_df
    if thin or 100 * share >= profile.leverage_percent:
        yield FEW.at(exact=_counted(fewest, share))
    if bits(model) > BITS_PER_UNIT * units or work(model) > MOST_WORK:
        yield LARGE.at(exact=_full(bits(model), units))


def models_together(exhibits: Sequence[Exhibit], inspection: Inspection) -> Iterator[Finding]:
    """Find models of one job that can hold more of one view's units together than any may alone."""
    for view in inspection.views:
        bodies = (each.body for each in exhibits)
        several = [
            one
            for one in bodies
            if isinstance(one, Model) and inspection.view_of_model(one.asset) is view
        ]
        if len(several) < 2:  # noqa: PLR2004 - one alone was asked by itself
            continue
        total, units = sum(map(bits, several)), min(read(one, view).many_units for one in several)
        if total > BITS_PER_UNIT * units:
            yield LARGE.at("models", exact=_full(total, units))


def _full(total: int, units: int) -> Said:
    return Said(
        zh=f"比特数 / 单位数:{total} / {units}。", en=f"Bits over units: {total} / {units}."
    )


def _counted(fewest: int, share: float) -> Said:
    return Said(
        zh=f"最少 {fewest} 个单位;最大杠杆值 {share:.2f}。",
        en=f"{fewest} units at the least; largest leverage {share:.2f}.",
    )


def _may_use(model: Model, view: GateView) -> bool:
    listed = {model.target.column: model.target.positive}
    listed |= {one.column: one.categories for one in model.inputs if isinstance(one, Category)}
    return all(_is_open(view.column(name), view, listed.get(name, ())) for name in model.columns)


def _is_open(column: Column | None, view: GateView, categories: tuple[str, ...]) -> bool:
    if column is None or column.name in view.terms.pseudonyms:
        return False
    if column.role in {Role.UNIT, Role.IDENTIFIER}:
        return False
    if categories:
        return set(categories) <= set(column.domain)
    return column.kind in {Kind.INT, Kind.FLOAT}
