"""Waits in a container for one order, and runs it in this very interpreter as `python3 script` or `python3 -c code` would.

Started by the keeper as `python3 /shuyu/shim.py MEMORY_BYTES`, as the first process of a container without data. It says what
it has imported, is told one order, says that it begins, and at the end says by what code the job ended. The job can reach
everything here, and is welcome to: nothing in this file is a wall, and all that the keeper takes from it is that one number.
What the job leaves, the keeper takes from the output folder itself. Standard library only; Python 3.8 or newer.
"""

import atexit
import builtins
import contextlib
import fcntl
import gc
import importlib
import importlib.machinery
import io
import json
import os
import resource
import sys
import threading
import time
import types
from collections.abc import Iterator
from typing import Any, NoReturn

DECLARED = "/etc/shuyu/preload"
"""Where an image says what its jobs import: a name a line."""
USUAL = ("numpy", "pandas", "pyarrow", "pyarrow.parquet", "duckdb", "sklearn")
"""What is tried where an image says nothing."""
_SECONDS = 20
_SHARE = 4
"""Imports may take one part in so many of the memory that the job may use…"""
_LEAST_BYTES = 512 * 1024**2
"""…and none of it where the job may use less than this."""
_HIGH = 4096
_MISUSED = 2
_FILE = io.FileIO.__mro__[-2]
"""What every file object is: the root of the classes in C, for to ask `io.IOBase` takes milliseconds."""


def main(memory: int) -> None:
    """Wait for one order, and run it."""
    del sys.path[0]  # the folder of this file
    words, speech = _kept_apart()
    _preload(memory)
    before = frozenset(sys.modules)
    gc.collect()
    gc.freeze()
    _say(speech, json.dumps({"modules": sorted(_tops()), "memory": _resident()}))
    order = json.loads(_line(words) or "null")
    if order is None:
        os._exit(0)  # the keeper is gone
    if any(sorted(os.listdir(f"/data/{name}")) != files for name, files in order["views"].items()):  # noqa: PTH208
        _say(speech, "unseen")
        os._exit(0)
    _say(speech, "begun")
    first, same = os.getpid(), os.fstat(speech)
    code = _run(order["arguments"])
    if os.getpid() != first:
        sys.exit(code)  # a fork of the job came to its script's end: it leaves as any process does
    _settle(before, order["mark"])
    if _is(speech, same):
        _say(speech, f"ended {code}")
        _line(words)  # the keeper ends the container, or goes away itself
    os._exit(code)


def _kept_apart() -> "tuple[int, int]":
    """Keep the keeper's two streams, and give the job nothing to read and one stream to print on."""
    high = min(_HIGH, resource.getrlimit(resource.RLIMIT_NOFILE)[0]) - 16
    words = fcntl.fcntl(0, fcntl.F_DUPFD_CLOEXEC, high)
    speech = fcntl.fcntl(1, fcntl.F_DUPFD_CLOEXEC, high)
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.close(nothing)
    os.dup2(2, 1)
    return words, speech


def _is(speech: int, same: os.stat_result) -> bool:
    """Say whether the stream is still the one that it was: a job may close what it did not open."""
    try:
        seen = os.fstat(speech)
    except OSError:
        return False
    return (seen.st_dev, seen.st_ino) == (same.st_dev, same.st_ino)


def _say(speech: int, line: str) -> None:
    raw = line.encode() + b"\n"
    while raw:
        raw = raw[os.write(speech, raw) :]


def _line(words: int) -> str:
    """Read one line; what was read of it where the stream ends."""
    read = b""
    while not read.endswith(b"\n") and (more := os.read(words, 65536)):
        read += more
    return read.decode()


def _preload(memory: int) -> None:
    end = time.monotonic() + _SECONDS
    for name in _wanted():
        if memory < _LEAST_BYTES or _resident() > memory // _SHARE or time.monotonic() > end:
            return
        try:
            importlib.import_module(name)
        except Exception:  # noqa: BLE001, S112 - a library that does not import here is for the job to meet
            continue


def _wanted() -> "tuple[str, ...]":
    try:
        with open(DECLARED, encoding="utf-8") as file:  # noqa: PTH123 - pathlib is for the job to import
            return tuple(file.read().split())
    except (OSError, ValueError):
        return USUAL


def _resident() -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


def _tops() -> "set[str]":
    return {name.partition(".")[0] for name in sys.modules}


def _run(arguments: "list[str]") -> int:
    """Run the script or code, and return the exit code that Python would give it."""
    program = types.ModuleType("__main__")
    inside: dict[str, Any] = program.__dict__
    inside.update(__builtins__=builtins, __annotations__={})
    sys.modules["__main__"] = program
    if hasattr(sys, "orig_argv"):
        sys.orig_argv[1:] = arguments
    try:
        exec(_compiled(arguments, inside), inside)  # noqa: S102 - what a Python is for
    except SystemExit as leaving:
        return _code(leaving.code)
    except BaseException as error:  # noqa: BLE001 - what Python's own main does
        _tell(error)
        return 1
    return 0


def _compiled(arguments: "list[str]", inside: "dict[str, Any]") -> types.CodeType:
    if arguments[0] == "-c":
        inside["__loader__"] = importlib.machinery.BuiltinImporter
        sys.argv[:] = ["-c", *arguments[2:]]
        sys.path.insert(0, "")
        return compile(arguments[1], "<string>", "exec", dont_inherit=True)
    script = arguments[0]
    inside.update(__file__=script, __cached__=None)
    inside["__loader__"] = importlib.machinery.SourceFileLoader("__main__", script)
    sys.argv[:] = arguments
    sys.path.insert(0, os.path.dirname(os.path.realpath(script)))  # noqa: PTH120 - a text, as Python's own
    try:
        with io.open_code(script) as file:
            source = file.read()
    except OSError as error:
        why = (
            f"{sys.executable}: can't open file {script!r}: [Errno {error.errno}] {error.strerror}"
        )
        print(why, file=sys.stderr)  # noqa: T201 - as Python says it
        raise SystemExit(_MISUSED) from None
    return compile(source, script, "exec", dont_inherit=True)


def _code(asked: object) -> int:
    if asked is None:
        return 0
    if isinstance(asked, int):
        return asked & 0xFF
    print(asked, file=sys.stderr)  # noqa: T201 - as Python says it
    return 1


def _tell(error: BaseException) -> None:
    """Print an error as Python does, without the frames of this file."""
    trace = error.__traceback__
    while trace is not None and trace.tb_frame.f_code.co_filename == __file__:
        trace = trace.tb_next
    sys.excepthook(type(error), error.with_traceback(trace), trace)


def _settle(before: "frozenset[str]", mark: str) -> None:
    """Do what Python does on its way out, in its order: threads, exit functions, objects, files that were left open."""
    leave = (threading._shutdown, atexit._run_exitfuncs, _flush)  # type: ignore[attr-defined]  # noqa: SLF001
    for end in (*leave, lambda: _drop(before), gc.collect, _flush_open):
        try:
            end()
        except BaseException as error:  # noqa: BLE001 - as Python does, whatever one of them throws
            _tell(error)
    with contextlib.suppress(
        Exception
    ):  # the job may have closed its streams, or put others in their place
        _flush()
    with contextlib.suppress(OSError):
        os.write(2, mark.encode())


def _flush() -> None:
    for stream in (sys.stdout, sys.stderr):
        if stream is not None and not stream.closed:
            stream.flush()


def _drop(before: "frozenset[str]") -> None:
    """Let go of what the job's own modules hold: those that lie with its script."""
    program = sys.modules["__main__"]
    home = os.path.dirname(getattr(program, "__file__", "/nowhere/x"))  # noqa: PTH120 - a text
    brought = [sys.modules[name] for name in set(sys.modules) - before]
    for module in (program, *(one for one in brought if _lies_in(one, home))):
        names = [name for name in vars(module) if name != "__builtins__"]
        for name in sorted(names, key=lambda name: not name.startswith("_")):
            vars(module)[name] = None


def _lies_in(module: types.ModuleType, folder: str) -> bool:
    return str(getattr(module, "__file__", None)).startswith(f"{folder}/")


def _flush_open() -> None:
    for file in _files():
        try:
            file.flush()
        except (OSError, ValueError):
            continue


def _files() -> "Iterator[io.IOBase]":
    """Give every file object made since the job began."""
    for one in gc.get_objects():
        if issubclass(type(one), _FILE) and not one.closed:
            yield one


def refused() -> NoReturn:
    """Leave, where nobody said how much memory there is."""
    sys.exit("the keeper starts this file, with the bytes of memory that a job may use")


if __name__ == "__main__":
    main(int(sys.argv[1])) if len(sys.argv) > 1 else refused()
