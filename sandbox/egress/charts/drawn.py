"""Draws a chart over a cleared table: the numbers are the table's, the picture is the renderer's.

The renderer is Vega-Lite in vl-convert, in this process, with no network: it is handed a specification that was written
here, with the rows inside it, and no address at all. The same table gives the same bytes wherever the same fonts are.
"""

import json
from collections.abc import Iterator, Mapping
from typing import Any

import vl_convert

from sandbox.egress.charts.spec import BOX, Channel, Chart, Kind, Mark, Picture
from sandbox.egress.table import Table

VEGA_LITE = "6.4"
"""The version of Vega-Lite that draws: another one would draw other bytes."""
FONTS = "Noto Sans CJK SC, WenQuanYi Zen Hei, DejaVu Sans, sans-serif"
"""The first that the host has draws a PNG; whoever shows an SVG chooses from the same list."""
_NOWHERE = "https://nowhere.invalid/"
"""Where the renderer may fetch from: no such host can be."""

Spec = dict[str, Any]


def specification(chart: Chart, table: Table) -> Spec:
    """Return what is drawn, whole: the chart's parts that are known to be sound, and the table's rows."""
    drawn: Spec = {"mark": str(chart.mark), "encoding": _encoding(chart, table)}
    if chart.mark is Mark.BOXPLOT:
        drawn = {"layer": list(_box(chart, table))}
    return {
        "$schema": f"https://vega.github.io/schema/vega-lite/v{VEGA_LITE}.json",
        "data": {"values": [_row(row) for row in table.rows]},
        "title": chart.title or "",
        "width": chart.width,
        "height": chart.height,
        "config": {"font": FONTS, "view": {"stroke": "transparent"}},
        **drawn,
    }


def draw(chart: Chart, table: Table) -> bytes:
    """Return the picture."""
    given: Spec = {
        "vl_spec": specification(chart, table),
        "vl_version": VEGA_LITE,
        "allowed_base_urls": [_NOWHERE],
    }
    if chart.format is Picture.PNG:
        return bytes(vl_convert.vegalite_to_png(**given, scale=2))
    return str(vl_convert.vegalite_to_svg(**given)).encode("utf-8")


def shown(chart: Chart, table: Table) -> str:
    """Say what is drawn as text, for people who review it."""
    return json.dumps(specification(chart, table), ensure_ascii=False, indent=1) + "\n"


def _row(row: tuple[object, ...]) -> Mapping[str, object]:
    return {f"c{index}": cell for index, cell in enumerate(row)}


def _encoding(chart: Chart, table: Table) -> Spec:
    return {role: _channel(one, table, role) for role, one in chart.encoding.channels().items()}


def _channel(one: Channel, table: Table, role: str) -> Spec:
    found: Spec = {"field": _field(one, table), "title": one.title or one.field}
    if role == "y2":
        return found
    found["type"] = str(one.type)
    if one.type is Kind.QUANTITATIVE:
        if one.scale is not None:
            found["scale"] = {"type": one.scale.type}
        return found
    return {**found, "sort": None}  # the table's own order, which is the catalogue's


def _field(one: Channel, table: Table) -> str:
    return f"c{table.columns.index(one.field)}"


def _box(chart: Chart, table: Table) -> Iterator[Spec]:
    """Yield whiskers, box and middle line as layers over the same categories."""
    roles = chart.encoding.channels()
    shared = {r: _channel(one, table, r) for r, one in roles.items() if r not in BOX}
    title = roles["median"].title or roles["median"].field

    def layer(mark: Spec, low: str, high: str) -> Spec:
        first = {**_channel(roles[low], table, low), "type": "quantitative", "title": title}
        return {
            "mark": mark,
            "encoding": {**shared, "y": first, "y2": {"field": _field(roles[high], table)}},
        }

    yield layer({"type": "rule"}, "lower", "upper")
    yield layer({"type": "bar", "size": 20}, "q1", "q3")
    middle = {**_channel(roles["median"], table, "median"), "type": "quantitative", "title": title}
    yield {
        "mark": {"type": "tick", "color": "white", "size": 20},
        "encoding": {**{r: c for r, c in shared.items() if r != "color"}, "y": middle},
    }
