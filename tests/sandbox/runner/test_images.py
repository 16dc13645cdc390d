"""Images on a real engine: what is taken in is what was examined, runs by its id, and stays what it is."""

import hashlib
import json
import subprocess
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from sandbox.asset import ImageDigest
from sandbox.errors import ImageError
from sandbox.order import Ended
from sandbox.runner.building import lay_out, write_layer
from sandbox.runner.engine import Engine
from sandbox.runner.examine import Examined, examine
from sandbox.runner.images import Images
from sandbox.runner.layers import Tree
from sandbox.runner.outside import DataKind, Finding
from sandbox.runner.register import Belief, Entry, Line, Source, signed
from tests.sandbox.images.forge import NOISY, Image, brought, gzipped, tarred, written
from tests.sandbox.images.wheels import folder_of, wheel
from tests.sandbox.runner.conftest import Node, Ordering, output

pytestmark = [pytest.mark.engine, pytest.mark.timeout(300)]
TREASURE = "CANARY-7f3a-in-the-image"


@pytest.fixture
def engine(engine_host: str) -> Iterator[Engine]:
    engine = Engine(engine_host)
    yield engine
    engine.close()


def line(examined: Examined, after: str, name: str = "third-party") -> Line:
    entry = Entry(name=name, digest=examined.digest, source=Source.IMPORTED, after=after)
    return Line(entry=entry)


def head(node: Node) -> str:
    lines = json.loads((node.home / "images" / "register.json").read_bytes())
    whole = [Line(**{**one, "entry": Entry(**one["entry"])}) for one in lines]
    return whole[-1].digest


@pytest.mark.parametrize("form", ["saved", "layout", "gzip"])
def test_an_image_of_any_form_becomes_one_that_starts_nothing_and_has_no_tag(
    node: Node, engine: Engine, tmp_path: Path, form: str
) -> None:
    image = Image(layers=(tarred({"hello": f"{tmp_path}".encode()}),), said=NOISY)
    if form == "saved":
        source = brought(tmp_path / "a", image.saved())
    else:
        source = written(
            tmp_path / "a", replace(image, pack=gzipped if form == "gzip" else bytes).layout()
        )
    examined = examine(source, tmp_path, name="third-party")

    digest = node.client.import_image(examined.archive, line=line(examined, head(node)))

    seen = engine.image(digest)
    assert seen is not None
    assert not seen["RepoTags"]
    assert seen["Config"]["Env"] == ["PATH=/bin", "GREETING=hello"]
    assert not any(seen["Config"].get(name) for name in NOISY if name not in {"Env", "User"})
    assert ("third-party", digest) in node.client.found().images


def test_the_engine_itself_saves_what_can_be_imported(node: Node, tmp_path: Path) -> None:
    first = examine(brought(tmp_path / "a", Image().saved()), tmp_path, name="x")
    node.client.import_image(first.archive, line=line(first, head(node)))
    node.client.save_image(first.digest, tmp_path / "saved.tar")

    again = examine(tmp_path / "saved.tar", tmp_path, name="x")

    assert (again.was, again.digest) == (first.digest, first.digest)


def test_an_archive_of_another_image_than_was_signed_for_is_not_registered(
    node: Node, tmp_path: Path
) -> None:
    (tmp_path / "other").mkdir()
    one = examine(brought(tmp_path / "a", Image().saved()), tmp_path, name="x")
    image = Image(layers=(tarred({"other": b"x"}),))
    other = examine(brought(tmp_path / "b", image.saved()), tmp_path / "other", name="x")

    with pytest.raises(ImageError, match="signed for"):
        node.client.import_image(other.archive, line=line(one, head(node), name="swapped"))

    assert "swapped" not in dict(node.client.found().images)


def test_an_image_with_outside_data_is_registered_only_with_the_name_of_who_accepted_it(
    node: Node, tmp_path: Path
) -> None:
    examined = examine(brought(tmp_path / "a", Image().saved()), tmp_path, name="x")
    found = (Finding(kind=DataKind.TEXT, files=1, size=10),)
    held = replace(line(examined, head(node), name="held").entry, findings=found)

    with pytest.raises(ImageError, match="shuyu image accept"):
        node.client.import_image(examined.archive, line=Line(entry=held))
    accepted = replace(held, accepted_by="u-odr", reason="公开的代码表")
    digest = node.client.import_image(examined.archive, line=Line(entry=accepted))

    assert ("held", digest) in node.client.found().images


@pytest.mark.parametrize(
    ("digest", "name"),
    [
        ("shuyu/python:latest", "x"),
        ("python", "x"),
        ("sha256:" + "0" * 64, "x"),
        ("", "x"),
        ("sha256:" + "0" * 64, "../x"),
    ],
)
def test_an_image_is_not_registered_by_tag_or_unseen(node: Node, digest: str, name: str) -> None:
    with pytest.raises(ImageError):
        node.client.register_image(ImageDigest(digest), name=name)


def test_a_tag_that_moves_changes_nothing_for_whoever_named_the_digest(
    node: Node, ordered: Ordering, tmp_path: Path
) -> None:
    tag = f"shuyu-test:{tmp_path.name.lower()}"
    docker(node, "tag", node.images["python"], tag)
    order = ordered("open('/out/O1.json', 'w').write(open('/etc/os-release').read()[:6])")
    before = node.client.run(order, [])
    docker(node, "tag", node.images["reader"], tag)

    after = node.client.run(replace(order, job=f"{order.job}-2"), [])
    moved = ImageDigest(tag)

    docker(node, "rmi", tag)
    assert before.ended is after.ended is Ended.FINISHED
    assert [one.content for one in before.artifacts] == [one.content for one in after.artifacts]
    with pytest.raises(ImageError, match="not registered"):
        node.client.run(replace(order, job=f"{order.job}-3", image=moved), [])


def docker(node: Node, *words: str) -> None:
    subprocess.run(["docker", "--host", node.engine, *words], check=True, capture_output=True)


def signature(body: bytes) -> bytes:
    return hashlib.sha256(b"a secret" + body).digest()


def judged(key: str, given: bytes, message: bytes) -> Belief:
    return Belief.GOOD if (key, given) == ("k", signature(message)) else Belief.FORGED


def test_a_register_that_was_altered_registers_nothing_until_it_is_mended(
    engine: Engine, tmp_path: Path, node: Node
) -> None:
    digest = node.images["python"]
    images = Images(tmp_path, engine, judged)
    entry = Entry(name="python", digest=digest)
    images.register(digest, name="python", line=signed(entry, lambda body: ("k", signature(body))))
    file = tmp_path / "register.json"
    sound = file.read_bytes()
    assert images.is_registered(digest)  # control

    file.write_bytes(sound.replace(b'"python"', b'"reader"'))
    altered = images.is_registered(digest), images.listed(), [one.what.zh for one in images.wrong()]
    at_the_start = Images(tmp_path, engine, judged).is_registered(digest)
    file.write_bytes(sound)

    assert altered == (False, (), ["镜像登记册被改动，或为旧版格式，作业不能运行"])
    assert not at_the_start
    assert images.is_registered(digest)
    assert list(images.wrong()) == []


def test_a_keeper_that_trusts_somebody_takes_nothing_unsigned(
    engine: Engine, tmp_path: Path, node: Node
) -> None:
    images = Images(tmp_path, engine, judged)
    digest = node.images["python"]
    forged = Line(entry=Entry(name="python", digest=digest), key="k", signature="AAAA")

    with pytest.raises(ImageError, match="did not sign"):
        images.register(digest, name="python")
    with pytest.raises(ImageError, match="altered"):
        images.register(digest, name="python", line=forged)

    assert images.listed() == ()


def test_what_stands_there_already_is_not_written_again(
    engine: Engine, tmp_path: Path, node: Node
) -> None:
    images = Images(tmp_path, engine)
    images.register(node.images["python"], name="python")
    before = (tmp_path / "register.json").read_bytes()

    images.register(node.images["python"], name="python")

    assert (tmp_path / "register.json").read_bytes() == before
    images.register(node.images["reader"], name="python")
    assert images.named("python") == node.images["reader"]
    assert images.is_registered(node.images["python"])


def test_an_image_that_is_built_from_source_and_a_locked_wheel_runs_it(
    node: Node, ordered: Ordering, tmp_path: Path
) -> None:
    module = {"treasure/__init__.py": f"FOUND = {TREASURE!r}\n"}
    source = folder_of(tmp_path / "source", wheel(tmp_path / "wheels", "treasure", module))

    examined = built(node, source, tmp_path)
    digest = node.client.import_image(examined.archive, line=line(examined, head(node), "app"))
    order = ordered(("python3", "/app/main.py"), image=digest, outputs=(output("O1"),))
    outcome = node.client.run(order, [])

    assert outcome.ended is Ended.FINISHED, outcome.note
    assert [one.content for one in outcome.artifacts] == [TREASURE.encode()]
    assert examined.findings == ()
    assert {"treasure", "pyarrow"} <= {
        one["name"] for one in json.loads(examined.bill)["components"]
    }


def built(node: Node, source: Path, tmp_path: Path) -> Examined:
    work = tmp_path / "work"
    work.mkdir()
    base = node.images["reader"]
    node.client.save_image(base, work / "base.tar")
    lay_out(source, tmp_path / "wheels", work / "root")

    def above(tree: Tree) -> Path:
        write_layer(work / "root", work / "layer.tar", base=tree)
        return work / "layer.tar"

    return examine(work / "base.tar", work, name="app", own=base, above=above)
