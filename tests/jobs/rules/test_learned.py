"""The metadata budget: all that a developer can be told of a run is a closed list of at most 8 bits."""

import importlib
import math
import pkgutil
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from fractions import Fraction
from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

import sandbox.egress
from jobs.grant import GrantId, PartyId, PersonId
from jobs.job import ENDS, NEXT, Job, JobId, JobState, QueryWork
from jobs.rules.crash import CRASHES, crash
from jobs.rules.learned import (
    BITS,
    BUCKETS,
    FILTER,
    Learned,
    bucket,
    learned,
    states_told_as,
    told_reason,
)
from jobs.rules.places import FURTHER, MOST, Places
from jobs.rules.sentences import reason
from jobs.steps.carry import ATTEMPTS
from sandbox.egress.checks.identifiers import _rule
from sandbox.egress.finding import Rule
from sandbox.egress.identifiers.kinds import KINDS
from sandbox.egress.inspection import _closed
from sandbox.egress.reading import MODEL_FLAWS
from sandbox.order import Ended, OutputName
from sandbox.reason import Reason, Said

CANARY = "CANARY-7f3a0b"
SECONDS = (0.5, 5.0, 50.0, 500.0, 5000.0)
JOB = Job(
    id=JobId("J-1"),
    grant=GrantId("SC-1.v1"),
    developer=PartyId("acme"),
    submitted_by=PersonId("P-dev"),
    assets=(),
    work=QueryWork(sql="SELECT 1", epsilon=Fraction(1), output=OutputName("O1")),
    submitted_at=datetime(2026, 3, 2, tzinfo=UTC),
    state=JobState.RUNNING,
    epoch=1,
)
SEATS = tuple(
    Reason(rule="review.blocked", why=Said(zh=who, en=who), fix=Said(zh="改", en="change"))
    for who in ("operator", "officer")
)


def filter_rules() -> list[Rule]:
    """Return every rule of the egress filter, from the filter's own modules."""
    found = [_rule(kind) for kind in KINDS]
    for each in pkgutil.walk_packages(sandbox.egress.__path__, "sandbox.egress."):
        module = importlib.import_module(each.name)
        found += [one for one in vars(module).values() if isinstance(one, Rule)]
    return found


def verdicts() -> tuple[Reason, ...]:
    said = {rule.at(f"line 7 {CANARY}").reason for rule in filter_rules()}
    failed = _closed(f"step {CANARY}", ValueError(CANARY)).reason
    return (*sorted(said, key=repr), failed, reason("egress.unjudged"))


VERDICTS = verdicts()


def steps(job: Job, state: JobState) -> Iterator[Job]:
    """Give every way in which `job` can come to `state`: each end, duration and reason."""
    match job.state, state:
        case JobState.RUNNING, JobState.QUARANTINED:
            yield from (job.to(state, ended=Ended.FINISHED, seconds=each) for each in SECONDS)
        case JobState.RUNNING, JobState.FAILED:
            yield from failures(job)
        case JobState.RUNNING, JobState.QUEUED:
            attempts = range(job.epoch, ATTEMPTS)
            yield from (job.to(state, ended=Ended.ENGINE_FAILED, seconds=9.9) for _ in attempts)
        case ((JobState.QUARANTINED | JobState.HELD | JobState.APPROVED), JobState.BLOCKED):
            said = {JobState.QUARANTINED: VERDICTS, JobState.HELD: SEATS}
            unjudged = (reason("egress.unjudged"),)
            yield from (job.to(state, reasons=(why,)) for why in said.get(job.state, unjudged))
        case _, (JobState.STOPPED | JobState.REFUSED):
            # which of their reasons people give depends on no run
            yield job.to(state, reasons=(reason("admit.suspended"),))
        case _:
            yield job.to(state)


def failures(job: Job) -> Iterator[Job]:
    """Give every way in which a run can fail, with a canary in its place."""
    for ended, seconds in product(Ended, SECONDS):
        kinds = CRASHES.values() if ended is Ended.FAILED else (None,)
        for kind in kinds:
            told = (replace(kind, place=f"main.py, line 3 {CANARY}"),) if kind else None
            yield job.to(JobState.FAILED, ended=ended, seconds=seconds, reasons=told)


Told = tuple[Learned | int, ...]


def histories(job: Job, told: Told) -> Iterator[Told]:
    """Give all that somebody can see who looks at the job at every moment from its start on."""
    now = learned(job)
    seen = told if told and told[-1] == now else (*told, now)
    if job.state is JobState.RELEASED:
        seen = (*seen, job.epoch)  # the certificate names the attempt
    if job.state in ENDS or job.state is JobState.HELD:
        yield seen
    for state in NEXT[job.state]:
        for each in steps(job, state):
            yield from histories(each, seen)


def test_whoever_watches_a_run_at_every_moment_learns_at_most_8_bits_of_it() -> None:
    distinct = set(histories(JOB, ()))

    assert math.log2(len(distinct)) <= BITS, len(distinct)
    assert CANARY not in repr(distinct)


def test_without_the_list_the_same_runs_would_tell_more_than_the_budget() -> None:
    ends = [each for state in NEXT[JOB.state] for each in steps(JOB, state)]
    places = {replace(kind, place=f"main.py, line {n}") for kind in VERDICTS for n in range(100)}

    assert len({(each.ended, each.seconds) for each in ends}) * len(places) > 2**BITS


def test_every_rule_of_the_filter_has_its_place_in_the_list() -> None:
    ids = {rule.id for rule in filter_rules()} | {"egress.check_failed", "egress.unjudged"}

    assert ids == set(FILTER)


@given(
    rules=st.lists(st.sampled_from(VERDICTS), min_size=1, max_size=9),
    seconds=st.floats(0, 1e6),
    ended=st.sampled_from(Ended),
)
def test_of_many_findings_one_is_told_without_its_place_and_in_no_order_of_the_jobs(
    rules: list[Reason], seconds: float, ended: Ended
) -> None:
    job = replace(JOB, state=JobState.BLOCKED, ended=ended, seconds=seconds, reasons=tuple(rules))

    told = learned(job)

    assert told == learned(replace(job, seconds=0.1, ended=None, reasons=tuple(reversed(rules))))
    assert [each.place for each in told.reasons] == [""]
    assert told.reasons[0].rule in {each.rule for each in rules}


def test_a_rule_that_is_not_in_the_list_is_told_as_one_that_is() -> None:
    strange = Reason(rule=f"egress.{CANARY}", why=Said(zh="", en=CANARY), fix=Said(zh="", en=""))

    told = learned(replace(JOB, state=JobState.BLOCKED, reasons=(strange,)))

    assert [each.rule for each in told.reasons] == ["egress.unjudged"]


def test_a_second_attempt_looks_like_the_first() -> None:
    again = replace(JOB, state=JobState.QUEUED, ended=Ended.ENGINE_FAILED, seconds=3.0)

    assert learned(again) == learned(JOB) == Learned(state=JobState.RUNNING)
    assert set(states_told_as(JobState.RUNNING)) == {JobState.RUNNING, JobState.QUEUED}
    assert learned(replace(again, epoch=0)).state is JobState.QUEUED


@pytest.mark.parametrize("state", JobState)
def test_no_state_tells_a_place_or_an_exact_duration(state: JobState) -> None:
    of_run = (replace(VERDICTS[0], place=CANARY),)
    asked = () if state in {JobState.REFUSED, JobState.STOPPED} else of_run
    job = replace(JOB, state=state, ended=Ended.FAILED, seconds=3.14159, reasons=asked)

    told = repr(learned(job))

    assert CANARY not in told
    assert "3.14159" not in told


TRACE = f"""\
{CANARY} begins
Traceback (most recent call last):
  File "/job/main.py", line 12, in <module>
    total = share({CANARY})
  File "/job/lib/shares.py", line 3, in share
    return 1 / n
           ~~^~~
  File "/usr/lib/python3/dist-packages/pandas/x.py", line 999, in f
    raise
{{}}
"""


@pytest.mark.parametrize(
    ("last", "rule"),
    [
        ("ZeroDivisionError: division by zero", "run.zero_division_error"),
        (f"ValueError: {CANARY}", "run.value_error"),
        (f"pyarrow.lib.ArrowInvalid: {CANARY}", "run.arrow_invalid"),
        (f"KeyError: '{CANARY}'", "run.key_error"),
        ("KeyError", "run.key_error"),
        (f"Secret{CANARY.replace('-', '')}Error: 1", "run.other"),
        (f"{CANARY}", "run.other"),
        ("", "run.other"),
    ],
)
def test_an_exception_is_told_by_a_type_of_the_closed_list_and_its_own_last_line(
    last: str, rule: str
) -> None:
    found = crash(TRACE.format(last))

    assert (found.rule, found.place) == (rule, "lib/shares.py, line 3")
    assert CANARY not in repr(found)


def test_of_chained_exceptions_the_last_one_counts() -> None:
    first, last = TRACE.format("KeyError: 1"), TRACE.format("TypeError: 2")

    assert crash(f"{first}\nDuring handling of the above exception …\n\n{last}").rule == (
        "run.type_error"
    )


def test_a_syntax_error_has_no_traceback_and_is_told_all_the_same() -> None:
    found = crash('  File "/job/main.py", line 2\n    x = (\n        ^\nSyntaxError: never closed')

    assert (found.rule, found.place) == ("run.syntax_error", "main.py, line 2")


@given(st.text())
def test_whatever_a_job_prints_one_of_the_closed_list_comes_of_it(note: str) -> None:
    assert replace(crash(note), place="") in CRASHES.values()


PLACES = Places(lines={"main.py": 40, "lib/shares.py": 3}, columns={"grade", "n"})


POSSIBLE = {
    ", ".join(part for part in (where, column) if part)
    for where in (*(f"{a} {n}" for a in ("row", "line") for n in range(MOST + 1)), FURTHER, "")
    for column in ("", "column grade", "column n")
} | {*MODEL_FLAWS, "models"}


@given(
    st.text(max_size=60)
    | st.sampled_from(sorted(MODEL_FLAWS))
    | st.from_regex(r"(row|line) \d{1,6}(, column (grade|n|x\w*))?", fullmatch=True)
)
def test_no_more_places_are_told_than_were_counted(text: str) -> None:
    assert PLACES.output(text) in POSSIBLE
    assert len(POSSIBLE) <= 2**PLACES.output_bits


@pytest.mark.parametrize(
    ("place", "told"),
    [
        ("main.py, line 40", "main.py, line 40"),
        ("main.py, line 41", ""),
        ("main.py, line 0", ""),
        (f"{CANARY}, line 1", ""),
        (f"main.py, line 4 {CANARY}", ""),
        ("", ""),
    ],
)
def test_a_line_of_code_is_told_where_the_developer_sent_it_in(place: str, told: str) -> None:
    assert PLACES.code(place) == told
    assert PLACES.code_bits == math.ceil(math.log2(43 + 1))


@pytest.mark.parametrize("word", sorted(MODEL_FLAWS))
def test_where_a_models_file_is_wrong_is_told_in_a_closed_word_alone(word: str) -> None:
    assert PLACES.output(word) == word
    assert PLACES.output(f"{word} {CANARY}") == ""


def test_a_column_that_the_job_named_itself_is_not_told() -> None:
    assert PLACES.output(f"row 3, column {CANARY}") == "row 3"


def test_a_job_that_was_refused_or_held_has_no_place_to_ask_for() -> None:
    for state in (JobState.REFUSED, JobState.HELD, JobState.STOPPED, JobState.RELEASED):
        assert told_reason(replace(JOB, state=state, reasons=(VERDICTS[0],))) is None


def test_the_buckets_cover_every_duration() -> None:
    assert {bucket(each) for each in SECONDS} == {name for _, name in BUCKETS}
