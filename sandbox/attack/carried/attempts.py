"""Makes attempts inside a container, each in a process of its own, and writes down what came of each.

Started as `python3 /job/attempts.py`; /job/parameters.json says what to try. Standard library only. No attempt sends anything
off the machine. A kernel that answers anything but no (EPERM, EACCES, ENOSYS) was reached.
"""

import ctypes
import errno
import json
import os
import select
import signal
import sys
import time
from contextlib import suppress
from typing import Any

_LIBC = ctypes.CDLL(None, use_errno=True)
_NO = frozenset({errno.EPERM, errno.EACCES, errno.ENOSYS})


def call(number: int, *arguments: Any) -> int:  # noqa: ANN401 - what a system call takes
    """Make a system call; raise `OSError` where the kernel says no."""
    given = [ctypes.c_void_p(each) if isinstance(each, int) else each for each in arguments]
    ctypes.set_errno(0)
    answer: int = _LIBC.syscall(ctypes.c_long(number), *given)
    code = ctypes.get_errno()
    if answer == -1 and code in _NO:
        raise OSError(code, os.strerror(code))
    return answer


def text(words: str) -> ctypes.Array[ctypes.c_char]:
    """Return words as the kernel takes them."""
    return ctypes.create_string_buffer(words.encode())


def machine(code: bytes) -> int:
    """Run machine code that takes nothing and returns a number."""
    import mmap  # noqa: PLC0415 - only what needs it

    page = mmap.mmap(-1, mmap.PAGESIZE, prot=mmap.PROT_READ | mmap.PROT_WRITE | mmap.PROT_EXEC)
    page.write(code)
    place = ctypes.addressof(ctypes.c_char.from_buffer(page))
    return int(ctypes.CFUNCTYPE(ctypes.c_long)(place)())


def demand(true: object, why: str = "nothing there") -> None:
    """Raise `LookupError` where an attempt did not find what it came for."""
    if not true:
        raise LookupError(why)


def _named(error: BaseException) -> str:
    if isinstance(error, OSError) and error.errno:
        return errno.errorcode.get(error.errno, str(error.errno))
    if isinstance(error, LookupError) and error.args:
        return str(error.args[0])
    return type(error).__name__


def outcome(code: str, facts: "dict[str, Any]") -> str:
    """Execute an attempt right here, and say what came of it."""
    inside: dict[str, Any] = {
        "call": call, "text": text, "machine": machine, "demand": demand, "facts": facts,
        "os": os, "time": time, "ctypes": ctypes,
    }  # fmt: skip
    try:
        exec(compile(code, "attempt", "exec"), inside)  # noqa: S102 - what this program is for
    except BaseException as error:  # noqa: BLE001 - whatever stopped it, it was stopped
        return f"blocked: {_named(error)}"
    said = inside.get("said", "")
    return f"done: {said}" if said else "done"


def _isolate() -> None:
    """Leave the mounts and names of the other attempts alone, where a process without walls may do so."""
    call(272, 0x20000 | 0x4000000 | 0x8000000)
    call(165, text("none"), text("/"), 0, 0x4000 | 0x40000, 0)


def apart(code: str, facts: "dict[str, Any]", seconds: float) -> str:
    """Execute an attempt in a process of its own, for so many seconds at most."""
    read, write = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(read)
        with suppress(OSError):
            os.setsid()
        if facts.get("isolated"):
            _isolate()
        os.write(write, outcome(code, facts).encode()[:4000])
        os._exit(0)
    os.close(write)
    ready, _, _ = select.select([read], [], [], seconds)
    said = os.read(read, 4096).decode() if ready else ""
    os.close(read)
    for end in (os.killpg, os.kill):
        with suppress(OSError):
            end(child, signal.SIGKILL)
    _, status = os.waitpid(child, 0)
    if said:
        return said
    if ready and os.WIFSIGNALED(status):
        return f"killed: {signal.Signals(os.WTERMSIG(status)).name}"
    return "blocked: no answer in time"


def main() -> None:
    """Make all attempts, in their order, and write each outcome as it comes."""
    folder = os.path.dirname(os.path.abspath(__file__))  # noqa: PTH100, PTH120 - a text
    with open(f"{folder}/parameters.json", encoding="utf-8") as file:  # noqa: PTH123 - as little as can be imported
        asked = json.load(file)
    found = {}
    for name, code in asked["attempts"]:
        if asked["apart"]:
            found[name] = apart(code, {**asked["facts"], "name": name}, asked["seconds"])
        else:
            found[name] = outcome(code, {**asked["facts"], "name": name})
    with open(asked["out"], "w", encoding="utf-8") as file:  # noqa: PTH123 - as above
        json.dump(found, file)
    if asked["ready"]:
        os.mkdir(asked["ready"])  # noqa: PTH102 - as above
    time.sleep(asked["stay"])
    sys.stdout.flush()
    os._exit(0)  # an attempt that runs here may have left anything behind


if __name__ == "__main__":
    main()
