"""Measures a model that is sound: whether it shows who was in its training, or a row of the view; and writes its card."""

import json
from dataclasses import dataclass
from math import ceil, floor, log10

from sandbox.egress.exhibit import Exhibit
from sandbox.egress.finding import Finding, Rule, Weight
from sandbox.egress.models.rows import read
from sandbox.egress.models.shadows import SAMPLE, SHADOWS, Membership, membership
from sandbox.egress.models.support import bits, fewest_units, smallest_leaf
from sandbox.egress.models.words import Model, Trees
from sandbox.egress.numbers import rounded_count
from sandbox.egress.raw.rows import row_match
from sandbox.egress.raw.source import source
from sandbox.egress.terms import Inspection
from sandbox.reason import Said

MOST_CANARIES = 0.25
"""The share of made-up rows that may be recognised: they are remembered first."""

HOLDS_ROWS = Rule(
    id="egress.model_rows",
    stage=8,
    why=Said(
        zh="模型的某组参数与视图的一条记录十分相近。",
        en="Some numbers of the model are very near to a row of the view.",
    ),
    fix=Said(
        zh="不要在参数中保留样本(支持向量、质心、原型);改用线性模型、评分卡或大叶的树。",
        en="Keep no samples in the parameters (support vectors, centroids, prototypes); use a linear model, a scorecard or"
        " trees of large leaves.",
    ),
    clause="Weifang art. 26",
)
REMEMBERS = Rule(
    id="egress.model_membership",
    stage=8,
    why=Said(
        zh="成员推断测试能从该模型认出训练数据中的单位,或数据过少而无法测试,或模型比其声明的训练方式更贴合数据,"
        "或其回答的起伏超出它对全体单位所知(只对一部分单位死记)。",
        en="The membership test tells from the model which units it was trained on, or there are too few units to test, or"
        " the model fits the data better than its declared training can, or its answers swing further than what it"
        " knows of all units (it has learnt some of them by heart).",
    ),
    fix=Said(
        zh="用全部获准的单位训练,不挑选;加大正则化、叶的最小样本,减少步数或参数;如实声明训练参数;或改用域内的差分隐私训练。",
        en="Train on all granted units and choose none; use more regularisation, larger leaves, fewer steps or parameters;"
        " declare the training as it was; or train inside, with differential privacy.",
    ),
    clause="Weifang art. 26",
)
EVIDENCE = Rule(
    id="egress.model",
    stage=8,
    weight=Weight.REVIEW,
    why=Said(
        zh="模型须由人工查看其测量结果后放行。",
        en="A model leaves after people have seen what was measured of it.",
    ),
    fix=Said(
        zh="无需修改;也可改用域内的差分隐私训练,其模型无需人工查看。",
        en="Nothing is to be changed; a model that the domain trains with differential privacy needs no person.",
    ),
    clause="Weifang art. 26",
)


@dataclass(frozen=True, slots=True)
class Measured:
    """What leaves, and what people are told of it."""

    content: bytes
    """The canonical model with its card, as JSON."""
    findings: tuple[Finding, ...]
    card: str = ""
    """The card alone, as JSON."""


def measured(model: Model, exhibit: Exhibit, inspection: Inspection) -> Measured:
    """Return the model as it leaves and its evidence; where it may not, findings that block."""
    view = inspection.view_of_model(model.asset)
    assert view is not None, "the check of models has found its view"
    if _holds_a_row(model, exhibit, inspection):
        return Measured(b"", (HOLDS_ROWS.at(),))
    rows = read(model, view)
    sample = read(model, view, units=SAMPLE)
    leaf = smallest_leaf(model, rows)
    smaller = max(1, leaf * len(sample) // len(rows))
    found = membership(model, sample, leaf=leaf, sample_leaf=smaller, shadows=inspection.shadows)
    units = rows.many_units
    load = bits(model) / units
    exact = _exact(found, fewest_units(model, rows), load)
    if found.is_told or found.canaries > MOST_CANARIES:
        return Measured(b"", (REMEMBERS.at(exact=exact),))
    card = {
        "units": rounded_count(units),
        "bits_per_unit": _up(load),
        "least_units": inspection.policy.min_units,
        "membership": [
            {"false_alarms": each.rate, "recognised_at_most": _up(each.most)}
            for each in found.found
        ],
        "canaries_at_most": MOST_CANARIES,
        "shadows": SHADOWS,
        "differential_privacy": None,
    }
    whole = {**json.loads(model.form_json()), "card": card}
    text = json.dumps(whole, ensure_ascii=False, separators=(",", ":")) + "\n"
    return Measured(text.encode("utf-8"), (EVIDENCE.at(exact=exact),), json.dumps(card))


def _holds_a_row(model: Model, exhibit: Exhibit, inspection: Inspection) -> bool:
    """Say whether a vector of weights is a row of any view; behind the leaves of trees are groups."""
    if isinstance(model.fitted, Trees):
        return False
    return any(row_match((exhibit,), source(view)).certain for view in inspection.protected)


def _up(value: float) -> float:
    """Round up to one significant digit: a card tells that a limit is kept, and not the data."""
    if value <= 0:
        return 0.0
    step = 10.0 ** floor(log10(value))
    return float(f"{ceil(value / step - 1e-9) * step:.1g}")


def _exact(found: Membership, fewest: int, load: float) -> Said:
    told = "; ".join(
        f"{each.rate:g}: {each.share:.4f} (<= {each.most:.4f})" for each in found.found
    )
    return Said(
        zh=f"每单位 {load:.3f} 比特;最少 {fewest} 个单位;误报率与认出的成员(95 % 上界):{told};"
        f"诱饵 {found.canaries:.3f};损失比 {found.excess:.2f};超出所知 {found.reach:.2f};{found.units} 个单位,{SHADOWS} 个影子模型。",
        en=f"{load:.3f} bits a unit; {fewest} units at the least; false alarms and members recognised (95 % bound): {told};"
        f" canaries {found.canaries:.3f}; loss {found.excess:.2f} of the declared training's; reach {found.reach:.2f}"
        f" beyond what it knows; {found.units} units, {SHADOWS} shadows.",
    )
