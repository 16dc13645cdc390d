"""What can be wrong with a question over blocks, in two languages; known before anything is charged or read."""

from sandbox.reason import Reason, Said


def form(place: str) -> Reason:
    """Say that the terms are not in form."""
    return Reason(
        rule="blocks.form",
        why=Said(zh="分块任务的条件格式不正确", en="The terms of the blocks are not in form"),
        fix=Said(
            zh="按文档 docs/blocks.md 的格式填写该字段",
            en="Write this field as docs/blocks.md shows it",
        ),
        place=place,
    )


def bound(name: str, *, least: int, most: int) -> Reason:
    """Say between which whole numbers a term must lie."""
    return Reason(
        rule="blocks.bound",
        why=Said(
            zh=f"{name} 必须在 {least} 到 {most} 之间",
            en=f"{name} must lie between {least} and {most}",
        ),
        fix=Said(zh="改为此范围内的整数", en="Choose a whole number in this range"),
        place=name,
    )


def coordinate_name(place: str) -> Reason:
    """Say how coordinates are called."""
    return Reason(
        rule="blocks.name",
        why=Said(
            zh="坐标名须互不相同，以字母开头，只含字母、数字、下划线、点和连字符，至多 64 个字符",
            en="Names of coordinates differ, begin with a letter, and have letters, digits, `_`, `.`"
            " and `-`, 64 characters at most",
        ),
        fix=Said(zh="给此坐标换一个名字", en="Give this coordinate another name"),
        place=place,
    )


def box(place: str) -> Reason:
    """Say what a box and its grid must be."""
    return Reason(
        rule="blocks.box",
        why=Said(
            zh="区间须满足下界小于上界，步长为正且整除区间，网格步数至多 2^20，数值至多 30 位有效数字且小于 10^15",
            en="A box has its lower below its upper bound and a whole number of positive steps, 2^20 at"
            " most, in numbers of at most 30 digits below 10^15",
        ),
        fix=Said(
            zh="调整上下界或加大步长，例如区间 [0, 1]、步长 0.001",
            en="Change the bounds or take larger steps, such as [0, 1] in steps of 0.001",
        ),
        place=place,
    )


def labels(place: str) -> Reason:
    """Say what labels must be."""
    return Reason(
        rule="blocks.labels",
        why=Said(
            zh="标签须有 2 到 1000 个，互不相同，每个 1 到 64 个可见字符，不含引号、逗号和换行",
            en="Labels are 2 to 1,000, differ, and have 1 to 64 visible characters without quotes or commas",
        ),
        fix=Said(zh="修改此坐标的标签", en="Change the labels of this coordinate"),
        place=place,
    )


def too_few_blocks(*, least: int, most: int) -> Reason:
    """Say how many blocks this budget and these grids need; `most` is how many there may be."""
    why = Said(
        zh=f"在此预算和网格下，少于 {least} 个分块时私有中位数会突然失效",
        en=f"With this budget and these grids the private median fails suddenly below {least} blocks",
    )
    if least > most:
        fix = Said(
            zh=f"分块至多 {most} 个：请加大预算、减少坐标或加大步长",
            en=f"There are {most} blocks at most: spend more, ask for fewer coordinates, or take larger steps",
        )
    else:
        fix = Said(zh=f"令 k = {least} 或更大", en=f"Take k = {least} or more")
    return Reason(rule="blocks.k", why=why, fix=fix, place="k")


def output(*, rows: int, size: int) -> Reason:
    """Say what the one output must be declared as."""
    return Reason(
        rule="blocks.output",
        why=Said(
            zh=f"分块任务须恰有一个已声明输出，且允许至少 {rows} 行、{size} 字节",
            en=f"A question over blocks has one declared output, which may have {rows} rows and {size} bytes",
        ),
        fix=Said(
            zh="只使用一个上限足够的已声明输出，或减少坐标",
            en="Name one declared output that may be as large, or ask for fewer coordinates",
        ),
        place="outputs",
    )


UNITS = Reason(
    rule="blocks.units",
    why=Said(
        zh="各资产的受保护单元或其键的类型不同，同一单元会落入多个分块",
        en="The assets protect different units, or key them by different types: one unit would be in several blocks",
    ),
    fix=Said(
        zh="只使用受保护单元和键类型都相同的资产",
        en="Use only assets that protect the same unit under a key of the same type",
    ),
    place="views",
)
