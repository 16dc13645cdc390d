"""Outside data: what an image may bring with it beside programs, by kind."""

from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType

from sandbox.reason import Said


class DataKind(StrEnum):
    """What a file looks like."""

    TABLE = "table"
    MODEL = "model"
    PACKED = "packed"
    DENSE = "dense"
    TEXT = "text"
    LARGE = "large"


MEANT = MappingProxyType(
    {
        DataKind.TABLE: Said(zh="表格或数据库文件", en="tables and databases"),
        DataKind.MODEL: Said(zh="模型或数组文件", en="models and arrays"),
        DataKind.PACKED: Said(zh="压缩包", en="packed archives"),
        DataKind.DENSE: Said(zh="高熵内容", en="bytes that look packed or encrypted"),
        DataKind.TEXT: Said(zh="文本数据", en="text that looks like data"),
        DataKind.LARGE: Said(zh="大文件", en="large files that are no program"),
    }
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """All that an image holds of one kind: a number and a size, never a name or a value."""

    kind: DataKind
    files: int
    size: int
    """Bytes."""
