"""The words of refusals before the charge: what an answer costs, and what its output can hold."""

from collections.abc import Iterable

from sandbox.privacy.refusal import Fault, listed
from sandbox.reason import Said

EPSILON = Fault(
    rule="query.epsilon",
    why=Said(zh="epsilon 必须在 0.001 与 100 之间。", en="Epsilon must be between 0.001 and 100."),
    fix=Said(zh="常用取值为 0.1 到 2。", en="Values from 0.1 to 2 are usual."),
)

CELLS = Fault(
    rule="query.cells",
    why=Said(
        zh="维度取值的组合超过 10000 个单元格。",
        en="The dimensions have more than 10,000 combinations, which are all answered.",
    ),
    fix=Said(zh="请减少 GROUP BY 中的维度。", en="Group by fewer dimensions."),
)

CLASS = Fault(
    rule="query.output",
    why=Said(
        zh="该输出未声明为差分隐私输出,查询作业不能填写它。",
        en="This output is not declared as a differentially private one, so no query fills it.",
    ),
    fix=Said(
        zh="请选用应用场景方案中发布类别为 dp 的输出。",
        en="Name an output whose release class is dp in the scenario plan.",
    ),
)

DELTA = Fault(
    rule="query.delta",
    why=Said(
        zh="按非公开类别分组时,delta 必须在 10^-30 与 0.0001 之间。",
        en="Grouping by private keys needs a delta between 10^-30 and 0.0001.",
    ),
    fix=Said(zh="请改用有公开取值范围的维度。", en="Group by a dimension with a public domain."),
)


SCALE = Fault(
    rule="query.epsilon",
    why=Said(
        zh="如此小的 epsilon 份额下,噪声会超出可表示的范围。",
        en="With so small a share of epsilon the noise is larger than can be drawn.",
    ),
    fix=Said(
        zh="请提高 epsilon、减少聚合,或降低提示中的上限。",
        en="Raise epsilon, ask for fewer aggregates, or lower the bounds of the hint.",
    ),
)


def over_epsilon(most: str) -> Fault:
    """Say that the output's declared epsilon is below the one asked for."""
    return Fault(
        rule="query.epsilon",
        why=Said(
            zh="epsilon 超过该输出一次发布的上限。",
            en="Epsilon is more than one release of this output may cost.",
        ),
        fix=Said(zh=f"请不超过 {most}。", en=f"Ask for at most {most}."),
    )


def too_large(*, rows: int, size: int) -> Fault:
    """Say that the answer cannot fit into the declared output."""
    return Fault(
        rule="query.size",
        why=Said(
            zh="答案的每个单元格都要写出,超过了该输出声明的大小。",
            en="Every cell is answered, and that is more than the output's declared size.",
        ),
        fix=Said(
            zh=f"请减少维度或加 LIMIT,使其不超过 {rows} 行、{size} 字节。",
            en=f"Group by fewer dimensions or add LIMIT: at most {rows} rows and {size} bytes.",
        ),
    )


def other_columns(declared: Iterable[str]) -> Fault:
    """Say that the answer's columns are not those that the scenario plan declares."""
    names = listed(declared)
    return Fault(
        rule="query.columns",
        why=Said(
            zh="答案的列与该输出声明的列不一致。",
            en="The answer's columns are not those that the output declares.",
        ),
        fix=Said(
            zh=f"请用 AS 恰好给出这些列:{names}。",
            en=f"Answer exactly these columns, named with AS: {names}.",
        ),
    )
