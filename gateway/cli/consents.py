"""`shuyu consent`: registers the channels of data subjects, and stands in for one on this machine."""

import base64
import secrets
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Annotated, Any

import typer

from gateway.cli.calling import calling, connect, plain, table
from gateway.cli.domain import HomePath, at
from gateway.cli.office import who
from jobs.grant import PartyId, ScenarioId
from jobs.proof import bodies
from jobs.proof.consent import SALT_BYTES, Statement, sealed_subject
from jobs.proof.keys import PublicKey, load, make
from jobs.steps.consents import register_channel
from sandbox.asset import AssetId

app = typer.Typer(help="What data subjects consent to. 授权同意。", no_args_is_help=True)
app.callback()(connect)
Unit = Annotated[
    str,
    typer.Option(prompt=True, hide_input=True, help="The subject's key; asked for, and not shown."),
]
_KEY = Annotated[Path, typer.Option("--key", help="The channel's private key (PEM).")]


@app.command("channel")
def add_channel(party: str, key: str, home: HomePath = Path("domain")) -> None:
    """Let PARTY hand in consents that KEY signs: its public key as `new-key` shows it."""
    public = PublicKey.parse(key)
    with at(home) as (_, record), record.writing() as tx:
        register_channel(tx, PartyId(party), public, actor=who())
    plain(f"{party}: {public.id} ✓")


@app.command("new-key")
def new_key(party: str, path: Path) -> None:
    """Make a channel's key at PATH, and show the public half for `channel`."""
    plain(make(path, name=party).public.text())


@app.command("give")
def give_consent(  # noqa: PLR0913 - the command's options, each by name
    ctx: typer.Context,
    scenario: str,
    *,
    asset: Annotated[str, typer.Option(help="The asset.")],
    column: Annotated[list[str], typer.Option(help="A column; may be repeated.")],
    recipient: Annotated[str, typer.Option(help="The developer that it is for.")],
    unit: Unit,
    key: _KEY,
    days: Annotated[int, typer.Option(help="How long it holds.")] = 30,
    times: Annotated[int, typer.Option(help="How many releases it allows.")] = 1,
) -> None:
    """Hand in one subject's consent to SCENARIO, as a channel such as 随申码 would."""
    with calling(ctx) as client:
        channel = PartyId(client.me().party)
        salt, now = secrets.token_bytes(SALT_BYTES), datetime.now(UTC)
        said = Statement(
            channel=channel,
            subject=sealed_subject(unit, salt),
            asset=AssetId(asset),
            columns=tuple(column),
            scenario=ScenarioId(scenario),
            recipient=PartyId(recipient),
            valid_from=now,
            valid_to=now + timedelta(days=days),
            times=times,
        )
        signature = load(key, name=channel).sign(bodies.dump(said).encode())
        words = bodies.plain(said)
        del words["form"]
        body = {"statement": words, "unit": unit, "salt": salt.hex()}
        _say(
            [client.post("/consents", {**body, "signature": base64.b64encode(signature).decode()})]
        )


@app.command("withdraw")
def withdraw(ctx: typer.Context, consent: str) -> None:
    """Withdraw CONSENT at once; the releases that were made under it are listed."""
    with calling(ctx) as client:
        gone = client.post(f"/consents/{consent}/withdraw", {})
    _say([gone])


@app.command("own")
def list_own(ctx: typer.Context, *, unit: Unit) -> None:
    """List what a subject has consented to through this channel, and each use of it."""
    with calling(ctx) as client:
        found = client.post("/consents/own", {"unit": unit})
    _say(found["items"])


def _say(consents: list[dict[str, Any]]) -> None:
    rows = [
        (
            each["id"],
            each["scenario"],
            each["recipient"],
            f"{each['asset']} ({', '.join(each['columns'])})",
            each["valid_to"][:10],
            f"{each['left']}/{each['times']}",
            each["state"],
        )
        for each in consents
    ]
    names = ("id", "scenario", "recipient", "data", "until", "left", "state")
    table("授权同意 Consents", names, rows)
    used = [
        (use["at"][:19], use["release"], use["scenario"], use["recipient"])
        for each in consents
        for use in each["uses"]
    ]
    if used:
        table("使用 Uses", ("at (UTC)", "release", "scenario", "recipient"), used)
