"""`shuyu stop` and `shuyu resume`: the emergency stop, and the other person's word that ends it."""

import time
from typing import Annotated

import typer

from gateway.cli.calling import FAILED, Token, Url, calling, connect, plain, say
from gateway.client import Client, Stop

CONFIRM_SECONDS = 10
"""How long the command waits for the engine's word that no container is left."""
Why = Annotated[str, typer.Option("--reason", help="Why: it is kept; the log has its digest.")]


def stop(  # noqa: PLR0913 - the command's options, each by name
    ctx: typer.Context,
    *,
    reason: Why,
    everything: Annotated[
        bool, typer.Option("--all", help="The whole domain, until another person resumes it.")
    ] = False,
    scenario: Annotated[str, typer.Option(help="One scenario, which is suspended.")] = "",
    asset: Annotated[str, typer.Option(help="Every scenario that reads this asset.")] = "",
    url: Url = "",
    token: Token = "",
) -> None:
    """Stop at once what runs, and measure how long it takes until no container is left."""
    chosen = [("all", "", everything), ("scenario", scenario, scenario), ("asset", asset, asset)]
    asked = [(scope, target) for scope, target, given in chosen if given]
    if len(asked) != 1:
        raise typer.BadParameter("give one of --all, --scenario and --asset")
    connect(ctx, url, token)
    with calling(ctx) as client:
        raised = client.stop(*asked[0], opinion=reason)
        plain(f"已停止 stopped  {raised.id}  作业 jobs {raised.stopped}", style="bold")
        ended = _confirmed(client, raised)
    if ended.milliseconds is None:
        say(
            "尚未确认容器已全部结束：记录已生效；如作业进程或容器管理进程不可用，租约在 5 秒后结束容器",
            "not confirmed yet that no container is left: the record holds all the same, nothing of these jobs "
            "leaves; where worker or keeper are away, the containers end with their lease",
        )
        raise typer.Exit(FAILED)
    plain(f"容器已全部结束 no container is left after {ended.milliseconds} ms")


def resume(ctx: typer.Context, *, reason: Why, url: Url = "", token: Token = "") -> None:
    """Open a stopped domain again; another person than the one who stopped it must."""
    connect(ctx, url, token)
    with calling(ctx) as client:
        client.resume(opinion=reason)
    plain("已恢复运行 the domain works again", style="bold green")


def _confirmed(client: Client, raised: Stop) -> Stop:
    end = time.monotonic() + CONFIRM_SECONDS
    while raised.milliseconds is None and time.monotonic() < end:
        time.sleep(0.1)
        raised = client.stopped(raised.id)
    return raised
