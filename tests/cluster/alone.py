"""Starts a worker's own Ray, looks at it from outside, kills it and starts it again; says what was seen as JSON.

It runs in a process of its own, for Ray is one to a process. The one argument is a home folder.
"""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import ray

from sandbox.cluster.cluster import Cluster
from sandbox.cluster.link import Link
from sandbox.cluster.tasks import Sight, look_here
from sandbox.errors import ClusterDownError
from sandbox.run import Room

KNOCK = """
import sys
from ray._raylet import GcsClient
try:
    GcsClient(address=sys.argv[1]).internal_kv_keys(b"", namespace=None)
except Exception as error:
    print(type(error).__name__)
else:
    print("answered")
"""
_LISTENS = "0A"
"""How /proc/net/tcp says that a socket listens."""


def family(pid: int) -> list[int]:
    """Return a process and all that came of it."""
    parents = {}
    for path in Path("/proc").glob("[0-9]*"):
        try:
            parents[int(path.name)] = int((path / "stat").read_text().rpartition(")")[2].split()[1])
        except OSError:
            continue
    found = [pid]
    for each in found:
        found += [child for child, parent in parents.items() if parent == each]
    return found


def listening(pids: list[int]) -> set[str]:
    """Return the addresses, as the kernel writes them, that these processes take connections at."""
    inodes = {
        str(link.readlink())
        for pid in pids
        for link in Path(f"/proc/{pid}/fd").iterdir()
        if link.exists()
    }
    heard = set()
    for table in ("tcp", "tcp6"):
        for line in Path(f"/proc/net/{table}").read_text().splitlines()[1:]:
            word = line.split()
            if word[3] == _LISTENS and f"socket:[{word[9]}]" in inodes:
                heard.add(word[1].partition(":")[0])
    return heard


def knocking(address: str, token: str) -> "subprocess.Popen[str]":
    """Ask Ray's head something with this token."""
    env = {name: value for name, value in os.environ.items() if not name.startswith("RAY_")}
    env |= {"RAY_AUTH_MODE": "token", "RAY_AUTH_TOKEN": token}
    command = [sys.executable, "-c", KNOCK, address]
    return subprocess.Popen(
        command, env=env, text=True, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
    )


def recovered(cluster: Cluster) -> dict[str, float]:
    """Kill Ray's head, and say how long it took to be noticed, and until a task had run again."""
    (head,) = [
        pid
        for pid in family(os.getpid())
        if b"gcs_server" in Path(f"/proc/{pid}/cmdline").read_bytes()[:300]
    ]
    os.kill(head, signal.SIGKILL)
    began = time.monotonic()
    while True:
        try:
            cluster.look()
        except ClusterDownError:
            break
        time.sleep(0.05)
    noticed = time.monotonic() - began
    cluster.renew()
    cluster.look()
    seen: Sight = ray.get(ray.remote(num_cpus=1)(look_here).remote(None))
    assert seen.found is None
    return {"noticed": noticed, "again": time.monotonic() - began}


def main() -> None:
    home = Path(sys.argv[1])
    os.environ["SHUYU_NODE"] = str(home)
    token = home / "keys" / "ray.token"
    cluster = Cluster(Room.of(home), Link(address="", cpus=1, token=token)).connect()
    cluster.look()
    address = ray.get_runtime_context().gcs_address
    knocks = {"right": knocking(address, token.read_text()), "wrong": knocking(address, "0" * 64)}
    said = {name: knock.communicate()[0].strip() for name, knock in knocks.items()}
    seen = {
        "listens": sorted(listening(family(os.getpid()))),
        "token": said,
        "token_mode": oct(token.stat().st_mode & 0o777),
        "nodes": len(cluster._nodes),
        "recovery": recovered(cluster),
    }
    cluster.close()
    print(json.dumps(seen))  # noqa: T201 - what it is run for


if __name__ == "__main__":
    main()
