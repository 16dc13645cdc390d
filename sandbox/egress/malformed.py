"""The rules of form: what a file must be before anything else is asked of it."""

from sandbox.egress.finding import Finding, Rule
from sandbox.errors import SandboxError
from sandbox.reason import Said


class UnreadableError(SandboxError):
    """A file is not of the form that it claims; `finding` says where."""

    def __init__(self, finding: Finding) -> None:
        """Carry `finding` to the check that tells it."""
        super().__init__(finding.reason.rule)
        self.finding = finding


NOT_UTF8 = Rule(
    id="egress.encoding",
    stage=1,
    why=Said(zh="文件不是合法的 UTF-8 文本。", en="The file is not valid UTF-8 text."),
    fix=Said(
        zh="以 UTF-8(不带 BOM)写出,不含控制字符。",
        en="Write it as UTF-8 without a byte order mark and without control characters.",
    ),
)
NOT_CSV = Rule(
    id="egress.csv",
    stage=1,
    why=Said(
        zh="CSV 不合 RFC 4180:表头为空或重复,或各行列数不一。",
        en="The CSV breaks RFC 4180: empty or repeated headers, or rows of unequal length.",
    ),
    fix=Said(
        zh="写一行表头,其后每行列数相同;例如 pandas 的 to_csv(index=False)。",
        en="Write one header line, then rows of the same length, as pandas' to_csv(index=False) does.",
    ),
)
NOT_JSON = Rule(
    id="egress.json",
    stage=1,
    why=Said(
        zh="JSON 不合法,或有重复的键、过大的数、过深的嵌套。",
        en="The JSON is invalid, repeats a key, has too large a number or is nested too deeply.",
    ),
    fix=Said(
        zh="写出严格的 JSON:键不重复,嵌套不超过 32 层。",
        en="Write strict JSON with unique keys, nested at most 32 levels deep.",
    ),
)
NOT_A_TABLE = Rule(
    id="egress.not_a_table",
    stage=1,
    why=Said(
        zh="该输出声明为表,文件内容却不是由简单单元格组成的表。",
        en="This output was declared as a table, but the file is not a table of plain cells.",
    ),
    fix=Said(
        zh="写成记录列表,或每列一个等长列表。",
        en="Write a list of records, or one list of equal length for each column.",
    ),
)
NOT_FINITE = Rule(
    id="egress.not_finite",
    stage=1,
    why=Said(zh="单元格是 NaN 或无穷大。", en="The cell is NaN or infinite."),
    fix=Said(
        zh="写出前去掉或留空,例如 fillna 或 dropna。",
        en="Drop it or leave it empty before writing, as fillna or dropna does.",
    ),
)
WRONG_TYPE = Rule(
    id="egress.cell_type",
    stage=1,
    why=Said(
        zh="单元格的类型与声明的列类型不符。",
        en="The cell's type is not the type that its column was declared with.",
    ),
    fix=Said(
        zh="按声明的类型写出该列。",
        en="Write the column with its declared type.",
    ),
)
COLUMNS_DIFFER = Rule(
    id="egress.columns",
    stage=1,
    why=Said(
        zh="表的列与声明的列不一致。",
        en="The table's columns are not the declared columns.",
    ),
    fix=Said(
        zh="只写声明的列,一列不多,一列不少。",
        en="Write exactly the declared columns, no more and no fewer.",
    ),
    clause="Shanghai art. 23",
)
TYPE_REFUSED = Rule(
    id="egress.type",
    stage=1,
    why=Said(
        zh="该类型的文件不能出域。",
        en="Files of this type may not leave.",
    ),
    fix=Said(
        zh="表写成 csv、json、arrow 或 parquet;报告写成 txt 或 md,并声明为人工审核类输出。",
        en="Write tables as csv, json, arrow or parquet, and reports as txt or md in an output that"
        " was declared as reviewed.",
    ),
)
TABLE_UNREADABLE = Rule(
    id="egress.arrow",
    stage=1,
    why=Said(
        zh="Arrow 或 Parquet 文件已损坏,或含有不能出域的列类型。",
        en="The Arrow or Parquet file is corrupt, or has a column type that may not leave.",
    ),
    fix=Said(
        zh="只用字符串、整数、浮点数和布尔列,并完整写出文件。",
        en="Use string, integer, float and boolean columns only, and close the file when written.",
    ),
)
FORMULA = Rule(
    id="egress.formula",
    stage=1,
    why=Said(
        zh="文本单元格以 =、+、-、@ 或制表符开头,电子表格会把它当作公式执行。",
        en="The text cell starts with =, +, -, @ or a tab: a spreadsheet would run it as a formula.",
    ),
    fix=Said(zh="去掉开头的符号。", en="Remove the leading sign."),
)
TOO_MANY_ROWS = Rule(
    id="egress.rows",
    stage=0,
    why=Said(
        zh="表的行数超过声明的上限。",
        en="The table has more rows than were declared.",
    ),
    fix=Said(
        zh="写得更少,或在场景中声明更大的行数。",
        en="Write fewer rows, or declare more in the scenario.",
    ),
    clause="Shanghai art. 23",
)
TOO_MANY_COLUMNS = Rule(
    id="egress.width",
    stage=0,
    why=Said(
        zh="表的列数过多。",
        en="The table has too many columns.",
    ),
    fix=Said(
        zh="把类别写成行而不是列,或分成几个输出。",
        en="Write categories as rows and not as columns, or several outputs.",
    ),
    clause="Shanghai art. 23",
)
TOO_LONG = Rule(
    id="egress.too_long",
    stage=0,
    why=Said(
        zh="文件内容超出门控可阅读的范围(8 MiB,或 1 万个不同的键)。",
        en="The file says more than the gate reads: 8 MiB, or 10,000 different keys.",
    ),
    fix=Said(
        zh="只写出结论,或分成几个输出;把类别写成行而不是键。",
        en="Write the results only, or several smaller outputs; write categories as rows and not as keys.",
    ),
    clause="Shanghai art. 23",
)
EMPTY = Rule(
    id="egress.empty",
    stage=0,
    why=Said(zh="输出为空。", en="The output is empty."),
    fix=Said(
        zh="检查作业是否选中了数据,并至少写出一行。",
        en="Check that the job selected any data, and write at least one row.",
    ),
)
NO_TABLE = Rule(
    id="egress.base",
    stage=5,
    why=Said(
        zh="所引用的表不在本作业的输出中、未获放行,或放行类别不如引用它的输出严格。",
        en="The table that it refers to is none of the job's outputs, stays in, or was not declared to leave as"
        " automatically as what refers to it.",
    ),
    fix=Said(
        zh="在同一作业中写出该表并修正其问题;自动放行的图表只能引用由门控重算的表。",
        en="Write that table in the same job and mend what is wrong with it; a chart that leaves by itself can only draw"
        " a table that the gate recomputes.",
    ),
)
NOT_A_MODEL = Rule(
    id="egress.model_form",
    stage=8,
    why=Said(
        zh="该输出声明为模型,文件内容却不是允许的模型格式。",
        en="This output was declared as a model, but the file is not a model of an allowed form.",
    ),
    fix=Said(
        zh="写成 shuyu-fitted-1 格式的 JSON,或写成元数据 shuyu 中带有该文档的 safetensors、ONNX:线性、逻辑回归、评分卡、树或小型网络;"
        "近邻、核方法、查找表与 pickle 不能出域,或改用域内的差分隐私训练。docs/outputs.md 说明写法。",
        en="Write JSON of the form shuyu-fitted-1, or safetensors or ONNX with that document under shuyu in its metadata: linear,"
        " logistic, scorecard, trees or a small network; neighbours, kernel machines, lookup tables and pickles may not"
        " leave. Or train inside, with differential privacy. docs/outputs.md shows how.",
    ),
    clause="Weifang art. 26",
)
NOT_A_CHART = Rule(
    id="egress.chart",
    stage=1,
    why=Said(
        zh="该输出声明为图表,文件内容却不是允许的图表说明。",
        en="This output was declared as a chart, but the file is not a chart specification of the allowed subset.",
    ),
    fix=Said(
        zh="写成 JSON:data.name 为表输出名,mark 为 bar、line、point、area、rect 或 boxplot,encoding 只引用该表的列;"
        "不含数据、变换、表达式或链接。",
        en="Write JSON with data.name naming a table output, mark one of bar, line, point, area, rect or boxplot, and an"
        " encoding of that table's columns; no values, transforms, expressions or addresses.",
    ),
)
