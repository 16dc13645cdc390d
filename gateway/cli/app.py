"""The command `shuyu`: one group of commands for each thing, in Chinese and English."""

import typer

from gateway.cli import jobs, office, processes, releases, scenarios
from gateway.cli import log as log_commands
from gateway.cli.domain import init

app = typer.Typer(
    help="数域 Shuyu: public data, usable but not visible. 原始数据不出域，数据可用不可见，数据可控可计量。",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
app.command("init")(init)
for process in (processes.up, processes.serve, processes.work, processes.keep):
    app.command(process.__name__)(process)
for name, group in (
    ("party", office.party),
    ("person", office.person),
    ("token", office.token),
    ("asset", office.asset),
    ("image", office.image),
    ("budget", office.budget),
    ("scenario", scenarios.app),
    ("job", jobs.app),
    ("query", jobs.queries),
    ("release", releases.app),
    ("log", log_commands.app),
):
    app.add_typer(group, name=name)
app.command("verify")(releases.verify_release)


def main() -> None:
    """Run the command."""
    app()


if __name__ == "__main__":
    main()
