"""`shuyu job` and `shuyu query`: submit jobs, follow them, and ask what a query would cost."""

import json
import shlex
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.status import Status

from gateway.cli.calling import REFUSED, calling, connect, plain, say_reasons, table
from gateway.cli.prices import show_price
from gateway.client import Client, Job
from gateway.client.words import reasons_of
from gateway.client.works import query_work

app = typer.Typer(help="Submit jobs and follow them. 提交并跟踪作业。", no_args_is_help=True)
queries = typer.Typer(
    help="Ask about queries without running them. 查询预估。", no_args_is_help=True
)
app.callback()(connect)
queries.callback()(connect)

EXITS = {"released": 0, "refused": REFUSED, "blocked": 4, "held": 5, "failed": 6, "stopped": 6}
"""The exit code for each state that a followed job may come to rest in."""
STATES = {
    "submitted": "已提交",
    "refused": "已拒绝",
    "queued": "排队中",
    "running": "运行中",
    "quarantined": "出域检查中",
    "failed": "失败",
    "stopped": "已停止",
    "held": "待人工审核",
    "approved": "待发布",
    "blocked": "已阻断",
    "released": "已发布",
}

Scenario = Annotated[str, typer.Option(help="The approved scenario, such as SC-SH-2026-0001.")]
Sql = Annotated[str, typer.Option(help="The SQL text, or @FILE.")]
Epsilon = Annotated[str, typer.Option(help="The privacy cost, a decimal number such as 0.5.")]


@app.command("submit")
def submit(  # noqa: PLR0913 - these are the command's options, and every one is named
    ctx: typer.Context,
    *,
    scenario: Scenario,
    output: Annotated[list[str], typer.Option(help="A declared output; may be repeated.")],
    sql: Sql = "",
    epsilon: Epsilon = "",
    image: Annotated[str, typer.Option(help="The image's digest.")] = "",
    code: Annotated[
        Path | None, typer.Option(exists=True, file_okay=False, help="A folder, mounted at /job.")
    ] = None,
    command: Annotated[str, typer.Option(help="The command, split as a shell splits it.")] = "",
    parameters: Annotated[str, typer.Option(help="A JSON object.")] = "{}",
    column: Annotated[list[str] | None, typer.Option(help="A column that it will read.")] = None,
    asset: Annotated[list[str] | None, typer.Option(help="An asset that it will read.")] = None,
    subjects: Annotated[
        Path | None,
        typer.Option(
            exists=True, dir_okay=False, help="A file of the keys it asks about, one a line."
        ),
    ] = None,
    key: Annotated[str | None, typer.Option(help="An idempotency key.")] = None,
    wait: Annotated[bool, typer.Option("--wait", help="Follow the job to its end.")] = False,
) -> None:
    """Submit a query (--sql) or a container job (--image, --command)."""
    if sql and (subjects or asset):
        raise typer.BadParameter("--asset and --subjects are for container jobs")
    if bool(sql) == bool(image) or (sql and (not epsilon or len(output) != 1)):
        raise typer.BadParameter("give --sql, --epsilon and one --output, or --image and --command")
    with calling(ctx) as client:
        if sql:
            job = client.submit_query(
                scenario,
                _text(sql),
                epsilon=epsilon,
                output=output[0],
                columns=column or (),
                key=key,
            )
        else:
            job = client.submit_container(
                scenario,
                image=image,
                command=shlex.split(command),
                outputs=output,
                code=code,
                parameters=_object(parameters),
                columns=column or (),
                assets=asset or (),
                subjects=subjects.read_text("utf-8").split() if subjects else (),
                key=key,
            )
        show_job(followed(client, job) if wait else job)
    raise typer.Exit(EXITS.get(job.state, 0))


@app.command("show")
def show(ctx: typer.Context, job: str) -> None:
    """Show how far a job has come, and why it was refused or blocked."""
    with calling(ctx) as client:
        show_job(client.job(job))


@app.command("wait")
def wait(ctx: typer.Context, job: str) -> None:
    """Follow a job until it is released, refused, blocked, held, failed or stopped."""
    with calling(ctx) as client:
        found = followed(client, client.job(job))
        show_job(found)
    raise typer.Exit(EXITS.get(found.state, 0))


@app.command("list")
def list_jobs(
    ctx: typer.Context,
    state: Annotated[str | None, typer.Option(help="Only jobs in this state.")] = None,
    limit: Annotated[int, typer.Option(min=1, max=200)] = 20,
) -> None:
    """List your party's newest jobs."""
    with calling(ctx) as client:
        found = client.jobs(state=state, limit=limit)
    rows = [
        (job.id, job.scenario, _state(job.state), job.duration or "", job.submitted_at[:19])
        for job in found
    ]
    table("作业 Jobs", ("job", "scenario", "state", "duration", "submitted (UTC)"), rows)


@app.command("cancel")
def cancel(ctx: typer.Context, job: str) -> None:
    """Stop a job that has not ended."""
    with calling(ctx) as client:
        show_job(client.cancel(job))


@app.command("place")
def place(ctx: typer.Context, job: str) -> None:
    """Tell where a job failed or was blocked; it is charged to the scenario's allowance of places."""
    with calling(ctx) as client:
        found = client.place(job)
    plain(f"{found.rule}  {found.place or '未指明 none that may be named'}", style="bold")
    if found.offer:
        plain(f"  {found.offer.zh}\n  {found.offer.en}")
    plain(f"  {found.bits} bit，剩余 left {found.left} bit")


@queries.command("explain")
def explain(  # noqa: PLR0913 - these are the command's options, and every one is named
    ctx: typer.Context,
    *,
    scenario: Scenario,
    sql: Sql,
    epsilon: Epsilon,
    output: str,
    as_json: Annotated[bool, typer.Option("--json", help="As JSON.")] = False,
) -> None:
    """Print a query's plan, mechanisms, cost and expected error; no data is read."""
    with calling(ctx) as client:
        found = client.price(scenario, query_work(_text(sql), epsilon=epsilon, output=output))
    if as_json:
        plain(json.dumps(found, ensure_ascii=False, indent=2))
    else:
        show_price(found)
    if found["reasons"]:
        raise typer.Exit(REFUSED)


@queries.command("preview")
def preview(
    ctx: typer.Context,
    *,
    scenario: Scenario,
    sql: Sql,
    epsilon: Epsilon,
    output: Annotated[str, typer.Option(help="A declared output.")],
) -> None:
    """Say in words what a query would cost, and what it would leave of each budget."""
    with calling(ctx) as client:
        found = client.explain(scenario, _text(sql), epsilon=epsilon, output=output)
    plain(f"ε {found['epsilon']} = ρ {found['rho']}", style="bold")
    for said in (found["error"], *(each["told"] for each in found["budgets"])):
        plain(f"  {said['zh']}")
        plain(f"  {said['en']}")
    say_reasons(reasons_of(found))
    if found["reasons"]:
        raise typer.Exit(REFUSED)


def show_job(job: Job) -> None:
    """Print a job: its state, how it ended, and every reason."""
    plain(f"{job.id}  {_state(job.state)}", style="bold")
    facts = (("scenario", job.scenario), ("ended", job.ended), ("duration", job.duration),
             ("outputs", ", ".join(job.outputs)), ("release", job.release))  # fmt: skip
    for name, value in facts:
        if value:
            plain(f"  {name}: {value}")
    say_reasons(job.reasons)


@dataclass
class _Screen:
    """Prints each state once, with the seconds since the start, and keeps a spinner turning."""

    status: Status
    began: float = field(default_factory=time.monotonic)

    def __call__(self, job: Job) -> None:
        seconds = time.monotonic() - self.began
        plain(f"{seconds:6.1f} s  {_state(job.state)}", style="cyan")
        self.status.update(f"{job.id}  {_state(job.state)}")


def followed(client: Client, job: Job) -> Job:
    """Wait for a job, and print each state that it comes to."""
    with Console().status(job.id) as status:
        return client.wait(job.id, on_state=_Screen(status))


def _state(state: str) -> str:
    return f"{state} {STATES.get(state, '')}".rstrip()


def _text(given: str) -> str:
    """Return the text itself, or that of the file it names as `@FILE`."""
    if not given.startswith("@"):
        return given
    try:
        return Path(given[1:]).read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise typer.BadParameter(f"{given[1:]} cannot be read: {type(error).__name__}") from None


def _object(text: str) -> dict[str, Any]:
    try:
        found = json.loads(text)
    except ValueError:
        found = None
    if not isinstance(found, dict):
        raise typer.BadParameter("--parameters is a JSON object")
    return found
