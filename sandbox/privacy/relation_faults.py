"""The words of refusals about relations: what stands after FROM, JOIN and WITH, and which clauses."""

from collections.abc import Iterable

from sandbox.privacy.refusal import Fault, listed
from sandbox.reason import Said

SOURCE = Fault(
    rule="query.source",
    why=Said(
        zh="数据只能来自已授权的资产、WITH 名称或子查询,不能来自文件或函数。",
        en="Data comes from a granted asset, a name of WITH or a subquery, not from a file or function.",
    ),
    fix=Said(
        zh='请写成 FROM 后接一个资产名称,如 FROM "BP-LOANS"。',
        en='Write FROM and one asset\'s name, such as FROM "BP-LOANS".',
    ),
)

JOIN = Fault(
    rule="query.join",
    why=Said(
        zh="联接只能以受保护单元的主键,或公开表的唯一键为条件。",
        en="A join is on the key of the protected unit, or on the unique key of a public table.",
    ),
    fix=Said(
        zh="请写成 JOIN b ON a.单元主键 = b.单元主键,或 JOIN 公开表 ON a.列 = 公开表.唯一键;可用 LEFT JOIN。",
        en="Write JOIN b ON a.unit = b.unit, or JOIN public ON a.column = public.key; LEFT JOIN is possible too.",
    ),
)

JOIN_KIND = Fault(
    rule="query.join",
    why=Said(
        zh="两个资产的受保护单元不是同一种。", en="The two assets protect different kinds of unit."
    ),
    fix=Said(
        zh="请联接受保护单元相同的资产。", en="Join assets that protect the same kind of unit."
    ),
)

JOIN_KEY = Fault(
    rule="query.join",
    why=Said(
        zh="两个视图须都授权以假名形式使用单元主键,才能联接。",
        en="A join needs the unit's key, as a pseudonym, in both granted views.",
    ),
    fix=Said(
        zh="请在应用场景方案中为两个资产申请该列。",
        en="Ask for that column of both assets in the scenario plan.",
    ),
)

JOIN_NOISED = Fault(
    rule="query.join",
    why=Said(zh="已加噪的结果不能再与数据联接。", en="A noised answer cannot be joined."),
    fix=Said(zh="请先在行上联接,再做聚合。", en="Join the rows first, and aggregate then."),
)

PUBLIC = Fault(
    rule="query.source",
    why=Said(
        zh="公开表不能单独作为 FROM 的来源。", en="A public table cannot stand alone after FROM."
    ),
    fix=Said(
        zh="请把受保护的资产写在 FROM 之后,再用 JOIN 联接公开表。",
        en="Write the protected asset after FROM, and JOIN the public table.",
    ),
)

WITH = Fault(
    rule="query.with",
    why=Said(
        zh="WITH 中只接受不递归、名称各不相同、不列出列名的 SELECT。",
        en="WITH takes SELECTs that do not recurse, under different names and without a list of columns.",
    ),
    fix=Said(
        zh="请写成 WITH a AS (SELECT …), b AS (SELECT … FROM a)。",
        en="Write WITH a AS (SELECT …), b AS (SELECT … FROM a).",
    ),
)

ROWS_CLAUSE = Fault(
    rule="query.clause",
    why=Said(
        zh="对行做排序、截取或 HAVING 会使结果依赖于其他单元。",
        en="To sort, cut off or filter groups of raw rows would make one unit depend on others.",
    ),
    fix=Said(
        zh="请删去它,或在最外层的答案上使用。", en="Leave it out, or use it on the answer outside."
    ),
)

OVER_NOISED = Fault(
    rule="query.noised",
    why=Said(
        zh="对已加噪的结果只能逐行计算、筛选、排序和截取。",
        en="A noised answer can be computed with row by row, filtered, sorted and cut off.",
    ),
    fix=Said(zh="请在内层完成联接和聚合。", en="Join and aggregate in the inner SELECT."),
)


def unknown_asset(granted: Iterable[str]) -> Fault:
    """Say that no granted asset has this name."""
    names = listed(f'"{name}"' for name in granted)
    return Fault(
        rule="query.asset",
        why=Said(zh="没有授权过这个名称的资产。", en="No asset of this name is granted."),
        fix=Said(zh=f"可用的资产:{names}。", en=f"Use one of these assets: {names}."),
    )


CLAUSE = Fault(
    rule="query.clause",
    why=Said(
        zh="该子句无法在已知敏感度下作答。",
        en="This clause cannot be answered with a known sensitivity.",
    ),
    fix=Said(
        zh="请删去它;可用的子句有 WITH、SELECT、FROM、JOIN、WHERE、GROUP BY、HAVING、ORDER BY、LIMIT。",
        en="Leave it out; WITH, SELECT, FROM, JOIN, WHERE, GROUP BY, HAVING, ORDER BY, LIMIT may be used.",
    ),
)
