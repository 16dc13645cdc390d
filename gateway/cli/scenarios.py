"""`shuyu scenario`: submit plans, follow them, decide on them, and stop them."""

import json
from pathlib import Path
from typing import Annotated, Any

import typer
import yaml

from gateway.cli.calling import FAILED, calling, connect, plain, say, table
from gateway.client import Client

app = typer.Typer(
    help="Submit scenario plans and decide on them. 提交和审批应用场景方案。", no_args_is_help=True
)
app.callback()(connect)

Scenario = Annotated[str, typer.Argument(help="The scenario, such as SC-SH-2026-0001.")]
Opinion = Annotated[str, typer.Option(help="Your opinion, which is kept with the decision.")]
Seat = Annotated[str, typer.Option(help="The seat, such as approve_scenario_provider.")]
Plan = Annotated[str, typer.Option(help="The digest of the plan that you read; shown by `show`.")]


@app.command("submit")
def submit(
    ctx: typer.Context, plan: Annotated[Path, typer.Argument(exists=True, dir_okay=False)]
) -> None:
    """Submit a scenario plan (YAML or JSON), new or after a return."""
    given = _read(plan)
    with calling(ctx) as client:
        _show(client.submit_scenario(given))


@app.command("list")
def list_scenarios(ctx: typer.Context) -> None:
    """List the scenarios that you may know of."""
    with calling(ctx) as client:
        found = client.scenarios()
    rows = [
        (each["id"], str(each["version"]), each["state"], each["developer"], each["title"]["zh"])
        for each in found
    ]
    table("应用场景 Scenarios", ("scenario", "version", "state", "developer", "title"), rows)


@app.command("show")
def show(ctx: typer.Context, scenario: Scenario) -> None:
    """Show a scenario: its state, the plan's digest, the open seats and the decisions."""
    with calling(ctx) as client:
        _show(client.scenario(scenario))


@app.command("forward")
def forward(ctx: typer.Context, scenario: Scenario, *, opinion: Opinion, plan: Plan) -> None:
    """Forward a plan to its assessment, for the operator."""
    with calling(ctx) as client:
        _show(client.decide(scenario, "forward", {"opinion": opinion, "plan": plan}))


@app.command("approve")
def approve(
    ctx: typer.Context, scenario: Scenario, *, seat: Seat, opinion: Opinion, plan: Plan
) -> None:
    """Say one seat's yes; the last one issues the grant."""
    with calling(ctx) as client:
        _seated(client, scenario, "approve", seat=seat, opinion=opinion, plan=plan)


@app.command("refuse")
def refuse(
    ctx: typer.Context, scenario: Scenario, *, seat: Seat, opinion: Opinion, plan: Plan
) -> None:
    """Say one seat's no, which is final."""
    with calling(ctx) as client:
        _seated(client, scenario, "refuse", seat=seat, opinion=opinion, plan=plan)


@app.command("return")
def return_(
    ctx: typer.Context, scenario: Scenario, *, seat: Seat, opinion: Opinion, plan: Plan
) -> None:
    """Send a plan back to its developer."""
    with calling(ctx) as client:
        _seated(client, scenario, "return", seat=seat, opinion=opinion, plan=plan)


@app.command("suspend")
def suspend(ctx: typer.Context, scenario: Scenario, *, opinion: Opinion) -> None:
    """Stop a scenario for now, with every job that is queued or running under it."""
    _stopped(ctx, scenario, "suspend", opinion)


@app.command("lift")
def lift(ctx: typer.Context, scenario: Scenario, *, opinion: Opinion) -> None:
    """Let a suspended scenario go on."""
    _stopped(ctx, scenario, "lift", opinion)


@app.command("revoke")
def revoke(ctx: typer.Context, scenario: Scenario, *, opinion: Opinion) -> None:
    """End a scenario for good, with every job under it."""
    _stopped(ctx, scenario, "revoke", opinion)


@app.command("withdraw")
def withdraw(ctx: typer.Context, scenario: Scenario, *, opinion: Opinion) -> None:
    """End your own party's scenario for good."""
    _stopped(ctx, scenario, "withdraw", opinion)


def _seated(client: Client, scenario: str, step: str, **said: str) -> None:
    _show(client.decide(scenario, step, said))


def _stopped(ctx: typer.Context, scenario: str, step: str, opinion: str) -> None:
    with calling(ctx) as client:
        _show(client.decide(scenario, step, {"opinion": opinion}))


def _show(scenario: dict[str, Any]) -> None:
    plain(f"{scenario['id']} v{scenario['version']}  {scenario['state']}", style="bold")
    plain(f"  {scenario['title']['zh']} / {scenario['title']['en']}")
    plain(f"  plan: {scenario['digest']}")
    for seat in scenario["open_seats"]:
        plain(f"  waits for: {seat['action']} {seat['party'] or ''}".rstrip(), style="yellow")
    for each in scenario["decisions"]:
        plain(f"  {each['at'][:19]}  {each['event']}  {each['party']}  {each['opinion']}")
    for reason in scenario["reasons"]:
        plain(f"  [{reason['rule']}] {reason['place']} {reason['why']['zh']}", style="yellow")
        plain(f"    {reason['why']['en']} → {reason['fix']['en']}")
    if scenario["grant"]:
        plain(f"  grant: {scenario['grant']}")


def _read(path: Path) -> dict[str, Any]:
    try:
        found = _parsed(path.read_text("utf-8"))
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        say("方案文件无法读取", f"{path.name} cannot be read: {type(error).__name__}")
        raise typer.Exit(FAILED) from None
    if not isinstance(found, dict):
        say("方案文件不是一个对象", f"{path.name} does not hold a plan")
        raise typer.Exit(FAILED)
    plan: dict[str, Any] = json.loads(json.dumps(found, default=str))  # YAML's days become text
    return plan


def _parsed(text: str) -> Any:  # noqa: ANN401 - what a file holds
    """Read JSON as JSON: YAML 1.1 takes a number such as 1e-06 for a text."""
    try:
        return json.loads(text)
    except ValueError:
        return yaml.safe_load(text)
