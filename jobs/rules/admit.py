"""The approval check: does the grant cover all that the job asks for?"""

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from fractions import Fraction
from math import floor

from jobs.grant import Grant, GrantState
from jobs.job import ContainerWork, Job, QueryWork
from jobs.rules.scopes import said
from jobs.rules.sentences import reason
from sandbox.asset import Asset, AssetId, ImageDigest
from sandbox.order import (
    ContainerOrder,
    Order,
    OutputName,
    OutputTerms,
    QueryOrder,
    ReleaseClass,
    ViewTerms,
)
from sandbox.privacy.plan import Plan, Question, Unanswerable, plan
from sandbox.reason import Reason

_MICRO = 10**6


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
    runtime: str = "runc"


@dataclass(frozen=True, slots=True)
class Admitted:
    """The grant covers the job; this is the order to run, and for a query its plan and price."""

    order: Order
    plan: Plan | None = None


@dataclass(frozen=True, slots=True)
class Refused:
    """The grant does not cover the job, for each of these reasons."""

    reasons: tuple[Reason, ...]


Admission = Admitted | Refused


def admit(job: Job, grant: Grant, facts: Facts) -> Admission:
    """Hold `job` against `grant`, and write the order only where nothing is amiss."""
    reasons = (*_standing(job, grant, facts), *_reach(job, grant))
    if reasons:
        return Refused(reasons)
    if isinstance(job.work, QueryWork):
        return _query(job, job.work, grant, facts)
    return _container(job, job.work, grant, facts)


def shortfalls(left: Mapping[str, int], *, price: int) -> Iterator[Reason]:
    """Give a reason for each budget scope that cannot bear `price`; both in pico-rho."""
    for scope, rho in left.items():
        if rho < price:
            named = said(scope)
            yield reason("admit.budget", place=scope, zh=named.zh, en=named.en)


def question(job: Job, work: QueryWork, grant: Grant, facts: Facts) -> Question:
    """Put the query to the planner with the grant's own views and the institution's catalogue."""
    views = _views(job, grant)
    return Question(
        sql=work.sql,
        assets=tuple(facts.catalogue[view.asset] for view in views),
        views=views,
        epsilon=work.epsilon,
        output=grant.output(work.output),
    )


def _standing(job: Job, grant: Grant, facts: Facts) -> Iterator[Reason]:
    if facts.state is GrantState.SUSPENDED:
        yield reason("admit.suspended")
    if facts.state is GrantState.ENDED:
        yield reason("admit.ended")
    if not grant.valid_from <= facts.today <= grant.valid_to:
        yield reason("admit.term", term=f"{grant.valid_from} – {grant.valid_to}")
    if job.submitted_by not in grant.people:
        yield reason("admit.person")
    if facts.started >= grant.max_uses:
        yield reason("admit.uses")


def _reach(job: Job, grant: Grant) -> Iterator[Reason]:
    granted = ", ".join(view.asset for view in grant.assets)
    for asset in job.assets:
        if grant.view(asset) is None:
            yield reason("admit.asset", place=asset, granted=granted)
    columns = {column for view in grant.assets for column in view.columns}
    for column in job.columns:
        if column not in columns:
            yield reason("admit.column", place=column)
    is_query = isinstance(job.work, QueryWork)
    for name in (job.work.output,) if isinstance(job.work, QueryWork) else job.work.outputs:
        yield from _output(name, grant, wants_dp=is_query)


def _output(name: OutputName, grant: Grant, *, wants_dp: bool) -> Iterator[Reason]:
    terms = grant.output(name)
    if terms is None:
        declared = ", ".join(each.name for each in grant.outputs)
        yield reason("admit.output", place=name, granted=declared)
    elif wants_dp != (terms.release is ReleaseClass.DP):
        yield reason("admit.output_class", place=name)


def _query(job: Job, work: QueryWork, grant: Grant, facts: Facts) -> Admission:
    terms = _declared(work.output, grant)
    ceiling = min(grant.epsilon_per_release, terms.epsilon or grant.epsilon_per_release)
    if not 0 < work.epsilon <= ceiling:
        return Refused((reason("admit.epsilon", ceiling=_decimal(ceiling)),))
    planned = plan(question(job, work, grant, facts))
    if isinstance(planned, Unanswerable):
        return Refused(planned.reasons)
    short = tuple(shortfalls(facts.left(planned.asset), price=planned.rho))
    if short:
        return Refused(short)
    views = tuple(view for view in _views(job, grant) if view.asset == planned.asset)
    order = QueryOrder(
        job=job.id,
        epoch=job.epoch,
        scope=grant.scenario,
        sql=work.sql,
        epsilon=work.epsilon,
        output=terms,
        views=views,
        assets=tuple(facts.catalogue[view.asset] for view in views),
        limits=grant.limits,
    )
    return Admitted(order, planned)


def _container(job: Job, work: ContainerWork, grant: Grant, facts: Facts) -> Admission:
    reasons = tuple(_container_reasons(work, grant, facts))
    if reasons:
        return Refused(reasons)
    order = ContainerOrder(
        job=job.id,
        epoch=job.epoch,
        scope=grant.scenario,
        image=work.image,
        command=work.command,
        parameters=work.parameters,
        views=_views(job, grant),
        outputs=tuple(terms for terms in grant.outputs if terms.name in work.outputs),
        limits=grant.limits,
        runtime=facts.runtime,
    )
    return Admitted(order)


def _container_reasons(work: ContainerWork, grant: Grant, facts: Facts) -> Iterator[Reason]:
    if work.image not in grant.images:
        yield reason("admit.image", place="image")
    elif facts.images is not None and work.image not in facts.images:
        yield reason("admit.image_missing", place="image")
    if not work.command:
        yield reason("admit.command", place="command")
    if not _is_object(work.parameters):
        yield reason("admit.parameters", place="parameters")
    if not work.outputs:
        yield reason("admit.outputs", place="outputs")


def _decimal(epsilon: Fraction) -> str:
    """Write `epsilon` in at most six decimals, rounded down: what we say would pass must pass."""
    return str(Decimal(floor(epsilon * _MICRO)) / _MICRO)


def _declared(name: OutputName, grant: Grant) -> OutputTerms:
    terms = grant.output(name)
    assert terms is not None, "_reach has refused an undeclared output"
    return terms


def _is_object(text: str) -> bool:
    try:
        return isinstance(json.loads(text), dict)
    except (ValueError, RecursionError):
        return False


def _views(job: Job, grant: Grant) -> tuple[ViewTerms, ...]:
    """Return the granted views that the job names, or all of them where it names none."""
    return tuple(view for view in grant.assets if not job.assets or view.asset in job.assets)
