"""One POST to a target: bounded in time and in size, whatever the other side does."""

import asyncio
from dataclasses import dataclass

import httpx2

from gateway.anchoring.offer import SECONDS, AnchoringError, UnreachableError, UnsoundError

MAX_ANSWER = 1 << 18
"""The most bytes of an answer that are read; a time stamp with its certificates has some 8 KiB."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What the other side said."""

    status: int
    media_type: str
    """In lower case, without parameters."""
    body: bytes


def post(url: str, body: bytes, *, media_type: str, seconds: float = SECONDS) -> Answer:
    """Send `body` to `url` and return the answer.

    Raise `UnreachableError` where there is none within `seconds`, all in all, and `UnsoundError`
    where it is longer than `MAX_ANSWER`. No redirect is followed.
    """
    try:
        return asyncio.run(_posted(url, body, media_type, seconds))
    except AnchoringError:
        raise
    except Exception as error:  # noqa: BLE001 - whatever it does to the libraries, it does not vouch
        raise UnreachableError(f"it does not answer ({type(error).__name__})") from None


async def _posted(url: str, body: bytes, media_type: str, seconds: float) -> Answer:
    headers = {"Content-Type": media_type, "Accept-Encoding": "identity"}
    async with (
        asyncio.timeout(seconds),
        httpx2.AsyncClient(timeout=seconds) as client,
        client.stream("POST", url, content=body, headers=headers) as response,
    ):
        found = bytearray()
        async for chunk in response.aiter_raw():
            found += chunk
            if len(found) > MAX_ANSWER:
                raise UnsoundError(f"its answer is longer than {MAX_ANSWER} bytes")
        kind = response.headers.get("content-type", "").partition(";")[0].strip().lower()
        return Answer(status=response.status_code, media_type=kind, body=bytes(found))
