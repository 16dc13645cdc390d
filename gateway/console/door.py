"""The console's door: who may come in, which forms are ours, and how mistakes look to a person."""

import hmac
from collections.abc import Callable, Coroutine, Mapping
from dataclasses import dataclass
from datetime import datetime
from types import MappingProxyType
from typing import Annotated, Any
from urllib.parse import urlencode, urlsplit

from fastapi import Depends, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import HTMLResponse, RedirectResponse
from fastapi.routing import APIRoute
from typing_extensions import override

from gateway.anchoring.loop import Anchoring
from gateway.console.rendering import HEADERS, page_of, render
from gateway.console.texts import catalogue
from gateway.console.views import Frame, Tab, Who
from gateway.governance.errors import RoleError, TokenError
from gateway.governance.rules import Rules
from gateway.identity import COOKIE, Caller, Calling
from gateway.rooms import Rooms
from jobs.errors import JobsError, NotFoundError, OutOfOrderError, SeatError
from jobs.record.database import Record
from jobs.steps.rereview import WithheldError
from sandbox.errors import SandboxError
from sandbox.reason import Reason

SEATS = ("verdict_operator", "verdict_security", "second_security")
"""The actions that let somebody see a held output."""
AUDIT = "read_audit"
SECURITY = "verdict_security"
"""The action of security officers, who alone read what runs said."""
_FORM = b"shuyu console form"
_TABS: Mapping[str, tuple[str, tuple[str, ...]]] = MappingProxyType(
    {
        "home": ("/console", ()),
        "review": ("/console/review", SEATS),
        "rereview": ("/console/rereview", ("sample_rereview",)),
        "egress": ("/console/egress", (AUDIT,)),
        "runs": ("/console/runs", (SECURITY,)),
        "consents": ("/console/consents", (AUDIT,)),
        "anchors": ("/console/anchors", (AUDIT,)),
        "jobs": ("/console/jobs", ("submit_job", "apply_release")),
        "scenarios": ("/console/scenarios", ()),
        "budgets": ("/console/budgets", ()),
        "stop": ("/console/stop", (SECURITY, "lift_stop")),
    }
)
"""Each page of the navigation, and the actions of which a reader needs one to have it."""


class ForgedError(JobsError):
    """A form did not come from this console in this session."""


@dataclass(frozen=True, slots=True)
class Desk:
    """What a page is made with: the request, its reader, and the rooms behind the console."""

    request: Request
    caller: Caller
    frame: Frame

    @property
    def rooms(self) -> Rooms:
        """Return what stands behind the console."""
        rooms: Rooms = self.request.app.state.rooms
        return rooms

    @property
    def record(self) -> Record:
        """Return the domain's record."""
        return self.rooms.record

    @property
    def rules(self) -> Rules:
        """Return the regulation."""
        return self.rooms.office.rules

    @property
    def now(self) -> datetime:
        """Return the time, in UTC."""
        return self.rooms.clock()

    def may(self, *actions: str) -> bool:
        """Say whether the reader's roles allow one of these actions."""
        return any(self.rules.duties.may(self.caller.roles, action) for action in actions)

    def demand(self, *actions: str) -> None:
        """Raise `RoleError` where the reader's roles allow none of these actions."""
        if not self.may(*actions):
            raise RoleError(f"none of your roles may take {' or '.join(actions)}")

    def show(self, template: str, *, status: int = 200, **view: object) -> HTMLResponse:
        """Return the page that `template` makes of `view`."""
        return render(self.request, template, view, frame=self.frame, status=status)


def at_desk(request: Request, caller: Calling) -> Desk:
    """Seat a reader whose session is good; raise a `TokenError` for anybody else."""
    rules: Rules = request.app.state.rules
    done = request.query_params.get("done", "")
    frame = Frame(
        who=Who(person=caller.person, party=caller.party, roles=tuple(sorted(caller.roles))),
        tabs=tuple(
            Tab(key=key, href=href, current=_is_here(request, href))
            for key, (href, actions) in _TABS.items()
            if not actions or any(rules.duties.may(caller.roles, each) for each in actions)
        ),
        csrf=_form_token(request),
        forked=_is_forked(request) and rules.duties.may(caller.roles, AUDIT),
        done=done if f"done.{done}" in catalogue() else "",
    )
    request.state.frame = frame
    return Desk(request, caller, frame)


def demand_own_origin(request: Request) -> None:
    """Raise `ForgedError` for a form that was not sent from a page of this host."""
    origin = urlsplit(request.headers.get("origin", ""))
    if not origin.netloc or origin.netloc != request.headers.get("host"):
        raise ForgedError("a form came from another origin")


async def at_desk_with_form(request: Request, desk: Annotated[Desk, Depends(at_desk)]) -> Desk:
    """Seat a reader who sends a form; raise `ForgedError` where the form is not this session's."""
    demand_own_origin(request)
    offered = (await request.form()).get("csrf")
    ours = _form_token(request).encode()
    if not isinstance(offered, str) or not hmac.compare_digest(offered.encode(), ours):
        raise ForgedError("a form bears no token of this session")
    return desk


TheDesk = Annotated[Desk, Depends(at_desk)]
TheDeskWithForm = Annotated[Desk, Depends(at_desk_with_form)]


class ConsoleRoute(APIRoute):
    """A route that answers mistakes with a page, and puts the console's headers on every answer."""

    @override
    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """Return the handler, behind the door."""
        inner = super().get_route_handler()

        async def answer(request: Request) -> Response:
            try:
                response = await inner(request)
            except TokenError:
                response = _to_login(request)
            except (JobsError, SandboxError, RequestValidationError) as error:
                response = _trouble(request, error)
            for name, value in HEADERS.items():
                response.headers.setdefault(name, value)
            return response

        return answer


def _trouble(request: Request, error: Exception) -> Response:
    kind, status = next(
        (known, status) for family, known, status in _TROUBLES if isinstance(error, family)
    )
    back = page_of(request) if request.method == "POST" else "/console"
    reasons: tuple[Reason, ...] = getattr(error, "reasons", ())
    view = {"trouble": kind, "reasons": reasons, "back": back}
    frame = getattr(request.state, "frame", Frame())
    return render(request, "trouble.html", view, frame=frame, status=status)


_TROUBLES: tuple[tuple[type[Exception], str, int], ...] = (
    (NotFoundError, "unknown", 404),
    (ForgedError, "forged", 403),
    (RoleError, "role", 403),
    (SeatError, "role", 403),
    (WithheldError, "withheld", 409),
    (OutOfOrderError, "stale", 409),
    (RequestValidationError, "malformed", 422),
    (Exception, "failed", 503),
)
"""How each family of mistakes is told; the first that fits counts."""


def _to_login(request: Request) -> Response:
    wanted = request.url.path if request.method == "GET" else "/console"
    return RedirectResponse(f"/console/login?{urlencode({'to': wanted})}", status_code=303)


def _is_forked(request: Request) -> bool:
    anchoring: Anchoring | None = request.app.state.anchoring
    return anchoring is not None and anchoring.forked


def _is_here(request: Request, href: str) -> bool:
    path = request.url.path.rstrip("/")
    return path == href or (href != "/console" and path.startswith(f"{href}/"))


def _form_token(request: Request) -> str:
    # The cookie holds 256 random bits that no other site can read: a digest of it binds the form.
    return hmac.new(request.cookies.get(COOKIE, "").encode(), _FORM, "sha256").hexdigest()
