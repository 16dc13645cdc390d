"""`shuyu image`: what jobs may run on, and how it comes into the domain."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from gateway.cli.calling import REFUSED, plain, say, table
from gateway.cli.domain import HomePath, at, now, rooms_of
from gateway.cli.intake import Held, Intake, trust_of
from gateway.governance.office import MAX_OPINION
from gateway.governance.tokens import caller
from gateway.home import HomeError
from sandbox.asset import ImageDigest
from sandbox.runner.building import lay_out, write_layer
from sandbox.runner.examine import Examined, examine
from sandbox.runner.images import lines_of
from sandbox.runner.layers import Tree
from sandbox.runner.outside import MEANT, DataKind
from sandbox.runner.register import Entry, Source, believed

app = typer.Typer(help="Container images. 镜像。", no_args_is_help=True)

ACCEPTS = "approve_outside_data"
"""What the person does who accepts an image with data in it, as an action of the duties table."""
Name = Annotated[str, typer.Option(help="What to call it in lists.")]


@app.command("import")
def import_image(
    source: Annotated[
        Path, typer.Argument(exists=True, help="docker save's FILE, or an OCI layout.")
    ],
    name: Name,
    home: HomePath = Path("domain"),
) -> None:
    """Check an archive or an OCI layout, and take it in; grants name the digest that this prints."""
    with _at_work(home) as (intake, folder), _busy("检查镜像 examining the image"):
        examined = examine(source, folder, name=name)
        _tell(intake, examined, name=name, source=Source.IMPORTED)


@app.command("build")
def build_image(
    source: Annotated[Path, typer.Argument(exists=True, file_okay=False, help="It has src/.")],
    name: Name,
    base: Annotated[str, typer.Option(help="A registered image.")] = "python",
    wheels: Annotated[Path | None, typer.Option(help="Where the locked wheels lie.")] = None,
    home: HomePath = Path("domain"),
) -> None:
    """Build an image from src/, requirements.lock and preload on one of the domain's, without a network."""
    with _at_work(home) as (intake, folder), _busy("构建镜像 building the image"):
        below = _named(intake, base)
        root = folder / "root"
        lay_out(source, wheels or source / "wheels", root)
        intake.keeper.save_image(below, folder / "base.tar")

        def above(tree: Tree) -> Path:
            write_layer(root, folder / "layer.tar", base=tree)
            return folder / "layer.tar"

        examined = examine(folder / "base.tar", folder, name=name, own=below, above=above)
        (folder / "base.tar").unlink()
        (folder / "layer.tar").unlink()
        _tell(intake, examined, name=name, source=Source.BUILT)


@app.command("held")
def list_held(
    digest: Annotated[str, typer.Argument(help="Show what looks like data in this one.")] = "",
    home: HomePath = Path("domain"),
) -> None:
    """List the images that bring data with them, and wait for a person; or the files of one."""
    with at(home) as (opened, record):
        intake = Intake(home=opened, record=record)
        if digest:
            _show(intake.held(digest))
            return
        rows = [(one.entry.name, one.entry.digest, _kinds(one.entry)) for one in intake.all_held()]
    table("待审镜像 Held images", ("name", "digest", "outside data"), rows)


@app.command("accept")
def accept(
    digest: str,
    *,
    reason: Annotated[str, typer.Option(help="Why: it stands in the log and in the register.")],
    token: Annotated[
        str,
        typer.Option(
            envvar="SHUYU_TOKEN",
            prompt="外部数据审查员令牌 token of the reviewer of outside data",
            hide_input=True,
            help="Of a reviewer of outside data.",
        ),
    ],
    home: HomePath = Path("domain"),
) -> None:
    """Let a held image in, with the data that it brings: a reviewer of the institution answers for it."""
    with at(home) as (opened, record):
        by = caller(record, token, now=now())
        rooms_of(opened, record).office.demand_role(by, ACCEPTS)
        if not reason.strip() or len(reason) > MAX_OPINION:
            raise HomeError(f"a reason is needed, of at most {MAX_OPINION} characters")
        intake = Intake(home=opened, record=record)
        plain(intake.accept(digest, by=by.person, reason=reason))


@app.command("discard")
def discard(digest: str, home: HomePath = Path("domain")) -> None:
    """Let go of a held image."""
    with at(home) as (opened, record):
        Intake(home=opened, record=record).discard(digest)
    plain(f"{digest} ✗")


@app.command("register")
def register_image(digest: str, name: Name, home: HomePath = Path("domain")) -> None:
    """Sign for an image that the engine has, such as one of `images/build.sh`."""
    with at(home) as (opened, record):
        plain(Intake(home=opened, record=record).register(ImageDigest(digest), name=name))


@app.command("list")
def list_images(home: HomePath = Path("domain")) -> None:
    """List the images that jobs may run on, and say so where the register was altered."""
    with at(home) as (opened, _):
        found = believed(lines_of(opened.path / "images"), trust_of(opened))
    rows = [(one.name, one.digest, one.source, one.by, one.at[:19], _kinds(one)) for one in found]
    table("镜像 Images", ("name", "digest", "source", "by", "at (UTC)", "outside data"), rows)


@app.command("bill")
def show_bill(digest: str, home: HomePath = Path("domain")) -> None:
    """Print an image's bill of materials: CycloneDX JSON, of what its package managers wrote down."""
    with at(home) as (opened, record):
        found = believed(lines_of(opened.path / "images"), trust_of(opened))
        entry = next((one for one in found if one.digest == digest and one.bill), None)
        if entry is None:
            raise HomeError(f"no imported image {digest} is in the register: `shuyu image list`")
        typer.echo(Intake(home=opened, record=record).bill(entry).decode())


@contextmanager
def _at_work(path: Path) -> Iterator[tuple[Intake, Path]]:
    with at(path) as (home, record):
        intake = Intake(home=home, record=record)
        intake.keeper.found()  # one that does not answer is told of before the work, not after it
        with intake.workplace() as folder:
            yield intake, folder


@contextmanager
def _busy(what: str) -> Iterator[None]:
    with Console(stderr=True).status(what):
        yield


def _named(intake: Intake, name: str) -> ImageDigest:
    found = dict(reversed(intake.keeper.found().images))
    if name not in found:
        raise HomeError(
            f"no image is registered as {name}: `shuyu image list` names those that are"
        )
    return found[name]


def _tell(intake: Intake, examined: Examined, *, name: str, source: Source) -> None:
    taken = intake.take(examined, name=name, source=source)
    if not isinstance(taken, Held):
        plain(taken)
        return
    _show(taken)
    say(
        f"镜像含外部数据，须经审查：shuyu image accept {taken.entry.digest} --reason …",
        "the image brings data with it, and is held until a reviewer accepts it",
    )
    raise typer.Exit(REFUSED)


def _show(held: Held) -> None:
    rows = [
        (f"{MEANT[one.kind].zh} {MEANT[one.kind].en}", str(one.files), str(one.size))
        for one in held.entry.findings
    ]
    plain(f"{held.entry.name}  {held.entry.digest}")
    table("外部数据 Outside data", ("kind", "files", "bytes"), rows)
    for kind, path, size in held.named:
        plain(f"  {MEANT[DataKind(kind)].zh}  {size}  {path}")


def _kinds(entry: Entry) -> str:
    return ", ".join(f"{one.kind} {one.files}" for one in entry.findings)
