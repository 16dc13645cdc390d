"""Holds a query against its grant: planned, and priced by the plan."""

from dataclasses import replace

from jobs.grant import Grant
from jobs.job import Job, QueryWork
from jobs.proof import bodies
from jobs.rules.admission import Admission, Facts, Price, Refused, declared, views_of
from jobs.rules.prices import above, priced
from sandbox.order import QueryOrder
from sandbox.privacy.approximate import delta_of
from sandbox.privacy.plan import Plan, PublicTable, Question, Unanswerable, plan


def query(job: Job, work: QueryWork, grant: Grant, facts: Facts) -> Admission:
    """Plan and price a query."""
    over = tuple(above(work.epsilon, job, grant))
    if over:
        return Refused(over)
    asked = question(job, work, grant, facts)
    made = plan(asked)
    if isinstance(made, Plan) and made.private:
        # the price does not depend on delta: now it is known, and delta is what it bears
        asked = replace(asked, delta=delta_of(made.rho))
        made = plan(asked)
    if isinstance(made, Unanswerable):
        return Refused(made.reasons)
    views = tuple(view for view in views_of(job, grant) if view.asset in made.reads)
    order = QueryOrder(
        job=job.id,
        epoch=job.epoch,
        scope=grant.scenario,
        sql=work.sql,
        epsilon=work.epsilon,
        delta=asked.delta,
        output=declared(work.output, grant),
        views=views,
        assets=tuple(facts.catalogue[view.asset] for view in views),
        limits=grant.limits,
    )
    price = Price(
        assets=made.assets,
        rho=made.rho,
        epsilon=work.epsilon,
        events=bodies.dump(made.events),
    )
    return priced(order, made, price, facts)


def question(job: Job, work: QueryWork, grant: Grant, facts: Facts) -> Question:
    """Put the query to the planner with the grant's own views and the institution's catalogue."""
    views = views_of(job, grant)
    assets = tuple(facts.catalogue[view.asset] for view in views)
    return Question(
        sql=work.sql,
        assets=assets,
        public=tuple(
            PublicTable(asset=each.id, key=each.unit_column) for each in assets if each.is_public
        ),
        views=views,
        epsilon=work.epsilon,
        output=grant.output(work.output),
    )
