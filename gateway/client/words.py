"""What the gateway answers, as typed and frozen words."""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any, TypeVar

import httpx2

Word = TypeVar("Word")
ENDS = frozenset({"refused", "failed", "stopped", "blocked", "released"})
"""The states that no other follows."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """One sentence in two languages."""

    zh: str
    en: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Reason:
    """One reason for a refusal: the rule and clause, the place, why, and the smallest way past it."""

    rule: str
    clause: str
    place: str
    why: Said
    fix: Said


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """An answer that is not a yes, as RFC 9457 words it."""

    status: int
    type: str
    title: str
    detail: str
    detail_zh: str
    reasons: tuple[Reason, ...]


class ProblemError(Exception):
    """The gateway answered with a problem."""

    def __init__(self, problem: Problem) -> None:
        """Keep the problem, and say it in English."""
        super().__init__(f"{problem.status} {problem.title}: {problem.detail}")
        self.problem = problem


class TamperedError(Exception):
    """A downloaded file is not the one that was released: its digest differs."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Me:
    """Who the token stands for."""

    person: str
    party: str
    party_kind: str
    roles: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """A job as its developer sees it: this is all that is told of it."""

    id: str
    scenario: str
    state: str
    ended: str | None
    duration: str | None
    submitted_at: str
    outputs: tuple[str, ...]
    reasons: tuple[Reason, ...]
    release: str | None

    @property
    def over(self) -> bool:
        """Say whether nothing more will happen to it."""
        return self.state in ENDS


@dataclass(frozen=True, slots=True, kw_only=True)
class ReleasedFile:
    """One file of a release."""

    name: str
    file: str
    media_type: str
    digest: str
    size: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Release:
    """What left the domain for one job."""

    id: str
    job: str
    release_class: str
    files: tuple[ReleasedFile, ...]
    certificate: str
    at: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Budget:
    """What is left of one privacy budget, in exact decimal numbers of rho (zero-concentrated DP)."""

    scope: str
    limit: str | None
    reserved: str
    spent: str
    left: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where a job failed or was blocked, and what it cost of the scenario's allowance, in bits."""

    rule: str
    place: str
    """Empty where there is none, or none that may be named."""
    bits: int
    left: int
    offer: Said | None
    """A change of the declaration that the gate has tried, and that would pass."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Stop:
    """One emergency stop; for those who may stop or resume."""

    id: str
    scope: str
    target: str
    person: str
    stopped: int
    """How many jobs it ended."""
    milliseconds: int | None
    """Until the engine had no container of them; nothing while it has, or is not heard."""


@dataclass(frozen=True, slots=True, kw_only=True)
class File:
    """One file of a code bundle."""

    name: str
    content: bytes


def problem_of(answer: httpx2.Response) -> Problem:
    """Read a problem; what a proxy between us says in its own words is one too."""
    try:
        body = dict(answer.json())
    except ValueError:  # a proxy between us may answer in its own words
        body = {}
    return Problem(
        status=answer.status_code,
        type=str(body.get("type", "about:blank")),
        title=str(body.get("title", answer.reason_phrase)),
        detail=str(body.get("detail", "")),
        detail_zh=str(body.get("detail_zh", "")),
        reasons=reasons_of(body),
    )


def word(kind: type[Word], body: Mapping[str, Any], **parts: Any) -> Word:  # noqa: ANN401 - JSON
    """Make a word of a body; what a newer gateway adds is passed over."""
    names = {field.name for field in fields(kind)}  # type: ignore[arg-type]  # words are dataclasses
    plain = {
        name: tuple(value) if isinstance(value, list) else value
        for name, value in body.items()
        if name in names
    }
    return kind(**plain | parts)


def reasons_of(body: Mapping[str, Any]) -> tuple[Reason, ...]:
    """Read the reasons of a job or a problem."""
    return tuple(
        word(Reason, item, why=Said(**item["why"]), fix=Said(**item["fix"]))
        for item in body.get("reasons", ())
    )


def job_of(body: Mapping[str, Any]) -> Job:
    """Read a job."""
    return word(Job, body, reasons=reasons_of(body))


def release_of(body: Mapping[str, Any]) -> Release:
    """Read a release."""
    return word(Release, body, files=tuple(word(ReleasedFile, item) for item in body["files"]))
