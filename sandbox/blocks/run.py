"""Answers a question over blocks: splits, runs, combines, and hands out the answer at a time that was known before."""

import csv
import io
import json
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from decimal import Context

from sandbox.blocks.event import event_of
from sandbox.blocks.judge import mixed_units, unfit, unfit_output
from sandbox.blocks.lane import BlocksStoppedError, Left, Spread, lanes_of
from sandbox.blocks.preview import bars, due_seconds, split_seconds
from sandbox.blocks.reading import places
from sandbox.blocks.split import Ground, Question, split, touch
from sandbox.blocks.terms import BlocksTerms, Label, Number
from sandbox.blocks.tilt import SECURE, Draw, median, plurality, powers
from sandbox.data.snapshot import asset
from sandbox.errors import ViewError
from sandbox.order import Artifact, ContainerOrder, Ended, Outcome

_EXACT = Context(prec=80)
_BAR_DIGITS = 4
_LEAD_SECONDS = 1
"""Before the first blocks begin, for their lanes to be dealt out."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where a question is answered."""

    ground: Ground
    spread: Spread
    lanes: int
    """How many blocks run at once: as many processors and as much memory must be free for them alone."""
    wait: Callable[[float], None] = time.sleep


def run_blocks(order: ContainerOrder, terms: BlocksTerms, place: Place) -> Outcome:
    """Run `order` over blocks and return one artifact, a canonical CSV of name, value and error bar.

    The charge stands before; its event is `event_of(terms)`. The outcome is finished whatever the blocks did, its seconds are
    those of the timetable. Raise `ViewError` where the order or the terms could not have been admitted, and `SandboxError`
    where the sandbox itself fails.
    """
    begun = time.time()
    rows = _admitted(order, terms, place)
    begins = begun + split_seconds(rows)
    question = Question(job=order.job, scope=order.scope, views=order.views, k=terms.k)
    try:
        with split(question, place.ground) as made:
            place.wait(max(0.0, begins - time.time() - _LEAD_SECONDS))
            touch(made.folder)
            left = place.spread(
                lanes_of(order, terms, folder=made.folder, lanes=place.lanes, begins=begins)
            )
    except BlocksStoppedError:
        return Outcome(ended=Ended.STOPPED)
    contents = [content for each in left for content in each.contents]
    content = answer([places(each, terms) for each in contents], terms, draw=SECURE)
    due = due_seconds(terms, lanes=place.lanes, rows=rows)
    place.wait(due - (time.time() - begun) % due)  # past it, the next multiple tells least
    return Outcome(
        ended=Ended.FINISHED,
        artifacts=(Artifact(order.outputs[0].name, "csv", content),),
        seconds=float(due),
        views=made.views,
        conformity=_conformity(left),
    )


def answer(vectors: Sequence[Sequence[int]], terms: BlocksTerms, *, draw: Draw) -> bytes:
    """Return the released table: each coordinate chosen privately among k blocks' places, with its public error bar."""
    weights = powers(event_of(terms).numerator, 2 * terms.k)
    text = io.StringIO()
    rows = csv.writer(text, lineterminator="\n")
    rows.writerow(("name", "value", "error_bar"))
    for number, (each, bar) in enumerate(zip(terms.coordinates, bars(terms), strict=True)):
        column = [vector[number] for vector in vectors]
        value = (
            _label(column, each, weights, draw)
            if isinstance(each, Label)
            else _number(column, each, weights, draw)
        )
        rows.writerow((each.name, value, f"{bar.half:.{_BAR_DIGITS}g}"))
    return text.getvalue().encode()


def _label(votes: Sequence[int], label: Label, weights: Sequence[int], draw: Draw) -> str:
    return label.labels[plurality(votes, labels=len(label.labels), weights=weights, draw=draw)]


def _number(column: Sequence[int], number: Number, weights: Sequence[int], draw: Draw) -> str:
    at = median(column, points=number.points, weights=weights, draw=draw)
    value = _EXACT.fma(number.step, at, number.lower)
    return f"{value + 0:f}"


def _admitted(order: ContainerOrder, terms: BlocksTerms, place: Place) -> int:
    """Return how many rows the assets have as declared; raise `ViewError` where the question should not be here."""
    assets = [asset(each.snapshot, data=place.ground.data) for each in order.views]
    coarse = any(each.generalise for each in order.views)  # its classes join units of all blocks
    if coarse or unfit(terms) or mixed_units(assets) or unfit_output(terms, order.outputs):
        raise ViewError("the question over blocks was admitted under other terms")
    return sum(each.rows for each in assets)


def _conformity(left: Sequence[Left]) -> str:
    """Say of each check whether every container passed it that was looked at; how many those are is left out."""
    seen = [json.loads(each)["checks"] for lane in left for each in lane.conformities if each]
    names = sorted({name for checks in seen for name in checks})
    return json.dumps({"checks": {name: all(c.get(name, False) for c in seen) for name in names}})
