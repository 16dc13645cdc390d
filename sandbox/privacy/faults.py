"""The words of every refusal: what is wrong, and what to write instead."""

from collections.abc import Iterable

from sandbox.privacy.refusal import Fault
from sandbox.reason import Said

AGGREGATES = "COUNT(*), COUNT(x), COUNT(DISTINCT unit), SUM(m), AVG(m)"
CONDITIONS = "=, <>, <, <=, >, >=, AND, OR, NOT, IN (…), BETWEEN, IS NULL"


def _listed(names: Iterable[str]) -> str:
    return ", ".join(names) or "-"


SYNTAX = Fault(
    rule="query.syntax",
    why=Said(zh="SQL 在此处无法解析。", en="The SQL cannot be parsed here."),
    fix=Said(
        zh='请改成一条 SELECT 语句;含连字符的名称须加双引号,如 "BP-LOANS"。',
        en='Write one SELECT statement; quote names with a hyphen, such as "BP-LOANS".',
    ),
)
TOO_LONG = Fault(
    rule="query.syntax",
    why=Said(zh="SQL 过长或嵌套过深。", en="The SQL is too long or too deeply nested."),
    fix=Said(
        zh="请缩短到 20000 个字符、40 层嵌套以内。",
        en="Keep it within 20,000 characters and 40 levels of nesting.",
    ),
)
STATEMENT = Fault(
    rule="query.statement",
    why=Said(
        zh="这里只接受一条 SELECT 语句。",
        en="Only one single SELECT statement is accepted.",
    ),
    fix=Said(
        zh="请写成:SELECT 维度, COUNT(*) FROM 资产 WHERE 条件 GROUP BY 维度。",
        en="Write: SELECT dimension, COUNT(*) FROM asset WHERE condition GROUP BY dimension.",
    ),
)
CLAUSE = Fault(
    rule="query.clause",
    why=Said(
        zh="该子句无法在已知敏感度下作答。",
        en="This clause cannot be answered with a known sensitivity.",
    ),
    fix=Said(
        zh="请删去它;可用的子句有 SELECT、FROM、WHERE、GROUP BY、ORDER BY、LIMIT。",
        en="Leave it out; SELECT, FROM, WHERE, GROUP BY, ORDER BY and LIMIT may be used.",
    ),
)
SOURCE = Fault(
    rule="query.source",
    why=Said(
        zh="数据只能来自一个已授权的资产,不能来自联接、子查询、文件或函数。",
        en="Data comes from one granted asset, not from a join, subquery, file or function.",
    ),
    fix=Said(
        zh='请写成 FROM 后接一个资产名称,如 FROM "BP-LOANS"。',
        en='Write FROM and one asset\'s name, such as FROM "BP-LOANS".',
    ),
)
HINT = Fault(
    rule="query.hint",
    why=Said(zh="无法识别该提示。", en="This hint is not known."),
    fix=Said(
        zh="请写成 SELECT /*+ rows_per_unit(N) */,N 为 1 到 10000,且只写一次;或删去它。",
        en="Write SELECT /*+ rows_per_unit(N) */ once, with N from 1 to 10,000, or leave it out.",
    ),
)
ITEM = Fault(
    rule="query.item",
    why=Said(
        zh="答案的一列只能是维度或受支持的聚合。",
        en="A column of the answer is a dimension or a supported aggregate.",
    ),
    fix=Said(
        zh=f"请改用 {AGGREGATES} 或 GROUP BY 中的维度;四则运算可在拿到答案后自行完成。",
        en=f"Write {AGGREGATES} or a dimension of GROUP BY; do arithmetic on the answer.",
    ),
)
FUNCTION = Fault(
    rule="query.function",
    why=Said(
        zh="该函数没有已知的敏感度,或可能因数据而出错。",
        en="This function has no known sensitivity, or it can fail on some data.",
    ),
    fix=Said(zh=f"可用的聚合:{AGGREGATES}。", en=f"Use one of {AGGREGATES}."),
)
DISTINCT = Fault(
    rule="query.distinct",
    why=Said(
        zh="DISTINCT 只能用于受保护单元的主键。",
        en="DISTINCT is possible for the key of the protected unit only.",
    ),
    fix=Said(
        zh="请写成 COUNT(DISTINCT 单元主键),或去掉 DISTINCT。",
        en="Write COUNT(DISTINCT unit key), or leave DISTINCT out.",
    ),
)
EMPTY = Fault(
    rule="query.item",
    why=Said(zh="没有要计算的聚合。", en="There is no aggregate to compute."),
    fix=Said(
        zh="请至少加上一个聚合,如 COUNT(*);公开维度的取值见数据目录。",
        en="Add at least one aggregate, such as COUNT(*); categories stand in the data catalogue.",
    ),
)
MANY = Fault(
    rule="query.size",
    why=Said(zh="一次最多计算 32 个聚合。", en="At most 32 aggregates are computed at once."),
    fix=Said(zh="请拆成几次查询。", en="Split it into several questions."),
)
NAME = Fault(
    rule="query.name",
    why=Said(
        zh="答案的列名不可用,或出现了两次。",
        en="A column name of the answer cannot be used, or occurs twice.",
    ),
    fix=Said(
        zh="请用 AS 取一个不重复的名称:以文字开头,只含文字、数字和下划线,不超过 64 个字符。",
        en="Give it its own name with AS: a letter, then letters, digits, _; at most 64 characters.",
    ),
)
GROUP = Fault(
    rule="query.group",
    why=Said(
        zh="SELECT 中的维度与 GROUP BY 中的维度必须相同。",
        en="The dimensions of SELECT and of GROUP BY must be the same.",
    ),
    fix=Said(
        zh="请在两处写上同样的维度,各写一次,只写列名。",
        en="Write the same dimensions in both places, once each, by their names alone.",
    ),
)
ORDER = Fault(
    rule="query.order",
    why=Said(zh="只能按答案中的列排序。", en="The answer can be sorted by its own columns only."),
    fix=Said(
        zh="请用 AS 给聚合命名,再写 ORDER BY 该名称。",
        en="Name the aggregate with AS, and write ORDER BY and that name.",
    ),
)
LIMIT = Fault(
    rule="query.limit",
    why=Said(zh="LIMIT 必须是正整数。", en="LIMIT must be a positive whole number."),
    fix=Said(zh="请写成 LIMIT 10 这样的形式。", en="Write it as in LIMIT 10."),
)
CONDITION = Fault(
    rule="query.condition",
    why=Said(
        zh="该条件不在允许的范围内:它可能因数据而出错。",
        en="This condition is not among those allowed: it could fail on some data.",
    ),
    fix=Said(
        zh=f"请用列、常量和 {CONDITIONS} 改写。",
        en=f"Rewrite it with columns, literals and {CONDITIONS}.",
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
TYPE = Fault(
    rule="query.type",
    why=Said(
        zh="比较的两边类型不同,或常量写法有误。",
        en="The two sides of this comparison differ in type, or the literal is malformed.",
    ),
    fix=Said(
        zh="请写同类型的常量:文字用 '…',数字直接写,日期用 '2026-01-31',布尔用 TRUE 或 FALSE。",
        en="Write a literal of the column's type: 'text', 12.5, '2026-01-31', TRUE or FALSE.",
    ),
)
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


def unknown_column(granted: Iterable[str]) -> Fault:
    """Say that no granted column has this name."""
    names = _listed(granted)
    return Fault(
        rule="query.column",
        why=Said(
            zh="已授权的视图中没有这个列。", en="The granted view has no column of this name."
        ),
        fix=Said(zh=f"可用的列:{names}。", en=f"Use one of these columns: {names}."),
    )


def unknown_asset(granted: Iterable[str]) -> Fault:
    """Say that no granted asset has this name."""
    names = _listed(f'"{name}"' for name in granted)
    return Fault(
        rule="query.asset",
        why=Said(zh="没有授权过这个名称的资产。", en="No asset of this name is granted."),
        fix=Said(zh=f"可用的资产:{names}。", en=f"Use one of these assets: {names}."),
    )


def no_dimension(dimensions: Iterable[str]) -> Fault:
    """Say that this column has no public domain to group by."""
    names = _listed(dimensions)
    return Fault(
        rule="query.group",
        why=Said(
            zh="该列没有公开的取值范围,不能用来分组。",
            en="This column has no public domain, so it cannot be grouped by.",
        ),
        fix=Said(zh=f"可分组的维度:{names}。", en=f"Group by one of these: {names}."),
    )


def no_measure(measures: Iterable[str]) -> Fault:
    """Say that this column has no declared bounds to clamp by."""
    names = _listed(measures)
    return Fault(
        rule="query.bounds",
        why=Said(
            zh="该列没有声明上下界,无法求和或求平均。",
            en="This column has no declared bounds, so it cannot be summed or averaged.",
        ),
        fix=Said(zh=f"可求和的度量:{names}。", en=f"Sum or average one of these: {names}."),
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
    names = _listed(declared)
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
