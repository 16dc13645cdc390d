from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta, timezone
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jobs.errors import RecordBrokenError
from jobs.grant import SignedGrant
from jobs.job import Job, QueryWork, Work
from jobs.proof.bodies import dump, load, stamp, unstamp
from tests.jobs.record.examples import CANARY, CONTAINER_JOB, JOB, NOON, RELEASE, SIGNED


@dataclass(frozen=True, slots=True, kw_only=True)
class Bundle:
    share: Fraction
    files: tuple[tuple[str, bytes], ...]
    title: str


def test_the_canonical_form_is_sorted_compact_and_unescaped() -> None:
    word = Bundle(share=Fraction(6, 4), files=(("a", b"\xff\x00"),), title="数域")

    assert dump(word) == '{"files":[["a","/wA="]],"share":"3/2","title":"数域"}'
    assert load(Bundle, dump(word)) == word


@pytest.mark.parametrize(
    "word", [JOB, CONTAINER_JOB, SIGNED, RELEASE], ids=["query", "container", "grant", "release"]
)
def test_a_word_comes_back_as_it_went(word: object) -> None:
    assert load(type(word), dump(word)) == word
    assert dump(load(type(word), dump(word))) == dump(word)


def test_a_union_comes_back_as_the_right_one_of_its_types() -> None:
    assert load(Work, dump(JOB.work)) == JOB.work
    assert load(Work, dump(CONTAINER_JOB.work)) == CONTAINER_JOB.work


@given(text=st.text(st.characters(exclude_categories=["Cs"])), at=st.datetimes())
def test_any_text_and_time_come_back(text: str, at: datetime) -> None:
    job = replace(
        JOB,
        work=QueryWork(sql=text, epsilon=Fraction(1, 7), output=JOB.work.output),  # type: ignore[union-attr]
        submitted_at=at.replace(tzinfo=UTC),
    )

    assert load(Job, dump(job)) == job


@given(st.fractions(), st.binary())
def test_any_fraction_and_bytes_come_back(share: Fraction, content: bytes) -> None:
    word = Bundle(share=share, files=(("a", content),), title="")

    assert load(Bundle, dump(word)) == word


@given(st.datetimes(), st.datetimes())
def test_stamps_sort_as_their_times_do(one: datetime, other: datetime) -> None:
    first, second = one.replace(tzinfo=UTC), other.replace(tzinfo=UTC)

    assert (stamp(first) < stamp(second)) == (first < second)
    assert unstamp(stamp(first)) == first


def test_a_time_is_written_in_utc() -> None:
    in_china = NOON.astimezone(timezone(timedelta(hours=8)))

    assert dump({"at": in_china}) == '{"at":"2026-03-02T04:00:00.000000Z"}'


@pytest.mark.parametrize("text", ["{", "[]", f'{{"id":"{CANARY}"}}', "{}],[{}", "[" * 9999, "null"])
def test_a_body_that_is_no_word_is_broken_and_not_quoted(text: str) -> None:
    with pytest.raises(RecordBrokenError) as caught:
        load(SignedGrant, text)

    assert CANARY not in str(caught.value)
    assert caught.value.__cause__ is None


@pytest.mark.parametrize("wrong", [float("nan"), NOON.replace(tzinfo=None)])
def test_what_has_no_canonical_form_is_not_kept(wrong: object) -> None:
    with pytest.raises(ValueError, match=r"JSON|zone"):
        dump({"value": wrong})


def test_a_type_that_the_record_does_not_keep_is_named() -> None:
    with pytest.raises(TypeError, match="no object"):
        dump({"value": object()})
