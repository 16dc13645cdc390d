"""Holds a training against its grant: planned, and priced by its noise."""

from collections.abc import Iterator
from dataclasses import replace

from pydantic import ValidationError

from jobs.grant import Grant
from jobs.job import Job, TrainWork
from jobs.rules.admission import Admission, Facts, Price, Refused, declared, runtime_reasons
from jobs.rules.prices import above, equal_epsilon, events_json, priced, unlike
from jobs.rules.sentences import reason
from sandbox.asset import ImageDigest
from sandbox.order import OutputForm, TrainOrder, ViewTerms
from sandbox.reason import Reason
from sandbox.training.plan import Training, Untrainable, plan
from sandbox.training.terms import TrainingTerms

UNKNOWN_TRAINER = ImageDigest("")
"""Stands where the gateway judges, which has no engine: no order of its is ever run."""
_MODELS = frozenset({OutputForm.MODEL})


def train(job: Job, work: TrainWork, grant: Grant, facts: Facts) -> Admission:
    """Plan and price a training."""
    made = _planned(work, grant, facts)
    if isinstance(made, Refused):
        return made
    grade = made.asset.grade
    wrong = (
        *unlike(job, grant, _MODELS),
        *above(equal_epsilon(made.rho), job, grant),
        *_trainer(facts),
        *runtime_reasons(grade, facts.runtimes),
    )
    if wrong:
        return Refused(wrong)
    price = Price(
        assets=(made.asset.id,),
        rho=made.rho,
        epsilon=equal_epsilon(made.rho),
        events=events_json([made.event.form()]),
    )
    return priced(_order(job, work, made, grant, facts), made, price, facts)


def _planned(work: TrainWork, grant: Grant, facts: Facts) -> Training | Refused:
    try:
        terms = TrainingTerms.of(work.terms)
    except ValidationError as error:
        places = sorted({".".join(map(str, each["loc"])) for each in error.errors()})
        return Refused(tuple(reason("admit.terms", place=place) for place in places))
    view, asset = grant.view(terms.asset), facts.catalogue.get(terms.asset)
    if view is None or asset is None:
        granted = ", ".join(each.asset for each in grant.assets)
        return Refused((reason("admit.asset", place=terms.asset, granted=granted),))
    if asset.is_public:
        return Refused((reason("admit.nobody", place=asset.id),))
    made = plan(terms, asset, open_columns(view))
    return Refused(made.reasons) if isinstance(made, Untrainable) else made


def open_columns(view: ViewTerms) -> tuple[str, ...]:
    """Return the granted columns that are no pseudonyms: those that a model may be made of."""
    return tuple(name for name in view.columns if name not in view.pseudonyms)


def _trainer(facts: Facts) -> Iterator[Reason]:
    if facts.trainers is not None and not facts.trainers:
        yield reason("admit.trainer")


def _order(job: Job, work: TrainWork, made: Training, grant: Grant, facts: Facts) -> TrainOrder:
    view = grant.view(made.asset.id)
    assert view is not None, "_planned has refused an asset that was not granted"
    return TrainOrder(
        job=job.id,
        epoch=job.epoch,
        scope=grant.scenario,
        image=min(facts.trainers or {UNKNOWN_TRAINER}),
        terms=work.terms,
        asset=made.asset,
        granted=open_columns(view),
        views=(_with_unit(view, made.asset.unit_column),),
        output=declared(work.output, grant),
        limits=grant.limits,
        runtime=facts.runtimes.of(made.asset.grade),
    )


def _with_unit(view: ViewTerms, unit: str) -> ViewTerms:
    """Add the unit's key, as a pseudonym: the trainer must know which rows are one unit's, and nobody else sees it."""
    if unit in view.columns:
        return view
    return replace(view, columns=(*view.columns, unit), pseudonyms=(*view.pseudonyms, unit))
