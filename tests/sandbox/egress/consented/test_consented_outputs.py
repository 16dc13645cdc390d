"""Each row of a consented output is about a subject of the consented view, and nothing else leaves with it."""

from dataclasses import replace

import pytest

from sandbox.egress.inspection import Blocked, Cleared, Held
from sandbox.order import Function, OutputColumn, OutputForm, ReleaseClass
from tests.sandbox.egress.consented.register import (
    CANARY,
    CONSENTING,
    PEOPLE,
    SCORES,
    Register,
    csv,
    marks,
    stranger,
)
from tests.sandbox.egress.examples import file, findings, rules, told

SERVICE = replace(SCORES, form=OutputForm.SCORE_SERVICE)


@pytest.mark.req("G-01")
def test_scores_of_those_who_consent_wait_for_people(register: Register) -> None:
    verdict = register.judged(csv(register.seen()), register.inspection())

    assert isinstance(verdict, Held), told(verdict)
    assert verdict.subjects == tuple(sorted(marks(CONSENTING)))
    assert CANARY not in told(verdict)


@pytest.mark.req("H-08")
def test_a_score_service_answers_by_itself_where_the_guard_is_on(register: Register) -> None:
    asked = (PEOPLE[990], *CONSENTING[:3])
    guarded = register.inspection(SERVICE, views=(register.live(asked[1:]),), asked=asked)

    verdict = register.judged(csv(register.seen(asked[1:])), guarded)

    assert isinstance(verdict, Cleared)
    assert verdict.subjects == tuple(sorted(marks(asked[1:])))
    assert (
        verdict.content
        == b"subject,score,band\n000002,37,low\n000003,174,middle\n000004,311,high\n"
    )
    assert isinstance(register.judged(csv(register.seen()), register.inspection(SERVICE)), Held), (
        "without the guard people sign"
    )


def test_another_form_waits_for_people_though_the_guard_is_on(register: Register) -> None:
    verdict = register.judged(csv(register.seen()), register.inspection(asked=CONSENTING))

    assert isinstance(verdict, Held)


@pytest.mark.req("G-02")
def test_a_row_about_one_who_does_not_consent_keeps_the_whole_output_in(register: Register) -> None:
    everyone = register.seen(PEOPLE)
    known = {str(row["person"]) for row in register.seen()}
    [one, *_] = [row for row in everyone if row["person"] not in known]
    rows = [*register.seen()[:4], one]

    verdict = register.judged(csv(rows), register.inspection())

    assert isinstance(verdict, Blocked)
    assert rules(verdict) == {"egress.consented_subject"}
    assert [f.reason.place for f in findings(verdict)] == ["row 5, column subject"]
    allowed = register.judged(csv(rows), register.inspection(views=(register.live(PEOPLE),)))
    assert isinstance(allowed, Held), "the same rows pass where all of them consent"


@pytest.mark.parametrize("subject", [CANARY, "", "12", stranger()])
def test_a_subject_that_the_view_does_not_have_is_refused(register: Register, subject: str) -> None:
    verdict = register.judged(
        file("csv", f"subject,score,band\n{subject},1,low\n"), register.inspection()
    )

    assert isinstance(verdict, Blocked)
    assert "egress.consented_subject" in rules(verdict)
    assert CANARY not in told(verdict)


def test_a_mark_is_not_taken_for_a_subject(register: Register) -> None:
    [mark] = marks(CONSENTING[:1])

    verdict = register.judged(
        file("csv", f"subject,score,band\n{mark},1,low\n"), register.inspection()
    )

    assert "egress.consented_subject" in rules(verdict)


@pytest.mark.parametrize("word", [CANARY, "person 7 earns 10966", "Low", stranger()])
def test_a_text_that_is_no_category_is_refused(register: Register, word: str) -> None:
    [row, *_] = register.seen()

    verdict = register.judged(csv([{**row, "band": word}]), register.inspection())

    assert isinstance(verdict, Blocked)
    assert "egress.consented_text" in rules(verdict)
    assert CANARY not in told(verdict)


def test_text_in_a_column_of_numbers_is_refused(register: Register) -> None:
    [row, *_] = register.seen()

    verdict = register.judged(
        file("csv", f"subject,score,band\n{row['person']},{CANARY},low\n"), register.inspection()
    )

    assert isinstance(verdict, Blocked)


_COLUMNS = {column.name: column for column in SCORES.columns}


@pytest.mark.parametrize(
    "columns",
    [
        (),
        (_COLUMNS["score"], _COLUMNS["band"]),
        (_COLUMNS["subject"], replace(_COLUMNS["subject"], name="again")),
        (replace(_COLUMNS["subject"], source="income"), _COLUMNS["score"]),
        (_COLUMNS["subject"], replace(_COLUMNS["score"], source="")),
        (_COLUMNS["subject"], replace(_COLUMNS["score"], source="note")),
        (_COLUMNS["subject"], replace(_COLUMNS["score"], source="income, note")),
        (_COLUMNS["subject"], replace(_COLUMNS["score"], source="person")),
        (_COLUMNS["subject"], replace(_COLUMNS["score"], function=Function.FREE)),
        (_COLUMNS["subject"], replace(_COLUMNS["band"], source="band, income")),
        (_COLUMNS["subject"], OutputColumn(name="n", type="int", function=Function.COUNT)),
    ],
)
def test_a_declaration_that_no_consent_covers_is_refused(
    register: Register, columns: tuple[OutputColumn, ...]
) -> None:
    declared = replace(SCORES, columns=columns)

    verdict = register.judged(csv(register.seen()), register.inspection(declared))

    assert isinstance(verdict, Blocked)
    assert "egress.consented_columns" in rules(verdict)


@pytest.mark.req("G-01")
def test_nothing_of_a_view_that_was_not_filtered_leaves_in_this_class(register: Register) -> None:
    whole = replace(register.terms, consented=False)
    rows = register.seen()

    verdict = register.judged(csv(rows), register.inspection(views=(whole,)))

    assert rules(verdict) == {"egress.consented_view"}
    beside = register.inspection(
        replace(SCORES, asset=register.asset.id), views=(register.live(), whole)
    )
    assert rules(register.judged(csv(rows), beside)) == {"egress.consented_view"}


def test_a_document_and_prose_are_no_consented_output(register: Register) -> None:
    for artifact in (file("json", '{"a": [1, {"b": 2}]}'), file("txt", "all are well")):
        assert isinstance(register.judged(artifact, register.inspection()), Blocked)


@pytest.mark.req("G-03")
def test_a_withdrawal_before_the_verdict_keeps_the_row_in(register: Register) -> None:
    [row, *_] = [row for row in register.seen() if row["income"] == 10_007]

    after = register.inspection(views=(register.live(CONSENTING[1:]),))

    assert rules(register.judged(csv([row]), after)) == {"egress.consented_subject"}


def test_the_raw_rows_of_those_who_consent_are_refused_as_a_reviewed_output(
    register: Register,
) -> None:
    reviewed = replace(SCORES, release=ReleaseClass.REVIEWED)

    verdict = register.judged(csv(register.seen()), register.inspection(reviewed))

    assert "egress.unit_keys" in rules(verdict)
