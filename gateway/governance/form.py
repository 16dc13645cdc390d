"""Whether a plan has the form that the schema asks for; each fault with its JSON path."""

import re
from collections.abc import Iterator, Mapping
from typing import Any

from jsonschema import Draft202012Validator, FormatChecker
from jsonschema.exceptions import ValidationError
from pydantic import ValidationError as TypeFault

from gateway.governance.plan import Plan, parsed
from gateway.governance.refusal import Refused
from sandbox.reason import Reason, Said

MAX_DEPTH = 16
MAX_REASONS = 50
"""The most faults that one answer lists."""
_MAX_WHOLE = 2**53
# The schema's own pattern lets a line end and other scripts' digits through.
_ID = re.compile(r"SC-[A-Z]{2}-[0-9]{4}-[0-9]{4}", re.ASCII)
_FIELD = re.compile(r"[a-z][a-z0-9_]{0,63}", re.ASCII)
_WORDS = {
    "required": ("缺少必填项", "a required field is missing"),
    "type": ("类型应为 {expected}", "it must be of type {expected}"),
    "enum": ("取值须为：{expected}", "it must be one of: {expected}"),
    "const": ("须为 {expected}", "it must be {expected}"),
    "pattern": ("格式须符合 {expected}", "it must match {expected}"),
    "format": ("须为 {expected} 格式", "it must be in the format {expected}"),
    "minLength": ("至少须有 {expected} 个字符", "it must have at least {expected} characters"),
    "minItems": ("至少须有 {expected} 项", "it must have at least {expected} items"),
    "minimum": ("不得小于 {expected}", "it must be at least {expected}"),
    "maximum": ("不得大于 {expected}", "it must be at most {expected}"),
    "exclusiveMinimum": ("须大于 {expected}", "it must be above {expected}"),
    "additionalProperties": ("含有未定义的字段", "it has a field that the form does not know"),
}
_OTHER = ("不符合方案格式", "it does not have the plan's form")


def formed(given: Mapping[str, Any], schema: Mapping[str, Any]) -> Plan | Refused:
    """Return the plan as words, or every fault of its form (requirement E-02); no value is quoted."""
    unclean = tuple(_unclean(given, "$", 0))
    if unclean:
        return Refused(unclean[:MAX_REASONS])
    validator = Draft202012Validator(dict(schema), format_checker=FormatChecker())
    faults = dict.fromkeys(
        reason for error in validator.iter_errors(given) for reason in _faults(error)
    )
    if not faults and not _ID.fullmatch(given["scenario"]):
        faults = {_fault("pattern", "$.scenario", _ID.pattern): None}
    if faults:
        return Refused(tuple(faults)[:MAX_REASONS])
    try:
        return parsed(given)
    except TypeFault as error:
        places = [_path(fault["loc"]) for fault in error.errors(include_input=False)]
        return Refused(tuple(_fault("type", place, "string") for place in places[:MAX_REASONS]))


def _faults(error: ValidationError) -> Iterator[Reason]:
    keyword, place = str(error.validator), error.json_path
    expected: Any = error.validator_value
    instance: Any = error.instance
    if keyword == "required":
        for name in expected:
            if name not in instance:
                yield _fault(keyword, f"{place}.{name}", "")
        return
    if isinstance(expected, list):
        expected = ", ".join(str(each) for each in expected)
    yield _fault(keyword, place, str(expected))


def _unclean(value: object, place: str, depth: int) -> Iterator[Reason]:
    """Find what JSON lets through and no plan needs: odd characters, odd numbers, deep nesting."""
    if depth > MAX_DEPTH:
        yield _fault("depth", place, "")
    elif isinstance(value, Mapping):
        for name, each in value.items():
            yield from _unclean_field(name, each, place, depth + 1)
    elif isinstance(value, list):
        for at, each in enumerate(value):
            yield from _unclean(each, f"{place}[{at}]", depth + 1)
    elif fault := _unclean_leaf(value):
        yield _fault(fault, place, "JSON")


def _unclean_field(name: object, value: object, place: str, depth: int) -> Iterator[Reason]:
    if isinstance(name, str) and _FIELD.fullmatch(name):
        yield from _unclean(value, f"{place}.{name}", depth)
    else:
        yield _fault("additionalProperties", place, "")


def _unclean_leaf(value: object) -> str:
    """Return which rule a leaf breaks, or nothing; NaN is between no two numbers."""
    if isinstance(value, str):
        return "" if _is_plain(value) else "characters"
    if isinstance(value, int | float):
        return "" if -_MAX_WHOLE <= value <= _MAX_WHOLE else "number"
    return "" if value is None else "type"


def _is_plain(text: str) -> bool:
    return all(
        (mark >= " " or mark in "\n\t") and not "\ud800" <= mark <= "\udfff" and mark != "\x7f"
        for mark in text
    )


def _path(location: tuple[int | str, ...]) -> str:
    return "$" + "".join(f"[{at}]" if isinstance(at, int) else f".{at}" for at in location)


def _fault(keyword: str, place: str, expected: str) -> Reason:
    zh, en = _WORDS.get(keyword, _OTHER)
    return Reason(
        rule=f"plan.form.{keyword}",
        why=Said(zh=zh.format(expected=expected), en=en.format(expected=expected)),
        fix=Said(
            zh="按应用场景方案的格式更正该项", en="correct it to the form of the scenario plan"
        ),
        place=place,
    )
