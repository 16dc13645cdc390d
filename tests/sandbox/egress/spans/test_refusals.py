"""The ledger in the whole filter: a table that would single people out is refused, with a way out."""

from dataclasses import replace

import pandas as pd

from sandbox.asset import Asset
from sandbox.egress.inspection import Blocked, Cleared, Held, Verdict, inspect, reopen
from sandbox.egress.span import Earlier, Ledger, Span
from sandbox.order import Artifact, OutputColumn, OutputName, OutputTerms, ReleaseClass
from tests.sandbox.data.tables import CANARY
from tests.sandbox.egress.disclosure.examples import COUNT, dimension
from tests.sandbox.egress.examples import output
from tests.sandbox.egress.spans.conftest import Domain, people

DISTRICT, SEX = dimension("district"), dimension("sex")
BY_BOTH = output(ReleaseClass.SDC, (DISTRICT, SEX, COUNT))
EDGE = "age < 99"


def book() -> pd.DataFrame:
    """Everybody, of whom three women in district A are of an age by which a condition leaves them out."""
    frame = people(800)
    women = frame.index[(frame["district"] == "A") & (frame["sex"] == "f")][:3]
    frame.loc[women, "age"] = 99
    return frame


def artifact(terms: OutputTerms, frame: pd.DataFrame) -> Artifact:
    """Write the table of counts that an honest job makes of `frame`."""
    dims = [column.name for column in terms.columns if column.name != "n"]
    counted = frame.groupby(dims).size().reset_index(name="n")
    return Artifact(terms.name, "csv", counted.to_csv(index=False).encode())


def ask(
    domain: Domain,
    asset: Asset,
    terms: OutputTerms,
    *before: Span,
    condition: str = "",
    frame: pd.DataFrame | None = None,
) -> Verdict:
    known = tuple(Earlier(id="J", release="R-2026-07", span=span) for span in before)
    inspection = domain.inspection(asset, terms, condition)
    inspection = replace(inspection, ledger=Ledger(data=domain.data, before=known))
    frame = book() if frame is None else frame
    rows = frame[frame["age"] < 99] if condition else frame
    [verdict] = inspect([artifact(terms, rows)], inspection).verdicts
    return verdict


def test_a_table_that_clears_carries_what_it_tells(domain: Domain) -> None:
    verdict = ask(domain, domain.keep(book()), BY_BOTH)

    assert isinstance(verdict, Cleared)
    assert verdict.span == domain.span(domain.keep(book()), DISTRICT, SEX, COUNT)


def test_three_women_between_two_tables_are_refused_by_release_place_and_a_tried_offer(
    domain: Domain,
) -> None:
    asset = domain.keep(book())
    everybody = domain.span(asset, DISTRICT, SEX, COUNT)
    terms = output(ReleaseClass.SDC, (DISTRICT, SEX, COUNT))

    verdict = ask(domain, asset, terms, everybody, condition=EDGE)

    assert isinstance(verdict, Blocked)
    [finding] = verdict.findings
    assert finding.reason.rule == "egress.differencing"
    assert finding.reason.place == "row 1, release R-2026-07"
    assert finding.exact is not None
    assert "3 units" in finding.exact.en
    assert finding.reason.offer is None  # whatever is shown of these people, the three are between
    assert CANARY not in repr(verdict)


def test_an_offer_is_a_declaration_that_passes_when_it_is_taken(domain: Domain) -> None:
    frame = book()
    asset = domain.keep(frame)
    earlier = domain.span(
        asset, DISTRICT, COUNT, condition="age = 99 OR district <> 'A' OR sex = 'm'"
    )
    verdict = ask(domain, asset, output(ReleaseClass.SDC, (SEX, DISTRICT, COUNT)), earlier)

    assert isinstance(verdict, Blocked)
    offer = verdict.findings[0].reason.offer

    assert offer is not None
    source = "merged(district, 'A' + 'B')"
    assert offer.said.en == f"merge A and B of district (source {source})"
    merged = frame.assign(district=frame["district"].replace({"A": "A+B", "B": "A+B"}))
    taken = output(ReleaseClass.SDC, (SEX, replace(DISTRICT, source=source), COUNT))
    assert isinstance(ask(domain, asset, taken, earlier, frame=merged), Cleared)


def test_two_outputs_of_one_job_are_held_against_each_other(domain: Domain) -> None:
    frame = book()
    asset = domain.keep(frame)
    first = replace(output(ReleaseClass.SDC, (SEX, COUNT)), name=OutputName("O1"))
    column = OutputColumn(name="n", type="int", function=COUNT.function, source="income")
    second = replace(output(ReleaseClass.SDC, (SEX, column)), name=OutputName("O2"))
    frame.loc[frame.index[:3], "income"] = None
    asset = domain.keep(frame)
    inspection = replace(
        domain.inspection(asset, first), outputs=(first, second), ledger=Ledger(data=domain.data)
    )
    known = frame[frame["income"].notna()]

    one, two = inspect([artifact(first, frame), artifact(second, known)], inspection).verdicts

    assert isinstance(one, Cleared)
    assert isinstance(two, Blocked)
    assert two.findings[0].reason.place.endswith("release O1")


def test_what_could_not_be_judged_waits_for_people_and_reopens_as_it_was(domain: Domain) -> None:
    asset = domain.keep(book())
    earlier = replace(domain.span(asset, SEX, COUNT), is_coarse=True)
    verdict = ask(domain, asset, BY_BOTH, earlier)

    assert isinstance(verdict, Held)
    assert [finding.reason.rule for finding in verdict.findings] == ["egress.differencing_open"]
    assert verdict.span is not None

    inspection = domain.inspection(asset, BY_BOTH)
    signed = artifact(BY_BOTH, book())
    assert reopen(signed, inspection, signed=verdict.digest).digest == verdict.digest
