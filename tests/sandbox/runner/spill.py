"""Carried into containers: leaves a canary in every place that could outlive its job, or looks for one there.

`spill.py leave` plants it and stays for some seconds; `spill.py look` prints the places where it is found.
"""

# It runs in an image where it should import little.
# ruff: noqa: PTH107, PTH110, PTH123, PTH208

import ctypes
import fcntl
import mmap
import os
import socket
import sys
import time
from collections.abc import Callable

WORD = "".join(reversed("eca5-yranac-gnillips"))  # so that no looker has it whole in its own text
LIBC = ctypes.CDLL(None, use_errno=True)
LIBC.shmat.restype = ctypes.c_void_p
KEY, SIZE = 0x5E11, 4096
FILES = ("/tmp/spill", "/dev/shm/spill", "/job/spill", "/out/spill", "/data/A/spill")
KEPT: list[object] = []


def leave_memory() -> None:
    block = mmap.mmap(-1, 1 << 20)
    block.write((WORD * 1000).encode())
    KEPT.append(block)


def leave_file(name: str) -> Callable[[], None]:
    def leave() -> None:
        with open(name, "w") as file:
            file.write(WORD)

    return leave


def leave_sysv() -> None:
    place = LIBC.shmat(LIBC.shmget(KEY, SIZE, 0o1666), None, 0)
    if place == ctypes.c_void_p(-1).value:
        raise OSError(ctypes.get_errno(), "shmat")
    ctypes.memmove(place, WORD.encode(), len(WORD))


def leave_queue() -> None:
    if LIBC.mq_open(b"/spill", os.O_CREAT | os.O_RDWR, 0o666, None) < 0:
        raise OSError(ctypes.get_errno(), "mq_open")


def leave_lock() -> None:
    file = open("/data/A/t.parquet", "rb")  # noqa: SIM115 - held to the end
    fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    KEPT.append(file)


def leave_socket() -> None:
    listener = socket.socket(socket.AF_UNIX)
    listener.bind("\0spill")
    listener.listen()
    KEPT.append(listener)


def leave_environment() -> None:
    os.environ["SPILL"] = WORD


def find_memory() -> bool:
    return any(
        WORD.encode() in part
        for pid in filter(str.isdigit, os.listdir("/proc"))
        for part in parts(pid)
    )


def parts(pid: str) -> list[bytes]:
    """Read the anonymous memory of a process, of itself and of whichever others it may."""
    read = []
    try:
        with open(f"/proc/{pid}/maps") as maps, open(f"/proc/{pid}/mem", "rb", 0) as memory:
            for line in maps:
                begin, end = (int(side, 16) for side in line.split()[0].split("-"))
                if "r" in line.split()[1] and end - begin < 1 << 26:
                    read.append(piece(memory, begin, end))
    except OSError:
        pass
    return read


def piece(memory: object, begin: int, end: int) -> bytes:
    try:
        memory.seek(begin)  # type: ignore[attr-defined]
        found: bytes = memory.read(end - begin)  # type: ignore[attr-defined]
    except (OSError, ValueError, OverflowError):
        return b""
    # what this program itself builds to look for is no finding: the canary is planted a thousand times over
    return found if found.count(WORD.encode()) > 100 else b""


def find_file(name: str) -> Callable[[], bool]:
    def find() -> bool:
        with open(name) as file:
            return file.read() == WORD

    return find


def find_sysv() -> bool:
    place = LIBC.shmat(LIBC.shmget(KEY, SIZE, 0o666), None, 0)
    return (
        place != ctypes.c_void_p(-1).value and ctypes.string_at(place, len(WORD)) == WORD.encode()
    )


def find_queue() -> bool:
    return bool(LIBC.mq_open(b"/spill", os.O_RDWR, 0, None) >= 0)


def find_lock() -> bool:
    try:
        with open("/data/A/t.parquet", "rb") as file:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    return False


def find_socket() -> bool:
    with socket.socket(socket.AF_UNIX) as caller:
        caller.connect("\0spill")
    return True


def find_environment() -> bool:
    return WORD in os.environ.get("SPILL", "")


LEAVE = {
    "memory": leave_memory,
    "sysv": leave_sysv,
    "queue": leave_queue,
    "lock": leave_lock,
    "socket": leave_socket,
    "environment": leave_environment,
    **{name: leave_file(name) for name in FILES},
}
FIND = {
    "memory": find_memory,
    "sysv": find_sysv,
    "queue": find_queue,
    "lock": find_lock,
    "socket": find_socket,
    "environment": find_environment,
    **{name: find_file(name) for name in FILES},
}


def tried(deed: Callable[[], object]) -> bool:
    try:
        return deed() is not False
    except OSError:
        return False


def main(word: str, seconds: float) -> None:
    if word == "leave":
        done = [name for name, deed in LEAVE.items() if tried(deed)]
        with open("/out/O1.txt", "w") as file:
            file.write(" ".join(done))
        time.sleep(seconds)
        if os.path.exists("/out/spill"):
            os.remove("/out/spill")
    else:
        found = " ".join(name for name, deed in FIND.items() if tried(deed))
        with open("/out/O2.txt", "w") as file:
            file.write(found)


if __name__ == "__main__":
    main(sys.argv[1], float(sys.argv[2]))
