"""Limits: packaged, typed, and only ever tightened."""

from dataclasses import fields, replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sandbox.asset import Grade, UnitKind
from sandbox.egress.disclosure.profile import (
    ProfileError,
    packaged,
    parsed,
    profile_of,
    strictest,
)
from sandbox.egress.terms import GateView
from sandbox.order import EgressPolicy
from tests.sandbox.egress.disclosure.examples import ENTERPRISES, PERSONS
from tests.sandbox.egress.examples import quickly

GRANT = EgressPolicy(min_units=10, dominance_percent=85)
NUMBERS, SHARES, DIGITS = st.integers(1, 50), st.integers(1, 100), st.integers(1, 9)
FULL = """
min_units: 10
min_units_sensitive: 20
min_units_beside_largest: 0
dominance: {2: 85}
p_percent: 10
refuse_negative: false
class_share: 90
count_base: 5
digits: 4
order_digits: 3
order_side_units: 10
residual_df: 10
level_units: 10
leverage_percent: 50
interval_units: 10
interval_percent: 20
rank_percent: 5
"""


def test_the_packaged_profiles_hold_the_designs_table() -> None:
    assert parsed(FULL) == PERSONS
    assert ENTERPRISES.dominance == {1: 50, 2: 75}
    assert (ENTERPRISES.p_percent, ENTERPRISES.digits) == (15, 3)
    assert (ENTERPRISES.min_units_beside_largest, ENTERPRISES.refuse_negative) == (3, True)


@pytest.mark.parametrize(
    "fault",
    [
        "surprise: 1",
        "digits: 4.0",
        "digits: true",
        "digits: '4'",
        "digits: -1",
        "refuse_negative: 0",
        "dominance: {3: 90}",
        "dominance: {}",
        "dominance: 85",
        "dominance: {2: 0}",
    ],
)
def test_a_profile_with_a_fault_is_no_profile(fault: str) -> None:
    name = fault.partition(":")[0]
    lines = [line for line in FULL.splitlines() if not line.startswith(f"{name}:")]

    with pytest.raises(ProfileError):
        parsed("\n".join([*lines, fault]))


@pytest.mark.parametrize("text", ["", "[]", "min_units: 10"])
def test_a_profile_must_be_stated_in_full(text: str) -> None:
    with pytest.raises(ProfileError):
        parsed(text)


def test_the_strictest_of_both_kinds_takes_the_hardest_of_each_row() -> None:
    both = strictest(PERSONS, ENTERPRISES)

    assert both == strictest(ENTERPRISES, PERSONS)
    assert strictest(both, PERSONS) == both
    assert (both.dominance, both.p_percent, both.digits) == ({1: 50, 2: 75}, 15, 3)
    with pytest.raises(ProfileError):
        strictest()


@quickly
@given(
    policy=st.builds(
        EgressPolicy, min_units=NUMBERS, dominance_percent=SHARES, significant_digits=DIGITS
    )
)
@pytest.mark.req("N-05")
def test_a_grant_can_only_tighten(view: GateView, policy: EgressPolicy) -> None:
    found = profile_of(view.asset, (), policy)

    assert strictest(found, PERSONS) == found


def test_sensitive_classes_and_enterprises_have_their_own_limits(view: GateView) -> None:
    asset = view.asset

    graded = replace(asset, grade=Grade.L4)
    column = replace(asset.columns[1], grade=Grade.IMPORTANT)
    marked = replace(asset, columns=(asset.columns[0], column, *asset.columns[2:]))
    firms = replace(asset, unit_kind=UnitKind.ENTERPRISE)

    assert profile_of(asset, (), GRANT).min_units == 10
    assert profile_of(graded, (), GRANT).min_units == 20
    assert profile_of(marked, (column.name,), GRANT).min_units == 20
    assert profile_of(marked, (), GRANT).min_units == 10
    assert profile_of(firms, (), GRANT).dominance == {1: 50, 2: 75}
    assert profile_of(firms, (), GRANT).digits == 3


def test_every_limit_of_a_profile_is_in_both_files() -> None:
    names = {each.name for each in fields(PERSONS)}

    assert names == set(parsed(FULL).__slots__)
    assert packaged("enterprises") == ENTERPRISES
