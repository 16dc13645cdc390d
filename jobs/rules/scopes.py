"""The scopes that a privacy charge falls on: their names, and what people call them."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, timezone
from enum import StrEnum
from types import MappingProxyType

from jobs.grant import GrantId, PartyId
from sandbox.asset import AssetId
from sandbox.reason import Said

_CHINA = timezone(timedelta(hours=8))
"""China has one time, without summer time: a budget's year begins at its midnight."""
_SCOPE = re.compile(r"(?P<family>[a-z]+):(?P<name>[^@]+)(@(?P<year>\d{4}))?")
_SAID: Mapping[tuple[str, bool], tuple[str, str]] = MappingProxyType(
    {
        ("asset", True): (
            "数据资源 {name} 的 {year} 年度预算",
            "the {year} budget of asset {name}",
        ),
        ("asset", False): (
            "数据资源 {name} 的终身预算",
            "the lifetime budget of asset {name}",
        ),
        ("unit", True): (
            "同一人群数据组 {name} 的 {year} 年度预算",
            "the {year} budget of {name}, a group of assets about the same people",
        ),
        ("developer", True): (
            "开发主体组 {name} 的 {year} 年度预算",
            "the {year} budget of developer group {name}",
        ),
        ("grant", False): (
            "授权 {name} 的预算",
            "the budget of grant {name}",
        ),
    }
)


class Grouping(StrEnum):
    """By what members of a group count as one."""

    UNIT = "unit"
    """Assets about the same people: what is learned from one adds to the other."""
    DEVELOPER = "developer"
    """Parties that could pool their answers."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Drawn:
    """What a charge draws on: one asset, for one party under one grant, in one year."""

    asset: AssetId
    unit: str = ""
    """The group of assets that it is in; empty where it is in none."""
    developer: str
    """The group that the party is in; a party alone is its own."""
    grant: GrantId
    year: int

    @property
    def scopes(self) -> tuple[str, ...]:
        """Name every scope that the charge falls on, each in full."""
        return tuple(self._scopes())

    def _scopes(self) -> Iterator[str]:
        yield lifetime(self.asset)
        yield asset_year(self.asset, self.year)
        if self.unit:
            yield group_year(Grouping.UNIT, self.unit, self.year)
        yield group_year(Grouping.DEVELOPER, self.developer, self.year)
        yield granted(self.grant)


def lifetime(asset: AssetId) -> str:
    """Name what an asset costs in all its years; a limit is optional."""
    return f"asset:{asset}"


def asset_year(asset: AssetId, year: int) -> str:
    """Name what an asset costs in one year; nothing is charged without a limit."""
    return f"asset:{asset}@{year}"


def group_year(grouping: Grouping, group: str, year: int) -> str:
    """Name what a group costs in one year; counted also where it has no limit."""
    return f"{grouping}:{group}@{year}"


def granted(grant: GrantId) -> str:
    """Name what a grant costs; nothing is charged without a limit."""
    return f"grant:{grant}"


def alone(party: PartyId) -> str:
    """Name the developer group of a party that is in no other: itself."""
    return str(party)


def year_of(at: datetime) -> int:
    """Return the year in China's time."""
    return at.astimezone(_CHINA).year


def span_of(year: int) -> tuple[datetime, datetime]:
    """Return the first moment of a year in China's time, and that of the next."""
    first, following = (datetime(each, 1, 1, tzinfo=_CHINA) for each in (year, year + 1))
    return first.astimezone(UTC), following.astimezone(UTC)


def family_of(scope: str) -> str:
    """Return what kind of scope it is: `asset`, `unit`, `developer` or `grant`."""
    return scope.partition(":")[0]


def said(scope: str) -> Said:
    """Return what people call `scope`; a name that follows no form is said as it is."""
    found = _SCOPE.fullmatch(scope)
    words = found and _SAID.get((found["family"], found["year"] is not None))
    if not found or not words:
        return Said(zh=scope, en=scope)
    zh, en = (text.format(name=found["name"], year=found["year"]) for text in words)
    return Said(zh=zh, en=en)
