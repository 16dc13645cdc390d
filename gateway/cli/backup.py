"""`shuyu backup` and `shuyu restore`: the whole domain, encrypted and signed, and back again."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated

import typer

from gateway.cli.calling import plain
from gateway.cli.domain import HomePath, at, now, telling
from gateway.cli.office import who
from jobs.backup.agekeys import read_identity
from jobs.backup.making import Progress, Source, Wish
from jobs.backup.making import backup as make_backup
from jobs.backup.manifest import Manifest
from jobs.backup.restore import Place, Restored, RestoreError, Tools, Trust, Word
from jobs.backup.restore import restore as bring_back
from jobs.errors import RecordBrokenError
from jobs.proof.trusted import TrustedFile
from jobs.record import documents
from jobs.record.database import Reading
from jobs.record.inside import ASSETS
from jobs.rules import scopes
from sandbox.asset import AssetId

Json = Annotated[bool, typer.Option("--json", help="Print one JSON object.")]


def backup(
    folder: Annotated[Path, typer.Argument(help="The new folder that the backup becomes.")],
    *,
    without_data: Annotated[
        bool, typer.Option("--without-data", help="Leave the assets' snapshots out.")
    ] = False,
    with_keys: Annotated[
        str, typer.Option(help="Put the secret keys in too, for this age recipient (age1…).")
    ] = "",
    as_json: Json = False,
    home: HomePath = Path("domain"),
) -> None:
    """Back the domain up, while it works: record, log, shelf, quarantine, snapshots and settings.

    Each asset and each scenario is encrypted under a key of its own, which lies in keys/backup/ of the
    home and must be kept elsewhere too: without it nothing of that scope comes back.
    """
    with at(home) as (opened, record):
        source = Source(
            record=record,
            home=opened.path,
            domain=opened.settings.name,
            key=opened.key("release"),
        )
        wish = Wish(data=not without_data, keys_for=with_keys)
        made = make_backup(source, folder.absolute(), wish, told=_teller(as_json))
    if as_json:
        typer.echo(json.dumps(_facts(made), ensure_ascii=False))
        return
    size = sum(part.size for part in made.parts)
    plain(f"备份完成 backed up: {folder}  {made.id}", style="bold green")
    plain(f"  日志 log  {made.size}    部分 parts  {len(made.parts)}    {size} B")
    if not with_keys:
        plain("  密钥未包含，请另行保管 keys/ (no secret key is in it: keep keys/ elsewhere)")


def restore(  # noqa: PLR0913 - the command's options, each by name
    folder: Annotated[Path, typer.Argument(exists=True, file_okay=False, help="The backup.")],
    *,
    into: Annotated[Path, typer.Option(help="The new home: a folder that is empty, or not there.")],
    record: Annotated[str, typer.Option(help="An empty PostgreSQL database; else SQLite.")] = "",
    secrets: Annotated[
        Path | None,
        typer.Option(exists=True, file_okay=False, help="The keys/ that you kept elsewhere."),
    ] = None,
    identity: Annotated[
        Path | None,
        typer.Option(exists=True, dir_okay=False, help="The age key that --with-keys was for."),
    ] = None,
    keys: Annotated[
        Path | None,
        typer.Option(exists=True, dir_okay=False, help="trusted.toml; else that of --secrets."),
    ] = None,
    known: Annotated[
        list[Path] | None,
        typer.Option(exists=True, dir_okay=False, help="A signed checkpoint from elsewhere."),
    ] = None,
    nothing_lost: Annotated[
        Path | None,
        typer.Option(
            exists=True, dir_okay=False, help="The last checkpoint that the old home ever signed."
        ),
    ] = None,
    accept_loss: Annotated[
        str, typer.Option(help="Why what came after the backup may be lost: closes every budget.")
    ] = "",
    as_json: Json = False,
) -> None:
    """Bring a backup back into a new home, and verify all of it.

    Where the domain went on after the backup, its privacy budgets are closed before it starts again:
    what was spent since then is not known any more. `--nothing-lost` says that it did not.
    """
    with telling():
        trust = Trust(
            trusted=_trusted(keys, secrets),
            keys=secrets,
            identities=(read_identity(identity),) if identity else (),
            known=tuple(_notes([*(known or []), *_last_known(secrets)])),
            final=nothing_lost.read_text("utf-8") if nothing_lost else "",
        )
        place = Place(home=into.absolute(), url=record)
        word = Word(by=who(), accept_loss=accept_loss, close=_scopes)
        tools = Tools(clock=now, told=_teller(as_json))
        done = bring_back(folder.absolute(), place, trust, word, tools=tools)
    _say(done, into, as_json=as_json)


def _say(done: Restored, into: Path, *, as_json: bool) -> None:
    if as_json:
        told = {**_facts(done.manifest), "locked": list(done.locked), "ready": done.ready}
        typer.echo(json.dumps(told, ensure_ascii=False))
        return
    plain(f"已恢复并核验 restored and verified: {into}  {done.manifest.id}", style="bold green")
    plain(f"  日志 log  {done.report.head.size}  {done.report.head.root.hex()}")
    for scope in done.locked:
        plain(f"  密钥已销毁，未恢复 its key is gone, not restored: {scope}", style="yellow")
    if done.ready:
        plain(f"  下一步 next  shuyu up --home {into}")
    else:
        plain(
            "  启动前须确认损失，届时关闭全部隐私预算 before it starts, a person accepts the loss:"
            f'\n  shuyu record accept --reason "…" --home {into}',
            style="yellow",
        )
    plain("  请核对备份之后的撤销、吊销与停用 look through what was revoked since the backup")


def _facts(made: Manifest) -> dict[str, object]:
    return {
        "backup": made.id,
        "domain": made.domain,
        "at": made.at.isoformat(),
        "log": {"size": made.size, "root": made.root.hex()},
        "data": made.with_data,
        "parts": [
            {"name": part.name, "scope": part.scope, "size": part.size, "digest": part.digest}
            for part in made.parts
        ],
    }


def _teller(quiet: bool) -> Progress:  # noqa: FBT001 - the option itself
    return (lambda _: None) if quiet else (lambda name: plain(f"  {name}", style="dim"))


def _trusted(keys: Path | None, secrets: Path | None) -> TrustedFile:
    """Read whom the person trusts: never from the backup itself, which could vouch for anything."""
    path = keys or (secrets and secrets / "trusted.toml")
    if path is None or not path.is_file():
        raise RestoreError("say whom to trust: --keys trusted.toml, or --secrets with one in it")
    try:
        return TrustedFile.parse(path.read_text("utf-8"))
    except UnicodeDecodeError:
        raise RecordBrokenError(f"{path.name} is no text") from None


def _last_known(secrets: Path | None) -> Iterator[Path]:
    """Yield the last checkpoint that lies with the keys: it may be old, and still shows a loss."""
    if secrets is not None and (secrets / "last-checkpoint").is_file():
        yield secrets / "last-checkpoint"


def _notes(paths: list[Path]) -> Iterator[str]:
    for path in paths:
        yield path.read_text("utf-8")


def _scopes(tx: Reading) -> Iterator[str]:
    """Name the budgets of every asset that is known, also those that no charge has opened yet."""
    for asset in sorted({paper.id.partition("@")[0] for paper in documents.listed(tx, ASSETS)}):
        yield scopes.lifetime(AssetId(asset))
        yield scopes.asset_year(AssetId(asset), scopes.year_of(tx.now))
