from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jobs.grant import GrantId
from jobs.rules.scopes import Drawn, family_of, said, span_of, year_of
from sandbox.asset import AssetId

DRAWN = Drawn(
    asset=AssetId("BP-LOANS"),
    unit="G-PEOPLE",
    developer="P-BANK",
    grant=GrantId("SC-1.v1"),
    year=2026,
)
INSTANTS = st.datetimes(datetime(2020, 1, 1), datetime(2040, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001 - hypothesis adds the zone


def test_a_charge_falls_on_the_asset_its_year_both_groups_and_the_grant() -> None:
    assert DRAWN.scopes == (
        "asset:BP-LOANS",
        "asset:BP-LOANS@2026",
        "unit:G-PEOPLE@2026",
        "developer:P-BANK@2026",
        "grant:SC-1.v1",
    )
    assert {family_of(scope) for scope in DRAWN.scopes} == {"asset", "unit", "developer", "grant"}


@pytest.mark.parametrize("scope", DRAWN.scopes)
def test_people_read_what_a_scope_is_about_and_not_its_key(scope: str) -> None:
    told = said(scope)

    assert scope not in told.zh + told.en
    assert scope.partition(":")[2].partition("@")[0] in told.zh
    assert ("2026" in told.en) == ("@" in scope)


@pytest.mark.parametrize("scope", ["", "asset", "grant:SC-1.v1@2026", "unit:G", "moon:X@2026"])
def test_what_follows_no_form_is_said_as_it_is(scope: str) -> None:
    assert said(scope).zh == said(scope).en == scope


def test_the_year_begins_at_midnight_in_china() -> None:
    midnight = datetime(2026, 12, 31, 16, 0, tzinfo=UTC)

    assert year_of(midnight - timedelta(microseconds=1)) == 2026
    assert year_of(midnight) == 2027


@given(at=INSTANTS)
def test_every_moment_lies_in_the_span_of_its_own_year(at: datetime) -> None:
    first, following = span_of(year_of(at))

    assert first <= at < following
    assert year_of(first) + 1 == year_of(following)
