"""Attempts of one job to leave something for another: one after the other, and beside each other."""

import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from sandbox.attack.attempt import Control, Crossing, Family, Score, controlled
from sandbox.attack.grounds import Grounds
from sandbox.attack.sight import guarded
from sandbox.attack.trial import View, parameters, program, viewed
from sandbox.attack.unguarded import outcomes
from sandbox.reason import Said

_STAY_SECONDS = 20
_READY_SECONDS = 30
_LOCK = "import fcntl, builtins\nbuiltins.held = open('/data/CANARY/CANARY.csv', 'rb')\n"
_SHM = "key = 0x5ca17\n"


def _both(name: str, said: Said, leave: str, look: str) -> tuple[Crossing, ...]:
    """Return an attempt that can be made one after the other, and beside each other."""
    return _after(name, said, leave, look), _beside(name, said, leave, look)


def _after(name: str, said: Said, leave: str, look: str) -> Crossing:
    return _crossing(f"after.{name}", said, (leave, look), together=False)


def _beside(name: str, said: Said, leave: str, look: str) -> Crossing:
    return _crossing(f"beside.{name}", said, (leave, look), together=True)


def _crossing(name: str, said: Said, code: tuple[str, str], *, together: bool) -> Crossing:
    leave, look = code
    return Crossing(
        name=name, family=Family.CROSS, does=said, leave=leave, look=look, together=together
    )


CROSSING: tuple[Crossing, ...] = (
    *_both("tmp", Said(zh="经临时目录传递", en="passes words through the temporary folder"), "open('/tmp/word', 'w').write('x')", "demand(os.path.exists('/tmp/word'))"),
    *_both("shm", Said(zh="经共享内存目录传递", en="passes words through shared memory"), "open('/dev/shm/word', 'w').write('x')", "demand(os.path.exists('/dev/shm/word'))"),
    *_both("out", Said(zh="经输出目录传递", en="passes words through the output folder"), "open('/out/word', 'w').write('x')", "demand(os.path.exists('/out/word'))"),
    *_both("code", Said(zh="经作业代码目录传递", en="passes words through the folder of the code"), "try: open('/job/word', 'w').write('x')\nexcept OSError: pass", "demand(os.path.exists('/job/word'))"),
    *_both("view", Said(zh="经视图目录传递", en="passes words through the view's folder"), "try: open('/data/CANARY/word', 'w').write('x')\nexcept OSError: pass", "demand(os.path.exists('/data/CANARY/word'))"),
    *_both("home", Said(zh="经当前目录传递", en="passes words through the folder that it starts in"), "open('word2', 'w').write('x')", "demand(os.path.exists('word2'))"),
    _beside("flock", Said(zh="以文件锁作信道", en="signals by a lock on a file of the view"), _LOCK + "builtins.whole = builtins.held\nfcntl.flock(builtins.held, fcntl.LOCK_EX)", "import fcntl\ntry:\n    fcntl.flock(open('/data/CANARY/CANARY.csv', 'rb'), fcntl.LOCK_EX | fcntl.LOCK_NB)\nexcept BlockingIOError: pass\nelse: demand(False, 'not locked')"),
    _beside("record_lock", Said(zh="以记录锁作信道", en="signals by a lock on a part of a file"), _LOCK + "fcntl.lockf(builtins.held, fcntl.LOCK_SH)", "import fcntl, struct\ntold = fcntl.fcntl(open('/data/CANARY/CANARY.csv', 'rb'), fcntl.F_GETLK, struct.pack('hhqqi', fcntl.F_WRLCK, 0, 0, 0, 0))\ndemand(struct.unpack('hhqqi', told[:28])[0] != fcntl.F_UNLCK, 'not locked')"),
    _beside("abstract", Said(zh="经抽象套接字相连", en="meets the other at an abstract socket"), "import socket, builtins\nbuiltins.heard = socket.socket(socket.AF_UNIX)\nbuiltins.heard.bind('\\0word')\nbuiltins.heard.listen()", "import socket\nsocket.socket(socket.AF_UNIX).connect('\\0word')"),
    _beside("processes", Said(zh="在进程表中看见另一作业", en="sees the other in the table of processes"), "import builtins\nbuiltins.child = os.fork()\nif builtins.child == 0:\n    import ctypes\n    ctypes.CDLL(None).prctl(15, b'crossword', 0, 0, 0)\n    time.sleep(30)\n    os._exit(0)", "names = [open(f'/proc/{p}/comm').read() for p in os.listdir('/proc') if p.isdigit()]\ndemand(any('crossword' in one for one in names), 'not seen')"),
    _beside("signal", Said(zh="向另一作业发信号", en="signals the other's processes"), "pass", "import ctypes\nmine = {os.getpid(), os.getppid()}\nothers = [int(p) for p in os.listdir('/proc') if p.isdigit() and int(p) not in mine]\nfor p in others: os.kill(p, 0)\ndemand(others, 'nobody there')"),
    _beside("shared_memory", Said(zh="以 System V 共享内存传递", en="shares memory, System V"), _SHM + "call(29, key, 4096, 0o1666)", _SHM + "demand(call(29, key, 4096, 0) >= 0, 'no segment')"),
    _beside("queue", Said(zh="以 System V 消息队列传递", en="sends messages, System V"), _SHM + "call(68, key, 0o1666)", _SHM + "demand(call(68, key, 0) >= 0, 'no queue')"),
    _beside("semaphore", Said(zh="以 System V 信号量传递", en="signals by semaphores, System V"), _SHM + "call(64, key, 1, 0o1666)", _SHM + "demand(call(64, key, 1, 0) >= 0, 'no semaphore')"),
    _beside("posix_queue", Said(zh="以 POSIX 消息队列传递", en="sends messages, POSIX"), "call(240, text('word'), 0o102, 0o666, 0)", "demand(call(240, text('word'), 0, 0, 0) >= 0, 'no queue')"),
    _beside("key_ring", Said(zh="以内核密钥环传递", en="passes words through the kernel's key ring"), "call(248, text('user'), text('crossword'), text('x'), 1, -4)", "demand(call(250, 10, -4, text('user'), text('crossword'), 0) >= 0, 'no key')"),
)  # fmt: skip
"""Every attempt of the family."""


def crossed(attempts: Sequence[Crossing], runtimes: Sequence[str], on: Grounds) -> list[Score]:
    """Make every attempt under each runtime, and once in containers that share what ours do not."""
    scores = []
    for together in (False, True):
        some = [one for one in attempts if one.together is together]
        if some:
            controls = _shared(some, on, together=together)
            for runtime in runtimes:
                view = _apart(some, runtime, on, together=together)
                scores += [_scored(one, runtime, view, controls[one.name]) for one in some]
    return scores


def _scored(attempt: Crossing, runtime: str, view: View, control: Control) -> Score:
    seen = view.seen.get(attempt.name, f"no outcome: {view.ended}")
    return Score(
        attempt=attempt,
        runtime=runtime,
        expected="nothing is found",
        seen=seen + (f"; amiss: {', '.join(view.amiss)}" if view.amiss else ""),
        held=seen.startswith(("blocked", "killed")) and not view.amiss,
        control=control,
        evidence=view.said,
    )


def _pairs(attempts: Sequence[Crossing], *, leave: bool) -> list[tuple[str, str]]:
    return [(one.name, one.leave if leave else one.look) for one in attempts]


def _apart(attempts: Sequence[Crossing], runtime: str, on: Grounds, *, together: bool) -> View:
    """Let one job of the deployment leave, and another look."""
    leaving = _asked(attempts, on, leave=True, stay=_STAY_SECONDS if together else 0)
    first = on.order(runtime, *_PROGRAM, parameters=leaving)
    second = on.order(runtime, *_PROGRAM, parameters=_asked(attempts, on, leave=False))
    before = guarded(on.view)
    with _running(lambda: on.run(first), on, job=first.job, together=together):
        return viewed(on.run(second), before, runtime, on)


_PROGRAM = (("python3", "/job/attempts.py"), (("attempts.py", program()),))


def _asked(attempts: Sequence[Crossing], on: Grounds, *, leave: bool, stay: float = 0.5) -> str:
    changes: dict[str, Any] = {"apart": not leave, "stay": stay}
    if leave and stay:
        changes["ready"] = "/out/ready"
    return parameters(_pairs(attempts, leave=leave), on.listener.facts, **changes)


@contextmanager
def _running(run: Any, on: Grounds, *, job: str, together: bool) -> Iterator[None]:  # noqa: ANN401 - whatever runs
    """Let a job run: to its end, or beside what follows, once its folder on the host shows that it has left all."""
    thread = threading.Thread(target=run)
    thread.start()
    if together:
        _until_ready(on)
    else:
        thread.join()
    try:
        yield
    finally:
        if together:
            on.keeper.cancel(job)
        thread.join()


def _until_ready(on: Grounds) -> None:
    end = time.monotonic() + _READY_SECONDS
    folder = on.home / "run"
    while time.monotonic() < end:
        if any(folder.glob("rooms/*/out/ready")) or any(folder.glob("warm/*/out/ready")):
            return
        time.sleep(0.1)


def _shared(attempts: Sequence[Crossing], on: Grounds, *, together: bool) -> dict[str, Control]:
    """Make the attempts in two containers that share folders and namespaces."""
    folder = on.folder / f"shared-{together}"
    binds = []
    shared = () if together else ("dev/shm",)  # the namespace of IPC brings its own
    for name in ("tmp", "out", "job", "data", *shared):
        (folder / name).mkdir(parents=True, exist_ok=True)
        binds.append(f"{folder / name}:/{name}")
    (folder / "data" / "CANARY").mkdir(exist_ok=True)
    (folder / "data" / "CANARY" / "CANARY.csv").write_text("x", encoding="utf-8")
    (folder / "job" / "attempts.py").write_bytes(program())
    asked = _asked(attempts, on, leave=True, stay=_STAY_SECONDS if together else 0)
    host: Mapping[str, Any] = {"Tmpfs": {}, "IpcMode": "shareable"}
    with _beside_each_other(on, folder, asked, host, binds) as first:
        _settle(on, first, folder, together=together)
        for name in ("ready", "O1.json"):
            _forget(folder / "out" / name)
        also = {f"{name}Mode": f"container:{first}" for name in ("Ipc", "Pid", "Network")}
        more = {**host, **(also if together else {})}
        again = _asked(attempts, on, leave=False, stay=0)
        with _beside_each_other(on, folder, again, more, binds) as second:
            on.engine.ends_within(second, _READY_SECONDS)
            seen = outcomes(folder / "out")
    return {
        one.name: controlled(
            seen.get(one.name, "no outcome"), works=seen.get(one.name, "").startswith("done")
        )
        for one in attempts
    }


@contextmanager
def _beside_each_other(
    on: Grounds, folder: Path, asked: str, host: Mapping[str, Any], binds: list[str]
) -> Iterator[str]:
    (folder / "job" / "parameters.json").write_text(asked, encoding="utf-8")
    with on.unguarded.sharing(binds, host) as container:
        yield container


def _settle(on: Grounds, container: str, folder: Path, *, together: bool) -> None:
    """Wait until the first container has left all that it leaves."""
    if not together:
        on.engine.ends_within(container, _READY_SECONDS)
        return
    end = time.monotonic() + _READY_SECONDS
    while not (folder / "out" / "ready").exists() and time.monotonic() < end:
        time.sleep(0.05)


def _forget(path: Path) -> None:
    if path.is_dir():
        path.rmdir()
    else:
        path.unlink(missing_ok=True)
