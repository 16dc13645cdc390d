"""What a private answer would cost and be, on the wire: nothing of it depends on the data."""

from collections.abc import Mapping
from typing import Any, Literal, Self

from pydantic import JsonValue

from gateway.api.shapes import Asked, Name, ReasonOut, Shape
from gateway.api.shapes.queries import EffectOut
from gateway.api.shapes.terms import exact
from gateway.api.shapes.works import BlocksIn, QueryIn, SampleIn, TrainIn
from jobs.proof.bodies import plain as as_json
from jobs.rules.admission import Forecast
from jobs.steps.price import Priced
from sandbox.blocks.preview import Forecast as BlocksForecast
from sandbox.blocks.preview import Preview
from sandbox.privacy.accounting import rho_text
from sandbox.privacy.explain import explain
from sandbox.privacy.plan import Plan
from sandbox.synthetic.plan import SamplePlan
from sandbox.training.plan import Training


class PriceIn(Asked):
    """A private answer whose price is asked, not the answer."""

    scenario: Name
    work: QueryIn | BlocksIn | TrainIn | SampleIn
    assets: tuple[Name, ...] = ()


class PriceOut(Shape):
    """What a private answer would cost, and what is known of it before data is read."""

    kind: Literal["query", "blocks", "train", "sample"]
    rho: str
    """In rho (zCDP), which is what the budgets are kept in."""
    epsilon: str
    """The epsilon of a query that costs the same: a grant bounds it for one release."""
    forecast: dict[str, JsonValue]
    """How exact it will be, by the kind of answer: see docs/specification.md."""
    budgets: tuple[EffectOut, ...]
    """Every budget that it would be charged to, each in full."""
    reasons: tuple[ReasonOut, ...]
    """Why it would be refused now: one for each budget that cannot bear it."""

    @classmethod
    def of(cls, priced: Priced) -> Self:
        """Show `priced`."""
        kind, forecast = _forecast(priced.plan)
        return cls.model_validate(
            {
                "kind": kind,
                "rho": rho_text(priced.price.rho),
                "epsilon": exact(priced.price.epsilon),
                "forecast": forecast,
                "budgets": [EffectOut.of(effect) for effect in priced.effects],
                "reasons": [ReasonOut.of(reason) for reason in priced.reasons],
            }
        )


def _forecast(plan: Forecast) -> tuple[str, Mapping[str, Any]]:
    match plan:
        case Plan():
            return "query", as_json(explain(plan))
        case Preview():
            return "blocks", _blocks(plan)
        case Training():
            return "train", _training(plan)
        case SamplePlan():
            counted = [coding.column.name for coding in plan.codings]
            return "sample", {"columns": counted, "counts": len(plan.singles) + len(plan.pairs)}


def _blocks(made: Preview) -> Mapping[str, Any]:
    return {
        "epsilon_of_one_choice": made.epsilon,
        "least_blocks": made.least_blocks,
        **_with(made.forecast),
        "with_more_blocks": [_with(each) for each in made.larger],
    }


def _with(forecast: BlocksForecast) -> Mapping[str, Any]:
    return {
        "k": forecast.k,
        "half_widths": {bar.name: bar.half for bar in forecast.bars},
        "cpu_seconds": forecast.cpu_seconds,
        "answered_after_seconds": forecast.due_seconds,
    }


def _training(made: Training) -> Mapping[str, Any]:
    return {
        "epsilon": exact(made.epsilon),
        "delta": exact(made.terms.delta),
        "noise": exact(made.event.noise),
        "steps": made.terms.steps,
        "sampling_rate": exact(made.terms.sampling_rate),
        "tensors": {tensor.name: list(tensor.shape) for tensor in made.tensors},
    }
