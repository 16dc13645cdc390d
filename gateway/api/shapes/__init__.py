"""What crosses the wire: each shape knows how to become, or come from, the record's own types."""

import json
from typing import Annotated, Any, Generic, Self, TypeVar

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, model_validator
from pydantic_core import PydanticCustomError

from sandbox.reason import Reason, Said

Item = TypeVar("Item")

Name = Annotated[str, StringConstraints(pattern=r"^[A-Za-z][A-Za-z0-9_.@-]{0,63}$")]
"""An id: of a scenario, an asset, an output, a job, a party or a person."""
Limit = Annotated[int, Field(ge=1, le=200)]
"""The most items of one page."""


class Shape(BaseModel):
    """A body with no room for anything that it does not name."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Asked(Shape):
    """A body that comes in: its texts are Unicode without NUL, its numbers finite."""

    @model_validator(mode="before")
    @classmethod
    def _is_plain(cls, body: Any) -> Any:  # noqa: ANN401 - JSON, before it is checked
        return plain(body)


def plain(body: Any) -> Any:  # noqa: ANN401 - JSON, before it is checked
    """Return `body` where every database and every canonical form can hold it."""
    try:
        text = json.dumps(body, ensure_ascii=False, allow_nan=False)
        text.encode()
    except (TypeError, ValueError, RecursionError) as error:
        raise PydanticCustomError("not_plain", "not plain JSON") from error
    if r"\u0000" in text:
        raise PydanticCustomError("not_plain", "not plain JSON")
    return body


class Listing(Shape, Generic[Item]):
    """One page of a list."""

    items: tuple[Item, ...]
    next: str | None = None
    """Where the next page begins: pass it as `before` (or `after`); nothing at the end."""


class SaidOut(Shape):
    """One sentence in two languages."""

    zh: str
    en: str

    @classmethod
    def of(cls, said: Said) -> Self:
        """Show `said`."""
        return cls(zh=said.zh, en=said.en)


class ReasonOut(Shape):
    """One reason for a refusal."""

    rule: str
    clause: str
    place: str
    why: SaidOut
    fix: SaidOut

    @classmethod
    def of(cls, reason: Reason) -> Self:
        """Show `reason`."""
        why, fix = SaidOut.of(reason.why), SaidOut.of(reason.fix)
        return cls(rule=reason.rule, clause=reason.clause, place=reason.place, why=why, fix=fix)
