"""`shuyu witness`: an independent party vouches for the logs that it watches."""

import logging
import os
import socket
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer
import uvicorn

from gateway.anchoring.witness import Witness, rings
from gateway.anchoring.witness_app import witness_app
from gateway.cli.calling import FAILED, plain, say
from gateway.home import HomeError
from jobs.errors import JobsError
from jobs.proof import keys
from jobs.proof.cosignature import WitnessKey
from jobs.proof.keys import PublicKey, SigningKey

_KEY, _PUBLIC = "witness.key", "witness.pub"
_MOST_AT_ONCE = 64


def witness(
    folder: Annotated[
        Path, typer.Argument(help="Its key and what it remembers; keep it for good.")
    ],
    *,
    log: Annotated[list[str], typer.Option(help="A log's public key; may be repeated.")],
    host: Annotated[str, typer.Option(help="Where it listens.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(help="0 for any that is free.")] = 8710,
    name: Annotated[str, typer.Option(help="The witness's name, when it is made.")] = "",
) -> None:
    """运行见证节点。 Run a witness: it cosigns what only adds to a log, never a fork (C2SP tlog-witness).

    The folder must never be put back from a backup: a witness that forgets can be led astray.
    """
    logging.basicConfig(format="%(asctime)s %(name)s %(message)s", level=logging.WARNING)
    try:
        known = rings(tuple(map(PublicKey.parse, log)))
        key = _own_key(folder, name)
        listener = _listening(host, port)
    except JobsError as error:
        say(f"未完成 {type(error).__name__}", str(error))
        raise typer.Exit(FAILED) from None
    app = witness_app(Witness(folder, key=key, logs=known, clock=lambda: datetime.now(UTC)))
    plain(f"见证节点 witness  http://{host}:{listener.getsockname()[1]}")
    plain(f"witness_key = {WitnessKey.of(key).text()}")
    config = uvicorn.Config(
        app,
        log_level="warning",
        server_header=False,
        limit_concurrency=_MOST_AT_ONCE,
        timeout_graceful_shutdown=3,
    )
    uvicorn.Server(config).run(sockets=[listener])


def _own_key(folder: Path, name: str) -> SigningKey:
    """Return the witness's key, made at first; its name is kept beside it."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    public = folder / _PUBLIC
    if not public.exists():
        return _made_key(folder, name or f"{folder.resolve().name}/witness")
    kept = WitnessKey.parse(public.read_text("utf-8"))
    key = keys.load(folder / _KEY, name=kept.name)
    if WitnessKey.of(key) != kept or name not in {"", kept.name}:
        raise HomeError(f"this witness is called {kept.name}, by the key in {_PUBLIC}")
    return key


def _made_key(folder: Path, name: str) -> SigningKey:
    path = folder / _KEY
    key = keys.load(path, name=name) if path.exists() else keys.make(path, name=name)
    with (folder / _PUBLIC).open("w", encoding="utf-8") as file:
        file.write(f"{WitnessKey.of(key).text()}\n")
        file.flush()
        os.fsync(file.fileno())
    return key


def _listening(host: str, port: int) -> socket.socket:
    try:
        return socket.create_server((host, port))
    except OSError as error:
        raise HomeError(f"nobody can listen at {host}:{port}: {error.strerror}") from None
