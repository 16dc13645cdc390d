"""The door that every request passes: bounds its body, guards its answer, and hides our failures."""

from starlette.datastructures import Headers, MutableHeaders
from starlette.exceptions import HTTPException
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from gateway.api.problems import TOO_LARGE, answer, failed

BODY_BYTES = 2 << 20
"""The largest body of a request."""
_HEADERS = {
    # pages load nothing from elsewhere and run no script; the API is no page at all
    "Content-Security-Policy": "default-src 'self'; script-src 'none'; object-src 'none'; "
    "base-uri 'none'; form-action 'self'; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    # not no-referrer: with that a browser sends `Origin: null`, and the console checks the origin
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cache-Control": "no-store",
}


class Door:
    """An ASGI middleware; an answer's own headers win over the door's."""

    def __init__(self, app: ASGIApp) -> None:
        """Stand before `app`."""
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let one request through."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        guarded = _Guarded(send)
        if _declared_length(scope) > BODY_BYTES:
            await answer(TOO_LARGE)(scope, receive, guarded)
            return
        try:
            await self._app(scope, _Bounded(receive), guarded)
        except Exception as error:  # the gate closes: no failure of ours may show its inside
            if guarded.began:
                raise
            await _told(error)(scope, receive, guarded)


class _Bounded:
    """Counts a body that did not declare its length, and stops reading where it is too large."""

    def __init__(self, receive: Receive) -> None:
        self._receive, self._seen = receive, 0

    async def __call__(self) -> Message:
        message = await self._receive()
        self._seen += len(message.get("body", b""))
        if self._seen > BODY_BYTES:
            raise HTTPException(TOO_LARGE.status)
        return message


class _Guarded:
    """Adds the door's headers to an answer as it begins."""

    def __init__(self, send: Send) -> None:
        self._send, self.began = send, False

    async def __call__(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.began = True
            headers = MutableHeaders(scope=message)
            for name, value in _HEADERS.items():
                headers.setdefault(name, value)
        await self._send(message)


def _declared_length(scope: Scope) -> int:
    text = Headers(scope=scope).get("content-length", "0")
    return int(text) if text.isascii() and text.isdigit() else 0


def _told(error: Exception) -> Response:
    return answer(TOO_LARGE) if isinstance(error, HTTPException) else failed(error)
