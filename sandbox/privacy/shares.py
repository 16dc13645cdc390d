"""Splits epsilon between the vectors of a question, and writes their events, statements and estimates.

The rule of the noise: an answer over public dimensions is purely private, by Laplace noise; with the hint `gaussian`,
or where private keys spend a delta anyway, its noise is Gaussian. A share e of epsilon costs e^2 / 2 of rho either
way, and for the same share a Gaussian deviates sqrt(2) times less, and its weights take less off large units.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from fractions import Fraction
from hashlib import sha256
from math import hypot, sqrt

from sandbox.privacy.bounding import STEPS
from sandbox.privacy.draft import Draft
from sandbox.privacy.events import (
    DISCRETE_GAUSSIAN,
    DISCRETE_LAPLACE,
    EXPONENTIAL,
    GAUSSIAN_KEYS,
    DpEvent,
)
from sandbox.privacy.hints import MOST_KEYS_PER_UNIT
from sandbox.privacy.measures import Form
from sandbox.privacy.noise import scale_for
from sandbox.privacy.pricing import cells_of
from sandbox.privacy.question import Question
from sandbox.privacy.selection import threshold_for
from sandbox.privacy.trusted import Bound, Shape, Statement, Writer, root_above
from sandbox.privacy.vectors import BINS, Laid, columns_of, laid
from sandbox.privacy.words import USUAL_ROWS, Estimate


@dataclass(frozen=True, slots=True, kw_only=True)
class Priced:
    """What a question does to the data and what it costs."""

    statements: tuple[Statement, ...]
    events: tuple[DpEvent, ...]
    estimates: tuple[Estimate, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Split:
    """One measure with its share of epsilon and the places of its events."""

    laid: Laid
    name: str
    epsilon: Fraction
    """Of each of its events."""
    events: tuple[int, ...]

    @property
    def form(self) -> Form:
        return self.laid.measure.form


@dataclass(frozen=True, slots=True, kw_only=True)
class _Bounding:
    """How one unit is bounded in this question, and which noise matches."""

    draft: Draft
    rows: int
    """B of `bounding`."""
    kept: int
    """K of `bounding`; 0 where cells are not left out."""
    gaussian: bool

    @property
    def norms(self) -> bool:
        """Say whether units are bounded by their L2 norm: where that is asked for, and can differ from rows."""
        asked = self.draft.hints.noise == "gaussian" and not self.kept
        return asked and bool(self.draft.keys) and not self.draft.rows.unit.once

    def sensitivity(self, most: int) -> int:
        """Return what a unit changes a vector of such integers by, in the norm of the noise."""
        whole = self.rows * most
        if not self.kept:
            return whole
        return root_above(self.kept * whole * whole) if self.gaussian else self.kept * whole

    def units(self, cells: int) -> int:
        """Return what a unit changes the counts of units by."""
        if self.kept:
            cells = self.kept
        return root_above(cells * STEPS * STEPS) if self.gaussian else cells * STEPS


def priced(draft: Draft, question: Question) -> Priced:
    """Price a question that keeps to the grammar and fits its output."""
    bounding = _bounding(draft)
    for_keys = _for_keys(draft, question.epsilon)
    splits = tuple(_splits(bounding, question.epsilon - for_keys))
    writer = _writer(bounding, splits, question)
    statements = list(_statements(bounding, splits, writer))
    events = [event for split in splits for event in _events(bounding, split)]
    if draft.private:
        most = draft.hints.keys_per_unit or MOST_KEYS_PER_UNIT
        statements.append(_votes(writer, most=most, event=len(events)))
        events.append(_keys_event(draft, for_keys, delta=question.delta, most=most))
    estimates = tuple(_estimate(split, events) for split in splits)
    return Priced(statements=tuple(statements), events=tuple(events), estimates=estimates)


def _bounding(draft: Draft) -> _Bounding:
    hints = draft.hints
    cells = None if draft.private else cells_of(draft)
    asked = hints.keys_per_unit or 1
    return _Bounding(
        draft=draft,
        rows=1 if draft.rows.unit.once else hints.rows_per_unit,
        kept=(asked if cells is None else min(asked, cells)) if hints.exact else 0,
        gaussian=hints.noise == "gaussian" or (draft.private and hints.noise != "laplace"),
    )


def _for_keys(draft: Draft, epsilon: Fraction) -> Fraction:
    """Return the part of epsilon that chooses private keys: as much as one measure has, or as the hint says."""
    if not draft.private:
        return Fraction(0)
    share = draft.hints.share
    return epsilon / (len(draft.measures) + 1) if share is None else epsilon * share


def _splits(bounding: _Bounding, epsilon: Fraction) -> Iterator[_Split]:
    """Share epsilon equally between the measures, and a measure's part between its vectors.

    The shares are fractions: their sum is epsilon exactly.
    """
    draft, place = bounding.draft, 0
    share = epsilon / len(draft.measures)
    for i, measure in enumerate(draft.measures):
        made = laid(measure, i, bound=bounding.rows)
        many = max(1, len(made.vectors))
        yield _Split(
            laid=made,
            name=_name(draft, i),
            epsilon=share / many,
            events=tuple(range(place, place + many)),
        )
        place += many


def _name(draft: Draft, place: int) -> str:
    """Return the name of the answered column that a measure is, or its own."""
    wanted = len(draft.keys) + place
    shown = (c.name for c in draft.stages[0].columns if c.base == wanted)
    return next(shown, draft.measures[place].name)


def _writer(bounding: _Bounding, splits: tuple[_Split, ...], question: Question) -> Writer:
    rows = bounding.draft.rows
    if bounding.draft.hints.counted and not rows.unit.once:
        rows = replace(rows, unit=replace(rows.unit, rows=None))
    return Writer(
        rows=rows,
        keys=bounding.draft.keys,
        columns=tuple(columns_of(tuple(split.laid for split in splits))),
        bound=bounding.rows,
        kept=bounding.kept,
        salt=int.from_bytes(sha256(question.sql.encode()).digest()[:7]),
    )


def _statements(
    bounding: _Bounding, splits: tuple[_Split, ...], writer: Writer
) -> Iterator[Statement]:
    """Return one statement for all sums, and one for each count of units and each quantile."""
    keys = len(writer.keys)
    vectors = [vector for split in splits for vector in split.laid.vectors]
    places = [place for split in splits if split.laid.vectors for place in split.events]
    units = [split.events[0] for split in splits if split.form is Form.UNITS]
    if bounding.kept and (vectors or units):
        sql = writer.exact(vectors, units=bool(units))
        yield Statement(
            sql=sql, shape=Shape.SUMS, keys=keys, events=(*places, *units), bound=Bound.EXACT
        )
    elif vectors:
        sql = writer.norms(vectors) if bounding.norms else writer.sums(vectors)
        how = Bound.NORM if bounding.norms else writer.by_rows
        yield Statement(sql=sql, shape=Shape.SUMS, keys=keys, events=tuple(places), bound=how)
    if units and not bounding.kept:
        sql = writer.units(cells=_unit_cells(bounding), square=bounding.gaussian)
        yield Statement(
            sql=sql, shape=Shape.SUMS, keys=keys, events=tuple(units), bound=Bound.CELLS
        )
    for split in splits:
        if split.form is Form.QUANTILE:
            sql = writer.bins(split.laid.bins)
            yield Statement(
                sql=sql, shape=Shape.BINS, keys=keys, events=split.events, bound=writer.by_rows
            )


def _unit_cells(bounding: _Bounding) -> int:
    """Return in how many cells a unit counts in full."""
    if bounding.draft.private:
        return bounding.rows
    return min(bounding.rows, cells_of(bounding.draft))


def _votes(writer: Writer, *, most: int, event: int) -> Statement:
    keys = sum(key.private for key in writer.keys)
    return Statement(
        sql=writer.votes(most=most),
        shape=Shape.VOTES,
        keys=keys,
        events=(event,),
        bound=Bound.CELLS,
    )


def _events(bounding: _Bounding, split: _Split) -> Iterator[DpEvent]:
    if split.form is Form.QUANTILE:
        yield _choice(bounding, split)
        return
    if split.form is Form.UNITS:
        most = bounding.units(_unit_cells(bounding))
        yield _event(bounding, split, most, Fraction(1, STEPS))
    for vector in split.laid.vectors:
        yield _event(bounding, split, bounding.sensitivity(vector.most), vector.grid)


def _event(bounding: _Bounding, split: _Split, sensitivity: int, grid: Fraction) -> DpEvent:
    return DpEvent(
        measure=split.name,
        mechanism=DISCRETE_GAUSSIAN if bounding.gaussian else DISCRETE_LAPLACE,
        sensitivity=sensitivity,
        scale=scale_for(sensitivity=sensitivity, epsilon=split.epsilon),
        epsilon=split.epsilon,
        grid=grid,
        cells=cells_of(bounding.draft),
    )


def _choice(bounding: _Bounding, split: _Split) -> DpEvent:
    """Return the event of a quantile p / r: one choice in each cell, for one epsilon in all.

    With W the weight of a cell and V that below a candidate, its score is |r V - p W|. A unit of weight a there moves
    every score by max(p, r - p) a at most, and a choice with chances exp(-score / (2 D / epsilon)) moves by exp(epsilon a
    max(p, r - p) / D) at most. Where the answer is not purely private anyway, twice the share costs the same rho. The weights of a unit sum to B STEPS over all cells, so D = max(p, r - p) B STEPS.
    """
    which = split.laid.measure.quantile
    far = max(which.numerator, which.denominator - which.numerator)
    sensitivity = far * bounding.rows * STEPS
    epsilon = split.epsilon * (2 if bounding.gaussian else 1)
    return DpEvent(
        measure=split.name,
        mechanism=EXPONENTIAL,
        sensitivity=sensitivity,
        scale=2 * sensitivity / epsilon,
        epsilon=epsilon,
        grid=Fraction(1, STEPS * which.denominator),
        cells=cells_of(bounding.draft),
    )


def _keys_event(draft: Draft, epsilon: Fraction, *, delta: Fraction, most: int) -> DpEvent:
    scale = scale_for(sensitivity=STEPS, epsilon=epsilon)
    return DpEvent(
        measure="keys",
        mechanism=GAUSSIAN_KEYS,
        sensitivity=STEPS,
        scale=scale,
        epsilon=epsilon,
        grid=Fraction(1, STEPS),
        cells=cells_of(draft),
        delta=delta,
        threshold=threshold_for(one=STEPS, scale=scale, delta=delta, most=most),
    )


def _estimate(split: _Split, events: list[DpEvent]) -> Estimate:
    made, own = split.laid, [events[place] for place in split.events]
    value = made.measure.value
    within = value.interval if value and split.form is not Form.COUNT else None
    width = float(within.width) if within else 0.0
    return Estimate(
        name=split.name,
        form=split.form,
        events=split.events,
        deviation=_deviation(split.form, own, width),
        lower=Fraction(within.lower) if within else Fraction(0),
        upper=Fraction(within.upper) if within else Fraction(0),
        centre=made.centre,
        quantile=made.measure.quantile,
        width=width,
    )


def _deviation(form: Form, events: list[DpEvent], width: float) -> float:
    """Return how far a cell's noise reaches; of means and spreads at most so far, in a cell of 1,000 rows."""
    noise = [deviation_of(event) for event in events]
    if form in (Form.COUNT, Form.UNITS, Form.SUM):
        return noise[0]
    if form is Form.QUANTILE:
        return width * (noise[0] / USUAL_ROWS + 1 / (BINS * sqrt(12)))
    if form is Form.AVG:
        return hypot(noise[0], width / 2 * noise[1]) / USUAL_ROWS
    spread = hypot(noise[1], width * noise[0], 0.75 * width * width * noise[2]) / USUAL_ROWS
    return spread if form in (Form.VAR_SAMP, Form.VAR_POP) else sqrt(spread)


def deviation_of(event: DpEvent) -> float:
    """Return the standard deviation of an event's noise: of the continuous variable, a bound for the discrete one."""
    gaussian = event.mechanism in (DISCRETE_GAUSSIAN, GAUSSIAN_KEYS)
    return (1 if gaussian else sqrt(2)) * float(event.scale * event.grid)
