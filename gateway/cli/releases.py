"""`shuyu release` and `shuyu verify`: take what was released, and check it without trusting anyone."""

import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated

import typer

from gateway.cli.calling import FAILED, calling, connect, plain, say, table
from jobs.errors import JobsError, RecordBrokenError
from jobs.proof.certificate import TrustedKeys, Verified, verify
from jobs.proof.keys import PublicKey

app = typer.Typer(help="List and download releases. 查看和下载发布结果。", no_args_is_help=True)
app.callback()(connect)


@app.command("list")
def list_releases(
    ctx: typer.Context, limit: Annotated[int, typer.Option(min=1, max=200)] = 20
) -> None:
    """List your party's newest releases."""
    with calling(ctx) as client:
        found = client.releases(limit=limit)
    rows = [
        (each.id, each.job, each.release_class, ", ".join(f.file for f in each.files), each.at[:19])
        for each in found
    ]
    table("发布 Releases", ("release", "job", "class", "files", "at (UTC)"), rows)


@app.command("download")
def download(
    ctx: typer.Context,
    release: str,
    to: Annotated[Path, typer.Option(file_okay=False, help="The folder to write into.")] = Path(),
) -> None:
    """Download a release's files and its certificate, each held against its digest."""
    with calling(ctx) as client:
        for path in client.download(release, to):
            plain(str(path))


def verify_release(
    certificate: Annotated[
        Path, typer.Argument(exists=True, dir_okay=False, help="The certificate, R-….json.")
    ],
    *,
    keys: Annotated[
        Path,
        typer.Option(exists=True, dir_okay=False, help="TOML with the keys that you trust."),
    ],
    files: Annotated[
        Path | None,
        typer.Option(exists=True, file_okay=False, help="The folder with the released files."),
    ] = None,
) -> None:
    """Check a release offline: signatures, approvals, checks, inclusion in the log, and the files.

    The keys come from the institution by a way that you trust, not from the gateway: a TOML file
    with the lists `release`, `grant` and `log` of public keys, each as `name+id+base64`.
    """
    try:
        found = _verified(certificate, trusted_keys(keys), files)
    except (JobsError, OSError) as error:
        say("核验未通过", f"not verified: {error}")
        raise typer.Exit(FAILED) from None
    for number, step in enumerate(found.steps, start=1):
        plain(f"  {number}. {step}  ✓", style="green")
    compared = "files compared" if found.files_seen else "files NOT at hand, only the certificate"
    plain(f"核验通过 verified: release of job {found.facts.job} ({compared})", style="bold")


def trusted_keys(path: Path) -> TrustedKeys:
    """Read the keys that a verifier trusts; raise `RecordBrokenError` where there are none."""
    try:
        found = tomllib.loads(path.read_text("utf-8"))
        lists = {part: tuple(map(PublicKey.parse, found[part])) for part in _PARTS}
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, KeyError, TypeError) as error:
        parts = ", ".join(_PARTS)
        raise RecordBrokenError(f"{path.name} does not hold the lists {parts}") from error
    return TrustedKeys(**lists)


_PARTS = ("release", "grant", "log")


def _verified(certificate: Path, keys: TrustedKeys, folder: Path | None) -> Verified:
    """Verify with the files where they are at hand; a folder that is named must hold them all."""
    text = certificate.read_bytes()
    alone = verify(text, keys=keys)
    names = [file.file for file in alone.facts.files]
    near = folder or certificate.parent
    if folder is None and not any((near / name).is_file() for name in names):
        return alone
    return verify(text, keys=keys, files=_contents(near, names))


def _contents(folder: Path, names: list[str]) -> Mapping[str, bytes]:
    return {name: (folder / Path(name).name).read_bytes() for name in names}
