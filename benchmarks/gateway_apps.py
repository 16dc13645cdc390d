"""The two servers that gateway.py compares: ours, and a bare FastAPI route that writes one row.

Run as `python -P benchmarks/gateway_apps.py ours|bare FOLDER PORT`, from the repository's root.
"""

import json
import runpy
import secrets
import sqlite3
import sys
from pathlib import Path
from threading import Lock

import uvicorn
from fastapi import FastAPI, HTTPException
from pydantic import BaseModel

ROOT = Path(__file__).parent.parent


class Row(BaseModel):
    """The body that both servers take."""

    scenario: str
    work: dict[str, str]


def bare(folder: Path) -> FastAPI:
    """Return the least that keeps a body safely and gives it back: one table, WAL, FULL."""
    base = sqlite3.connect(folder / "bare.db", check_same_thread=False, isolation_level=None)
    base.execute("PRAGMA journal_mode = WAL")
    base.execute("PRAGMA synchronous = FULL")
    base.execute("CREATE TABLE row (id TEXT PRIMARY KEY, body TEXT)")
    turn, app = Lock(), FastAPI()

    @app.post("/v1/jobs", status_code=201)
    def add(row: Row) -> dict[str, str]:
        name = secrets.token_hex(13)
        with turn:
            base.execute("INSERT INTO row VALUES (?, ?)", (name, row.model_dump_json()))
        return {"id": name, "state": "queued"}

    @app.get("/v1/jobs/{name}")
    def show(name: str) -> dict[str, object]:
        with turn:
            found = base.execute("SELECT body FROM row WHERE id = ?", (name,)).fetchone()
        if found is None:
            raise HTTPException(404)
        return {"id": name, **json.loads(found[0])}

    return app


def ours(folder: Path) -> FastAPI:
    """Return our gateway over a domain with one live grant; a token lies beside it."""
    # by its path: some installed library owns the name `tests`
    domain = runpy.run_path(str(ROOT / "tests" / "gateway" / "api" / "domain.py"))
    template = domain["Template"].make(folder)
    home = folder / "home"
    home.mkdir()
    (folder / "token").write_text(template.tokens["dev"])
    app: FastAPI = template.copied(home).app
    return app


def main() -> None:
    """Serve one of the two with the same settings."""
    kind, folder, port = sys.argv[1], Path(sys.argv[2]), int(sys.argv[3])
    app = {"ours": ours, "bare": bare}[kind](folder)
    uvicorn.run(app, host="127.0.0.1", port=port, log_level="error", access_log=False)


if __name__ == "__main__":
    main()
