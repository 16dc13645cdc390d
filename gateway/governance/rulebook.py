"""A rulebook: one jurisdiction's values, each with the clause that gives it."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum
from fractions import Fraction
from pathlib import Path
from types import MappingProxyType
from typing import Any

import yaml

from gateway.governance.errors import RulebookError
from sandbox.reason import Reason, Said

_OFFICERS = (1, 2)
"""How many seats there are for security officers."""
_APART = ("person", "organisation")
ALARM = timedelta(days=90)
"""How long before its end a rulebook is reported (requirement N-02)."""


class Status(StrEnum):
    """Whether a rulebook's text has force."""

    IN_FORCE = "in_force"
    DRAFT = "draft"


class Mode(StrEnum):
    """What a domain is run for."""

    PRODUCTION = "production"
    DEMO = "demo"
    """Drafts may be tried out."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """One value, as the strictest of the rulebooks that state it."""

    value: Any
    op: str = ""
    """`floor`, `ceiling` or `superset`: how a later rulebook may move it; empty: it replaces it."""
    clause: str = ""
    """Such as `Shanghai art. 22`; empty where the value is design or was read from no clause."""
    book: str
    """The id of the rulebook that decided the value."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rulebook:
    """The rules of one jurisdiction, merged with those it inherits."""

    id: str
    name_zh: str
    status: Status
    effective_from: date | None
    effective_to: date | None
    """The last day, inclusive."""
    terms: Mapping[str, str]
    """Local official names of roles and things."""
    rules: Mapping[str, Rule]

    @property
    def reference(self) -> str:
        """Return the id and the SHA-256 of the merged values: what a decision cites."""
        values = {key: [rule.value, rule.op, rule.clause] for key, rule in self.rules.items()}
        facts = [self.id, self.status, str(self.effective_from), str(self.effective_to), values]
        text = json.dumps(facts, sort_keys=True, ensure_ascii=False, separators=(",", ":"))
        return f"{self.id}@sha256:{hashlib.sha256(text.encode()).hexdigest()}"

    def rule(self, key: str) -> Rule:
        """Return the rule of this key; raise `RulebookError` where none of the books has it."""
        if key not in self.rules:
            raise RulebookError(f"rulebook {self.id} has no value for {key}")
        return self.rules[key]

    def whole(self, key: str) -> int:
        """Return a whole number."""
        value = self.rule(key).value
        if not isinstance(value, int) or isinstance(value, bool):
            raise RulebookError(f"{key} of rulebook {self.id} is not a whole number")
        return value

    def exact(self, key: str) -> Fraction:
        """Return a number exactly as it is written."""
        value = self.rule(key).value
        if not isinstance(value, int | float) or isinstance(value, bool):
            raise RulebookError(f"{key} of rulebook {self.id} is not a number")
        return Fraction(str(value))

    def text(self, key: str) -> str:
        """Return a word."""
        value = self.rule(key).value
        if not isinstance(value, str):
            raise RulebookError(f"{key} of rulebook {self.id} is not a word")
        return value

    def texts(self, key: str) -> tuple[str, ...]:
        """Return a list of words."""
        value = self.rule(key).value
        if not isinstance(value, list) or not all(isinstance(each, str) for each in value):
            raise RulebookError(f"{key} of rulebook {self.id} is not a list of words")
        return tuple(value)

    def lists(self, key: str) -> Mapping[str, tuple[str, ...]]:
        """Return lists of words by name."""
        value = self.rule(key).value
        if not isinstance(value, dict) or not all(
            isinstance(each, list) for each in value.values()
        ):
            raise RulebookError(f"{key} of rulebook {self.id} does not hold lists by name")
        return MappingProxyType({name: tuple(each) for name, each in value.items()})

    def clause(self, key: str) -> str:
        """Return the clause to cite for this key; empty where the value is design."""
        return self.rule(key).clause

    def standing(self, today: date, mode: Mode) -> tuple[Reason, ...]:
        """Return why nothing may be decided under this rulebook today; empty where it may."""
        if self.status is Status.DRAFT and mode is not Mode.DEMO:
            return (self._says("draft", "仍是征求意见稿", "is a draft", "demo"),)
        if self.effective_from and today < self.effective_from:
            return (self._says("early", "尚未施行", "is not in force yet", "later"),)
        if self.effective_to and today > self.effective_to:
            return (self._says("ended", "已经失效", "has ended", "later"),)
        return ()

    def alarm(self, today: date) -> Said | None:
        """Return a warning in the last 90 days of the rulebook, and once it has ended."""
        if self.effective_to is None or today <= self.effective_to - ALARM:
            return None
        day = self.effective_to.isoformat()
        return Said(
            zh=f"规则册“{self.name_zh}”有效期至 {day}", en=f"rulebook {self.id} ends on {day}"
        )

    def _says(self, rule: str, zh: str, en: str, fix: str) -> Reason:
        fixes = {
            "demo": Said(zh="仅可在演示模式下试用", en="it may be tried in demo mode only"),
            "later": Said(zh="改用现行有效的规则册", en="use a rulebook that is in force"),
        }
        return Reason(
            rule=f"rulebook.{rule}",
            why=Said(zh=f"规则册“{self.name_zh}”{zh}", en=f"the rulebook {self.id} {en}"),
            fix=fixes[fix],
            place=self.id,
        )


def load_rulebooks(folder: Path) -> Mapping[str, Rulebook]:
    """Read every `*.yaml` of `folder` and merge each with what it inherits.

    Raises `RulebookError` for an unknown parent, a circle, or a value that breaks an invariant.
    """
    raw = {path.stem: _read(path) for path in sorted(folder.glob("*.yaml"))}
    return MappingProxyType({name: _rulebook(name, raw) for name in raw})


def _read(path: Path) -> Mapping[str, Any]:
    try:
        found = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise RulebookError(f"{path.name} cannot be read: {type(error).__name__}") from error
    if not isinstance(found, dict) or found.get("id") != path.stem:
        raise RulebookError(f"{path.name} does not hold the rulebook {path.stem}")
    return found


def _rulebook(name: str, raw: Mapping[str, Mapping[str, Any]]) -> Rulebook:
    top = raw[name]
    rules: dict[str, Rule] = {}
    for book in _ancestry(name, raw):
        for key, stated in raw[book].get("rules", {}).items():
            rule = _rule(book, stated)
            rules[key] = _merged(rules[key], rule) if key in rules else rule
    _hold_invariants(name, rules)
    return Rulebook(
        id=name,
        name_zh=top["name_zh"],
        status=Status(top["status"]),
        effective_from=_day(top.get("effective_from")),
        effective_to=_day(top.get("effective_to")),
        terms=MappingProxyType(dict(top.get("terms", {}))),
        rules=MappingProxyType(rules),
    )


def _ancestry(name: str, raw: Mapping[str, Mapping[str, Any]]) -> tuple[str, ...]:
    """Return the chain of books from the oldest ancestor down to `name`."""
    chain: list[str] = []
    at: str | None = name
    while at is not None:
        if at not in raw or at in chain:
            raise RulebookError(f"rulebook {name} inherits {at}, which is missing or a circle")
        chain.append(at)
        at = raw[at].get("inherits")
    return tuple(reversed(chain))


def _rule(book: str, stated: Mapping[str, Any]) -> Rule:
    source = stated.get("src")
    clause = f"{str(source[0]).title()} art. {source[1]}" if isinstance(source, list) else ""
    return Rule(value=stated["v"], op=stated.get("op", ""), clause=clause, book=book)


def _merged(older: Rule, newer: Rule) -> Rule:
    """Let the later rule replace the earlier one, but never loosen a bounded value (N-05)."""
    op = older.op or newer.op
    value = _strictest(older.op, older.value, newer.value)
    decided = older if value == older.value and value != newer.value else newer
    return Rule(value=value, op=op, clause=decided.clause, book=decided.book)


def _strictest(op: str, older: Any, newer: Any) -> Any:  # noqa: ANN401 - rulebook values are YAML
    if isinstance(older, dict) and isinstance(newer, dict) and op in {"floor", "ceiling"}:
        both = {**older, **newer}
        return {
            key: _strictest(op, older.get(key, value), value) if key in newer else value
            for key, value in both.items()
        }
    match op:
        case "floor":
            return max(older, newer)
        case "ceiling":
            return min(older, newer)
        case "superset":
            return [*older, *(each for each in newer if each not in older)]
        case _:
            return newer


def _hold_invariants(name: str, rules: Mapping[str, Rule]) -> None:
    """Refuse a rulebook that would relax what none may relax (requirement N-04)."""
    broken = [
        key
        for key, rule in rules.items()
        if (key.endswith(".deemed_approval") and key != "sharing.deemed_approval" and rule.value)
        or (key == "raw.export" and rule.value != "forbidden_any_manner")
        or (key == "pi.routes" and not set(rule.value) <= {"anonymised", "consented"})
        or (key == "outside_data" and not str(rule.value).endswith(("_review", "_reviewed")))
        or (key == "review.security_officers" and rule.value not in _OFFICERS)
        or (key == "review.officers_apart" and rule.value not in _APART)
    ]
    if broken:
        raise RulebookError(f"rulebook {name} relaxes an invariant: {', '.join(sorted(broken))}")


def _day(text: str | None) -> date | None:
    return date.fromisoformat(text) if text else None
