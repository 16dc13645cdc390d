"""A private PostgreSQL for the tests: its own folder, a unix socket, no port."""

import os
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path

import psycopg
from psycopg import sql

USER = "shuyu"


def programs() -> Path:
    """Return the folder of the newest PostgreSQL that is installed."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=_version)
    assert found, "these tests need PostgreSQL: apt-get install postgresql"
    return found[-1].parent


@dataclass(frozen=True)
class Cluster:
    folder: Path

    def url(self, database: str) -> str:
        return f"postgresql+psycopg://{USER}@/{database}?host={self.folder}"

    def make(self, database: str) -> None:
        with self._connected("postgres") as db:
            db.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(database)))

    def empty(self, database: str, tables: list[str]) -> None:
        """Make the record in `database` as it was when it was made: no rows but the log's head."""
        names = sql.SQL(", ").join(map(sql.Identifier, tables))
        with self._connected(database) as db:
            db.execute(sql.SQL("TRUNCATE {} RESTART IDENTITY").format(names))
            db.execute("INSERT INTO log_head (id, size, peaks) VALUES (1, 0, '')")

    def _connected(self, database: str) -> "psycopg.Connection[tuple[object, ...]]":
        return psycopg.connect(host=str(self.folder), user=USER, dbname=database, autocommit=True)


def start(folder: Path) -> "subprocess.Popen[bytes]":
    """Start a cluster in `folder`, as `postgres` where we are root, and wait until it answers."""
    data = folder / "data"
    if os.getuid() == 0:
        subprocess.run(["chown", "postgres", str(folder)], check=True)
    made = [f"{programs()}/initdb", "-D", str(data), "-U", USER, "-A", "trust", "-E", "UTF8"]
    subprocess.run(_as_owner([*made, "--no-sync"]), check=True, stdout=subprocess.DEVNULL)
    quick = ["-c", "fsync=off", "-c", "listen_addresses=", "-c", "max_connections=200"]
    server = [f"{programs()}/postgres", "-D", str(data), "-k", str(folder), *quick]
    process = subprocess.Popen(_as_owner(server), stderr=subprocess.DEVNULL)
    _wait(folder)
    return process


def _as_owner(command: list[str]) -> list[str]:
    if os.getuid() != 0:
        return command
    return ["setpriv", "--reuid=postgres", "--regid=postgres", "--clear-groups", *command]


def _wait(folder: Path) -> None:
    ready = [f"{programs()}/pg_isready", "-q", "-h", str(folder)]
    end = time.monotonic() + 30
    while subprocess.run(ready, check=False).returncode != 0:
        assert time.monotonic() < end, "PostgreSQL did not start"
        time.sleep(0.05)


def _version(path: Path) -> int:
    return int(path.parts[-3])
