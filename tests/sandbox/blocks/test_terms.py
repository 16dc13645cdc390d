"""What may be asked is told before the charge, in two languages, from public numbers alone."""

import json
from dataclasses import replace
from decimal import Decimal
from fractions import Fraction
from math import sqrt
from random import Random
from statistics import NormalDist

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sandbox.blocks.event import BlocksEvent, event_of
from sandbox.blocks.judge import least_blocks, read_terms, unfit, unfit_output
from sandbox.blocks.preview import Preview, Unfit, bars, due_seconds, preview
from sandbox.blocks.run import answer
from sandbox.blocks.statement import stated
from sandbox.blocks.terms import Label, Number, Scale, terms_as_json, terms_of_json
from sandbox.blocks.tilt import epsilon_of, median, powers
from sandbox.privacy.accounting import PICO
from sandbox.privacy.errors import CostError
from tests.sandbox.blocks.ground import MEAN, OUTPUT, terms

VOTE = Label(name="model", labels=("树", "linear", "none"))


def test_terms_come_back_from_their_json_as_they_were() -> None:
    asked = terms(coordinates=(MEAN, replace(MEAN, name="n", scale=Scale.EXTENSIVE), VOTE))

    assert terms_of_json(terms_as_json(asked)) == asked


def test_an_event_comes_back_from_its_json_as_it_was() -> None:
    event = event_of(terms(coordinates=(MEAN, VOTE)))

    assert BlocksEvent.of(json.loads(json.dumps(event.form()))) == event


@pytest.mark.parametrize(
    "change", [{"rho_pico": 1}, {"choices": 1}, {"base": "4000000000/4294967297"}]
)
def test_an_event_that_states_another_cost_is_not_read(change: dict[str, str | int]) -> None:
    form = event_of(terms(coordinates=(MEAN, VOTE))).form()

    with pytest.raises(CostError):
        BlocksEvent.of({**form, **change})


@given(rho=st.integers(PICO // 2, 50 * PICO), count=st.integers(1, 40))
def test_an_event_never_costs_more_than_its_terms_say(rho: int, count: int) -> None:
    asked = terms(rho=rho, coordinates=tuple(replace(MEAN, name=f"c{i}") for i in range(count)))

    event = event_of(asked)

    assert event.rho <= rho
    assert float(epsilon_of(event.numerator)) == pytest.approx(
        sqrt(8 * rho / PICO / count), rel=1e-6
    )


@pytest.mark.parametrize(
    ("change", "rule", "place"),
    [
        ({"k": 31}, "blocks.bound", "k"),
        ({"k": 1001}, "blocks.bound", "k"),
        ({"rho": 0}, "blocks.bound", "rho"),
        ({"rho": -5}, "blocks.bound", "rho"),
        ({"cpu_seconds": 0}, "blocks.bound", "cpu_seconds"),
        ({"wall_seconds": 4}, "blocks.bound", "wall_seconds"),
        ({"memory_bytes": 1}, "blocks.bound", "memory_bytes"),
        ({"coordinates": ()}, "blocks.bound", "coordinates"),
        ({"coordinates": (MEAN,) * 2}, "blocks.name", "coordinate 2"),
        ({"coordinates": (replace(MEAN, name="=1+1"),)}, "blocks.name", "coordinate 1"),
        ({"coordinates": (replace(MEAN, upper=Decimal(0)),)}, "blocks.box", "coordinate 1"),
        ({"coordinates": (replace(MEAN, step=Decimal(0)),)}, "blocks.box", "coordinate 1"),
        ({"coordinates": (replace(MEAN, step=Decimal("0.3")),)}, "blocks.box", "coordinate 1"),
        ({"coordinates": (replace(MEAN, step=Decimal("0.000001")),)}, "blocks.box", "coordinate 1"),
        ({"coordinates": (replace(MEAN, upper=Decimal("NaN")),)}, "blocks.box", "coordinate 1"),
        (
            {"coordinates": (replace(MEAN, upper=Decimal("1E+999999")),)},
            "blocks.box",
            "coordinate 1",
        ),
        ({"coordinates": (replace(MEAN, spread=Decimal(-1)),)}, "blocks.box", "coordinate 1"),
        ({"coordinates": (replace(VOTE, labels=("a",)),)}, "blocks.labels", "coordinate 1"),
        ({"coordinates": (replace(VOTE, labels=("a", "a")),)}, "blocks.labels", "coordinate 1"),
        ({"coordinates": (replace(VOTE, labels=("a", '"b')),)}, "blocks.labels", "coordinate 1"),
        ({"rho": PICO // 20}, "blocks.k", "k"),
    ],
)
def test_a_question_that_cannot_be_asked_is_refused_in_both_languages(
    change: dict[str, object], rule: str, place: str
) -> None:
    reasons = unfit(terms(**change))

    assert [(reason.rule, reason.place) for reason in reasons] == [(rule, place)]
    assert all(said.zh and said.en for reason in reasons for said in (reason.why, reason.fix))


@pytest.mark.parametrize(
    ("text", "places"),
    [
        ("", [""]),
        ("{}", ["coordinates", "cpu_seconds", "k", "memory_bytes", "rho", "wall_seconds"]),
        (terms_as_json(terms()).replace('"number"', '"picture"'), ["coordinates.0"]),
        (terms_as_json(terms()).replace('"k":64', '"k":"CANARY"'), ["k"]),
    ],
)
def test_terms_out_of_form_are_refused_by_field(text: str, places: list[str]) -> None:
    reasons = read_terms(text)

    assert isinstance(reasons, tuple)
    assert [reason.place for reason in reasons] == places
    assert "CANARY" not in repr(reasons)


def test_the_refusal_names_the_number_of_blocks_that_would_do() -> None:
    few = terms(rho=PICO // 20)

    least = least_blocks(few)
    [reason] = unfit(few)

    assert f"k = {least}" in reason.fix.en
    assert f"k = {least}" in reason.fix.zh
    assert unfit(replace(few, k=least)) == ()
    assert unfit(replace(few, k=least - 1)) != ()


def test_where_no_number_of_blocks_would_do_the_refusal_says_what_else() -> None:
    [reason] = unfit(terms(rho=PICO // 10**5, k=1000))

    assert "spend more" in reason.fix.en


def test_an_output_that_the_table_does_not_fit_is_refused_with_the_size_that_would_do() -> None:
    asked = terms(coordinates=(MEAN, VOTE))

    assert unfit_output(asked, [OUTPUT]) == ()
    for outputs in (
        [],
        [OUTPUT, OUTPUT],
        [replace(OUTPUT, max_rows=1)],
        [replace(OUTPUT, max_bytes=99)],
    ):
        [reason] = unfit_output(asked, outputs)
        assert reason.rule == "blocks.output"


def test_no_table_is_larger_than_its_terms_say() -> None:
    low = Decimal("-99999999999.1234567890123456")
    wide = Number(name="w", lower=low, upper=low + 2, step=Decimal("1E-6") * 2)
    asked = terms(rho=50 * PICO, coordinates=(wide, VOTE))
    assert unfit(asked) == ()

    content = answer([(1, 0)] * 64, asked, draw=Random(1).randrange)

    assert unfit_output(asked, [replace(OUTPUT, max_bytes=len(content))]) != ()


def test_the_statement_says_what_was_spent_in_both_languages() -> None:
    said = stated(terms(coordinates=(MEAN, VOTE)))

    assert all("rho = 0.99999" in each for each in (said.zh, said.en))


def outside(k: int, rho: int) -> float:
    """How often the median of k places in the middle of a large grid falls outside of them, of 200."""
    asked, random = terms(k=k, rho=rho), Random(3)
    weights = powers(event_of(asked).numerator, k)
    centre, points = 500, MEAN.points
    drawn = [
        median([centre] * k, points=points, weights=weights, draw=random.randrange)
        for _ in range(200)
    ]
    return sum(each != centre for each in drawn) / 200


def test_the_least_number_of_blocks_holds_and_half_of_it_fails() -> None:
    least = least_blocks(terms(rho=PICO // 20))

    assert outside(least, PICO // 20) <= 0.01
    assert outside(least // 2, PICO // 20) > 0.2


def test_a_preview_says_what_it_costs_and_what_more_blocks_bring() -> None:
    shown = preview(terms(), lanes=4, rows=1000)

    assert isinstance(shown, Preview)
    assert shown.event.rho <= PICO
    assert [each.k for each in shown.larger] == [128, 256]
    halves = [each.bars[0].half for each in (shown.forecast, *shown.larger)]
    assert halves == sorted(halves, reverse=True)
    dues = [each.due_seconds for each in (shown.forecast, *shown.larger)]
    assert dues == sorted(dues)


def test_a_preview_of_what_cannot_be_asked_is_the_refusal() -> None:
    shown = preview(terms(k=1), lanes=4, rows=1000)

    assert isinstance(shown, Unfit)
    assert [reason.rule for reason in shown.reasons] == ["blocks.bound"]


def test_the_answer_is_due_later_than_every_block_can_take() -> None:
    asked = terms(k=64, wall_seconds=60)

    assert due_seconds(asked, lanes=4, rows=0) >= 16 * 60 + 60


@pytest.mark.parametrize(("k", "rho"), [(64, PICO), (200, PICO // 8)])
def test_the_error_bar_holds_nineteen_times_in_twenty_where_blocks_scatter_as_declared(
    k: int, rho: int
) -> None:
    asked, random = terms(k=k, rho=rho), Random(4)
    weights, [bar] = powers(event_of(asked).numerator, k), bars(asked)
    scatter = NormalDist(5, float(MEAN.spread))

    def off() -> float:
        places = [round(scatter.inv_cdf(random.random()) * 100) for _ in range(k)]
        return abs(
            median(places, points=MEAN.points, weights=weights, draw=random.randrange) / 100 - 5
        )

    errors = [off() for _ in range(1000)]
    within = sum(error <= bar.half for error in errors) / 1000
    root_mean_square = sqrt(sum(error**2 for error in errors) / 1000)
    assert 0.93 <= within <= 0.99
    assert root_mean_square <= 2.5 * float(MEAN.spread) / sqrt(k)


@given(
    step=st.sampled_from(["0.01", "0.25", "3", "1E+2"]),
    low=st.integers(-50, 50),
    steps=st.integers(1, 1 << 20),
)
def test_a_grid_has_a_point_at_each_end(step: str, low: int, steps: int) -> None:
    lower = Decimal(low)
    number = Number(name="c", lower=lower, upper=lower + steps * Decimal(step), step=Decimal(step))

    assert number.points == steps + 1
    assert Fraction(lower) + (number.points - 1) * Fraction(number.step) == Fraction(number.upper)
