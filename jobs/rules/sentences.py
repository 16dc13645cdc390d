"""What the admission check says: one table of sentences, from which docs/refusals.md is drawn."""

from collections.abc import Mapping
from types import MappingProxyType

from sandbox.reason import Reason, Said

_ART_21 = "Shanghai art. 21"
"""Data is used only inside an assessed scenario."""

SENTENCES: Mapping[str, tuple[str, str, str, str, str]] = MappingProxyType(
    {
        "admit.suspended": (
            "该场景已被暂停",
            "the scenario is suspended",
            "等待实施机构解除暂停",
            "wait until the implementing institution lifts it",
            _ART_21,
        ),
        "admit.ended": (
            "该场景已终止",
            "the scenario has ended",
            "提交新的应用场景方案",
            "submit a new scenario plan",
            _ART_21,
        ),
        "admit.term": (
            "今天不在授权期限 {term} 之内",
            "today is outside the grant's term, {term}",
            "申请变更场景方案的期限",
            "apply for an amendment of the scenario's term",
            _ART_21,
        ),
        "admit.person": (
            "提交人不在该场景的人员名单中",
            "the submitter is not among the scenario's people",
            "由方案所列人员提交，或申请变更人员",
            "let a listed person submit, or amend the list",
            "Weifang art. 30",
        ),
        "admit.uses": (
            "该场景的使用次数已用完",
            "the scenario's number of uses is used up",
            "申请增加使用次数",
            "apply for more uses",
            _ART_21,
        ),
        "admit.asset": (
            "数据资源 {place} 不在授权范围内",
            "asset {place} is not part of the grant",
            "改用：{granted}",
            "use one of: {granted}",
            _ART_21,
        ),
        "admit.column": (
            "列 {place} 未获授权",
            "column {place} was not granted",
            "删去该列，或申请变更场景方案并说明必要性",
            "leave it out, or amend the scenario and say why the column is necessary",
            "Weifang art. 18",
        ),
        "admit.output": (
            "输出 {place} 未在场景方案中申报",
            "output {place} was not declared in the scenario plan",
            "使用方案申报的输出：{granted}",
            "use a declared output: {granted}",
            _ART_21,
        ),
        "admit.output_class": (
            "输出 {place} 的发布类别不适用于这种作业",
            "output {place} is of a release class that this kind of job cannot fill",
            "查询作业使用 dp 类输出，容器作业使用其他类",
            "a query fills an output of class `dp`, a container one of any other class",
            _ART_21,
        ),
        "admit.epsilon": (
            "单次发布的 ε 须大于 0 且不超过 {ceiling}",
            "epsilon of one release must be above 0 and at most {ceiling}",
            "把 ε 设为 {ceiling} 或更小",
            "set epsilon to {ceiling} or less",
            "",
        ),
        "admit.output_form": (
            "此类答案的输出形式须为：{forms}",
            "such an answer fills an output of the form {forms}",
            "改用该形式的输出，或申请变更场景方案",
            "name an output of that form, or amend the scenario",
            _ART_21,
        ),
        "admit.block_limits": (
            "每个分块的时间或内存超出授权：至多 {seconds} 秒、{mib} MiB",
            "a block's time or memory is beyond the grant: at most {seconds} s and {mib} MiB",
            "减小 wall_seconds 或 memory_bytes",
            "lower wall_seconds or memory_bytes",
            "",
        ),
        "admit.terms": (
            "条款中的 {place} 不合规范",
            "{place} of the terms is not in form",
            "按接口说明更正该字段",
            "correct that field as the API describes it",
            "",
        ),
        "admit.trainer": (
            "本域尚未登记训练镜像",
            "the domain has no trainer image registered",
            "请实施机构运行 images/build.sh trainer 并以 trainer 之名登记",
            "ask the institution to build it with images/build.sh trainer and register it as `trainer`",
            "",
        ),
        "admit.nobody": (
            "公开清单 {place} 不涉及任何受保护单位，不能分块、训练或抽样",
            "{place} is a public list that protects nobody: it cannot be split into blocks, trained on or sampled",
            "直接读取该清单，或在查询中按其主键连接",
            "read the list as it is, or join it by its key in a query",
            "",
        ),
        "admit.sample_columns": (
            "数据资源 {place} 没有可计数的维度或有界数值列",
            "asset {place} has no dimension and no bounded measure that could be counted",
            "改用由目录生成的样例行（不收费）：shuyu sample rows",
            "take rows made from the declaration alone, which cost nothing: shuyu sample rows",
            "",
        ),
        "admit.sample_rows": (
            "{place} 须在 1 至 {most} 之间",
            "{place} must be between 1 and {most}",
            "更正该数值",
            "correct the number",
            "",
        ),
        "admit.budget": (
            "{zh}余额不足",
            "what is left of {en} does not cover it",
            "减小 ε，或向实施机构申请增加预算",
            "ask with a smaller epsilon, or apply to the implementing institution for more",
            "",
        ),
        "admit.image": (
            "该镜像摘要未列入授权",
            "this image digest is not in the grant",
            "使用方案所列镜像的摘要；标签不被接受",
            "use a digest that the plan lists; tags are never accepted",
            _ART_21,
        ),
        "admit.image_missing": (
            "该镜像尚未导入本运营域",
            "this image was not imported into the domain",
            "请域管理员运行 shuyu image import",
            "ask the domain administrator to run `shuyu image import`",
            "",
        ),
        "admit.runtime": (
            "{grade} 级数据的作业须在 {place} 容器运行时下运行，而本域的容器引擎没有它",
            "data of grade {grade} are read under the container runtime {place} only, which this domain's engine lacks",
            "请域管理员按 docs/deploy/hosts.md 安装 {place}，再重新提交",
            "ask the domain administrator to install {place} (docs/deploy/hosts.md), and submit again",
            "",
        ),
        "admit.core": (
            "数据资源 {place} 为核心数据，核心数据不挂载给任何作业",
            "asset {place} is core data, which no job may read",
            "去掉该数据资源",
            "leave the asset out",
            "Shanghai art. 24",
        ),
        "admit.coarse": (
            "数据资源 {place} 的视图经过泛化，其等价类由数据决定，不能在其上作差分隐私计算",
            "the view of {place} is generalised: its classes depend on the data, so no private answer is made over it",
            "在作业的 assets 中只列未泛化的数据资源，或改用容器作业",
            "name only assets that are not generalised under the job's assets, or bring a container job",
            "",
        ),
        "admit.consented": (
            "数据资源 {place} 的视图只含授权同意者，人群随同意与撤回而变，不能在其上作差分隐私计算",
            "the view of {place} has consenting subjects alone, who come and go: no private answer is made over it",
            "在作业的 assets 中只列其他数据资源，或改用容器作业",
            "name only other assets under the job's assets, or bring a container job",
            "",
        ),
        "admit.stopped": (
            "运营域已紧急停止",
            "the whole domain was stopped in an emergency",
            "等待实施机构恢复运行后重新提交",
            "wait until the implementing institution resumes it, and submit again",
            _ART_21,
        ),
        "admit.grant": (
            "授权书的签名无法验证",
            "the grant's signature does not verify",
            "请实施机构核查授权记录",
            "ask the implementing institution to look into the record",
            _ART_21,
        ),
        "egress.unjudged": (
            "出域过滤未能完成对该输出的检查",
            "the egress filter could not finish its inspection of the output",
            "简化输出后重新提交；如再次出现请联系安全人员",
            "simplify the output and submit again; tell security staff if it comes back",
            "Weifang art. 26",
        ),
        "admit.command": (
            "命令为空",
            "the command is empty",
            "给出要运行的命令",
            "give the command to run",
            "",
        ),
        "admit.parameters": (
            "参数不是 JSON 对象",
            "the parameters are not a JSON object",
            '写成 {{"名": 值}} 的形式',
            'write them as {{"name": value}}',
            "",
        ),
        "admit.outputs": (
            "未指定任何输出",
            "no output is named",
            "至少指定一个方案申报的输出",
            "name at least one declared output",
            "",
        ),
    }
)


def reason(rule: str, *, place: str = "", **values: str) -> Reason:
    """Return the reason of this rule, with its sentences filled in."""
    zh, en, fix_zh, fix_en, clause = SENTENCES[rule]
    filled = [text.format(place=place, **values) for text in (zh, en, fix_zh, fix_en)]
    return Reason(
        rule=rule,
        why=Said(zh=filled[0], en=filled[1]),
        fix=Said(zh=filled[2], en=filled[3]),
        place=place,
        clause=clause,
    )
