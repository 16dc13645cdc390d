"""Why a training is refused before it is charged, in two languages; nothing is quoted from the data."""

from fractions import Fraction
from typing import NamedTuple

from sandbox.reason import Reason, Said
from sandbox.training.layers import MAX_PARAMETERS
from sandbox.training.price import MAX_DRAWS

MAX_STEPS = 100_000
MAX_TRIES = 16
MAX_ROWS_PER_UNIT = 1_000
MAX_FEATURES = 4_096
MAX_CUTS = 64
LEAST_RATE = Fraction(1, 10_000)
MAX_EPSILON = 20


class Sentence(NamedTuple):
    """What is wrong, and the smallest change that would pass."""

    why: Said
    fix: Said


_SENTENCES = {
    "training.column": Sentence(
        Said(zh="该列不在已授权的视图中", en="the column is not in the granted view"),
        Said(zh="改用已授权的列", en="name a column that is granted"),
    ),
    "training.number": Sentence(
        Said(
            zh="该列不是已声明上下界的度量", en="the column is not a measure with declared bounds"
        ),
        Said(
            zh="改用度量列,或请机构声明上下界",
            en="use a measure, or ask the institution to declare bounds",
        ),
    ),
    "training.category": Sentence(
        Said(
            zh="该列不是已声明值域的维度",
            en="the column is not a dimension with a declared domain of two or more",
        ),
        Said(
            zh="改用维度列,或请机构声明值域",
            en="use a dimension, or ask the institution to declare its domain",
        ),
    ),
    "training.positive": Sentence(
        Said(
            zh="正类须为值域的非空真子集",
            en="the positive categories are not some, but not all, of the domain",
        ),
        Said(zh="从值域中列出正类", en="list categories of the domain"),
    ),
    "training.cuts": Sentence(
        Said(
            zh="分箱切点须递增、位于上下界之内且不过多",
            en="the cut points do not ascend inside the declared bounds, or are too many",
        ),
        Said(
            zh=f"给出 1 至 {MAX_CUTS} 个递增切点", en=f"give 1 to {MAX_CUTS} ascending cut points"
        ),
    ),
    "training.twice": Sentence(
        Said(
            zh="同一列出现两次,或既是特征又是目标",
            en="a column appears twice, or is both a feature and the target",
        ),
        Said(zh="每列只用一次", en="use each column once"),
    ),
    "training.features": Sentence(
        Said(zh="特征过少或过多", en="there are no features, or too many"),
        Said(zh=f"给出 1 至 {MAX_FEATURES} 个特征", en=f"name 1 to {MAX_FEATURES} features"),
    ),
    "training.scorecard": Sentence(
        Said(
            zh="评分卡只取分箱与独热类别,目标须为二分类",
            en="a scorecard takes bins and categories of width 0, and a binary target",
        ),
        Said(
            zh="将数值分箱并采用二分类目标",
            en="bin the measures, widen no category, and use a binary target",
        ),
    ),
    "training.trend": Sentence(
        Said(
            zh="只有评分卡能规定分箱的走向", en="only a scorecard can have bins that rise or fall"
        ),
        Said(zh="改用评分卡,或将走向设为 free", en="use a scorecard, or let the bins be free"),
    ),
    "training.layer": Sentence(
        Said(
            zh="该层与前一层不匹配",
            en="the layer does not fit what comes before it, or is too wide",
        ),
        Said(zh="调整该层的尺寸", en="change the layer's sizes"),
    ),
    "training.output": Sentence(
        Said(
            zh="最后一层的输出个数与目标不符",
            en="the last layer does not give as many numbers as the target needs",
        ),
        Said(
            zh="二分类与数值目标为 1 个,多分类为值域大小",
            en="give 1 for a binary target or an amount, else one a category",
        ),
    ),
    "training.size": Sentence(
        Said(
            zh="模型参数过多,或参数与步数、次数之积过大",
            en="the model has too many parameters, or too many for so many steps and tries",
        ),
        Said(
            zh=f"至多 {MAX_PARAMETERS} 个参数,且参数×步数×次数至多 {MAX_DRAWS}",
            en=f"stay within {MAX_PARAMETERS} parameters, and {MAX_DRAWS} of them times steps and tries",
        ),
    ),
    "training.loss": Sentence(
        Said(zh="损失函数与目标不符", en="the loss does not suit the target"),
        Said(
            zh="二分类用 logistic,多分类用 cross_entropy,数值用 squared 或 huber",
            en="use logistic for binary, cross_entropy for one_of, squared or huber for an amount",
        ),
    ),
    "training.steps": Sentence(
        Said(
            zh="步数、采样率、每单元行数或平均份额超出范围",
            en="steps, sampling rate, rows of a unit, units or averaged share are out of range",
        ),
        Said(
            zh=f"步数 1–{MAX_STEPS},采样率 {LEAST_RATE}–1,每单元行数 1–{MAX_ROWS_PER_UNIT},平均份额小于 1",
            en=f"steps 1-{MAX_STEPS}, sampling rate {LEAST_RATE}-1, rows of a unit 1-{MAX_ROWS_PER_UNIT},"
            " units at least 1, averaged share below 1",
        ),
    ),
    "training.tries": Sentence(
        Said(
            zh="调参次数、学习率、裁剪范数或动量超出范围",
            en="tries, learning rate, clip or momentum are out of range",
        ),
        Said(
            zh=f"1–{MAX_TRIES} 次,学习率与裁剪范数在 10^-6 与 10^6 之间,动量小于 1",
            en=f"1-{MAX_TRIES} tries, rates and clips between 10^-6 and 10^6, momentum below 1",
        ),
    ),
    "training.metrics": Sentence(
        Said(
            zh="调参须有计费的度量;度量只用于二分类与多分类,份额在 0 与 1/2 之间,rho 在 10^-6 与 1 之间",
            en="tuning needs charged metrics; metrics need a binary or one_of target, a share above 0 and"
            " at most 1/2, and a rho between 10^-6 and 1",
        ),
        Said(zh="只训练一次,或补上度量", en="train one try, or put the metrics right"),
    ),
    "training.epsilon": Sentence(
        Said(
            zh="epsilon 或 delta 超出范围,或该 epsilon 所需噪声过大",
            en="epsilon or delta is out of range, or no noise that is priced reaches this epsilon",
        ),
        Said(
            zh=f"epsilon 至多 {MAX_EPSILON},delta 在 10^-12 与 10^-3 之间;减少步数或采样率",
            en=f"use an epsilon of at most {MAX_EPSILON}, a delta between 10^-12 and 10^-3, fewer steps or"
            " a lower sampling rate",
        ),
    ),
    "training.model": Sentence(
        Said(
            zh="训练结果不是条款所定的模型",
            en="what the training left is not the model of its terms",
        ),
        Said(zh="请联系运维人员", en="ask the domain's operators"),
    ),
}


RULES = tuple(_SENTENCES)


def reason(rule: str, place: str = "") -> Reason:
    """Return the reason of one rule at a place: a column, or `layer 2`."""
    sentence = _SENTENCES[rule]
    return Reason(rule=rule, why=sentence.why, fix=sentence.fix, place=place)
