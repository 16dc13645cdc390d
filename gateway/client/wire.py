"""Requests as the gateway takes them: JSON, a token, and a second try where that is harmless."""

import json
import time
from collections.abc import Mapping
from typing import Any, Self

import httpx2

from gateway.client.words import ProblemError, problem_of

POLL_SECONDS = 20
_RETRIES = 3


class Wire:
    """A session with one gateway; close it, or use it in a `with`."""

    def __init__(
        self, url: str, token: str, *, transport: httpx2.BaseTransport | None = None
    ) -> None:
        """Speak to the gateway at `url` (such as http://127.0.0.1:8600) with this token."""
        self._http = httpx2.Client(
            base_url=url.rstrip("/") + "/v1",
            headers={"Authorization": f"Bearer {token}"},
            timeout=httpx2.Timeout(10, read=POLL_SECONDS + 20),
            transport=transport,
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the connections."""
        self._http.close()

    def get(self, path: str, asked: Mapping[str, str] | None = None) -> Any:  # noqa: ANN401 - JSON
        """Return the JSON at `path`, trying again where the connection fails."""
        return self._answer("GET", path, params=dict(asked or {})).json()

    def post(self, path: str, body: Mapping[str, Any], *, key: str | None = None) -> Any:  # noqa: ANN401 - JSON
        """Return the JSON answer to `body`; with a key it is tried again where the connection fails."""
        headers = {"Content-Type": "application/json"} | ({"Idempotency-Key": key} if key else {})
        content = json.dumps(body, ensure_ascii=False).encode()
        return self._answer("POST", path, content=content, headers=headers).json()

    def fetch(self, path: str) -> bytes:
        """Return the bytes at `path`."""
        return self._answer("GET", path).content

    def _answer(self, method: str, path: str, **parts: Any) -> httpx2.Response:  # noqa: ANN401 - httpx2's own
        repeatable = method == "GET" or "Idempotency-Key" in parts.get("headers", {})
        for attempt in range(_RETRIES if repeatable else 1):
            try:
                return _good(self._http.request(method, path, **parts))
            except httpx2.TransportError:
                if not repeatable or attempt == _RETRIES - 1:
                    raise
                time.sleep(0.2 * 2**attempt)
        raise AssertionError("the loop above always answers or raises")


def _good(answer: httpx2.Response) -> httpx2.Response:
    if answer.is_success:
        return answer
    raise ProblemError(problem_of(answer))
