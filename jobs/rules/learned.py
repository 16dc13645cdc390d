"""What a developer may learn of a run: a closed list of at most 8 bits a job (design section 8)."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from jobs.job import Job, JobState
from jobs.rules.crash import CRASHES
from jobs.rules.sentences import reason
from sandbox.order import Ended
from sandbox.reason import Reason

BITS = 8
"""The most that all answers about one run may tell together, whoever asks and however often."""
BUCKETS = ((1, "<1s"), (10, "<10s"), (60, "<1m"), (600, "<10m"), (math.inf, ">=10m"))
"""The bounds of a told duration, in seconds."""
_FILTER = """
    size too_long empty rows width missing undeclared twice
    encoding csv json not_a_table not_finite cell_type columns type arrow formula
    chart chart_column chart_title report slot typed_number base
    model_form model_column model_support model_capacity model_rows model_membership model
    mismatch repeated_row not_recomputable regression vocabulary no_domain
    raw_rows raw_column unit_keys
    identifier.document identifier.contact identifier.account identifier.person
    identifier.enterprise identifier.device
    bomb nested_archive encoded like_a_row like_a_column differencing rank differencing_open too_much_text
    consented_view consented_columns consented_subject consented_text consent_withdrawn
    volume gaps small_groups too_sparse no_counts not_private check_failed unjudged
"""
FILTER: Mapping[str, int] = MappingProxyType(
    {f"egress.{name}": place for place, name in enumerate(_FILTER.split())}
)
"""Every rule of the filter that may be told, in the order in which one of several is chosen."""
GAPS = "egress.gaps"
"""The rule by which rows of a released table were left out: told where its developer asks for the place."""
PEOPLE = frozenset({"review.blocked"})
"""The rules by which people, and not the filter, keep an output in."""
_UNTOLD = frozenset({JobState.SUBMITTED, JobState.QUARANTINED, JobState.APPROVED})


@dataclass(frozen=True, slots=True, kw_only=True)
class Learned:
    """All that the developer of a job is told of it, beside what it sent in itself and a release."""

    state: JobState
    ended: Ended | None = None
    duration: str | None = None
    """A bucket of `BUCKETS`."""
    reasons: tuple[Reason, ...] = ()
    """Of a run at most one, without its place."""


def learned(job: Job) -> Learned:
    """Return what the developer of `job` is told of it now."""
    match job.state:
        case JobState.QUEUED | JobState.RUNNING:
            return Learned(state=_begun(job))
        case JobState.REFUSED | JobState.STOPPED:
            # what was asked, or what people did, is the reason here: nothing of a run
            return Learned(state=job.state, reasons=job.reasons)
        case JobState.FAILED:
            ended = job.ended or Ended.ENGINE_FAILED
            return Learned(
                state=job.state,
                ended=ended,
                duration=_duration(job),
                reasons=_crash(job) if ended is Ended.FAILED else (),
            )
        case JobState.BLOCKED:
            # no duration: the rule is what helps, and both together would be too much
            return Learned(state=job.state, ended=Ended.FINISHED, reasons=(_blocked(job),))
        case JobState.HELD | JobState.RELEASED:
            return Learned(state=job.state, ended=Ended.FINISHED, duration=_duration(job))
        case _:
            assert job.state in _UNTOLD
            return Learned(state=job.state)


def bucket(seconds: float) -> str:
    """Return the bucket that a duration falls into: a developer never learns the time itself."""
    return next(name for bound, name in BUCKETS if seconds < bound)


def _duration(job: Job) -> str | None:
    """Tell no duration of a private answer: it is handed out at a time that was known before."""
    return None if job.is_private else bucket(job.seconds)


def states_told_as(state: JobState) -> tuple[JobState, ...]:
    """Return the states that a job told to be in `state` may be in."""
    return (state, JobState.QUEUED) if state is JobState.RUNNING else (state,)


def told_reason(job: Job) -> Reason | None:
    """Return the one reason of a run that is told, with its place, which is not told unasked."""
    if job.state is JobState.FAILED and job.ended is Ended.FAILED:
        return next((each for each in job.reasons if each.rule in CRASHES), None)
    if job.state is JobState.BLOCKED:
        return _chosen(job)
    if job.state is JobState.RELEASED:
        return next((each for each in job.reasons if each.rule == GAPS), None)
    return None


def _begun(job: Job) -> JobState:
    """Call a second attempt what the first was: that the sandbox failed may be the job's doing."""
    return JobState.RUNNING if job.epoch > 0 else job.state


def _crash(job: Job) -> tuple[Reason, ...]:
    found = told_reason(job)
    return (_placeless(found),) if found else ()


def _blocked(job: Job) -> Reason:
    found = _chosen(job)
    return _placeless(found) if found else reason("egress.unjudged")


def _chosen(job: Job) -> Reason | None:
    people = [each for each in job.reasons if each.rule in PEOPLE]
    known = [each for each in job.reasons if each.rule in FILTER]
    # by the words too: in which order a job breaks two rules of one name tells nothing
    first = min(known, key=lambda one: (FILTER[one.rule], one.why.en), default=None)
    return next(iter(people), None) or first


def _placeless(found: Reason) -> Reason:
    return Reason(rule=found.rule, why=found.why, fix=found.fix, clause=found.clause)
