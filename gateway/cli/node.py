"""`shuyu node`: the nodes of a Ray cluster inside the domain; what each needs, and Ray's part of it."""

import json
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Annotated

import typer

from gateway.cli.calling import plain
from gateway.cli.domain import HomePath, telling
from gateway.cli.signals import stopping
from gateway.home import SETTINGS, Home, HomeError, open_home
from sandbox.cluster.link import NODE, SYSTEM, token_at

app = typer.Typer(
    help="集群节点 The nodes of a Ray cluster inside the domain.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
)
_OWN = ("views", "run", "images")
"""What each node has for itself."""
_PORTS = 100
_GRACE_SECONDS = 20


@app.command("make")
def make(
    folder: Annotated[Path, typer.Argument(help="A new folder; carry it to the node.")],
    home: HomePath = Path("domain"),
) -> None:
    """建立节点目录。 Make the home of one more node: settings, snapshots, and the two keys that its tasks need."""
    with telling():
        opened = open_home(home)
        make_node(opened, folder)
        plain(f"节点目录 node home  {folder}")
        plain(
            "  在该节点上 there: shuyu keep --home …   shuyu image import …   shuyu node run --join …"
        )


@app.command("run")
def run(
    home: HomePath = Path("domain"),
    join: Annotated[
        str, typer.Option(help="The head's address; without it, this is the head.")
    ] = "",
    listen: Annotated[str, typer.Option(help="This machine's address inside the domain.")] = "",
    port: Annotated[int, typer.Option(help="The first of the 100 ports that Ray takes.")] = 6379,
    cpus: Annotated[int, typer.Option(help="How many processors jobs get; 0 for none.")] = 1,
) -> None:
    """启动本机的 Ray。 Run this machine's part of Ray until it is stopped: with the domain's token, no dashboard."""
    with telling():
        opened = open_home(home)
        given = _where(join=join, listen=listen, port=port)
        folder = Path(tempfile.mkdtemp(prefix="shuyu-ray-"))
        try:
            _tend([*_ray(), *given, f"--num-cpus={cpus}", f"--temp-dir={folder}"], opened)
        finally:
            shutil.rmtree(folder, ignore_errors=True)


def make_node(home: Home, folder: Path) -> Home:
    """Make the home of another node; raise `HomeError` where there is something at `folder` already.

    It has no key that signs anything, and no record.
    """
    if folder.exists():
        raise HomeError(f"{folder} is there already: a node's home is made in a new folder")
    for part in (".", "keys", *_OWN):
        (folder / part).mkdir(mode=0o700, parents=True)
    shutil.copytree(home.path / "data", folder / "data")
    token_at(home.ray_token)
    carried = (home.path / SETTINGS, home.pseudonym_key, home.ray_token, home.trusted)
    for path in (*carried, *(home.path / "images").glob("register.json")):
        shutil.copy2(path, folder / path.relative_to(home.path))
    return open_home(folder)


def _where(*, join: str, listen: str, port: int) -> list[str]:
    """Say which node this is, and fix every port, so that a fence can name them."""
    own = {
        "node-manager-port": port + 1,
        "object-manager-port": port + 2,
        "runtime-env-agent-port": port + 3,
        "metrics-export-port": port + 4,
        "min-worker-port": port + 10,
        "max-worker-port": port + _PORTS - 1,
    }
    given = [f"--{name}={number}" for name, number in own.items()]
    if listen:
        given.append(f"--node-ip-address={listen}")
    if join:
        return [*given, f"--address={join}"]
    head = [
        f"--port={port}",
        "--include-dashboard=false",
        f"--system-config={json.dumps(dict(SYSTEM))}",
    ]
    return [*given, "--head", *head]


def _ray() -> list[str]:
    fixed = ("start", "--block", "--disable-usage-stats", "--include-log-monitor=false")
    return [sys.executable, "-m", "ray.scripts.scripts", *fixed]


def _tend(command: list[str], home: Home) -> None:
    """Run Ray until it ends or we are told to."""
    own = {
        "RAY_AUTH_MODE": "token",
        "RAY_AUTH_TOKEN_PATH": str(token_at(home.ray_token)),
        NODE: str(home.path),
    }
    stop = stopping()
    ray = subprocess.Popen(command, env={**os.environ, **own})  # noqa: S603 - our own words
    plain(f"Ray  {command[-1]}", style="dim")
    while ray.poll() is None and not stop.wait(0.2):
        pass
    ray.terminate()
    try:
        ray.wait(_GRACE_SECONDS)
    except subprocess.TimeoutExpired:
        ray.kill()
    if not stop.is_set():
        raise HomeError(f"Ray ended with {ray.returncode}: its logs lie beside its sockets")
