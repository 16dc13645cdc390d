"""Attempts with images: archives that lead out of themselves, swell or lie, configurations that start things, and registers.

An archive is given to the examination that stands before the engine. The control of a hostile layer is the unpacking that anybody
would do, in a folder of its own; that of a configuration is that the archive says so.
"""

import gzip
import hashlib
import io
import json
import os
import stat
import tarfile
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any

from sandbox.asset import ImageDigest
from sandbox.attack.attempt import Act, Control, Family, Verdict, controlled
from sandbox.attack.grounds import Grounds
from sandbox.errors import ImageError
from sandbox.reason import Said
from sandbox.runner.examine import Examined, examine
from sandbox.runner.images import REGISTER, Images
from sandbox.runner.register import Belief, Entry, Line, signed

Found = Callable[[Path], object]
"""Looks at a folder where a layer was unpacked: whether it did what it tries."""


def _tarred(*members: tarfile.TarInfo | tuple[str, bytes]) -> bytes:
    sink = io.BytesIO()
    with tarfile.open(fileobj=sink, mode="w") as tar:
        for one in members:
            info = one if isinstance(one, tarfile.TarInfo) else tarfile.TarInfo(one[0])
            content = b"" if isinstance(one, tarfile.TarInfo) else one[1]
            info.size = len(content)
            tar.addfile(info, io.BytesIO(content))
    return sink.getvalue()


def _odd(kind: bytes, name: str = "x", target: str = "", mode: int = 0o644) -> tarfile.TarInfo:
    info = tarfile.TarInfo(name)
    info.type, info.linkname, info.mode = kind, target, mode
    info.devmajor, info.devminor = 1, 3
    return info


@dataclass(frozen=True, slots=True, kw_only=True)
class Brought:
    """An image that is brought, as `docker save` would write it."""

    layers: tuple[bytes, ...] = (_tarred(("hello", b"hello")),)
    said: Mapping[str, Any] = field(default_factory=dict)
    """Its configuration: what it starts, and how."""
    machine: str = "amd64"
    lies: bool = False
    """It states other digests for its layers than they have."""
    times: int = 1
    """How many images the archive says that it holds."""
    pack: Callable[[bytes], bytes] = bytes

    def archive(self) -> bytes:
        """Return the archive."""
        names = [f"{number}/layer.tar" for number in range(len(self.layers))]
        config = json.dumps(self._config()).encode()
        name = f"{hashlib.sha256(config).hexdigest()}.json"
        listed = [{"Config": name, "RepoTags": ["python:latest"], "Layers": names}] * self.times
        packed = [self.pack(layer) for layer in self.layers]
        parts = (*zip(names, packed, strict=True), (name, config))
        return _tarred(*parts, ("manifest.json", json.dumps(listed).encode()))

    def _config(self) -> dict[str, Any]:
        shift = b"x" if self.lies else b""
        digests = [f"sha256:{hashlib.sha256(one + shift).hexdigest()}" for one in self.layers]
        rootfs = {"type": "layers", "diff_ids": digests}
        return {
            "architecture": self.machine,
            "os": "linux",
            "config": dict(self.said),
            "rootfs": rootfs,
        }


def _examined(image: Brought, on: Grounds) -> Examined | str:
    """Give the archive to the examination; return why it was refused, where it was."""
    folder = Path(tempfile.mkdtemp(dir=on.folder))
    (folder / "brought.tar").write_bytes(image.archive())
    try:
        return examine(folder / "brought.tar", folder, name="attack")
    except ImageError as error:
        return str(error)


def _sound(on: Grounds) -> bool:
    """Say whether the examination takes an image in which nothing is hostile."""
    return isinstance(_examined(Brought(), on), Examined)


def _refused(image: Brought, found: Found | None, on: Grounds) -> Verdict:
    """Let a hostile archive be examined: it must be refused, where a sound one is taken."""
    answer = _examined(image, on)
    held = isinstance(answer, str) and _sound(on)
    seen = f"refused: {answer}" if isinstance(answer, str) else "taken"
    return Verdict(seen=seen, held=held, control=_unpacked(image, found, on))


def _unpacked(image: Brought, found: Found | None, on: Grounds) -> Control:
    if found is None:
        return controlled("the same archive without the lie is taken", works=_sound(on))
    place = Path(tempfile.mkdtemp(dir=on.folder)) / "in"
    place.mkdir()
    try:
        for layer in image.layers:
            with tarfile.open(fileobj=io.BytesIO(image.pack(layer))) as tar:
                tar.extractall(place, filter="fully_trusted")  # noqa: S202 - the control: what nobody should do
        works = bool(found(place))
    except (OSError, tarfile.TarError) as error:
        return controlled(f"plain unpacking fails: {type(error).__name__}", works=False)
    return controlled(f"plain unpacking {'does it' if works else 'does not do it'}", works=works)


def _stripped(name: str, value: object, on: Grounds) -> Verdict:
    """Let an image be examined whose configuration starts something: the one that is written says nothing of it."""
    image = Brought(said={name: value})
    answer = _examined(image, on)
    if isinstance(answer, str):
        return Verdict(
            seen=f"refused: {answer}", held=True, control=controlled("it says so", works=True)
        )
    kept = _configuration(answer.archive).get(name)
    left = kept == value or (
        isinstance(kept, list) and isinstance(value, list) and set(kept) & set(value)
    )
    control = controlled("the archive says so", works=_says(image, name, value))
    return Verdict(seen="left out" if not left else "kept", held=not left, control=control)


def _says(image: Brought, name: str, value: object) -> bool:
    with tarfile.open(fileobj=io.BytesIO(image.archive())) as tar:
        one = next(
            each for each in tar.getnames() if each.endswith(".json") and each != "manifest.json"
        )
        said = json.load(tar.extractfile(one) or io.BytesIO(b"{}"))
    return bool(said["config"][name] == value)


def _configuration(archive: Path) -> dict[str, Any]:
    with tarfile.open(archive) as tar:
        named = json.load(tar.extractfile("manifest.json") or io.BytesIO(b"[]"))[0]["Config"]
        return dict(json.load(tar.extractfile(named) or io.BytesIO(b"{}"))["config"])


def _no_set_uid(on: Grounds) -> Verdict:
    """Let an image be examined that has a set-uid program."""
    program = tarfile.TarInfo("su")
    program.mode = 0o6755
    image = Brought(layers=(_tarred(program),))
    answer = _examined(image, on)
    control = _unpacked(image, lambda place: (place / "su").stat().st_mode & stat.S_ISUID, on)
    if isinstance(answer, str):
        return Verdict(seen=f"refused: {answer}", held=True, control=control)
    with tarfile.open(answer.archive) as tar:
        layer = tarfile.open(fileobj=tar.extractfile("0.tar"))  # noqa: SIM115 - closed with what it lies in
        modes = [one.mode & 0o6000 for one in layer.getmembers()]
    held = bool(modes) and not any(modes)
    return Verdict(seen="its bits are gone" if held else "kept", held=held, control=control)


def _data(content: bytes, name: str, on: Grounds) -> Verdict:
    """Let an image be examined that brings data: it must be found, so that a person is asked."""
    answer = _examined(Brought(layers=(_tarred((name, content)),)), on)
    found = answer.findings if isinstance(answer, Examined) else ()
    seen = ", ".join(f"{one.kind} {one.files}" for one in found) or "nothing found"
    plain = _examined(Brought(), on)
    works = isinstance(plain, Examined) and not plain.findings
    return Verdict(
        seen=f"held for people: {seen}" if found else seen,
        held=bool(found),
        control=controlled("an image without data is not held", works=works),
    )


def _ordered(image: str, on: Grounds) -> Verdict:
    """Order a job by something that is no registered id."""
    order = on.order("runc", ("python3", "-c", "open('/out/O1.txt', 'w').write('x')"))
    try:
        outcome = on.run(replace(order, image=ImageDigest(image)))
        seen, held = outcome.ended.value, False
    except ImageError as error:
        seen, held = f"refused: {error}", True
    sound = on.run(on.fresh(order))
    return Verdict(
        seen=seen,
        held=held,
        control=controlled(f"by its id: {sound.ended.value}", works=bool(sound.artifacts)),
    )


def _secret(body: bytes) -> bytes:
    return hashlib.sha256(b"the institution's" + body).digest()


def _believes(key: str, given: bytes, message: bytes) -> Belief:
    return Belief.GOOD if (key, given) == ("k", _secret(message)) else Belief.FORGED


def _register(change: Callable[[Images, Line, Path], None], on: Grounds) -> Verdict:
    """Tamper with a register of images beside the deployment's: nothing of it may run then."""
    folder = Path(tempfile.mkdtemp(dir=on.folder))
    images = Images(folder, on.engine, _believes)
    line = signed(Entry(name="attack", digest=on.image), lambda body: ("k", _secret(body)))
    images.register(on.image, name="attack", line=line)
    sound = images.is_registered(on.image)
    try:
        change(images, line, folder / REGISTER)
        again = Images(folder, on.engine, _believes)
        held = len(again.listed()) == 0 or [one.name for one in again.listed()] == ["attack"]
        held = held and not any(one.name == "forged" for one in again.listed())
        seen = "nothing of it runs" if not again.listed() else "only what was signed runs"
    except ImageError as error:
        seen, held = f"refused: {error}", True
    return Verdict(seen=seen, held=held, control=controlled("one that is signed runs", works=sound))


def _forge(images: Images, line: Line, _: Path) -> None:
    entry = replace(line.entry, name="forged", after=line.digest)
    images.register(entry.digest, name="forged", line=Line(entry=entry, key="k", signature="AAAA"))


def _unsigned(images: Images, line: Line, _: Path) -> None:
    images.register(line.entry.digest, name="forged")


def _replayed(images: Images, line: Line, _: Path) -> None:
    images.register(line.entry.digest, name="forged", line=line)


def _altered(_: Images, __: Line, file: Path) -> None:
    file.write_bytes(file.read_bytes().replace(b'"attack"', b'"forged"'))


def _inserted(_: Images, line: Line, file: Path) -> None:
    lines = json.loads(file.read_bytes())
    file.write_text(json.dumps([*lines, {**lines[0], "key": line.key}]), encoding="utf-8")


def _hostile(name: str, said: Said, image: Brought, found: Found | None = None) -> Act[Grounds]:
    return _act(name, said, "refused", partial(_refused, image, found))


def _starting(name: str, said: Said, key: str, value: object) -> Act[Grounds]:
    return _act(name, said, "left out, or refused", partial(_stripped, key, value))


def _registered(
    name: str, said: Said, change: Callable[[Images, Line, Path], None]
) -> Act[Grounds]:
    return _act(name, said, "nothing runs that was not signed", partial(_register, change))


def _act(name: str, said: Said, expected: str, act: Callable[[Grounds], Verdict]) -> Act[Grounds]:
    return Act(name=f"img.{name}", family=Family.IMAGES, does=said, expected=expected, act=act)


def _layer(*members: tarfile.TarInfo | tuple[str, bytes]) -> Brought:
    return Brought(layers=(_tarred(*members),))


_ROWS = "".join(f"{n},{n * 7919 % 100003},{n * 31 % 977}\n" for n in range(120_000)).encode()
IMAGES: tuple[Act[Grounds], ...] = (
    _hostile("climbs", Said(zh="层内文件名以 .. 爬出", en="a layer's name climbs out by .."), _layer(("../climbed", b"x")), lambda place: (place.parent / "climbed").exists()),
    _hostile("link_out", Said(zh="经符号链接写到镜像之外", en="writes out of the image through a link"), _layer(_odd(tarfile.SYMTYPE, "d", ".."), ("d/through", b"x")), lambda place: (place.parent / "through").exists()),
    _hostile("hard_out", Said(zh="硬链接指向镜像之外", en="a hard link leads out of the image"), _layer(_odd(tarfile.LNKTYPE, "passwd", "../../nothing")), None),
    _hostile("device", Said(zh="层中有设备文件", en="a layer with a device"), _layer(_odd(tarfile.CHRTYPE)), lambda place: stat.S_ISCHR((place / "x").stat().st_mode)),
    _hostile("pipe", Said(zh="层中有命名管道", en="a layer with a pipe"), _layer(_odd(tarfile.FIFOTYPE)), lambda place: stat.S_ISFIFO((place / "x").stat().st_mode)),
    _hostile("twice", Said(zh="同名文件出现两次", en="a layer that says one name twice"), _layer(("a", b"shown"), ("a", b"meant")), lambda place: (place / "a").read_bytes() == b"meant"),
    _hostile("through_file", Said(zh="把文件当作目录写入", en="a name that goes through a file"), _layer(("d", b"x"), ("d/e", b"x")), None),
    _hostile("mount_place", Said(zh="在挂载点放置文件，使挂载落空", en="a file where the view would be mounted"), _layer(("data", b"x")), lambda place: (place / "data").is_file()),
    _hostile("bomb", Said(zh="层是压缩炸弹", en="a layer that swells a thousandfold"), Brought(layers=(bytes(100_000_000),), pack=gzip.compress), None),
    _hostile("cut", Said(zh="层被截断", en="a layer that is cut short"), Brought(layers=(_tarred(("a", b"x" * 4000))[:1500],)), None),
    _hostile("lies", Said(zh="层与声明的摘要不符", en="a layer that is not what its digest says"), Brought(lies=True), None),
    _hostile("many", Said(zh="一个档案里多个镜像", en="an archive of two images"), Brought(times=2), None),
    _hostile("machine", Said(zh="为另一种机器而做", en="an image for another machine"), Brought(machine="arm64"), None),
    _starting("volume", Said(zh="声明卷，绕过只读根目录", en="declares a volume, which is writable beside a read-only root"), "Volumes", {"/data": {}}),
    _starting("entry", Said(zh="自带入口程序", en="brings an entry point"), "Entrypoint", ["/bin/x"]),
    _starting("command", Said(zh="自带默认命令", en="brings a command"), "Cmd", ["/bin/x"]),
    _starting("health", Said(zh="自带健康检查，另起进程", en="brings a health check, which starts processes"), "Healthcheck", {"Test": ["CMD", "/x"]}),
    _starting("trigger", Said(zh="自带构建触发器", en="brings triggers for builds"), "OnBuild", ["RUN x"]),
    _starting("ports", Said(zh="声明端口", en="exposes ports"), "ExposedPorts", {"80/tcp": {}}),
    _starting("user", Said(zh="要求以 root 运行", en="asks to run as root"), "User", "root"),
    _starting("preload", Said(zh="以 LD_PRELOAD 操纵程序", en="steers programs by LD_PRELOAD"), "Env", ["LD_PRELOAD=/x.so"]),
    _starting("startup", Said(zh="以 PYTHONSTARTUP 操纵解释器", en="steers the interpreter by PYTHONSTARTUP"), "Env", ["PYTHONSTARTUP=/x.py"]),
    _starting("shell", Said(zh="以 BASH_ENV 操纵外壳", en="steers shells by BASH_ENV"), "Env", ["BASH_ENV=/x.sh"]),
    _act("set_uid", Said(zh="带 setuid 程序", en="brings a set-uid program"), "its bits are gone", _no_set_uid),
    _act("table", Said(zh="把数据表藏在镜像里", en="hides a table in an image"), "held for people", partial(_data, _ROWS, "opt/app/words.csv")),
    _act("dense", Said(zh="把加密数据藏在镜像里", en="hides packed bytes in an image"), "held for people", partial(_data, os.urandom(3_000_000), "opt/app/lib.dat")),
    _act("tag", Said(zh="以标签代替摘要，标签可移动", en="names an image by a tag, which can be moved"), "refused", partial(_ordered, "python:latest")),
    _act("name", Said(zh="以登记名代替摘要", en="names an image by its given name"), "refused", partial(_ordered, "python")),
    _act("unknown", Said(zh="未登记的摘要", en="names an image that is not registered"), "refused", partial(_ordered, "sha256:" + "0" * 64)),
    _registered("forged", Said(zh="伪造登记签名", en="forges a signature for the register"), _forge),
    _registered("unsigned", Said(zh="无签名登记", en="registers without a signature"), _unsigned),
    _registered("replayed", Said(zh="把旧登记换个名字再用", en="uses an old line again under another name"), _replayed),
    _registered("altered", Said(zh="直接改写登记册", en="writes over the register itself"), _altered),
    _registered("inserted", Said(zh="在登记册中重复一行", en="puts a line into the register again"), _inserted),
)  # fmt: skip
"""Every attempt of the family."""
