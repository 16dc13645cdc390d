"""Holds a program over blocks against its grant: its terms are judged, and priced by their choices."""

from collections.abc import Iterator
from dataclasses import replace
from math import floor

from jobs.grant import Grant
from jobs.job import BlocksWork, Job
from jobs.rules.admission import (
    Admission,
    Facts,
    Price,
    Refused,
    declared,
    runtime_reasons,
    views_of,
)
from jobs.rules.prices import TABLES, above, equal_epsilon, events_json, priced, unlike
from jobs.rules.programs import program_reasons
from jobs.rules.runtimes import strictest
from jobs.rules.sentences import reason
from sandbox.blocks.judge import mixed_units, read_terms, unfit_output
from sandbox.blocks.preview import Preview, Unfit, preview
from sandbox.blocks.terms import BlocksTerms
from sandbox.order import BlocksOrder, ContainerOrder
from sandbox.reason import Reason

_LOST = 2
"""After so many times its announced time, an answer over blocks counts as lost."""


def blocks(job: Job, work: BlocksWork, grant: Grant, facts: Facts) -> Admission:
    """Judge and price a program over blocks."""
    terms = read_terms(work.terms)
    if isinstance(terms, tuple):
        return Refused(terms)
    wrong = tuple(_reasons(job, work, terms, grant, facts))
    if wrong:
        return Refused(wrong)
    made = _forecast(job, terms, grant, facts)
    if isinstance(made, Unfit):
        return Refused(made.reasons)
    rho = made.event.rho
    over = tuple(above(equal_epsilon(rho), job, grant))
    if over:
        return Refused(over)
    price = Price(
        assets=tuple(view.asset for view in views_of(job, grant)),
        rho=rho,
        epsilon=equal_epsilon(rho),
        events=events_json([made.event.form()]),
    )
    return priced(_order(job, work, terms, grant, facts, made), made, price, facts)


def lanes_of(grant: Grant) -> int:
    """Return how many blocks run at once: one on each processor that the grant gives."""
    return max(1, floor(grant.limits.cpus))


def _forecast(job: Job, terms: BlocksTerms, grant: Grant, facts: Facts) -> Preview | Unfit:
    rows = sum(facts.catalogue[view.asset].rows for view in views_of(job, grant))
    return preview(terms, lanes=lanes_of(grant), rows=rows)


def _reasons(
    job: Job, work: BlocksWork, terms: BlocksTerms, grant: Grant, facts: Facts
) -> Iterator[Reason]:
    views = views_of(job, grant)
    yield from unlike(job, grant, TABLES)
    yield from unfit_output(terms, [declared(work.output, grant)])
    yield from (
        reason("admit.nobody", place=view.asset)
        for view in views
        if facts.catalogue[view.asset].is_public
    )
    yield from mixed_units([facts.catalogue[view.asset] for view in views])
    yield from program_reasons(work, grant, facts)
    yield from runtime_reasons(strictest(views, facts.catalogue), facts.runtimes)
    most = grant.limits.memory_bytes // lanes_of(grant)
    if terms.memory_bytes > most or terms.wall_seconds > grant.limits.seconds:
        yield reason(
            "admit.block_limits",
            place="terms",
            seconds=str(grant.limits.seconds),
            mib=str(most >> 20),
        )


def _order(  # noqa: PLR0913, PLR0917 - what an order is written out of
    job: Job, work: BlocksWork, terms: BlocksTerms, grant: Grant, facts: Facts, made: Preview
) -> BlocksOrder:
    views = views_of(job, grant)
    program = ContainerOrder(
        job=job.id,
        epoch=job.epoch,
        scope=grant.scenario,
        image=work.image,
        command=work.command,
        parameters=work.parameters,
        views=views,
        outputs=(declared(work.output, grant),),
        limits=grant.limits,
        runtime=facts.runtimes.of(strictest(views, facts.catalogue)),
    )
    lanes = lanes_of(grant)
    together = replace(
        grant.limits,
        seconds=_LOST * made.forecast.due_seconds,
        memory_bytes=lanes * terms.memory_bytes,
        cpus=float(lanes),
    )
    return BlocksOrder(
        job=job.id,
        epoch=job.epoch,
        scope=grant.scenario,
        program=program,
        terms=work.terms,
        lanes=lanes,
        limits=together,
    )
