"""The shim's interpreter against a bare one: the same program says, leaves and ends the same."""

import json
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

from sandbox.runner import shim

SHIM = Path(shim.__file__)
MARK = "the-mark-of-this-test"
SETTLING = """
import atexit, sys, threading, time
left = open(sys.argv[1], "w"); left.write("not closed")
class Last:
    def __del__(self): print("dropped")
last = Last()
atexit.register(print, "at exit")
threading.Thread(target=lambda: (time.sleep(0.1), print("thread"))).start()
"""
FORKED = """
import os, sys
if (child := os.fork()):
    os.waitpid(child, 0); print("parent")
else:
    print("child")
"""
SPAWNED = """
import multiprocessing, sys
def double(n): return 2 * n
if __name__ == "__main__":
    with multiprocessing.get_context("spawn").Pool(1) as pool: print(pool.map(double, [21]))
"""
PICKLED = """
import pickle
from dataclasses import dataclass
@dataclass
class One: n: int
print(pickle.loads(pickle.dumps(One(1))), One.__module__)
"""
SCRIPTS = {
    "settling": SETTLING,
    "forked": FORKED,
    "spawned": SPAWNED,
    "pickled": PICKLED,
    "itself": "import sys; print(sorted(dir()), __file__, sys.argv, sys.path[0], sys.orig_argv[1:], __spec__)",
    "error": "def f():\n    1 / 0\ntry:\n    f()\nexcept ZeroDivisionError as e:\n    raise KeyError('x') from e",
    "syntax": "x = (",
    "exit 3": "import sys; sys.exit(3)",
    "exit 259": "import sys; sys.exit(259)",
    "exit text": "import sys; sys.exit('why')",
    "exit none": "raise SystemExit",
    "exit now": "import os; os._exit(7)",
    "other program": "import os; os.execv('/bin/sh', ['sh', '-c', 'echo other; exit 5'])",
    "all closed": "import os; print('x', flush=True); os.closerange(3, 5000); open('/dev/null'); raise SystemExit(4)",
    "streams": "import os, sys; os.write(1, b'one'); sys.stderr.write('two'); print(sys.stdin.read(), 'three')",
    "future": "def f(x: int): pass\nprint(f.__annotations__)",
    "interrupted": "raise KeyboardInterrupt",
}
CODES = {
    "itself": "import sys; print(sorted(dir()), sys.argv, sys.path[0], sys.orig_argv[1:], __spec__)",
    "error": "1/0",
    "syntax": "1 +",
    "import": "import os.path; print(__name__)",
}


@dataclass(frozen=True, slots=True)
class Ran:
    """All that can be seen of a program that ended."""

    code: int
    said: str
    left: str


def bare(arguments: list[str], left: Path) -> Ran:
    command = [sys.executable, *arguments]
    streams = {"stdin": subprocess.DEVNULL, "stderr": subprocess.STDOUT}
    done = subprocess.run(command, check=False, stdout=subprocess.PIPE, **streams)  # type: ignore[call-overload]
    return Ran(done.returncode, done.stdout.decode(), read(left))


def by_shim(arguments: list[str], left: Path) -> Ran:
    order = json.dumps({"arguments": arguments, "views": {}, "mark": MARK}).encode()
    pipe = subprocess.PIPE
    command = [sys.executable, str(SHIM), "0"]
    with subprocess.Popen(command, stdin=pipe, stdout=pipe, stderr=pipe) as process:
        assert process.stdin
        assert process.stdout
        assert process.stderr
        assert "json" in json.loads(process.stdout.readline())["modules"]
        process.stdin.write(order + b"\n")
        process.stdin.flush()
        assert process.stdout.readline() == b"begun\n"
        word = process.stdout.readline()
        file = read(left)  # what the keeper would find at this moment
        process.stdin.close()
        said = process.stderr.read().decode().partition(MARK)[0]
        code = process.wait()
    assert word in {b"", f"ended {code}\n".encode()}
    return Ran(code, said, file)


def read(file: Path) -> str:
    return file.read_text() if file.exists() else ""


@pytest.mark.parametrize("program", SCRIPTS.values(), ids=SCRIPTS)
def test_a_script_says_leaves_and_ends_as_in_a_bare_python(tmp_path: Path, program: str) -> None:
    script, left = tmp_path / "main.py", tmp_path / "left.txt"
    script.write_text(program)
    arguments = [str(script), str(left), "b c"]

    wanted = bare(arguments, left)
    left.unlink(missing_ok=True)

    assert plain(by_shim(arguments, left)) == plain(wanted)


@pytest.mark.parametrize("program", CODES.values(), ids=CODES)
def test_code_of_the_command_line_says_and_ends_as_in_a_bare_python(
    tmp_path: Path, program: str
) -> None:
    arguments = ["-c", program, "a"]

    assert by_shim(arguments, tmp_path / "x") == bare(arguments, tmp_path / "x")


def test_a_script_that_is_not_there_is_told_as_a_bare_python_tells_it(tmp_path: Path) -> None:
    arguments = [str(tmp_path / "none.py")]

    assert by_shim(arguments, tmp_path / "x") == bare(arguments, tmp_path / "x")


def test_what_a_job_imports_lies_beside_its_script(tmp_path: Path) -> None:
    (tmp_path / "beside.py").write_text("word = 'found'")
    (tmp_path / "main.py").write_text("import beside; print(beside.word)")

    assert by_shim([str(tmp_path / "main.py")], tmp_path / "x").said == "found\n"


def test_without_its_teller_it_ends() -> None:
    command = [sys.executable, str(SHIM), "0"]

    said = subprocess.check_output(command, stdin=subprocess.DEVNULL, timeout=20)

    assert said.count(b"\n") == 1


def plain(ran: Ran) -> Ran:
    """Forget what a bare Python does with a signal that nobody handles: as a first process it could not."""
    return Ran(1 if ran.code in {-2, 130} else ran.code, ran.said, ran.left)
