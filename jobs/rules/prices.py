"""What a private answer costs, held against its grant and its budgets."""

import json
from collections.abc import Collection, Iterator, Mapping, Sequence
from decimal import Decimal
from fractions import Fraction
from math import ceil, floor, isqrt
from typing import Any

from jobs.grant import Grant
from jobs.job import Job
from jobs.rules.admission import (
    Admission,
    Admitted,
    Facts,
    Forecast,
    Price,
    Refused,
    declared,
    shortfalls,
)
from jobs.rules.sentences import reason
from sandbox.order import Order, OutputForm
from sandbox.privacy.accounting import PICO
from sandbox.reason import Reason

TABLES = frozenset({OutputForm.STATISTICAL_TABLE, OutputForm.INDEX})
_MICRO = 10**6
_STEPS = 10**9


def equal_epsilon(rho: int) -> Fraction:
    """Return the epsilon of a query that costs `rho` pico-rho, rounded up to a billionth."""
    squared = Fraction(2 * rho * _STEPS * _STEPS, PICO)
    root = isqrt(ceil(squared))
    return Fraction(root + (root * root < squared), _STEPS)


def above(epsilon: Fraction, job: Job, grant: Grant) -> Iterator[Reason]:
    """Refuse an epsilon above what the grant allows for one release, or for this output."""
    (name,) = job.outputs
    terms = declared(name, grant)
    ceiling = min(grant.epsilon_per_release, terms.epsilon or grant.epsilon_per_release)
    if not 0 < epsilon <= ceiling:
        yield reason("admit.epsilon", ceiling=_decimal(ceiling))


def unlike(job: Job, grant: Grant, forms: Collection[OutputForm]) -> Iterator[Reason]:
    """Refuse an output of another form than such an answer has."""
    (name,) = job.outputs
    if declared(name, grant).form not in forms:
        yield reason("admit.output_form", place=name, forms=", ".join(sorted(forms)))


def priced(order: Order, made: Forecast, price: Price, facts: Facts) -> Admission:
    """Admit what every budget that it is charged to can bear."""
    left = {scope: rho for asset in price.assets for scope, rho in facts.left(asset).items()}
    short = tuple(shortfalls(left, price=price.rho))
    return Refused(short) if short else Admitted(order, made, price)


def events_json(forms: Sequence[Mapping[str, Any]]) -> str:
    """Write mechanisms down as the record keeps them."""
    return json.dumps(list(forms), sort_keys=True, separators=(",", ":"))


def _decimal(epsilon: Fraction) -> str:
    """Write `epsilon` in at most six decimals, rounded down: what we say would pass must pass."""
    return str(Decimal(floor(epsilon * _MICRO)) / _MICRO)
