"""Reads the mechanisms that a charge paid for, each as the word of the room that ran it."""

import json
from fractions import Fraction

from jobs.proof import bodies
from sandbox.blocks.event import EXPONENTIAL_CHOICE, BlocksEvent
from sandbox.privacy.approximate import delta_of
from sandbox.privacy.events import DpEvent
from sandbox.training.event import MECHANISM, TrainingEvent

PrivacyEvent = DpEvent | BlocksEvent | TrainingEvent


def events_of(text: str) -> tuple[PrivacyEvent, ...]:
    """Read the events of a charge; raise `CostError` where one costs something else than it states."""
    return tuple(_event(each) for each in json.loads(text))


def delta_spent(event: PrivacyEvent) -> Fraction:
    """Return the chance with which the event's own promise may fail: see docs/decisions/approximate-zcdp.md."""
    match event:
        case DpEvent(delta=delta):
            return delta
        case BlocksEvent():
            return Fraction(0)
        case TrainingEvent():
            return delta_of(event.rho)


def shown(event: PrivacyEvent) -> str:
    """Say an event in one line, for people."""
    match event:
        case DpEvent():
            return f"{event.mechanism}({event.measure}: {event.sensitivity}/{event.scale})"
        case BlocksEvent():
            return f"{event.mechanism}({event.choices} of {event.k} blocks)"
        case TrainingEvent():
            steps = f"{event.tries} x {event.steps} steps"
            return f"{MECHANISM}({steps}, q {event.sampling_rate}, noise {float(event.noise):.4g})"


def _event(form: dict[str, str | int]) -> PrivacyEvent:
    match form["mechanism"]:
        case str(name) if name == EXPONENTIAL_CHOICE:
            return BlocksEvent.of(form)
        case str(name) if name == MECHANISM:
            return TrainingEvent.of(form)
        case _:
            return bodies.load(DpEvent, json.dumps(form))
