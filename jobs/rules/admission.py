"""The words of the approval check: what it must know, and what it answers."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from fractions import Fraction

from jobs.grant import Grant, GrantState
from jobs.job import Job
from jobs.rules.runtimes import Runtimes
from jobs.rules.scopes import said
from jobs.rules.sentences import reason
from sandbox.asset import Asset, AssetId, Grade, ImageDigest
from sandbox.blocks.preview import Preview
from sandbox.order import Order, OutputName, OutputTerms, ViewTerms
from sandbox.privacy.plan import Plan
from sandbox.reason import Reason
from sandbox.synthetic.plan import SamplePlan
from sandbox.training.plan import Training

Forecast = Plan | Preview | Training | SamplePlan
"""What is known of an answer before data is read: of a query, of blocks, of a model, of synthetic rows."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """What the check must know beside the job and its grant."""

    today: date
    state: GrantState
    started: int
    """How many jobs have started under the grant."""
    catalogue: Mapping[AssetId, Asset]
    """The granted assets, in the versions that the grant names."""
    left: Callable[[AssetId], Mapping[str, int]]
    """What is left, in pico-rho, of each budget scope that a query over the asset draws on."""
    images: frozenset[ImageDigest] | None = None
    """The images that lie in the domain; unknown to the gateway, which has no engine."""
    trainers: frozenset[ImageDigest] | None = None
    """Those of them that are the domain's own trainer; unknown to the gateway."""
    runtimes: Runtimes = Runtimes()  # noqa: RUF009 - a frozen word of constants


@dataclass(frozen=True, slots=True, kw_only=True)
class Price:
    """What a release costs in privacy, known before data is read."""

    assets: tuple[AssetId, ...]
    """Those whose units it says something of: each one's budgets are charged in full."""
    rho: int
    """Pico-rho."""
    epsilon: Fraction
    """The epsilon of a query that costs the same: half of its square is at least rho. Grants bound it for a release."""
    events: str
    """Each mechanism with its parameters, as JSON: another accountant can recompute the price."""


@dataclass(frozen=True, slots=True)
class Admitted:
    """The grant covers the job; this is the order to run, and of a private answer its forecast and price."""

    order: Order
    plan: Forecast | None = None
    price: Price | None = None


@dataclass(frozen=True, slots=True)
class Refused:
    """The grant does not cover the job, for each of these reasons."""

    reasons: tuple[Reason, ...]


Admission = Admitted | Refused


def shortfalls(left: Mapping[str, int], *, price: int) -> Iterator[Reason]:
    """Give a reason for each budget scope that cannot bear `price`; both in pico-rho."""
    for scope, rho in left.items():
        if rho < price:
            named = said(scope)
            yield reason("admit.budget", place=scope, zh=named.zh, en=named.en)


def views_of(job: Job, grant: Grant) -> tuple[ViewTerms, ...]:
    """Return the granted views that the job names, or all of them where it names none."""
    return tuple(view for view in grant.assets if not job.assets or view.asset in job.assets)


def declared(name: OutputName, grant: Grant) -> OutputTerms:
    """Return the terms of an output that the grant is known to have."""
    terms = grant.output(name)
    assert terms is not None, "an undeclared output was refused before"
    return terms


def runtime_reasons(grade: Grade, runtimes: Runtimes) -> Iterator[Reason]:
    """Refuse a job whose data demand a runtime that the engine lacks (requirement C-11)."""
    runtime = runtimes.of(grade)
    if runtimes.lacks(runtime):
        yield reason("admit.runtime", place=runtime, grade=grade)
