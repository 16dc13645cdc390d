"""What the console says, in Chinese and in English: one table, read once, every key in both."""

import csv
from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from types import MappingProxyType
from typing import Literal, get_args

from sandbox.reason import Said

Lang = Literal["zh", "en"]
LANGS: tuple[Lang, ...] = get_args(Lang)


@cache
def catalogue() -> Mapping[str, Said]:
    """Return every text of the console by its key, as `texts.tsv` has them."""
    lines = files("gateway.console").joinpath("texts.tsv").read_text(encoding="utf-8").splitlines()
    rows = csv.reader(lines, delimiter="\t", quoting=csv.QUOTE_NONE)
    return MappingProxyType({key: Said(zh=zh, en=en) for key, zh, en in rows})


def text(lang: Lang, key: str, **facts: object) -> str:
    """Return the text of `key` with its `{facts}` filled in; raise `KeyError` where there is none."""
    return said(lang, catalogue()[key]).format(**facts)


def said(lang: Lang, sentence: Said) -> str:
    """Return the sentence in this language."""
    return sentence.zh if lang == "zh" else sentence.en


def chosen(*, asked: str | None, kept: str | None) -> Lang:
    """Return the language that was asked for, else the one kept from before, else Chinese."""
    for lang in LANGS:
        if lang == (asked or kept):
            return lang
    return "zh"
