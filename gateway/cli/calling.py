"""Connects a command to its gateway, and says what the gateway answered in plain words."""

import os
import stat
import tomllib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import httpx2
import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

from gateway.client import Client, ProblemError, Reason, TamperedError
from sandbox.reason import Reason as SaidReason

SETTINGS = Path("~/.config/shuyu/client.toml")
FAILED = 1
REFUSED = 3
"""The exit code where what was asked is refused, with reasons."""
_UNPROCESSABLE = 422

Url = Annotated[str, typer.Option(envvar="SHUYU_URL", help="The gateway's address.")]
Token = Annotated[
    str, typer.Option(envvar="SHUYU_TOKEN", help="Your token; better kept in client.toml.")
]


def connect(ctx: typer.Context, url: Url = "", token: Token = "") -> None:
    """Find the gateway and the token: options first, then the environment, then client.toml."""
    ctx.obj = (url, token)


@contextmanager
def calling(ctx: typer.Context) -> Iterator[Client]:
    """Give a client, and turn every problem into words and an exit code."""
    url, token = _found(*(ctx.obj or ("", "")))
    try:
        with Client(url, token) as client:
            yield client
    except ProblemError as error:
        say_problem(error)
        raise typer.Exit(REFUSED if error.problem.status == _UNPROCESSABLE else FAILED) from None
    except (httpx2.HTTPError, httpx2.InvalidURL, TamperedError, TimeoutError, OSError) as error:
        say("网关无应答或结果不可用", f"{type(error).__name__}: {error}")
        raise typer.Exit(FAILED) from None


def say_problem(error: ProblemError) -> None:
    """Print a problem in both languages, with each reason, its place and its remedy."""
    problem = error.problem
    say(problem.detail_zh or problem.title, f"{problem.title}: {problem.detail}")
    say_reasons(problem.reasons)


def say_reasons(reasons: Sequence[Reason]) -> None:
    """Print each reason: where, why, how to pass, and the clause behind it."""
    for reason in reasons:
        rule = f"{reason.rule} · {reason.clause}" if reason.clause else reason.rule
        plain(f"  [{rule}] {reason.place}".rstrip(), style="yellow")
        plain(f"    {reason.why.zh} → {reason.fix.zh}")
        plain(f"    {reason.why.en} → {reason.fix.en}")


def say(zh: str, en: str) -> None:
    """Print a mishap to the error stream, in both languages."""
    Console(stderr=True).print(Text(f"{zh}\n{en}", style="red"))


def plain(text: str, style: str = "") -> None:
    """Print text as it is: nothing in it is markup."""
    Console(soft_wrap=True).print(Text(text, style=style))


def say_reasons_of(reasons: Sequence[SaidReason]) -> None:
    """Print reasons of the record itself, as `say_reasons` prints those of the wire."""
    for reason in reasons:
        plain(f"  [{reason.rule}] {reason.place}".rstrip(), style="yellow")
        plain(f"    {reason.why.zh} → {reason.fix.zh}")
        plain(f"    {reason.why.en} → {reason.fix.en}")


def table(title: str, columns: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """Print rows under their column names."""
    drawn = Table(*columns, title=title, title_justify="left")
    for row in rows:
        drawn.add_row(*(Text(cell) for cell in row))
    Console().print(drawn)


def _found(url: str, token: str) -> tuple[str, str]:
    kept = {} if url and token else _kept(SETTINGS.expanduser())
    url, token = url or kept.get("url", ""), token or kept.get("token", "")
    if not url or not token:
        say(
            "缺少网关地址或令牌",
            f"set SHUYU_URL and SHUYU_TOKEN, or write url and token into {SETTINGS}",
        )
        raise typer.Exit(FAILED)
    return url, token


def _kept(path: Path) -> dict[str, str]:
    if not path.is_file():
        return {}
    if os.name == "posix" and stat.S_IMODE(path.stat().st_mode) & 0o077:
        say(f"{path.name} 可被他人读取", f"others can read your token: chmod 600 {SETTINGS}")
        raise typer.Exit(FAILED)
    try:
        return {key: str(value) for key, value in tomllib.loads(path.read_text("utf-8")).items()}
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        say(f"{path.name} 无法读取", f"{SETTINGS} is not TOML: {error}")
        raise typer.Exit(FAILED) from None
