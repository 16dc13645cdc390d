"""Requests a second of submit and status, against a bare FastAPI route that writes one row.

Both servers run under the same uvicorn settings, each in a process of its own, on loopback; SQLite
with WAL and synchronous FULL on both sides. Rounds are interleaved; the ratio is the median of the
rounds' ratios. Ours checks a token, the grant, the privacy plan and the budget, and writes the job,
its idempotency key and two log entries with their Merkle nodes; the bare route does none of this.
"""

import json
import os
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from http.client import HTTPConnection
from pathlib import Path
from statistics import median
from uuid import uuid4

ROOT = Path(__file__).parent.parent
ROUNDS = 5
WRITES, READS, CONNECTIONS = 120, 240, 4
BODY = json.dumps(
    {
        "scenario": "SC-SH-2026-0001",
        "work": {
            "kind": "query",
            "sql": 'SELECT grade, COUNT(*) AS n FROM "BP-LOANS" GROUP BY grade',
            "epsilon": "0.5",
            "output": "O1",
        },
    }
).encode()


@dataclass(frozen=True, slots=True)
class Server:
    """One server under measurement."""

    port: int
    token: str

    def rate(self, asks: int, ask: Callable[[HTTPConnection], None]) -> float:
        """Return requests a second over a few connections that stay open."""
        began = time.perf_counter()
        with ThreadPoolExecutor(CONNECTIONS) as pool:
            list(pool.map(lambda _: self._many(asks // CONNECTIONS, ask), range(CONNECTIONS)))
        return asks / (time.perf_counter() - began)

    def submit(self, line: HTTPConnection) -> str:
        """Submit one body, as the SDK does, and return the new id."""
        headers = {**self._headers(), "Idempotency-Key": uuid4().hex}
        line.request("POST", "/v1/jobs", BODY, headers)
        return str(_answer(line, 201)["id"])

    def status(self, line: HTTPConnection, name: str) -> None:
        """Ask for one id."""
        line.request("GET", f"/v1/jobs/{name}", headers=self._headers())
        _answer(line, 200)

    def line(self) -> HTTPConnection:
        """Return a new connection."""
        return HTTPConnection("127.0.0.1", self.port, timeout=20)

    def _many(self, asks: int, ask: Callable[[HTTPConnection], None]) -> None:
        line = self.line()
        for _ in range(asks):
            ask(line)
        line.close()

    def _headers(self) -> dict[str, str]:
        return {"Content-Type": "application/json", "Authorization": f"Bearer {self.token}"}


def _answer(line: HTTPConnection, code: int) -> dict[str, object]:
    answer = line.getresponse()
    text = answer.read()
    if answer.status != code:
        sys.exit(f"{answer.status} {text[:200]!r}")
    found: dict[str, object] = json.loads(text)
    return found


@contextmanager
def serving(kind: str, folder: Path) -> Iterator[Server]:
    """Start one server, wait until it answers, and stop it afterwards."""
    folder.mkdir()
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    script = [sys.executable, "-P", "benchmarks/gateway_apps.py", kind, str(folder), str(port)]
    process = subprocess.Popen(script, cwd=ROOT, env={**os.environ, "PYTHONPATH": str(ROOT)})
    try:
        _await(port)
        token = folder / "token"
        yield Server(port, token.read_text() if token.exists() else "")
    finally:
        process.terminate()
        process.wait(10)


def _await(port: int) -> None:
    end = time.monotonic() + 30
    while time.monotonic() < end:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.05)
    sys.exit("a server did not start")


def measure(ours: Server, bare: Server) -> list[dict[str, float]]:
    """Return the rates of each round; a first, short round warms both up."""
    kept = {server: server.submit(server.line()) for server in (ours, bare)}
    rounds = []
    for number in range(ROUNDS + 1):
        writes, reads = (WRITES, READS) if number else (CONNECTIONS * 5, CONNECTIONS * 5)
        rates = {}
        for name, server in (("bare", bare), ("ours", ours)):
            rates[f"{name} write"] = server.rate(writes, lambda line, on=server: on.submit(line))
            rates[f"{name} read"] = server.rate(
                reads, lambda line, on=server: on.status(line, kept[on])
            )
        if number:
            rounds.append(rates)
    return rounds


def main() -> None:
    """Measure, print the table, then one JSON line for each goal."""
    with tempfile.TemporaryDirectory(dir=ROOT) as folder:
        place = Path(folder)
        with serving("bare", place / "bare") as bare, serving("ours", place / "ours") as ours:
            rounds = measure(ours, bare)
    print(f"{'requests a second':<24}{'median':>10}{'least':>10}{'most':>10}")
    for name in rounds[0]:
        rates = [each[name] for each in rounds]
        print(f"{name:<24}{median(rates):>10.0f}{min(rates):>10.0f}{max(rates):>10.0f}")
    read = median(each["ours read"] / each["bare read"] for each in rounds)
    print(f"status against a bare route that reads one row: {read:.2f} (told, not a goal)")
    for name, ours_does, goal in (("submit", "ours write", 0.33), ("status", "ours read", 0.5)):
        ratio = median(each[ours_does] / each["bare write"] for each in rounds)
        line = {"benchmark": f"gateway.{name}", "ratio": round(ratio, 3), "goal": goal}
        print(json.dumps({**line, "met": ratio >= goal}))


if __name__ == "__main__":
    main()
