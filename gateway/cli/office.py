"""What the institution does at the domain itself: parties, people, tokens, assets."""

import getpass
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer
from rich.progress import BarColumn, Progress, TaskID, TextColumn, TimeElapsedColumn

from gateway.cli.calling import plain, table
from gateway.cli.domain import HomePath, at
from gateway.governance import assets as catalogue
from gateway.governance.budgets import publish_ceilings
from gateway.governance.parties import Party, Person, add_party, add_person, parties, people
from gateway.governance.rules import load_rules
from gateway.governance.tokens import credentials, issue_token, revoke_token
from gateway.home import Home
from jobs.grant import PartyId, PersonId
from jobs.record.database import Record
from sandbox.asset import Asset
from sandbox.data.ingest import ingest
from sandbox.data.meta import read_meta
from sandbox.data.snapshot import read_profile
from sandbox.egress.identifiers.columns import scan_column

party = typer.Typer(help="Organisations. 参与方。", no_args_is_help=True)
person = typer.Typer(help="People and their roles. 人员与角色。", no_args_is_help=True)
token = typer.Typer(help="Tokens, shown once. 令牌，仅显示一次。", no_args_is_help=True)
asset = typer.Typer(help="Data assets. 数据资源。", no_args_is_help=True)

Kind = Annotated[str, typer.Option(help="implementing_institution, operator, developer, …")]


def who() -> str:
    """Name whoever works at the domain's own machine, for the log."""
    return f"admin:{getpass.getuser()}"


@party.command("add")
def add_a_party(  # noqa: PLR0913 - the command's options, each by name
    name: str,
    *,
    kind: Kind,
    zh: Annotated[str, typer.Option(help="Its Chinese name.")],
    uscc: Annotated[str, typer.Option(help="Its unified social credit code.")],
    en: Annotated[str, typer.Option(help="Its English name.")] = "",
    affiliate: Annotated[
        list[str] | None, typer.Option(help="A party under common control.")
    ] = None,
    home: HomePath = Path("domain"),
) -> None:
    """Enter an organisation under the id NAME, such as P-BANK."""
    near = tuple(PartyId(each) for each in affiliate or ())
    word = Party(
        id=PartyId(name), kind=kind, name_zh=zh, name_en=en or zh, uscc=uscc, affiliates=near
    )
    with at(home) as (_, record):
        add_party(record, word, by=who(), duties=load_rules().duties)
    plain(f"{name} ✓")


@person.command("add")
def add_a_person(
    name: str,
    *,
    of: Annotated[str, typer.Option(help="The party's id.")],
    role: Annotated[list[str], typer.Option(help="A role; may be repeated.")],
    called: Annotated[str, typer.Option(help="The person's own name.")] = "",
    home: HomePath = Path("domain"),
) -> None:
    """Enter a person under the id NAME, such as u-zhang."""
    word = Person(id=PersonId(name), party=PartyId(of), name=called or name, roles=tuple(role))
    with at(home) as (_, record):
        add_person(record, word, by=who(), duties=load_rules().duties)
    plain(f"{name} ✓")


@person.command("list")
def list_people(home: HomePath = Path("domain")) -> None:
    """List the organisations and their people."""
    with at(home) as (_, record), record.reading() as tx:
        names = {each.id: each for each in parties(tx)}
        rows = [
            (
                each.id,
                each.name,
                names[each.party].name_zh,
                names[each.party].kind,
                ", ".join(each.roles),
            )
            for each in people(tx)
        ]
    table("人员 People", ("id", "name", "party", "kind", "roles"), rows)


@token.command("issue")
def issue(
    name: str,
    days: Annotated[int, typer.Option(help="How long it is good for.")] = 90,
    home: HomePath = Path("domain"),
) -> None:
    """Issue a token to a person: it is shown here once, and only its hash is kept."""
    with at(home) as (_, record):
        secret = issue_token(record, PersonId(name), days=days, by=who())
    plain(secret)


@token.command("list")
def list_tokens(home: HomePath = Path("domain")) -> None:
    """List the tokens by their ids, never their secrets."""
    with at(home) as (_, record), record.reading() as tx:
        rows = [(key, each.person, str(each.expires)[:16]) for key, each in credentials(tx).items()]
    table("令牌 Tokens", ("id", "person", "until"), rows)


@token.command("revoke")
def revoke(token_id: str, home: HomePath = Path("domain")) -> None:
    """Revoke a token by its id: it stops working at once."""
    with at(home) as (_, record):
        revoke_token(record, token_id, by=who())
    plain(f"{token_id} 已吊销 revoked")


@asset.command("add")
def add_asset(
    source: Annotated[str, typer.Argument(help="FILE.csv|.parquet|.arrow, or FILE.duckdb#table")],
    meta: Annotated[Path, typer.Option(exists=True, dir_okay=False, help="asset.toml")],
    home: HomePath = Path("domain"),
) -> None:
    """Ingest a file into an immutable snapshot, profile it, and enter it into the catalogue."""
    with at(home) as (opened, record), _progress() as told:
        added = take_in(opened, record, Path(source), meta, told=told)
    profile = read_profile(added.snapshot, data=opened.path / "data")
    plain(f"{added.id} v{added.version}  {added.rows} 行 rows  {added.snapshot}", style="green")
    for found in profile.undeclared_identifiers:
        plain(f"  注意 {found.column}: 疑似未申报标识符 looks like {found.entity}", style="yellow")


@asset.command("list")
def list_assets(home: HomePath = Path("domain")) -> None:
    """List the catalogue."""
    with at(home) as (_, record), record.reading() as tx:
        found = catalogue.catalogue(tx)
    rows = [(a.id, str(a.version), a.title.zh, a.grade, str(a.rows)) for a in found.values()]
    table("数据资源 Assets", ("id", "version", "title", "grade", "rows"), rows)


def take_in(
    home: Home, record: Record, source: Path, meta: Path, *, told: Callable[[str, float], None]
) -> Asset:
    """Ingest and register one file; what it may cost in a year is the rulebooks' ceiling, unless set lower."""
    declared = read_meta(meta)
    added = ingest(source, declared, data=home.path / "data", progress=told, scan=scan_column)
    catalogue.register(record, added, by=who())
    publish_ceilings(record, load_rules(), by=who())
    return added


@contextmanager
def _progress() -> Iterator[Callable[[str, float], None]]:
    """Show each stage of something long as a bar."""
    bars = Progress(
        TextColumn("{task.description}"), BarColumn(), TimeElapsedColumn(), transient=True
    )
    tasks: dict[str, TaskID] = {}

    def tell(stage: str, fraction: float) -> None:
        if stage not in tasks:
            tasks[stage] = bars.add_task(stage, total=1.0)
        bars.update(tasks[stage], completed=fraction)

    with bars:
        yield tell
