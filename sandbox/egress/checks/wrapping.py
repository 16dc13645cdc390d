"""Refuses what is packed or encoded inside a file: it cannot be reviewed as what it is."""

from collections.abc import Iterator

from sandbox.egress.exhibit import Exhibit
from sandbox.egress.finding import Finding, Rule
from sandbox.egress.terms import Inspection
from sandbox.reason import Said

BOMB = Rule(
    id="egress.bomb",
    stage=4,
    why=Said(
        zh="文件展开后过大,或嵌套层数过多。",
        en="The file unpacks to too much, or through too many layers.",
    ),
    fix=Said(zh="不要压缩或编码,直接写出内容。", en="Write the content plainly, not packed."),
    clause="Weifang art. 26",
)
NESTED = Rule(
    id="egress.nested_archive",
    stage=4,
    why=Said(zh="压缩包中又有压缩包。", en="There is an archive inside an archive."),
    fix=Said(zh="不要压缩,直接写出内容。", en="Write the content plainly, not packed."),
    clause="Weifang art. 26",
)
ENCODED = Rule(
    id="egress.encoded",
    stage=4,
    why=Said(
        zh="文件中含有压缩或编码(如 base64、十六进制)的内容。",
        en="The file holds packed or encoded content, such as base64 or hexadecimal text.",
    ),
    fix=Said(zh="直接写出内容。", en="Write the content plainly."),
    clause="Weifang art. 26",
)


def wrapping(exhibit: Exhibit, _inspection: Inspection) -> Iterator[Finding]:
    """Find bombs, archives in archives, and any wrapping at all."""
    unwrapped = exhibit.unwrapped
    if unwrapped.bomb:
        yield BOMB.at()
    if any(layer.archives > 1 for layer in unwrapped.layers):
        yield NESTED.at()
    wrappings = sorted({layer.wrappings for layer in unwrapped.layers if layer.wrappings})
    if wrappings:
        how = "; ".join(" > ".join(names) for names in wrappings[:8])
        yield ENCODED.at(exact=Said(zh=f"包裹方式:{how}。", en=f"Wrapped as {how}."))
