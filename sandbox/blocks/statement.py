"""Says in two languages what an answer over blocks promises: the neighbours, the cost, and what it does not say."""

from sandbox.blocks.event import event_of
from sandbox.blocks.terms import BlocksTerms
from sandbox.blocks.tilt import epsilon_of
from sandbox.privacy.accounting import rho_text
from sandbox.reason import Said


def stated(terms: BlocksTerms) -> Said:
    """Return the statement that goes with the answer."""
    event = event_of(terms)
    rho, count, k = rho_text(event.rho), event.choices, terms.k
    epsilon = f"{float(epsilon_of(event.numerator)):.6g}"
    return Said(
        zh=(
            f"整个答案满足零集中差分隐私,rho = {rho};{count} 个数中的每一个单独满足纯差分隐私,epsilon 约为 {epsilon}。"
            f"相邻关系:增加或删除一个受保护单元及其在所有资产中的全部行。程序在 {k} 个互不相交的分块上各运行一次,"
            "每个数是各分块结果在公开网格上的私有中位数;无论程序做什么,此保证都成立。"
            "分块失败时按区间中点计,失败次数不公开。误差线只依据公开数据,不含小样本偏差。"
        ),
        en=(
            f"The whole answer is zero-concentrated differentially private with rho = {rho}; each of its {count} values"
            f" alone is purely so, with epsilon of about {epsilon}. Neighbours: one protected unit with all of its rows in all"
            f" assets is added or removed. The program ran once on each of {k} disjoint blocks of units, and a value is the"
            " private median of the blocks' results on a public grid, whatever the program does. A block that fails counts"
            " as the middle of the box; how many did is not told. Error bars are from public data alone, without the bias"
            " of small samples."
        ),
    )
