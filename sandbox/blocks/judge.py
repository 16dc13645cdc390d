"""Holds a question over blocks against what can be asked, before it is charged; reads no data."""

import re
from collections.abc import Iterator, Sequence
from decimal import Decimal
from fractions import Fraction
from math import ceil, log

from pydantic import ValidationError

from sandbox.asset import Asset
from sandbox.blocks import faults
from sandbox.blocks.terms import BlocksTerms, Label, Number, terms_of_json
from sandbox.blocks.tilt import epsilon_of, numerator_for
from sandbox.order import OutputTerms
from sandbox.privacy.accounting import PICO
from sandbox.reason import Reason

MOST_BLOCKS = 1000
MOST_STEPS = 1 << 20
_BOUNDS = {
    "k": (32, MOST_BLOCKS),
    "rho": (10**6, 100 * PICO),
    "cpu_seconds": (1, 3600),
    "wall_seconds": (1, 7200),
    "memory_bytes": (64 << 20, 1 << 40),
}
_COORDINATES = (1, 1000)
_LABELS = range(2, 1001)
_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_.-]{0,63}")
_LABEL = re.compile(r"[^\W][^\"',\r\n\t]{0,63}")
_DIGITS, _MAGNITUDE = 30, 15
_LINE_BYTES = 96
"""A line of the table beside its name and label, and its share of the header, is shorter."""


def read_terms(text: str | bytes) -> BlocksTerms | tuple[Reason, ...]:
    """Read terms from their JSON, or say what is not in form; what they hold is judged by `unfit`."""
    try:
        return terms_of_json(text)
    except ValidationError as error:
        places = {".".join(str(part) for part in each["loc"]) for each in error.errors()}
        return tuple(faults.form(place) for place in sorted(places))


def unfit(terms: BlocksTerms) -> tuple[Reason, ...]:
    """Return every reason why these terms cannot be run, and nothing where they can."""
    wrong = (*_bounds(terms), *_coordinates(terms))
    if wrong:
        return wrong
    least = least_blocks(terms)
    return (faults.too_few_blocks(least=least, most=MOST_BLOCKS),) if terms.k < least else ()


def unfit_output(terms: BlocksTerms, outputs: Sequence[OutputTerms]) -> tuple[Reason, ...]:
    """Return why the released table cannot become the declared output, and nothing where it can."""
    rows = len(terms.coordinates)
    labels = [max(map(_size, each.labels)) for each in terms.coordinates if isinstance(each, Label)]
    size = sum(_LINE_BYTES + _size(each.name) for each in terms.coordinates) + sum(labels)
    if len(outputs) == 1 and rows <= outputs[0].max_rows and size <= outputs[0].max_bytes:
        return ()
    return (faults.output(rows=rows, size=size),)


def mixed_units(assets: Sequence[Asset]) -> tuple[Reason, ...]:
    """Return why the units of these assets cannot be brought together, and nothing where they can."""
    keys = {(asset.unit_kind, _key_kind(asset)) for asset in assets}
    return () if len(keys) == 1 else (faults.UNITS,)


def least_blocks(terms: BlocksTerms) -> int:
    """Return the fewest blocks at which no coordinate fails: k >= (8 / eps) ln(2R / s) for each grid of R / s steps.

    With as many, the chosen point lies among the blocks' values but for a chance of s / 4R, whatever they are: outside of them
    there are R / s points at most, each k/2 worse than a median, and (R / s) exp(-eps k / 4) <= s / 4R.
    """
    numerator = numerator_for(terms.rho, choices=len(terms.coordinates))
    if epsilon_of(numerator) == 0:
        return MOST_BLOCKS + 1
    widest = max(
        len(each.labels) if isinstance(each, Label) else each.points - 1
        for each in terms.coordinates
    )
    return max(1, ceil(8 / float(epsilon_of(numerator)) * log(2 * widest)))


def _bounds(terms: BlocksTerms) -> Iterator[Reason]:
    for name, (least, most) in _BOUNDS.items():
        if not least <= getattr(terms, name) <= most:
            yield faults.bound(name, least=least, most=most)
    if terms.wall_seconds < terms.cpu_seconds:
        yield faults.bound("wall_seconds", least=terms.cpu_seconds, most=_BOUNDS["wall_seconds"][1])
    least, most = _COORDINATES
    if not least <= len(terms.coordinates) <= most:
        yield faults.bound("coordinates", least=least, most=most)


def _coordinates(terms: BlocksTerms) -> Iterator[Reason]:
    names = [each.name for each in terms.coordinates]
    for number, each in enumerate(terms.coordinates, start=1):
        place = f"coordinate {number}"
        if not _NAME.fullmatch(each.name) or each.name in names[: number - 1]:
            yield faults.coordinate_name(place)
        if isinstance(each, Number) and not _is_box(each):
            yield faults.box(place)
        if isinstance(each, Label) and not _are_labels(each.labels):
            yield faults.labels(place)


def _is_box(number: Number) -> bool:
    if not all(map(_is_plain, (number.lower, number.upper, number.step, number.spread))):
        return False
    if not (number.lower < number.upper and number.step > 0 <= number.spread):
        return False
    steps = (Fraction(number.upper) - Fraction(number.lower)) / Fraction(number.step)
    return steps.denominator == 1 and steps <= MOST_STEPS


def _is_plain(value: Decimal) -> bool:
    """Say whether a number is finite, short, and neither huge nor tiny: all arithmetic with it stays small."""
    return (
        value.is_finite()
        and len(value.as_tuple().digits) <= _DIGITS
        and abs(value.adjusted()) < _MAGNITUDE
        and abs(int(value.as_tuple().exponent)) <= _DIGITS
    )


def _are_labels(labels: tuple[str, ...]) -> bool:
    return (
        len(labels) in _LABELS
        and len(set(labels)) == len(labels)
        and all(_LABEL.fullmatch(label) and label.isprintable() for label in labels)
    )


def _key_kind(asset: Asset) -> str:
    column = asset.column(asset.unit_column)
    return column.kind if column else ""


def _size(text: str) -> int:
    return len(text.encode())
