"""What the assessment of a plan says: one table of sentences in both languages."""

from collections.abc import Mapping
from types import MappingProxyType

from sandbox.reason import Reason, Said

SENTENCES: Mapping[str, tuple[str, str, str, str]] = MappingProxyType(
    {
        "plan.applicant": (
            "申请主体与登记信息或提交人所属单位不符",
            "the applicant is not the registered organisation of the person who submits",
            "填写提交人所属开发主体的登记编号、名称和统一社会信用代码",
            "give the id, name and credit code under which the submitter's developer is registered",
        ),
        "plan.applicant_kind": (
            "本规则册规定由其他类型的单位提出应用场景",
            "under this rulebook another kind of organisation proposes scenarios",
            "由规则册规定的申请主体提出",
            "let the kind of applicant that the rulebook names propose it",
        ),
        "plan.operator": (
            "运营机构未登记，或与登记信息不符",
            "the operator is not registered, or not under these particulars",
            "填写已登记运营机构的编号、名称和统一社会信用代码",
            "give the id, name and credit code of a registered operator",
        ),
        "plan.affiliation": (
            "运营机构不得直接或者间接参与再开发：申请主体与运营机构相同或存在关联关系",
            (
                "an operator may not redevelop, directly or indirectly: the applicant is the operator "
                "or an affiliate of it"
            ),
            "由与运营机构无关联的开发主体申请",
            "let a developer without ties to the operator apply",
        ),
        "plan.pilot": (
            "本域尚不受理沙盒监管试点",
            "this domain does not take pilots under sandbox supervision yet",
            "按普通场景申请",
            "apply for a normal scenario",
        ),
        "plan.term": (
            "期限无效：起止颠倒、已经过期、超过 {years} 年，或晚于规则册有效期",
            (
                "the term is not valid: reversed, over already, longer than {years} years, or past the "
                "rulebook's end"
            ),
            "更正起止日期",
            "correct the first or the last day",
        ),
        "plan.asset": (
            "该数据资源的这一版本未登记",
            "this version of the asset is not registered",
            "改用目录中已登记的版本",
            "use a version that the catalogue has",
        ),
        "plan.asset_twice": (
            "同一数据资源重复列出",
            "the same asset is listed twice",
            "合并为一项",
            "merge the two",
        ),
        "plan.tier": (
            "开发主体只能使用以下层级的数据：{tiers}",
            "a developer may use data of these tiers only: {tiers}",
            "改用运营机构交付的基础公共数据产品",
            "use a base product that the operator has delivered",
        ),
        "plan.catalogue": (
            "所填内容与目录登记不一致，应为：{expected}",
            "this differs from the catalogue, which says: {expected}",
            "按目录更正",
            "correct it to what the catalogue says",
        ),
        "plan.column": (
            "该列不存在或重复列出",
            "there is no such column, or it is listed twice",
            "改用目录所列的列，每列一次",
            "name columns of the catalogue, each once",
        ),
        "plan.pseudonym": (
            "主体键和标识列只能以场景内假名形式使用",
            "unit keys and identifiers may be used as scenario-keyed pseudonyms only",
            "在 precision 中写明“场景内加密假名”，或删去该列",
            "write `scenario-keyed pseudonym` as its precision, or leave the column out",
        ),
        "plan.rows": (
            "时间范围与抽样比例尚不能单独执行",
            "a time range or a sample rate is not enforced on its own",
            "把时间范围写入 predicate，并删去 sample_rate",
            "write the time range into the predicate, and leave sample_rate out",
        ),
        "plan.unit": (
            "隐私保护单元与数据资源声明不一致，应为：{expected}",
            "the protected unit differs from the asset's, which is: {expected}",
            "按数据资源的声明填写 unit",
            "give the asset's own unit",
        ),
        "plan.outside_data": (
            "未经审查通过的外部数据不得导入，本域尚无导入通道",
            "outside data may not come in before a review, and this domain has no way in for them yet",
            "删去 outside_data 的内容",
            "leave outside_data empty",
        ),
        "plan.personal": (
            "数据资源关于自然人，方案须声明含有个人信息",
            (
                "the asset is about natural persons, so the plan must say that it has personal "
                "information"
            ),
            "把 contains 改为 general 或 sensitive，并逐列写明路径",
            "set contains to general or sensitive, and give each column its route",
        ),
        "plan.route": (
            "含个人信息的列须恰有一条路径",
            "a column with personal information needs exactly one route",
            "为该列写明 anonymised 或 excluded 路径",
            "give the column the route anonymised or excluded",
        ),
        "plan.route_pseudonym": (
            "假名化不是匿名化：主体键和标识列的路径须为 excluded，即不得出现在任何输出中",
            (
                "pseudonymised is not anonymised: the route of a unit key or an identifier is excluded, "
                "which keeps it out of every output"
            ),
            "把该列的路径改为 excluded",
            "give the column the route excluded",
        ),
        "plan.route_excluded": (
            "路径为 excluded 的列不得申请",
            "a column whose route is excluded may not be asked for",
            "从 columns 中删去该列，或改为 anonymised 并附证据",
            "leave the column out, or make it anonymised with evidence",
        ),
        "plan.route_consented": (
            "走授权同意路径的数据资源，除化名列外每一列都须为 consented，且视图不作泛化",
            "an asset that is read by consents is so in every column but pseudonyms, and its view is not generalised",
            "把该资源的各列都改为 consented，或都改为 anonymised 并附证据",
            "make every column of the asset consented, or every one anonymised with evidence",
        ),
        "plan.evidence": (
            "匿名化路径须附证据",
            "the route anonymised needs evidence",
            "写明匿名化方法和检验结果",
            "say by which method, and what its test showed",
        ),
        "plan.pia": (
            "自动化决策须有个人信息保护影响评估",
            "automated decisions need a personal-information impact assessment",
            "填写 pia",
            "give pia",
        ),
        "plan.image": (
            "镜像须以 sha256 摘要指定，不接受标签",
            "an image is named by its sha256 digest, never by a tag",
            "写成 sha256: 加 64 位十六进制数",
            "write sha256: and 64 hexadecimal digits",
        ),
        "plan.inputs": (
            "该步骤的输入不在方案所列数据资源之中",
            "an input of this step is not among the plan's assets",
            "改用方案所列的数据资源",
            "name assets of the plan",
        ),
        "plan.memory": (
            "内存须不少于 0.25 GiB",
            "the memory must be at least 0.25 GiB",
            "增大 memory_gib",
            "ask for more memory_gib",
        ),
        "plan.recipients": (
            "接收方未在 recipients 中列出，或“本单位”不是申请主体",
            "a recipient is not listed, or the one called self is not the applicant",
            "在 recipients 中列出每个接收方",
            "list every recipient under recipients",
        ),
        "plan.output_name": (
            "输出编号重复或格式不正确",
            "an output's id is used twice or is not a plain name",
            "以字母开头，仅用字母、数字、下划线和连字符",
            "begin with a letter, then letters, digits, underscores or hyphens",
        ),
        "plan.output_size": (
            "输出大小须大于 0 且不超过 {most}",
            "an output's size must be above 0 and at most {most}",
            "更正 max_rows 或 max_bytes",
            "correct max_rows or max_bytes",
        ),
        "plan.output_class": (
            "该隐私保护方法不能用于这种发布类别",
            "this privacy method does not go with that release class",
            "自动发布用 dp 或 k_threshold；其余改为 review，且不用 dp",
            "release automatically by dp or k_threshold; anything else by review, and not as dp",
        ),
        "plan.output_consented": (
            "授权同意类输出须恰有一个主体列（subject），其余列为写明来源的 value，均取自同一项经授权同意的数据资源；文本须取自一个维度",
            (
                "an output of the consented class has one `subject` column, and a `value` with its sources in every other, all "
                "of one asset that is read by consents; a text is of one dimension with its categories"
            ),
            "补全列的声明，或改用其他隐私保护方法",
            "complete the columns, or choose another privacy method",
        ),
        "plan.output_form": (
            "只有统计表和指数可以自动发布：其他形式由容器作业生成，无法以差分隐私计算",
            (
                "only statistical tables and indices are released automatically: other forms come from "
                "a container, which cannot be differentially private"
            ),
            "把 form 改为 statistical_table，或把 release_class 改为 review",
            "make form a statistical_table, or release_class review",
        ),
        "plan.output_epsilon": (
            "dp 输出须给出 ε，大于 0 且不超过 {most}",
            "a dp output states an epsilon, above 0 and at most {most}",
            "更正 ε",
            "correct epsilon",
        ),
        "plan.output_table": (
            "声明的列不能组成一张表：比率的两部分须是本表声明的计数或合计；回归系数与其项、标准误自成一表",
            (
                "the declared columns make no table: a ratio needs two counts or sums declared beside it, "
                "and the coefficients of one regression stand alone with their terms and standard errors"
            ),
            "补上比率的两部分；每个回归各用一个输出，含 term、linear 或 logistic，可加 standard_error",
            (
                "declare both parts of the ratio; give each regression an output of its own with term, and "
                "linear or logistic, and standard_error if wanted"
            ),
        ),
        "plan.output_columns": (
            "自动发布的表须恰由一项数据资源的列算出",
            "a table that is released automatically is computed from the columns of one asset",
            "只用同一数据资源的 dimension 和 measure 列",
            "use dimension and measure columns of one asset",
        ),
        "plan.output_column": (
            "输出列的声明不成立：{expected}",
            "this output column is not declared soundly: {expected}",
            "按目录更正 dimension、function、measure 或 type",
            "correct dimension, function, measure or type after the catalogue",
        ),
        "plan.epsilon": (
            "ε 合计不得超过 {most}",
            "epsilon in total may be at most {most}",
            "减小 epsilon_total",
            "ask for a smaller epsilon_total",
        ),
        "plan.epsilon_total": (
            "单个输出的 ε 超过了合计",
            "one output's epsilon is above the total",
            "减小该输出的 ε，或增大 epsilon_total",
            "lower that output's epsilon, or raise epsilon_total",
        ),
        "plan.delta": (
            "δ 须不小于 0 且不超过 {most}",
            "delta must be at least 0 and at most {most}",
            "更正 δ",
            "correct delta",
        ),
        "plan.cohort": (
            "最小人群不得少于 {least}",
            "the minimum cohort is at least {least}",
            "增大 min_cohort",
            "raise min_cohort",
        ),
        "plan.k": (
            "k 不得小于 {least}",
            "k is at least {least}",
            "增大 k",
            "raise k",
        ),
        "plan.coarse": (
            "泛化视图的每一列须在 quasi 或 sensitive 中恰列一次，且不列其他列",
            "each column of a generalised view stands once under quasi or sensitive, and no other does",
            "把每一列归入 quasi（泛化）或 sensitive（原值），或从 columns 中删去",
            "put each column under quasi (coarsened) or sensitive (as it is), or leave it out of columns",
        ),
        "plan.coarse_pseudonym": (
            "泛化视图不得含假名：可关联的记录会使等价类失去作用",
            "a generalised view has no pseudonyms: rows that can be linked undo its classes",
            "从 columns 中删去主体键和标识列，或删去 generalise",
            "leave unit keys and identifiers out of columns, or leave generalise out",
        ),
        "plan.coarse_spread": (
            "l 和 t 针对敏感列，而 sensitive 为空",
            "l and t are about sensitive columns, and none is named",
            "在 sensitive 中列出敏感列，或删去 l 和 t",
            "name the sensitive columns, or leave l and t out",
        ),
        "plan.unjudged": (
            "该泛化视图的匿名程度尚未评估，无法确认数据能满足承诺",
            "how anonymous this generalised view is has not been measured: the data may not keep the promise",
            "请实施机构先运行 shuyu asset judge，再作出决定",
            "let the institution run shuyu asset judge, then decide",
        ),
        "plan.dominance": (
            "支配度上限须大于 0 且不超过 {most}",
            "the dominance limit is above 0 and at most {most}",
            "更正 dominance_percent",
            "correct dominance_percent",
        ),
        "plan.person": (
            "人员未登记、不属于申请主体、无此角色，或重复列出",
            (
                "this person is not registered, not of the applicant, without that role, or listed "
                "twice"
            ),
            "列出申请主体已登记的人员",
            "list registered people of the applicant",
        ),
        "plan.training": (
            "人员的安全培训在场景开始前已过期",
            "the person's security training ends before the scenario begins",
            "完成培训后更新日期",
            "renew the training, then the date",
        ),
        "plan.version": (
            "方案版本号须大于上一版本",
            "the plan's version must be above the last one",
            "增大 version，并在 supersedes 中写明上一版本",
            "raise version, and name the last one under supersedes",
        ),
        "plan.rulebook_changed": (
            "规则册在评估期间已更改",
            "the rulebook has changed since the assessment began",
            "退回后重新提交评估",
            "return the plan, and let it be assessed again",
        ),
        "seat.not_asked": (
            "本方案不需要您所在单位的这一席位",
            "this plan does not ask your organisation for that seat",
            "由方案所需席位的人员审核",
            "let the people of the seats that it needs judge it",
        ),
        "seat.taken": (
            "该席位已作出结论",
            "that seat has spoken already",
            "等待其余席位",
            "wait for the other seats",
        ),
        "seat.organisation": (
            "同一单位不得占两个席位",
            "one organisation may not take two seats",
            "由另一单位的人员占此席位",
            "let another organisation take this seat",
        ),
        "seat.operator": (
            "只有方案所列的运营机构可以转报或退回",
            "only the operator that the plan names may forward or return it",
            "由该运营机构的运营审核员办理",
            "let that operator's reviewer do it",
        ),
        "seat.opinion": (
            "须写明意见，且不超过 {most} 个字符",
            "an opinion must be given, of at most {most} characters",
            "写明意见",
            "write an opinion",
        ),
        "group.member": (
            "没有这一成员",
            "there is no such asset or party to group",
            "更正后重新提交",
            "correct it and enter it again",
        ),
        "group.name": (
            "组名须由大写字母、数字和连字符组成，且不得与单位编号相同",
            "a group's name is of capital letters, digits and hyphens, and is no party's id",
            "更正后重新提交",
            "correct it and enter it again",
        ),
    }
)


def reason(rule: str, *, place: str = "", clause: str = "", **values: object) -> Reason:
    """Return the reason of this rule, its sentences filled in with limits and catalogue words."""
    zh, en, fix_zh, fix_en = SENTENCES[rule]
    return Reason(
        rule=rule,
        why=Said(zh=zh.format(**values), en=en.format(**values)),
        fix=Said(zh=fix_zh, en=fix_en),
        place=place,
        clause=clause,
    )
