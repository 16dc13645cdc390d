"""Emergency stops on the wire."""

from datetime import datetime
from typing import Annotated, Literal, Self

from pydantic import StringConstraints, model_validator
from pydantic_core import PydanticCustomError

from gateway.api.shapes import Asked, Shape
from gateway.api.shapes.scenarios import Opinion
from jobs.steps.stop import EVERYTHING, Halt, Stopper


class StopIn(Asked):
    """What is to stop, and why."""

    scope: Literal["all", "scenario", "asset"]
    target: Annotated[str, StringConstraints(pattern=r"^([A-Za-z][A-Za-z0-9_.-]{0,63})?$")] = ""
    """The scenario or the asset; empty for the whole domain."""
    opinion: Opinion

    @model_validator(mode="after")
    def _names_its_target(self) -> Self:
        if bool(self.target) == (self.scope == EVERYTHING):
            raise PydanticCustomError("target", "a scenario or an asset is named, and nothing else")
        return self


class ResumeIn(Asked):
    """Why the domain may go on."""

    opinion: Opinion


class StopOut(Shape):
    """One stop, and how long it took."""

    id: str
    scope: Literal["all", "scenario", "asset"]
    target: str
    person: str
    party: str
    opinion: str
    at: datetime
    stopped: int
    """How many jobs it ended."""
    milliseconds: int | None
    """From the stop until the engine had no container of those jobs; nothing while it has, or is not heard."""

    @classmethod
    def of(cls, halt: Halt) -> Self:
        """Show `halt`."""
        return cls.model_validate(
            {
                "id": halt.id,
                "scope": halt.scope,
                "target": halt.target,
                "person": halt.by.person,
                "party": halt.by.party,
                "opinion": halt.by.opinion,
                "at": halt.at,
                "stopped": halt.stopped,
                "milliseconds": halt.milliseconds,
            }
        )


class DoorOut(Shape):
    """Whether the whole domain is stopped."""

    closed: bool
    person: str | None = None
    """Who stopped it: another person must resume it."""
    opinion: str | None = None

    @classmethod
    def of(cls, by: Stopper | None) -> Self:
        """Show who closed it, or that nobody did."""
        if by is None:
            return cls(closed=False)
        return cls(closed=True, person=by.person, opinion=by.opinion)
