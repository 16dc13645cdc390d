"""`shuyu release` and `shuyu verify`: take what was released, and check it without trusting anyone."""

from collections.abc import Callable, Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import Annotated

import typer

from gateway.cli.calling import FAILED, calling, connect, plain, say, table
from jobs.errors import JobsError, RecordBrokenError
from jobs.proof.certificate import MAX_PROOF_BYTES, Verified, verify
from jobs.proof.dsse import MAX_BYTES
from jobs.proof.statement import CertificateFacts
from jobs.proof.trusted import TrustedFile, TrustedKeys
from sandbox.anonymity.level import promised
from sandbox.anonymity.sealed import sealed_in
from sandbox.errors import DataError

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


@app.command("proof")
def fetch_proof(
    ctx: typer.Context,
    release: str,
    to: Annotated[Path, typer.Option(file_okay=False, help="The folder to write into.")] = Path(),
) -> None:
    """Fetch a fresh proof that the log noted a release's certificate, for `shuyu verify --proof`."""
    with calling(ctx) as client:
        proof = client.fetch(f"/releases/{release}/proof")
        to.mkdir(parents=True, exist_ok=True)
        path = to / f"{Path(release).name}.proof.json"
        path.write_bytes(proof)
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
    proof: Annotated[
        Path | None,
        typer.Option(exists=True, dir_okay=False, help="A fresh proof, where a key was revoked."),
    ] = None,
    evidence: Annotated[
        Path | None,
        typer.Option(exists=True, dir_okay=False, help="Sealed evidence that you were given."),
    ] = None,
) -> None:
    """Check a release offline: signatures, approvals, checks, inclusion in the log, and the files.

    The keys come from the institution by a way that you trust, not from the gateway: a TOML file
    with the lists `release`, `grant` and `log` of public keys, each as `name+id+base64`.
    """
    try:
        trusted, fresh = trusted_keys(keys), _read(proof, MAX_PROOF_BYTES) if proof else None
        found = _verified(certificate, files, partial(verify, keys=trusted, proof=fresh))
        shown = tuple(_opened(found.facts, _read(evidence, MAX_BYTES))) if evidence else ()
    except (JobsError, DataError, OSError) as error:
        say("核验未通过", f"not verified: {error}")
        raise typer.Exit(FAILED) from None
    for number, step in enumerate(found.steps, start=1):
        plain(f"  {number}. {step}  ✓", style="green")
    for line in (*_generalised(found.facts), *_sealed(found.facts), *_cards(found.facts), *shown):
        plain(line)
    compared = "files compared" if found.files_seen else "files NOT at hand, only the certificate"
    plain(f"核验通过 verified: release of job {found.facts.job} ({compared})", style="bold")


def _generalised(facts: CertificateFacts) -> Iterator[str]:
    """Say of each view that was read what anonymity its signed terms promise."""
    for read in facts.inputs:
        terms = facts.grant.grant.view(read.asset)
        if terms is None or terms.generalise is None:
            continue
        aim = terms.generalise
        promise = f"k ≥ {aim.k} ({', '.join(aim.quasi)})"
        if aim.sensitive:
            promise += f", l ≥ {aim.l}, t ≤ {aim.t} ({', '.join(aim.sensitive)})"
        yield f"  视图 view {read.asset}: {promise}, GB/T 42460 level {promised(terms)}"


def _sealed(facts: CertificateFacts) -> Iterator[str]:
    """Name the sealed evidence of each view, as it was before the grant and as the run read it."""
    for before in facts.grant.grant.evidence:
        yield f"  授权前评估 judged before the grant {before.asset}: {before.sealed}"
    for read in facts.inputs:
        if read.evidence is not None:
            yield f"  运行时证据 evidence of the run {read.asset}: {read.evidence}"


def _cards(facts: CertificateFacts) -> Iterator[str]:
    """Say what was measured of each model."""
    for check in facts.checks:
        if check.card is not None:
            yield f"  模型卡 model card {check.output}: {check.card}"


def _opened(facts: CertificateFacts, given: bytes) -> Iterator[str]:
    """Hold evidence against its seals, and say it; raise `RecordBrokenError` for any other."""
    seals = {each.sealed for each in facts.grant.grant.evidence}
    seals |= {read.evidence for read in facts.inputs if read.evidence is not None}
    for each in sealed_in(given.decode("utf-8", errors="replace")):
        if each.digest not in seals:
            raise RecordBrokenError("the evidence is not what was sealed for this release")
        found = each.evidence
        level = "" if each.level is None else f", GB/T 42460 level {each.level}"
        yield (
            f"  证据属实 evidence {each.asset}: k {found.k}, {found.units} units,"
            f" risk {float(found.risks.prosecutor):.4f}{level}"
        )
        for spread in found.sensitive:
            figures = f"l {spread.distinct}, t {float(spread.closeness):.4f}"
            yield f"    {spread.column}: {figures}, top share {float(spread.top_share):.4f}"


def trusted_keys(path: Path) -> TrustedKeys:
    """Read the keys that a verifier trusts; raise `RecordBrokenError` where there are none."""
    try:
        return TrustedFile.parse(path.read_text("utf-8")).trusted
    except (RecordBrokenError, UnicodeDecodeError) as error:
        raise RecordBrokenError(f"{path.name}: {error}") from error


def _verified(certificate: Path, folder: Path | None, checked: Callable[..., Verified]) -> Verified:
    """Verify with the files where they are at hand; a folder that is named must hold them all."""
    text = _read(certificate, MAX_BYTES)
    alone = checked(text)
    names = [file.file for file in alone.facts.files]
    near = folder or certificate.parent
    if folder is None and not any((near / name).is_file() for name in names):
        return alone
    return checked(text, files=_contents(near, names))


def _read(path: Path, most: int) -> bytes:
    """Read a file, and of one that is too large just enough to tell."""
    with path.open("rb") as file:
        return file.read(most + 1)


def _contents(folder: Path, names: list[str]) -> Mapping[str, bytes]:
    return {name: (folder / Path(name).name).read_bytes() for name in names}
