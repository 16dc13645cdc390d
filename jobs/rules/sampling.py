"""Holds a synthetic sample against its grant: planned, and priced by its counts."""

from collections.abc import Iterator

from jobs.grant import Grant
from jobs.job import Job, SampleWork
from jobs.proof import bodies
from jobs.rules.admission import Admission, Facts, Price, Refused, declared
from jobs.rules.prices import TABLES, above, priced, unlike
from jobs.rules.sentences import reason
from sandbox.order import SampleOrder
from sandbox.privacy.hints import MOST_ROWS_PER_UNIT
from sandbox.privacy.plan import Unanswerable
from sandbox.reason import Reason
from sandbox.synthetic.plan import SampleTerms, planned
from sandbox.synthetic.rows import MOST_ROWS


def sample(job: Job, work: SampleWork, grant: Grant, facts: Facts) -> Admission:
    """Plan and price a sample."""
    view, asset = grant.view(work.asset), facts.catalogue.get(work.asset)
    if view is None or asset is None:
        granted = ", ".join(each.asset for each in grant.assets)
        return Refused((reason("admit.asset", place=work.asset, granted=granted),))
    if asset.is_public:
        return Refused((reason("admit.nobody", place=asset.id),))
    wrong = (
        *unlike(job, grant, TABLES),
        *above(work.epsilon, job, grant),
        *_sizes(work, grant),
    )
    if wrong:
        return Refused(wrong)
    terms = SampleTerms(
        asset=work.asset,
        rows=work.rows,
        epsilon=work.epsilon,
        rows_per_unit=work.rows_per_unit,
    )
    made = planned(terms, asset, view)
    if isinstance(made, Unanswerable):
        return Refused(made.reasons)
    if not made.codings:
        return Refused((reason("admit.sample_columns", place=work.asset),))
    order = SampleOrder(
        job=job.id,
        epoch=job.epoch,
        scope=grant.scenario,
        asset=asset,
        rows=work.rows,
        epsilon=work.epsilon,
        rows_per_unit=work.rows_per_unit,
        views=(view,),
        output=declared(work.output, grant),
        limits=grant.limits,
    )
    price = Price(
        assets=(work.asset,),
        rho=made.rho,
        epsilon=work.epsilon,
        events=bodies.dump(made.events),
    )
    return priced(order, made, price, facts)


def _sizes(work: SampleWork, grant: Grant) -> Iterator[Reason]:
    most = min(MOST_ROWS, declared(work.output, grant).max_rows)
    if not 1 <= work.rows <= most:
        yield reason("admit.sample_rows", place="rows", most=str(most))
    if not 1 <= work.rows_per_unit <= MOST_ROWS_PER_UNIT:
        yield reason("admit.sample_rows", place="rows_per_unit", most=str(MOST_ROWS_PER_UNIT))
