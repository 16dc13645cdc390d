"""Says by which kind of error a developer's program ended: one of a closed list, whatever it printed."""

import re
from collections.abc import Mapping
from types import MappingProxyType

from sandbox.reason import Reason, Said

_OWN = re.compile(r'^\s*File "/job/([A-Za-z0-9_./-]{1,400})", line ([0-9]{1,7})\b', re.MULTILINE)
_FRAME = re.compile(r'^\s*File "[^"\n]*", line [0-9]+.*$', re.MULTILINE)
_RAISED = re.compile(r"^((?:[A-Za-z_]\w*\.)*)([A-Za-z_]\w*)(?::|$)", re.MULTILINE)
_TRACEBACK = "Traceback (most recent call last):"
_TYPES = """
    ArrowInvalid AssertionError AttributeError BinderException FileNotFoundError ImportError IndexError
    JSONDecodeError KeyError MemoryError ModuleNotFoundError NameError OSError RuntimeError SyntaxError
    TypeError UnicodeDecodeError ValueError ZeroDivisionError
"""
_ASK = Said(
    zh="用 shuyu job place 询问出错的行号（计入该场景的位置配额）；完整日志只供安全人员查看",
    en="ask for the line with `shuyu job place`, which counts against the scenario's allowance of places; "
    "only security staff see the whole log",
)


def _named(kind: str) -> Reason:
    return Reason(
        rule=f"run.{_snake(kind)}",
        why=Said(zh=f"作业程序以 {kind} 结束", en=f"the job's program ended with {kind}"),
        fix=_ASK,
    )


def _snake(kind: str) -> str:
    return re.sub(r"(?<=[a-z])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", "_", kind).lower()


_BY_TYPE: Mapping[str, Reason] = MappingProxyType({kind: _named(kind) for kind in _TYPES.split()})
_OTHER = Reason(
    rule="run.other",
    why=Said(
        zh="作业程序以其他错误结束，或以非零退出码退出",
        en="the job's program ended with another error, or with an exit code other than 0",
    ),
    fix=_ASK,
)
CRASHES: Mapping[str, Reason] = MappingProxyType(
    {each.rule: each for each in (*_BY_TYPE.values(), _OTHER)}
)
"""Every kind of error that may be told, by its rule."""


def crash(note: str) -> Reason:
    """Return the reason for a program's failure, from what it printed; `place` is its own last line.

    All of `note` is the job's word, and it may say anything: that is why one of `CRASHES` is all that can
    come of it, and why the place, `<file>, line <number>`, is told only where `places` counts it.
    """
    last = note[max(0, note.rfind(_TRACEBACK)) :]
    frames = list(_FRAME.finditer(last))
    if not frames:
        return _OTHER
    raised = _RAISED.search(last, frames[-1].end() + 1)
    known = _BY_TYPE.get(raised[2], _OTHER) if raised else _OTHER
    own = list(_OWN.finditer(last))
    place = f"{own[-1][1]}, line {int(own[-1][2])}" if own else ""
    return Reason(rule=known.rule, why=known.why, fix=known.fix, place=place)
