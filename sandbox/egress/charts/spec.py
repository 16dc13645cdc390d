"""Takes in a chart: a closed subset of Vega-Lite that names columns of one table output of the same job.

Whatever is not in the subset is refused: no address, expression, transform, parameter, selection or layer, and no data but
the table's. Field names go to the renderer as numbers of columns, so that it cannot read a path or an expression in them.
"""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType
from typing import Annotated, ClassVar, Literal

from pydantic import ConfigDict, Field, StringConstraints, TypeAdapter, ValidationError

from sandbox.egress import malformed as bad
from sandbox.egress.malformed import UnreadableError
from sandbox.egress.table import Json
from sandbox.order import OutputName

_CLOSED = ConfigDict(extra="forbid", strict=True)
_SCHEMA = re.compile(r"https://vega\.github\.io/schema/vega-lite/v[0-9.]{1,8}\.json", re.ASCII)
Title = Annotated[str, StringConstraints(min_length=1, max_length=80)]
Pixels = Annotated[int, Field(ge=50, le=1200)]


class Mark(StrEnum):
    """What stands for a row."""

    BAR = "bar"
    LINE = "line"
    POINT = "point"
    AREA = "area"
    RECT = "rect"
    BOXPLOT = "boxplot"
    """A box of five given columns; nothing is computed."""


class Kind(StrEnum):
    """How a column is read."""

    QUANTITATIVE = "quantitative"
    NOMINAL = "nominal"
    ORDINAL = "ordinal"


class Picture(StrEnum):
    """What the gate draws."""

    SVG = "svg"
    PNG = "png"


@dataclass(frozen=True, slots=True, kw_only=True)
class Data:
    """Which table is drawn."""

    __pydantic_config__: ClassVar[ConfigDict] = _CLOSED
    name: OutputName


@dataclass(frozen=True, slots=True, kw_only=True)
class Scale:
    """How numbers lie on an axis."""

    __pydantic_config__: ClassVar[ConfigDict] = _CLOSED
    type: Literal["linear", "log"] = "linear"


@dataclass(frozen=True, slots=True, kw_only=True)
class Channel:
    """One column in one role."""

    __pydantic_config__: ClassVar[ConfigDict] = _CLOSED
    field: str
    type: Annotated[Kind, Field(strict=False)]
    title: Title | None = None
    """The column's name where it is not given."""
    scale: Scale | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Encoding:
    """The columns of a chart by their roles; the last five are a box's."""

    __pydantic_config__: ClassVar[ConfigDict] = _CLOSED
    x: Channel | None = None
    y: Channel | None = None
    y2: Channel | None = None
    color: Channel | None = None
    size: Channel | None = None
    column: Channel | None = None
    lower: Channel | None = None
    q1: Channel | None = None
    median: Channel | None = None
    q3: Channel | None = None
    upper: Channel | None = None

    def channels(self) -> Mapping[str, Channel]:
        """Return the channels that are used, by their roles."""
        found = {name: getattr(self, name) for name in self.__slots__}
        return MappingProxyType({name: one for name, one in found.items() if one is not None})


BOX = ("lower", "q1", "median", "q3", "upper")
"""The roles of a box, from the lowest."""
_NEEDED = MappingProxyType({mark: {"x", "y"} for mark in Mark} | {Mark.BOXPLOT: {"x", *BOX}})


@dataclass(frozen=True, slots=True, kw_only=True)
class Chart:
    """A chart as it was asked for; `format` is ours, the rest is Vega-Lite's."""

    __pydantic_config__: ClassVar[ConfigDict] = _CLOSED
    data: Data
    mark: Annotated[Mark, Field(strict=False)]
    encoding: Encoding
    title: Title | None = None
    width: Pixels = 480
    height: Pixels = 300
    format: Annotated[Picture, Field(strict=False)] = Picture.SVG

    def titles(self) -> tuple[str, ...]:
        """Return every word that the job chose itself."""
        given = (self.title, *(one.title for one in self.encoding.channels().values()))
        return tuple(title for title in given if title is not None)


_CHART: TypeAdapter[Chart] = TypeAdapter(Chart)


def chart_of(value: Json) -> Chart:
    """Return the chart that parsed JSON specifies; raise `UnreadableError` where it is not of the subset."""
    if not isinstance(value, dict):
        raise UnreadableError(bad.NOT_A_CHART.at())
    value = dict(value)
    schema = value.pop("$schema", "")
    mark = value.get("mark")
    if isinstance(mark, dict) and mark.keys() == {"type"}:  # Altair writes it so
        value["mark"] = mark["type"]
    try:
        chart = _CHART.validate_json(json.dumps(value))  # JSON again: strict types know no mappings
    except ValidationError:
        raise UnreadableError(bad.NOT_A_CHART.at()) from None
    roles = chart.encoding.channels().keys()
    strange = roles & set(BOX) if chart.mark is not Mark.BOXPLOT else roles & {"y", "y2", "size"}
    named = schema == "" or (isinstance(schema, str) and _SCHEMA.fullmatch(schema))
    if not _NEEDED[chart.mark] <= roles or strange or not named:
        raise UnreadableError(bad.NOT_A_CHART.at())
    return chart
