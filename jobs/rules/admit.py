"""The approval check: does the grant cover all that the job asks for?"""

from collections.abc import Iterator

from jobs.grant import Grant, GrantState
from jobs.job import BlocksWork, ContainerWork, Job, QueryWork, SampleWork, TrainWork
from jobs.rules.admission import (
    Admission,
    Admitted,
    Facts,
    Refused,
    runtime_reasons,
    shortfalls,
    views_of,
)
from jobs.rules.asking import query
from jobs.rules.blocking import blocks
from jobs.rules.programs import program_reasons
from jobs.rules.runtimes import strictest
from jobs.rules.sampling import sample
from jobs.rules.sentences import reason
from jobs.rules.teaching import train
from sandbox.asset import Grade
from sandbox.order import ContainerOrder, OutputName, ReleaseClass
from sandbox.reason import Reason

__all__ = ["Admission", "Admitted", "Facts", "Refused", "admit", "shortfalls"]


def admit(job: Job, grant: Grant, facts: Facts) -> Admission:
    """Hold `job` against `grant`, and write the order only where nothing is amiss."""
    reasons = (
        *_standing(job, grant, facts),
        *_reach(job, grant),
        *_core(job, grant, facts),
        *_coarse(job, grant),
    )
    if reasons:
        return Refused(reasons)
    match job.work:
        case ContainerWork() as work:
            return _container(job, work, grant, facts)
        case QueryWork() as work:
            return query(job, work, grant, facts)
        case BlocksWork() as work:
            return blocks(job, work, grant, facts)
        case TrainWork() as work:
            return train(job, work, grant, facts)
        case SampleWork() as work:
            return sample(job, work, grant, facts)


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
    for name in job.outputs:
        yield from _output(name, grant, wants_dp=job.is_private)


def _output(name: OutputName, grant: Grant, *, wants_dp: bool) -> Iterator[Reason]:
    terms = grant.output(name)
    if terms is None:
        declared = ", ".join(each.name for each in grant.outputs)
        yield reason("admit.output", place=name, granted=declared)
    elif wants_dp != (terms.release is ReleaseClass.DP):
        yield reason("admit.output_class", place=name)


def _core(job: Job, grant: Grant, facts: Facts) -> Iterator[Reason]:
    """Refuse what reads core data: they are never mounted (requirements A-08, C-11)."""
    for view in views_of(job, grant):
        asset = facts.catalogue.get(view.asset)
        if asset is not None and asset.grade is Grade.CORE:
            yield reason("admit.core", place=view.asset)


def _coarse(job: Job, grant: Grant) -> Iterator[Reason]:
    """Refuse private answers over classes: one unit more can change the classes, and so the cells, of many others.

    And over those who consent: whose answer it was could be told from when they gave or withdrew their consents.
    """
    for view in views_of(job, grant):
        if job.is_private and view.generalise:
            yield reason("admit.coarse", place=view.asset)
        if job.is_private and view.consented:
            yield reason("admit.consented", place=view.asset)


def _container(job: Job, work: ContainerWork, grant: Grant, facts: Facts) -> Admission:
    grade = strictest(views_of(job, grant), facts.catalogue)
    reasons = (*_container_reasons(work, grant, facts), *runtime_reasons(grade, facts.runtimes))
    if reasons:
        return Refused(reasons)
    order = ContainerOrder(
        job=job.id,
        epoch=job.epoch,
        scope=grant.scenario,
        image=work.image,
        command=work.command,
        parameters=work.parameters,
        views=views_of(job, grant),
        outputs=tuple(terms for terms in grant.outputs if terms.name in work.outputs),
        limits=grant.limits,
        runtime=facts.runtimes.of(grade),
    )
    return Admitted(order)


def _container_reasons(work: ContainerWork, grant: Grant, facts: Facts) -> Iterator[Reason]:
    yield from program_reasons(work, grant, facts)
    if not work.outputs:
        yield reason("admit.outputs", place="outputs")
