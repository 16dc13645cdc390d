"""What is taken of an archive of an image: what is stripped, converted and refused."""

import io
import json
import os
import struct
import tarfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from sandbox.errors import ImageError
from sandbox.runner.examine import Examined
from tests.sandbox.images.forge import (
    Image,
    brought,
    described,
    examined,
    gzipped,
    sha256,
    special,
    tarred,
    written,
)

CANARY = "CANARY-7f3a11"


def layer_of(done: Examined, number: int = 0) -> tarfile.TarFile:
    with tarfile.open(done.archive) as archive:
        layer = archive.extractfile(f"{number}.tar")
        assert layer is not None
        return tarfile.open(fileobj=io.BytesIO(layer.read()))


def config_of(done: Examined) -> dict[str, object]:
    with tarfile.open(done.archive) as archive:
        file = archive.extractfile(f"{done.digest.removeprefix('sha256:')}.json")
        assert file is not None
        raw = file.read()
    assert f"sha256:{sha256(raw)}" == done.digest
    config: dict[str, object] = json.loads(raw)
    return config


@pytest.mark.parametrize(
    "packed",
    [
        lambda image, path: brought(path / "a", image.saved()),
        lambda image, path: brought(path / "a", gzipped(image.saved())),
        lambda image, path: brought(path / "a", replace(image, pack=gzipped).saved()),
        lambda image, path: brought(path / "a", tarred(image.layout())),
        lambda image, path: brought(path / "a", tarred(replace(image, pack=gzipped).layout())),
        lambda image, path: written(path / "a", image.layout()),
        lambda image, path: brought(path / "a", tarred({**image.layout(), **_saved_too(image)})),
    ],
)
def test_every_form_of_one_image_comes_to_the_same_image(
    tmp_path: Path, packed: Callable[[Image, Path], Path]
) -> None:
    image = Image().with_layer(tarred({"app/main.py": b"print(1)"}))
    expected = examined(tmp_path, brought(tmp_path / "plain", image.saved())).digest

    done = examined(tmp_path, packed(image, tmp_path))

    assert done.digest == expected
    assert layer_of(done).getnames() == ["hello"]
    assert layer_of(done, 1).getnames() == ["app/main.py"]


def _saved_too(image: Image) -> dict[str, bytes]:
    listed: list[dict[str, object]] = [
        {"Config": f"blobs/sha256/{sha256(image.config)}", "RepoTags": None, "Layers": []}
    ]
    return {"manifest.json": json.dumps(listed).encode()}


def test_an_image_says_nothing_of_how_it_runs_but_its_plain_variables(tmp_path: Path) -> None:
    done = examined(tmp_path, brought(tmp_path / "a", Image().saved()))

    assert config_of(done)["config"] == {
        "Env": ["PATH=/bin", "GREETING=hello"],
        "User": "65532:65532",
        "WorkingDir": "/tmp",
    }


def test_a_file_loses_what_would_raise_its_user_and_keeps_the_rest(tmp_path: Path) -> None:
    capable = special(tarfile.REGTYPE, "bin/ping", mode=0o755)
    capable.pax_headers = {"SCHILY.xattr.security.capability": "\x01"}
    layer = tarred(
        {
            "bin/su": special(tarfile.REGTYPE, "bin/su", mode=0o6755),
            "bin/ping": capable,
            "tmp": special(tarfile.DIRTYPE, "tmp", mode=0o3777),
        }
    )

    done = examined(tmp_path, brought(tmp_path / "a", Image(layers=(layer,)).saved()))

    with layer_of(done) as tar:
        modes = {member.name: member.mode for member in tar}
        assert modes == {"bin/su": 0o755, "bin/ping": 0o755, "tmp": 0o1777}
        assert not any(member.pax_headers for member in tar)


def test_the_form_of_gnu_tar_is_read_with_its_long_names(tmp_path: Path) -> None:
    name = "/".join(["a" * 60] * 4)
    link = special(tarfile.SYMTYPE, "l", target="b" * 150)
    layer = tarred({name: b"x", "l": link}, form=tarfile.GNU_FORMAT)

    done = examined(tmp_path, brought(tmp_path / "a", Image(layers=(layer,)).saved()))

    with layer_of(done) as tar:
        assert tar.getnames() == [name, "l"]
        assert tar.getmember("l").linkname == "b" * 150


def test_of_several_machines_in_a_layout_ours_is_taken(tmp_path: Path) -> None:
    files, other = Image().layout(), Image(architecture="arm64").layout()
    mine, theirs = (json.loads(each["index.json"])["manifests"][0] for each in (files, other))
    mine["platform"] = {"os": "linux", "architecture": "amd64"}
    theirs["platform"] = {"os": "linux", "architecture": "arm64"}
    inner = json.dumps({"manifests": [mine, theirs]}).encode()
    nested = described(inner, "application/vnd.oci.image.index.v1+json")
    index = json.dumps({"manifests": [nested]}).encode()
    both = {**other, **files, f"blobs/sha256/{sha256(inner)}": inner, "index.json": index}

    done = examined(tmp_path, written(tmp_path / "a", both))

    assert done.was == f"sha256:{sha256(Image().config)}"


def test_a_layer_that_engines_linked_because_it_is_there_twice_is_found(tmp_path: Path) -> None:
    layer = tarred({"hello": b"hello"})
    image = Image(layers=(layer, layer))
    names = ["one/layer.tar", "two/layer.tar"]
    listed = [{"Config": f"{sha256(image.config)}.json", "Layers": names}]
    link = special(tarfile.SYMTYPE, "two/layer.tar", target="../one/layer.tar")
    archive = tarred(
        {
            "one/layer.tar": layer,
            "two/layer.tar": link,
            f"{sha256(image.config)}.json": image.config,
            "manifest.json": json.dumps(listed).encode(),
        }
    )

    done = examined(tmp_path, brought(tmp_path / "a", archive))

    assert layer_of(done, 1).getnames() == ["hello"]


def of(members: dict[str, bytes | tarfile.TarInfo], *lower: bytes) -> bytes:
    return Image(layers=(*lower, tarred(members))).saved()


LINKED = tarred({"a": special(tarfile.SYMTYPE, "a", target="/etc")})
SOUND: dict[str, Callable[[], bytes]] = {
    "a plain file": lambda: of({"x": b"x"}),
    "a name with a dot": lambda: of({"./a/./x": b"x"}),
    "a link inside": lambda: of({"a/l": special(tarfile.SYMTYPE, "a/l", target="../x")}),
    "a hard link": lambda: of({"x": b"x", "y": special(tarfile.LNKTYPE, "y", target="x")}),
    "a folder in place of a link": lambda: of(
        {"a": special(tarfile.DIRTYPE, "a"), "a/x": b"x"}, LINKED
    ),
    "a deletion": lambda: of({".wh.hello": b""}, tarred({"hello": b"x"})),
    "a deletion of all": lambda: of({"a/.wh..wh..opq": b""}, tarred({"a/x": b"x"})),
}
HOSTILE: dict[str, tuple[Callable[[], bytes], str]] = {
    "an absolute name": (lambda: of({"/etc/x": b""}), "leads out"),
    "a name that climbs": (lambda: of({"a/../../x": b""}), "leads out"),
    "a deep name": (lambda: of({"/".join("a" * 130): b""}), "too deep"),
    "a long name": (lambda: of({"a" * 300: b""}), "too long"),
    "a name with a line feed": (lambda: of({"a\nb": b""}), "control"),
    "a link that climbs": (
        lambda: of({"a/l": special(tarfile.SYMTYPE, "a/l", target="../../x")}),
        "leads out",
    ),
    "an absolute link that climbs": (
        lambda: of({"l": special(tarfile.SYMTYPE, "l", target="/../x")}),
        "leads out",
    ),
    "a hard link that climbs": (
        lambda: of({"x": special(tarfile.LNKTYPE, "x", target="../../etc/shadow")}),
        "leads out",
    ),
    "a hard link to a lower layer": (
        lambda: of({"y": special(tarfile.LNKTYPE, "y", target="x")}, tarred({"x": b"x"})),
        "leads out",
    ),
    "a block device": (lambda: of({"x": special(tarfile.BLKTYPE)}), "device"),
    "a character device": (lambda: of({"x": special(tarfile.CHRTYPE)}), "device"),
    "a pipe": (lambda: of({"x": special(tarfile.FIFOTYPE)}), "pipe"),
    "a sparse file": (lambda: of({"x": special(tarfile.GNUTYPE_SPARSE)}), "sparse"),
    "a contiguous file": (lambda: of({"x": special(tarfile.CONTTYPE)}), "another thing"),
    "a name twice": (lambda: of({"x": b"1", "./x": b"2"}), "one name twice"),
    "a file in a link": (
        lambda: of({"a": special(tarfile.SYMTYPE, "a", target="/etc"), "a/x": b""}),
        "goes through a link",
    ),
    "a file in a lower link": (lambda: of({"a/x": b""}, LINKED), "goes through a link"),
    "a file in a file": (lambda: of({"a": b"", "a/x": b""}), "goes through"),
    "a link over its own folder": (
        lambda: of({"a/x": b"", "a": special(tarfile.SYMTYPE, "a", target="/etc")}),
        "one name twice",
    ),
    "a deletion that is a link": (
        lambda: of({".wh.x": special(tarfile.SYMTYPE, ".wh.x", target="/etc")}),
        "no empty file",
    ),
    "a deletion with content": (lambda: of({".wh.x": b"x"}), "no empty file"),
    "a deletion of nothing": (lambda: of({".wh.": b""}), "for no name"),
    "a deletion of the parent": (lambda: of({"a/.wh...": b""}), "for no name"),
    "a deletion of a deletion": (lambda: of({".wh..wh.x": b""}), "for no name"),
    "another union's mark": (lambda: of({".wh..wh.plnk": b""}), "for no name"),
    "a deletion beside the name": (lambda: of({"x": b"", ".wh.x": b""}), "one name twice"),
    "a file under a deletion": (lambda: of({".wh.x/y": b""}), "takes away"),
    "a link where jobs' data is mounted": (
        lambda: of({"data": special(tarfile.SYMTYPE, "data", target="/etc")}),
        "is no folder",
    ),
    "an owner beyond all": (lambda: of({"x": _owned(2**40)}), "owner"),
    "two images": (lambda: Image().saved(images=2), "more than one image"),
    "no image": (lambda: Image().saved(images=0), "more than one image, or none"),
    "another machine": (lambda: Image(architecture="arm64").saved(), "another machine"),
    "another layer than described": (
        lambda: Image(diff_ids=(f"sha256:{'0' * 64}",)).saved(),
        "altered",
    ),
    "a layer too few": (lambda: Image(layers=()).saved(), "no layers"),
    "a variable that is none": (lambda: Image(said={"Env": ["no variable"]}).saved(), "variable"),
    "a variable with a line feed": (lambda: Image(said={"Env": ["A=b\nC=d"]}).saved(), "variable"),
    "variables that are no list": (lambda: Image(said={"Env": "A=b"}).saved(), "variables"),
    "a layer that is noise": (lambda: Image(layers=(b"noise" * 1000,)).saved(), "damaged"),
    "nothing": (lambda: b"", "cut short"),
    "no tar file": (lambda: b"noise" * 1000, "damaged"),
    "a description that is none": (lambda: tarred({"manifest.json": b"[{}]"}), "description"),
    "a description too deep": (lambda: tarred({"manifest.json": b"[" * 10**5}), "not JSON"),
    "a bomb": (lambda: replace(Image(layers=(bytes(2**28),)), pack=gzipped).saved(), "bomb"),
    "zstd": (
        lambda: replace(Image(), pack=lambda raw: b"\x28\xb5\x2f\xfd" + raw).saved(),
        "zstd.*gzip",
    ),
}


def _owned(uid: int) -> tarfile.TarInfo:
    info = special(tarfile.REGTYPE)
    info.pax_headers = {"uid": str(uid)}
    return info


@pytest.mark.parametrize("name", SOUND)
def test_the_same_without_the_trick_passes(tmp_path: Path, name: str) -> None:
    examined(tmp_path, brought(tmp_path / "a", SOUND[name]()))


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_or_broken_archive_is_refused(tmp_path: Path, name: str) -> None:
    make, why = HOSTILE[name]

    with pytest.raises(ImageError, match=why):
        examined(tmp_path, brought(tmp_path / "a", make()))

    assert list((tmp_path / "work").glob("tmp*")) == []


def test_a_part_that_was_altered_is_refused_wherever_it_lies(tmp_path: Path) -> None:
    files = replace(Image(), pack=gzipped).layout()
    blobs = [name for name in files if name.startswith("blobs/")]
    examined(tmp_path, written(tmp_path / "sound", files))  # control

    for count, name in enumerate(blobs):
        altered = {**files, name: files[name][:-1] + bytes([files[name][-1] ^ 1])}
        with pytest.raises(ImageError, match=r"altered|damaged"):
            examined(tmp_path, written(tmp_path / f"altered{count}", altered))


def test_a_layout_without_a_part_or_with_a_link_for_one_is_refused(tmp_path: Path) -> None:
    folder = written(tmp_path / "a", Image().layout())
    config = folder / "blobs" / "sha256" / sha256(Image().config)
    secret = brought(tmp_path / "secret", config.read_bytes())
    config.unlink()

    with pytest.raises(ImageError, match="not whole"):
        examined(tmp_path, folder)
    config.symlink_to(secret)
    with pytest.raises(ImageError, match="not whole"):
        examined(tmp_path, folder)
    config.unlink()
    os.mkfifo(config)
    with pytest.raises(ImageError, match="no plain file"):
        examined(tmp_path, folder)


def test_an_archive_that_is_not_there_says_so(tmp_path: Path) -> None:
    with pytest.raises(ImageError, match="cannot be read"):
        examined(tmp_path, tmp_path / "nowhere")


def test_a_message_says_nothing_of_what_is_in_the_image(tmp_path: Path) -> None:
    layer = tarred({f"{CANARY}/../x": CANARY.encode()})

    with pytest.raises(ImageError) as caught:
        examined(tmp_path, brought(tmp_path / "a", Image(layers=(layer,)).saved()))

    assert CANARY not in str(caught.value)


def test_cutting_an_archive_anywhere_never_gives_an_image(tmp_path: Path) -> None:
    whole = gzipped(Image().saved())

    for length in range(0, len(whole), 37):
        with pytest.raises(ImageError):
            examined(tmp_path, brought(tmp_path / "a", whole[:length]))


def test_the_length_of_gzip_is_not_believed(tmp_path: Path) -> None:
    packed = gzipped(Image().saved())
    lying = packed[:-4] + struct.pack("<I", 5)

    with pytest.raises(ImageError, match="damaged"):
        examined(tmp_path, brought(tmp_path / "a", lying))
