"""Answers orders by the domain's own mechanisms: what leaves them is private whatever the data and the program are."""

from collections.abc import Sequence
from dataclasses import replace
from math import ceil

from sandbox.blocks.lane import in_threads
from sandbox.blocks.run import Place, run_blocks
from sandbox.blocks.split import Ground
from sandbox.blocks.terms import terms_of_json
from sandbox.data.view import View
from sandbox.errors import ViewError
from sandbox.order import (
    Artifact,
    BlocksOrder,
    ContainerOrder,
    Ended,
    Order,
    Outcome,
    OutputName,
    QueryOrder,
    SampleOrder,
    TrainOrder,
)
from sandbox.privacy.answer import Engine, answer
from sandbox.privacy.plan import Question, Unanswerable, plan
from sandbox.runner.contract import Runner
from sandbox.synthetic.draw import sample
from sandbox.synthetic.plan import SampleTerms, planned
from sandbox.training.gate import Model, read_model
from sandbox.training.orders import COMMAND, parameters
from sandbox.training.plan import Untrainable
from sandbox.training.plan import plan as plan_training
from sandbox.training.terms import TrainingTerms

_QUERY_SECONDS = 0.25
_ROWS_A_SLOT = 1_000_000
"""So many rows of the assets as declared lengthen a query's slot by as much again."""
_SAMPLE_SECONDS, _TRAIN_SECONDS = 5.0, 30.0


def slot_seconds(order: Order) -> float:
    """Return at multiples of how many seconds since its start an order's answer is handed out.

    It follows from public numbers alone; which multiple it is tells least where one suffices. 0 for what is no
    private answer, and for blocks, which have a timetable of their own.
    """
    match order:
        case QueryOrder(assets=assets):
            rows = sum(asset.rows for asset in assets)
            return _QUERY_SECONDS * (1 + ceil(rows / _ROWS_A_SLOT))
        case SampleOrder():
            return _SAMPLE_SECONDS
        case TrainOrder():
            return _TRAIN_SECONDS
        case ContainerOrder() | BlocksOrder():
            return 0.0


def answered(
    order: QueryOrder | SampleOrder | TrainOrder, views: Sequence[View], runner: Runner
) -> Outcome:
    """Answer an order over compiled views, after its charge.

    Raise `AnswerError` where the mechanism failed, `ViewError` where the order could not have been admitted, and as
    `Runner.run` where a container is needed.
    """
    match order:
        case QueryOrder():
            return _finished(order.output.name, "csv", _ask(order, views))
        case SampleOrder():
            return _finished(order.output.name, "csv", _sample(order, views))
        case TrainOrder():
            return _train(order, views, runner)


def over_blocks(order: BlocksOrder, *, ground: Ground, runner: Runner) -> Outcome:
    """Answer an order over blocks, all of which run on this node; raises as `run_blocks`."""
    place = Place(ground=ground, spread=in_threads(runner.run), lanes=order.lanes)
    return run_blocks(order.program, terms_of_json(order.terms), place)


def _finished(name: OutputName, suffix: str, content: bytes) -> Outcome:
    return Outcome(ended=Ended.FINISHED, artifacts=(Artifact(name, suffix, content),))


def _ask(order: QueryOrder, views: Sequence[View]) -> bytes:
    made = plan(
        Question(
            sql=order.sql,
            assets=order.assets,
            views=order.views,
            epsilon=order.epsilon,
            delta=order.delta,
            output=order.output,
        )
    )
    if isinstance(made, Unanswerable):
        raise ViewError("the query was admitted under other terms")
    gates = {view.asset: view.gate for view in views}
    content, _ = answer(made, gates, engine=Engine(memory_bytes=order.limits.memory_bytes))
    return content


def _sample(order: SampleOrder, views: Sequence[View]) -> bytes:
    terms = SampleTerms(
        asset=order.asset.id,
        rows=order.rows,
        epsilon=order.epsilon,
        rows_per_unit=order.rows_per_unit,
    )
    made = planned(terms, order.asset, order.views[0])
    if isinstance(made, Unanswerable):
        raise ViewError("the sample was admitted under other terms")
    return sample(made, views[0].gate)


def _train(order: TrainOrder, views: Sequence[View], runner: Runner) -> Outcome:
    made = plan_training(TrainingTerms.of(order.terms), order.asset, order.granted)
    if isinstance(made, Untrainable):
        raise ViewError("the training was admitted under other terms")
    program = ContainerOrder(
        job=order.job,
        epoch=order.epoch,
        scope=order.scope,
        image=order.image,
        command=COMMAND,
        parameters=parameters(made, unit=order.asset.unit_column, output=order.output.name),
        views=order.views,
        outputs=(order.output,),
        limits=order.limits,
        runtime=order.runtime,
    )
    outcome = runner.run(program, [(view.asset, view.job) for view in views])
    if outcome.ended is not Ended.FINISHED or len(outcome.artifacts) != 1:
        return outcome
    model = read_model(outcome.artifacts[0].content, made)
    if not isinstance(model, Model):
        return Outcome(ended=Ended.FAILED, conformity=outcome.conformity)
    left = _finished(order.output.name, "safetensors", model.content)
    return replace(left, conformity=outcome.conformity)
