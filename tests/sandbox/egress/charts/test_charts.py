"""A chart is the gate's own drawing of a cleared table: no bytes of the job, and nothing but the table's numbers."""

import json
import re
from collections.abc import Callable
from typing import Any

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sandbox.egress.charts.drawn import draw, specification
from sandbox.egress.charts.spec import Chart, chart_of
from sandbox.egress.inspection import Inspection, reopen
from sandbox.egress.malformed import UnreadableError
from sandbox.egress.table import Json, Table
from sandbox.egress.verdict import Blocked, Cleared, Held
from sandbox.order import Artifact, OutputForm
from tests.sandbox.egress.drawn import O2, REVIEWED, SDC, both, by_grade, chart, drawn_terms
from tests.sandbox.egress.examples import BY_GRADE, CANARY, O1, output, quickly, rules, told

Inspections = Callable[..., Inspection]
AUTOMATIC = drawn_terms(OutputForm.CHART, SDC)
SEEN = drawn_terms(OutputForm.CHART)
TABLE = Table(("grade", "n"), (("A", 10), ("B", 25), ("C", 5)))


def plain(**more: object) -> dict[str, Any]:
    return dict(json.loads(chart(**more).content))


def test_a_chart_over_a_recomputed_table_leaves_by_itself_as_the_gates_own_picture(
    inspection_of: Inspections, loans: pd.DataFrame
) -> None:
    found = both(inspection_of(output()), [chart(), by_grade(loans)], AUTOMATIC)

    table, picture = found[O1], found[O2]
    assert isinstance(table, Cleared)
    assert isinstance(picture, Cleared)
    assert (picture.file, picture.media_type) == ("O2.svg", "image/svg+xml")
    largest = max(int(line.split(",")[1]) for line in table.content.decode().splitlines()[1:])
    assert f"n: {largest}" in picture.content.decode()
    assert CANARY not in picture.content.decode()


def test_the_same_chart_can_be_had_as_png(inspection_of: Inspections, loans: pd.DataFrame) -> None:
    found = both(inspection_of(output()), [by_grade(loans), chart(format="png")], AUTOMATIC)

    picture = found[O2]
    assert isinstance(picture, Cleared)
    assert picture.file == "O2.png"
    assert picture.content.startswith(b"\x89PNG\r\n\x1a\n")


def test_a_reviewed_chart_is_drawn_again_from_the_same_table_and_shown_as_text(
    inspection_of: Inspections, loans: pd.DataFrame
) -> None:
    artifacts = [by_grade(loans), chart(title="各等级贷款笔数 Loans by grade", format="png")]
    inspection = inspection_of(output())
    held = both(inspection, artifacts, SEEN)[O2]
    assert isinstance(held, Held)

    whole = Inspection(
        outputs=(output(SDC, BY_GRADE), SEEN),
        policy=inspection.policy,
        views=inspection.views,
        read=inspection.read,
    )
    cleared = reopen(artifacts[1], whole, signed=held.digest, among=artifacts)

    assert cleared.content.startswith(b"\x89PNG")
    assert '"各等级贷款笔数 Loans by grade"' in held.preview


def test_a_chart_is_blocked_with_its_table(inspection_of: Inspections, loans: pd.DataFrame) -> None:
    wrong = by_grade(loans)
    wrong = Artifact(O1, "csv", wrong.content.replace(b"\nB,", b"\nB,9"))

    found = both(inspection_of(output()), [wrong, chart()], AUTOMATIC)

    assert isinstance(found[O1], Blocked)
    assert rules(found[O2]) == {"egress.base"}


def test_a_chart_that_leaves_by_itself_draws_no_table_that_people_must_see(
    inspection_of: Inspections, loans: pd.DataFrame
) -> None:
    artifacts = [by_grade(loans), chart()]

    assert rules(both(inspection_of(output()), artifacts, AUTOMATIC, REVIEWED)[O2]) == {
        "egress.base"
    }
    assert isinstance(both(inspection_of(output()), artifacts, SEEN, REVIEWED)[O2], Held)


BAD: dict[str, tuple[dict[str, Any], str]] = {
    "values of its own": ({"data": {"name": "O1", "values": [{"grade": CANARY}]}}, "egress.chart"),
    "an address": ({"data": {"url": "https://example.org/x.csv"}}, "egress.chart"),
    "a transform": ({"transform": [{"calculate": "1", "as": "x"}]}, "egress.chart"),
    "a parameter": ({"params": [{"name": "p", "value": 1}]}, "egress.chart"),
    "layers": ({"layer": []}, "egress.chart"),
    "a picture": ({"mark": {"type": "image", "url": "x"}}, "egress.chart"),
    "text": ({"mark": "text"}, "egress.chart"),
    "an aggregate": (
        {
            "encoding": {
                "x": {"field": "grade", "type": "nominal"},
                "y": {"aggregate": "count", "type": "quantitative"},
            }
        },
        "egress.chart",
    ),
    "an expression as a title": ({"title": {"expr": "1"}}, "egress.chart"),
    "a wall": ({"width": 10**6}, "egress.chart"),
    "no y": ({"encoding": {"x": {"field": "grade", "type": "nominal"}}}, "egress.chart"),
    "a strange column": (
        {
            "encoding": {
                "x": {"field": CANARY, "type": "nominal"},
                "y": {"field": "n", "type": "quantitative"},
            }
        },
        "egress.chart_column",
    ),
    "words as numbers": (
        {
            "encoding": {
                "x": {"field": "n", "type": "quantitative"},
                "y": {"field": "grade", "type": "quantitative"},
            }
        },
        "egress.chart_column",
    ),
    "a number in the title": ({"title": f"Income 73122.5 of {CANARY}"}, "egress.chart_title"),
    "markup in the title": ({"title": "<b>bold</b>"}, "egress.chart_title"),
    "an absent table": ({"data": {"name": "O9"}}, "egress.base"),
}


@pytest.mark.parametrize("bad", BAD)
def test_what_is_not_in_the_subset_is_blocked_without_its_words(
    bad: str, inspection_of: Inspections, loans: pd.DataFrame
) -> None:
    more, rule = BAD[bad]

    found = both(inspection_of(output()), [by_grade(loans), chart(**more)], SEEN)[O2]

    assert isinstance(found, Blocked)
    assert rule in rules(found)
    assert CANARY not in told(found)


def test_a_title_that_people_may_see_does_not_leave_by_itself(
    inspection_of: Inspections, loans: pd.DataFrame
) -> None:
    artifacts = [by_grade(loans), chart(title="Loans that went well")]

    assert rules(both(inspection_of(output()), artifacts, AUTOMATIC)[O2]) == {"egress.chart_title"}
    assert isinstance(both(inspection_of(output()), artifacts, SEEN)[O2], Held)


def test_a_name_in_a_title_is_found(inspection_of: Inspections, loans: pd.DataFrame) -> None:
    artifacts = [by_grade(loans), chart(title="Zhang wei at mail.example, 13812345678")]

    found = both(inspection_of(output()), artifacts, SEEN)[O2]

    assert "egress.identifier.contact" in rules(found)


@pytest.mark.parametrize("mark", ["bar", "line", "point", "area", "rect", {"type": "bar"}])
def test_every_mark_is_drawn_without_anything_that_runs_or_fetches(mark: object) -> None:
    spec = chart_of(plain(mark=mark))

    svg = draw(spec, TABLE).decode()

    assert svg.startswith("<svg ")
    assert not re.search(r"<script|<image|<foreignObject|href=|javascript:|\bon\w+=", svg)


def test_a_box_is_drawn_from_the_quantiles_that_are_given() -> None:
    roles = {role: {"field": role, "type": "quantitative"} for role in ("lower", "q1", "median")}
    more = {role: {"field": role, "type": "quantitative"} for role in ("q3", "upper")}
    x = {"x": {"field": "grade", "type": "nominal"}}
    table = Table(
        ("grade", "lower", "q1", "median", "q3", "upper"),
        (("A", 1, 2, 3, 4, 5), ("B", 2, 3, 5, 7, 9)),
    )

    spec = chart_of(plain(mark="boxplot", encoding=x | roles | more))

    assert "transform" not in json.dumps(specification(spec, table))
    assert draw(spec, table).startswith(b"<svg ")


def test_names_of_columns_are_never_read_as_paths_or_expressions() -> None:
    evil = "datum['x'] || (function(){})()"
    encoding = {
        "x": {"field": evil, "type": "nominal"},
        "y": {"field": "n", "type": "quantitative"},
    }
    spec = chart_of(plain(encoding=encoding))

    drawn = specification(spec, Table((evil, "n"), (("</svg><script>", 3),)))

    assert drawn["encoding"]["x"]["field"] == "c0"
    assert "<script>" not in draw(spec, Table((evil, "n"), (("</svg><script>", 3),))).decode()


def test_the_same_table_gives_the_same_bytes() -> None:
    spec = chart_of(plain(format="png"))

    assert draw(spec, TABLE) == draw(spec, TABLE)


ANYTHING = st.recursive(
    st.none() | st.booleans() | st.floats() | st.text(max_size=5) | st.sampled_from(["O1", "bar"]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                ["data", "mark", "encoding", "x", "y", "field", "type", "title", "name"]
            ),
            inner,
            max_size=4,
        )
    ),
    max_leaves=12,
)


@given(given_value=ANYTHING)
@quickly
def test_whatever_json_comes_it_is_a_chart_or_refused(given_value: Json) -> None:
    try:
        found = chart_of(given_value)
    except UnreadableError:
        return
    assert isinstance(found, Chart)
