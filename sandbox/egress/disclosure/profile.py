"""The limits that a table must keep, by the kind of its protected unit; the strictest always wins."""

from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from functools import reduce
from importlib.resources import files

import yaml

from sandbox.asset import Asset, Grade, UnitKind
from sandbox.errors import SandboxError
from sandbox.order import EgressPolicy

SENSITIVE = frozenset({Grade.L4, Grade.IMPORTANT, Grade.CORE})
"""Grades of an asset or a granted column for which cells need more units."""


class ProfileError(SandboxError):
    """A profile's file has an unknown key, lacks one, or has a value of another type."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Profile:
    """How much a table may say about any one protected unit. Shares and widths are in percent."""

    min_units: int
    """The fewest distinct protected units that any number may stand for, and that may be left beside it."""
    min_units_sensitive: int
    """The same for sensitive classes."""
    min_units_beside_largest: int
    """The fewest units with any contribution to a sum, apart from the largest."""
    dominance: Mapping[int, int]
    """For one and two units: the largest share that they may hold of the distances from the median."""
    p_percent: int
    """What the second largest unit can learn of the largest must be further off than this."""
    refuse_negative: bool
    """Whether a negative contribution keeps a sum in; one that is no number always does."""
    class_share: int
    """The largest share of a group that one category may hold."""
    count_base: int
    """Counts leave as multiples of it."""
    digits: int
    """Significant digits of sums, means and what is made from them."""
    order_digits: int
    """Significant digits of order statistics."""
    order_side_units: int
    """The fewest units on each side of a percentile."""
    residual_df: int
    """The fewest units of a regression beyond its coefficients."""
    level_units: int
    """The fewest units of each level of a category in a regression, the omitted one too."""
    leverage_percent: int
    """A unit's leverage in a regression stays below it."""
    interval_units: int
    """A number that was left out must be uncertain by so many units at least…"""
    interval_percent: int
    """…and by such a share of itself."""
    rank_percent: int
    """The most independent totals of one measure that may be told in all, as a share of the units that they are about."""


_LARGER = frozenset(
    {
        "min_units",
        "min_units_sensitive",
        "min_units_beside_largest",
        "p_percent",
        "refuse_negative",
        "count_base",
        "order_side_units",
        "residual_df",
        "level_units",
        "interval_units",
        "interval_percent",
    }
)
"""What is stricter when larger; everything else is stricter when smaller."""


def packaged(name: str) -> Profile:
    """Return the profile of the packaged file `name`: `persons` or `enterprises`."""
    return parsed(files(__package__).joinpath(f"{name}.yaml").read_text("utf-8"))


def parsed(text: str) -> Profile:
    """Return the profile that a YAML text states in full; raise `ProfileError` where it does not."""
    said = yaml.safe_load(text)
    if not isinstance(said, dict):
        raise ProfileError("a profile is a mapping")
    types = {each.name: each.type for each in fields(Profile)}
    if set(said) != set(types):
        raise ProfileError("a profile has every key, and no other")
    wrong = [name for name, value in said.items() if not _fits(value, types[name])]
    if wrong:
        raise ProfileError(f"of another type, or out of range: {', '.join(wrong)}")
    return Profile(**said)


def _fits(value: object, kind: object) -> bool:
    if kind is bool:
        return isinstance(value, bool)
    if kind is int:
        return type(value) is int and value >= 0
    return (
        isinstance(value, dict)
        and bool(value)
        and all(n in (1, 2) and type(v) is int and 0 < v <= 100 for n, v in value.items())  # noqa: PLR2004 - shares of the one or two largest, in percent
    )


def strictest(*profiles: Profile) -> Profile:
    """Return the strictest of each limit; raise `ProfileError` where none is given."""
    if not profiles:
        raise ProfileError("the strictest of no profiles")
    return reduce(_stricter, profiles)


def _stricter(one: Profile, other: Profile) -> Profile:
    limits = {
        each.name: (max if each.name in _LARGER else min)(
            getattr(one, each.name), getattr(other, each.name)
        )
        for each in fields(Profile)
        if each.name != "dominance"
    }
    sizes = sorted({*one.dominance, *other.dominance})
    shares = {n: min(one.dominance.get(n, 100), other.dominance.get(n, 100)) for n in sizes}
    return Profile(dominance=shares, **limits)


def profile_of(asset: Asset, columns: tuple[str, ...], policy: EgressPolicy) -> Profile:
    """Return what holds for a table from these columns of `asset`: a grant's policy only tightens."""
    found = packaged("enterprises" if asset.unit_kind is UnitKind.ENTERPRISE else "persons")
    grades = {asset.grade} | {each.grade for each in asset.columns if each.name in columns}
    if grades & SENSITIVE:
        found = replace(found, min_units=max(found.min_units, found.min_units_sensitive))
    return strictest(found, _of_grant(found, policy))


def _of_grant(found: Profile, policy: EgressPolicy) -> Profile:
    return replace(
        found,
        min_units=policy.min_units,
        dominance={2: policy.dominance_percent},
        digits=policy.significant_digits,
        order_digits=policy.significant_digits,
    )
