"""Who is calling: turns a bearer token or the console's cookie into a caller, once a request."""

from collections.abc import Awaitable, Callable
from datetime import datetime
from typing import Annotated

from fastapi import Depends, Request, Response

from gateway.governance import tokens
from gateway.governance.errors import RoleError, UnknownTokenError
from gateway.governance.parties import Caller
from gateway.governance.rules import Rules
from jobs.record.database import Record

__all__ = ["COOKIE", "Caller", "Calling", "calling", "close_session", "need", "open_session"]

COOKIE = "shuyu_session"
"""The console's cookie: HttpOnly, SameSite=Strict, and Secure wherever the page came over TLS."""
_BEARER = "bearer "


def calling(request: Request) -> Caller:
    """Return who is calling; raise a `TokenError` where no good credential came.

    A bearer token goes before the cookie, and a bad one is not forgiven for a good cookie.
    """
    record, now = _record(request), _now(request)
    header = request.headers.get("authorization")
    if header is not None:
        return tokens.caller(record, _bearer(header), now=now)
    return tokens.session_caller(record, request.cookies.get(COOKIE, ""), now=now)


Calling = Annotated[Caller, Depends(calling)]


def need(action: str) -> Callable[[Caller, Request], Awaitable[Caller]]:
    """Return a dependency that lets a caller pass whose roles may take `action`.

    It raises `RoleError` for anybody else.
    """

    async def allowed(caller: Calling, request: Request) -> Caller:
        rules: Rules = request.app.state.rules
        if not rules.duties.may(caller.roles, action):
            raise RoleError(f"none of your roles may take {action}")
        return caller

    return allowed


def open_session(request: Request, response: Response, token: str) -> Caller:
    """Open a console session with `token` and put its cookie on `response`; raise a `TokenError`."""
    record, now = _record(request), _now(request)
    secret = tokens.open_session(record, token, now=now)
    response.set_cookie(
        COOKIE,
        secret,
        max_age=tokens.SESSION_HOURS * 3600,
        path="/",
        secure=request.url.scheme == "https",
        httponly=True,
        samesite="strict",
    )
    return tokens.session_caller(record, secret, now=now)


def close_session(request: Request, response: Response) -> None:
    """End the session of this request, if there is one, and take its cookie off."""
    tokens.close_session(_record(request), request.cookies.get(COOKIE, ""), now=_now(request))
    response.delete_cookie(COOKIE, path="/", httponly=True, samesite="strict")


def _bearer(header: str) -> str:
    if not header.lower().startswith(_BEARER):
        raise UnknownTokenError
    return header[len(_BEARER) :].strip()


def _record(request: Request) -> Record:
    record: Record = request.app.state.record
    return record


def _now(request: Request) -> datetime:
    now: datetime = request.app.state.clock()
    return now
