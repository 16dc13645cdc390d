"""The witness over HTTP: `POST /add-checkpoint` (C2SP tlog-witness), and nothing else."""

import asyncio
import logging

from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.requests import ClientDisconnect, Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from gateway.anchoring.offer import SECONDS
from gateway.anchoring.request import MAX_BODY
from gateway.anchoring.witness import Cosigned, Elsewhere, Turned, Witness
from jobs.errors import RecordBrokenError

SIZE_TYPE = "text/x.tlog.size"
_LOG = logging.getLogger(__name__)


def witness_app(witness: Witness) -> Starlette:
    """Return the application that asks `witness`."""

    async def add_checkpoint(request: Request) -> Response:
        try:
            body = await _body(request)
        except (TimeoutError, ClientDisconnect):
            return PlainTextResponse("the request was too slow\n", status_code=408)
        if body is None:
            why = f"a request has at most {MAX_BODY} bytes\n"
            return PlainTextResponse(why, status_code=413)
        return await run_in_threadpool(_answer, witness, body)

    return Starlette(routes=[Route("/add-checkpoint", add_checkpoint, methods=["POST"])])


async def _body(request: Request) -> bytes | None:
    found = bytearray()
    async with asyncio.timeout(SECONDS):
        async for chunk in request.stream():
            found += chunk
            if len(found) > MAX_BODY:
                return None
    return bytes(found)


def _answer(witness: Witness, body: bytes) -> Response:
    try:
        answer = witness.add(body)
    except (RecordBrokenError, OSError) as error:
        # what it remembers is damaged, or cannot be kept: it vouches for nothing
        _LOG.error("the witness cosigns nothing: %s", error)
        return PlainTextResponse("the witness cannot answer now\n", status_code=500)
    match answer:
        case Cosigned():
            return PlainTextResponse(answer.line)
        case Elsewhere():
            headers = {"Content-Type": SIZE_TYPE}  # as it is: Starlette would add a charset
            return Response(f"{answer.size}\n", status_code=409, headers=headers)
        case Turned():
            return PlainTextResponse(f"{answer.why}\n", status_code=answer.status)
