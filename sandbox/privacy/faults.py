"""The words of refusals about the text, the items of SELECT and their order."""

from sandbox.privacy.refusal import Fault
from sandbox.reason import Said

AGGREGATES = (
    "COUNT(*), COUNT(x), COUNT(DISTINCT unit), SUM, AVG, VARIANCE, STDDEV, MEDIAN, QUANTILE(x, q)"
)

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

HINT = Fault(
    rule="query.hint",
    why=Said(
        zh="无法识别该提示。",
        en="This hint is not known.",
    ),
    fix=Said(
        zh="可用的提示:rows_per_unit(1-10000)、keys_per_unit(1-1000)、key_share(1-90)、exact、counted、gaussian、laplace;全部写在一处,各写一次。",
        en="Write all hints in one place, once each: rows_per_unit(1-10000), keys_per_unit(1-1000), key_share(1-90), exact, counted, gaussian, laplace.",
    ),
)

ITEM = Fault(
    rule="query.item",
    why=Said(
        zh="答案的一列只能由维度、受支持的聚合及其运算构成。",
        en="A column of the answer is made of dimensions and supported aggregates.",
    ),
    fix=Said(
        zh=f"请改用 GROUP BY 中的维度或 {AGGREGATES},以及它们之间的四则运算。",
        en=f"Use a dimension of GROUP BY or {AGGREGATES}, and arithmetic between them.",
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
        zh="请在两处写上同样的维度,各写一次。",
        en="Write the same dimensions in both places, once each.",
    ),
)

ORDER = Fault(
    rule="query.order",
    why=Said(
        zh="只能按答案中的列或其运算排序。",
        en="The answer can be sorted by its own columns and aggregates only.",
    ),
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

UNIT_FUNCTION = Fault(
    rule="query.function",
    why=Said(
        zh="按单元分组时只能使用 COUNT、SUM、AVG、MIN、MAX。",
        en="A SELECT that groups by the unit has COUNT, SUM, AVG, MIN and MAX.",
    ),
    fix=Said(zh="请改用这些聚合之一。", en="Use one of these aggregates."),
)

FILTERED_UNITS = Fault(
    rule="query.function",
    why=Said(
        zh="COUNT(DISTINCT 单元主键) 不能带 FILTER。", en="COUNT(DISTINCT unit) takes no FILTER."
    ),
    fix=Said(zh="请把条件写到 WHERE 中。", en="Write the condition into WHERE."),
)
