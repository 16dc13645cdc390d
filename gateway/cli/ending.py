"""`shuyu scenario destroy` and `shuyu verify-destruction`, beside the commands that developers have."""

from importlib import import_module
from pathlib import Path
from typing import Annotated

import typer

from gateway.cli.calling import FAILED, plain, say
from gateway.cli.releases import trusted_keys
from gateway.cli.scenarios import app
from jobs.errors import JobsError
from jobs.proof.destruction import VerifiedDestruction, verify

__all__ = ["app", "verify_destruction"]


@app.command("destroy")
def destroy_scenario(  # noqa: PLR0913 - the command's options, each by name
    name: Annotated[str, typer.Argument(help="The scenario, such as SC-SH-2026-0001.")],
    *,
    reason: Annotated[str, typer.Option(help="Why: it stands in the log and in the certificate.")],
    token: Annotated[
        str,
        typer.Option(
            envvar="SHUYU_TOKEN",
            prompt="域管理员令牌 token of the domain admin",
            hide_input=True,
            help="Of a domain admin, who has it destroyed.",
        ),
    ],
    auditor_token: Annotated[
        str,
        typer.Option(
            envvar="SHUYU_AUDITOR_TOKEN",
            prompt="审计员令牌 token of the auditor",
            hide_input=True,
            help="Of an auditor, another person, who certifies it.",
        ),
    ],
    to: Annotated[
        Path | None, typer.Option(dir_okay=False, help="Where to write the certificate.")
    ] = None,
    home: Annotated[
        Path, typer.Option("--home", envvar="SHUYU_HOME", help="The domain home. 运营域目录。")
    ] = Path("domain"),
) -> None:
    """Destroy what a scenario made in the domain, at the domain's own machine: not over the gateway."""
    # a developer's machine has these commands and no domain: only this one needs the record
    at_home = import_module("gateway.cli.destroy")
    at_home.destroy_scenario(name, reason, (token, auditor_token), to, home)


def verify_destruction(
    certificate: Annotated[
        Path, typer.Argument(exists=True, dir_okay=False, help="The certificate, D-….json.")
    ],
    *,
    keys: Annotated[
        Path, typer.Option(exists=True, dir_okay=False, help="TOML with the keys that you trust.")
    ],
) -> None:
    """Check a certificate of destruction offline: signatures, people, and inclusion in the log."""
    try:
        found = verify(certificate.read_bytes(), keys=trusted_keys(keys))
    except (JobsError, OSError) as error:
        say("核验未通过", f"not verified: {error}")
        raise typer.Exit(FAILED) from None
    _show(found)


def _show(found: VerifiedDestruction) -> None:
    facts = found.facts
    for number, step in enumerate(found.steps, start=1):
        plain(f"  {number}. {step}  ✓", style="green")
    plain(f"  {facts.kind} {facts.target}: {facts.reason}")
    plain(f"  {facts.by.person} → {facts.certified_by.person}  {facts.at.isoformat()[:19]}")
    plain(f"  副本 copies {len(facts.copies)}    备份密钥 backup keys {len(facts.keys)}")
    for rest in facts.remains:
        plain(f"  保留 stays: {rest.what.zh}（{rest.until.zh}）/ {rest.what.en} ({rest.until.en})")
    plain("核验通过 verified", style="bold")
