"""How much a release can tell: its bytes after compression, in bits. It bounds what leaves, and detects nothing."""

import pyarrow as pa

from sandbox.egress.finding import Rule
from sandbox.reason import Said

MOST_AT_BEST = 4 * 2**20
"""Bytes that are compressed as well as can be, some two seconds; of more the bound is a little coarser, and never lower."""
_BEST, _FAST = 19, 3

VOLUME = Rule(
    id="egress.volume",
    stage=9,
    why=Said(
        zh="放行的信息量将超过本作业、本场景当月或本单位当月的上限。",
        en="More would leave than one job, the scenario in a month, or your organisation in a month may take.",
    ),
    fix=Said(
        zh="减少行、列或类别;或下月再提交;或请实施机构调高上限。",
        en="Write fewer rows, columns or categories; or submit again next month; or ask the institution for a higher limit.",
    ),
)


def bits_of(content: bytes) -> int:
    """Return the size of `content` in bits after Zstandard at level 19, or at level 3 where it is large."""
    level = _BEST if len(content) <= MOST_AT_BEST else _FAST
    return 8 * len(pa.Codec("zstd", compression_level=level).compress(content, asbytes=True))
