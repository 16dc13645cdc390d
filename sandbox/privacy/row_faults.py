"""The words of refusals about expressions: columns, types, bounds and categories."""

from collections.abc import Iterable

from sandbox.privacy.refusal import Fault, listed
from sandbox.reason import Said

CONDITIONS = "=, <>, <, <=, >, >=, AND, OR, NOT, IN (…), BETWEEN, IS NULL, LIKE '…'"
FUNCTIONS = (
    "+, -, *, /, abs, round, floor, ceil, least, greatest, CASE, COALESCE, year, month, lower, …"
)

CONDITION = Fault(
    rule="query.condition",
    why=Said(
        zh="该表达式不在允许的范围内:它可能因数据而出错。",
        en="This expression is not among those allowed: it could fail on some data.",
    ),
    fix=Said(
        zh=f"请用列、常量、{CONDITIONS} 和 {FUNCTIONS} 改写。",
        en=f"Rewrite it with columns, literals, {CONDITIONS} and {FUNCTIONS}.",
    ),
)

TYPE = Fault(
    rule="query.type",
    why=Said(
        zh="此处各值的类型不同,或常量写法有误。",
        en="The values here differ in type, or a literal is malformed.",
    ),
    fix=Said(
        zh="请写同类型的常量:文字用 '…',数字直接写,日期用 '2026-01-31',布尔用 TRUE 或 FALSE。",
        en="Write values of one type; literals: 'text', 12.5, '2026-01-31', TRUE or FALSE.",
    ),
)

IDENTITY = Fault(
    rule="query.column",
    why=Said(
        zh="标识受保护单元的列不能作为条件、维度或度量。",
        en="A column that identifies the protected unit is no condition, dimension or measure.",
    ),
    fix=Said(
        zh="请改用其他列;单元数可用 COUNT(DISTINCT 单元主键)。",
        en="Use another column; count units with COUNT(DISTINCT unit key).",
    ),
)

CAST = Fault(
    rule="query.cast",
    why=Said(zh="该类型转换可能因数据而出错。", en="This cast can fail on some data."),
    fix=Said(
        zh="可转换的只有数值之间:CAST(x AS DOUBLE)、CAST(x AS BIGINT)。",
        en="Cast between numbers only: CAST(x AS DOUBLE), CAST(x AS BIGINT).",
    ),
)


def unknown_column(granted: Iterable[str]) -> Fault:
    """Say that no granted column has this name."""
    names = listed(granted)
    return Fault(
        rule="query.column",
        why=Said(
            zh="已授权的视图中没有这个列。", en="The granted view has no column of this name."
        ),
        fix=Said(zh=f"可用的列:{names}。", en=f"Use one of these columns: {names}."),
    )


def no_measure(measures: Iterable[str]) -> Fault:
    """Say that this column has no declared bounds to clamp by."""
    names = listed(measures)
    return Fault(
        rule="query.bounds",
        why=Said(
            zh="该值没有公开的上下界,无法求和、求平均或取分位数。",
            en="This value has no public bounds, so it cannot be summed, averaged or ranked.",
        ),
        fix=Said(
            zh=f"请写成 least(greatest(x, 0), 100) 这样的形式给出上下界;已有上下界的度量:{names}。",
            en=f"Give it bounds, as in least(greatest(x, 0), 100); these have them: {names}.",
        ),
    )


HISTOGRAM = Fault(
    rule="query.histogram",
    why=Said(
        zh="直方图需要有上下界的数值和 1 到 100 个区间,或递增的边界。",
        en="A histogram needs a bounded number and 1 to 100 bins, or rising edges.",
    ),
    fix=Said(
        zh="请写成 histogram(x, 10) 或 histogram(x, [0, 10, 50])。",
        en="Write histogram(x, 10) or histogram(x, [0, 10, 50]).",
    ),
)

QUANTILE = Fault(
    rule="query.function",
    why=Said(
        zh="分位数须是 0 与 1 之间、至多三位小数的常量。",
        en="A quantile is a constant between 0 and 1 with at most three decimal places.",
    ),
    fix=Said(
        zh="请写成 QUANTILE(x, 0.5) 或 MEDIAN(x)。", en="Write QUANTILE(x, 0.5) or MEDIAN(x)."
    ),
)


def no_dimension(dimensions: Iterable[str]) -> Fault:
    """Say that this column has no public domain to group by."""
    names = listed(dimensions)
    return Fault(
        rule="query.group",
        why=Said(
            zh="该列没有公开的取值范围,不能用来分组。",
            en="This column has no public domain, so it cannot be grouped by.",
        ),
        fix=Said(zh=f"可分组的维度:{names}。", en=f"Group by one of these: {names}."),
    )


def unknown_answer(shown: Iterable[str]) -> Fault:
    """Say that the noised answer has no column of this name."""
    names = listed(shown)
    return Fault(
        rule="query.column",
        why=Said(zh="该结果中没有这个列。", en="The noised answer has no column of this name."),
        fix=Said(zh=f"可用的列:{names}。", en=f"Use one of these columns: {names}."),
    )
