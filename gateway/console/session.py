"""The door page: a token is exchanged for a session, and the session ends."""

from typing import Annotated

from fastapi import APIRouter, Form, Request, Response
from fastapi.responses import RedirectResponse

from gateway.console.door import ConsoleRoute, TheDeskWithForm, demand_own_origin
from gateway.console.rendering import render
from gateway.console.views import Frame
from gateway.governance.errors import TokenError
from gateway.identity import close_session, open_session

router = APIRouter(prefix="/console", route_class=ConsoleRoute)


@router.get("/login")
def ask_for_token(request: Request, to: str = "") -> Response:
    """Show the door."""
    return render(request, "login.html", {"failed": False, "to": to}, frame=Frame())


@router.post("/login")
def sign_in(
    request: Request, token: Annotated[str, Form()] = "", to: Annotated[str, Form()] = ""
) -> Response:
    """Open a session with a good token; a bad one is told nothing but that it is not good."""
    demand_own_origin(request)
    answer = RedirectResponse(_inside(to), status_code=303)
    try:
        open_session(request, answer, token.strip())
    except TokenError:
        view = {"failed": True, "to": to}
        return render(request, "login.html", view, frame=Frame(), status=401)
    return answer


@router.post("/logout")
def sign_out(desk: TheDeskWithForm) -> Response:
    """End the session."""
    answer = RedirectResponse("/console/login", status_code=303)
    close_session(desk.request, answer)
    return answer


def _inside(path: str) -> str:
    """Return `path` where it is a page of the console: a login leads nowhere else."""
    return path if path == "/console" or path.startswith("/console/") else "/console"
