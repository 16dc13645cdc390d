"""The command `shuyu`: one group of commands for each thing, imported only when it is called."""

import os
import sys
from collections.abc import Mapping
from importlib import import_module
from types import MappingProxyType
from typing import Any

import typer
from typer.core import TyperCommand, TyperGroup
from typer.main import get_command, get_group
from typing_extensions import override

COMMANDS: Mapping[str, tuple[str, str, str]] = MappingProxyType(
    {
        "demo": ("gateway.cli.demo", "demo", "演示 Tell one story on real data, end to end."),
        "init": ("gateway.cli.domain", "init", "建立运营域 Make a domain home."),
        "up": ("gateway.cli.processes", "up", "启动 Run keeper, worker, Ray and gateway."),
        "serve": ("gateway.cli.processes", "serve", "网关 Run the gateway alone."),
        "work": ("gateway.cli.processes", "work", "作业进程 Run the worker alone."),
        "keep": ("gateway.cli.processes", "keep", "容器管理进程 Run the room keeper alone."),
        "node": ("gateway.cli.node", "app", "集群节点 The nodes of a Ray cluster."),
        "party": ("gateway.cli.office", "party", "参与方 Organisations."),
        "person": ("gateway.cli.office", "person", "人员 People and their roles."),
        "token": ("gateway.cli.office", "token", "令牌 Tokens, shown once."),
        "asset": ("gateway.cli.judging", "asset", "数据资源 Data assets."),
        "image": ("gateway.cli.images", "app", "镜像 Container images."),
        "budget": ("gateway.cli.budget", "app", "隐私预算 Privacy budgets."),
        "key": ("gateway.cli.keys", "app", "密钥 The domain's signing keys."),
        "log": ("gateway.cli.log", "app", "日志 Read and verify the log."),
        "record": ("gateway.cli.record", "app", "记录库 Accept a record that was restored."),
        "backup": ("gateway.cli.backup", "backup", "备份 Back the domain up, while it works."),
        "restore": ("gateway.cli.backup", "restore", "恢复 Bring a backup back, verified."),
        "retention": ("gateway.cli.retention", "app", "留存 How long things are kept."),
        "destruction": ("gateway.cli.destroy", "app", "销毁 What was destroyed, with proof."),
        "anchor": ("gateway.cli.anchors", "app", "锚定 What vouches for the log from outside."),
        "witness": ("gateway.cli.witness", "witness", "见证节点 Vouch for the logs of others."),
        "scenario": ("gateway.cli.ending", "app", "应用场景 Scenario plans and their approval."),
        "consent": ("gateway.cli.consents", "app", "授权同意 What data subjects consent to."),
        "job": ("gateway.cli.jobs", "app", "作业 Submit jobs and follow them."),
        "stop": ("gateway.cli.stop", "stop", "紧急停止 Stop what runs, and let nothing leave."),
        "resume": ("gateway.cli.stop", "resume", "恢复运行 Open a stopped domain again."),
        "drill": ("gateway.cli.drill", "drill", "停止演练 Rehearse the stop on a live domain."),
        "query": ("gateway.cli.jobs", "queries", "查询 Ask what a query would cost."),
        "blocks": ("gateway.cli.private", "blocks", "分块计算 Any program, over blocks of units."),
        "train": ("gateway.cli.private", "training", "模型训练 Models under privacy."),
        "sample": ("gateway.cli.private", "samples", "合成数据 Synthetic rows for dry runs."),
        "review": ("gateway.cli.reviewing", "app", "审核与复核 Held outputs, and second looks."),
        "release": ("gateway.cli.releases", "app", "发布 List and download releases."),
        "attack": (
            "gateway.cli.attack",
            "attack",
            "攻击演练 Attack this deployment; see what held.",
        ),
        "verify": ("gateway.cli.releases", "verify_release", "核验 Verify a release offline."),
        "verify-destruction": (
            "gateway.cli.ending",
            "verify_destruction",
            "核验销毁 Verify a destruction offline.",
        ),
    }
)
"""Each command: the module and the name that carry it, and what the help says of it.

A developer who follows a job must not wait until Ray and the recognisers are imported.
"""


class OnDemand(TyperGroup):
    """A group that imports a command's module when the command is called, not when it is listed."""

    @override
    def list_commands(self, ctx: Any) -> list[str]:
        """Name the commands in the order of their table."""
        return list(COMMANDS)

    @override
    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        """Return what stands for a command in a list of commands."""
        if cmd_name not in COMMANDS:
            return None
        return TyperCommand(cmd_name, help=COMMANDS[cmd_name][2])

    @override
    def resolve_command(self, ctx: Any, args: list[str]) -> tuple[str | None, Any, list[str]]:
        """Return the command itself, its module imported."""
        name, command, rest = super().resolve_command(ctx, args)
        return name, loaded(name) if name and command else command, rest


def loaded(name: str) -> Any:  # noqa: ANN401 - typer's own kinds of command
    """Import the command of this name."""
    module, attribute, _ = COMMANDS[name]
    found = getattr(import_module(module), attribute)
    if isinstance(found, typer.Typer):
        return get_group(found)
    alone = typer.Typer(add_completion=False, pretty_exceptions_enable=False)
    alone.command(name)(found)
    return get_command(alone)


app = typer.Typer(
    cls=OnDemand,
    help="数域 Shuyu: public data, usable but not visible. 原始数据不出域，数据可用不可见，数据可控可计量。",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)


@app.callback()
def root() -> None:
    """Take a command."""


def main() -> None:
    """Run the command, and leave without the farewells that some libraries print at an exit."""
    code = 0
    try:
        app()
    except SystemExit as end:
        code = end.code if isinstance(end.code, int) else int(bool(end.code))
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)


if __name__ == "__main__":
    main()
