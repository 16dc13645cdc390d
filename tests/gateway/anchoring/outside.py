"""What stands outside the domain in these tests: real servers on the loopback, and a log to show them."""

import subprocess
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from typing_extensions import override

from gateway.anchoring.attempt import Ledger
from gateway.anchoring.offer import Offer
from gateway.anchoring.witness import Witness, rings
from jobs.proof.checkpoint import Checkpoint
from jobs.proof.keys import SigningKey
from jobs.proof.ring import KeyRing
from jobs.record import anchors, log
from jobs.record.anchors import Anchor
from jobs.record.database import Record
from jobs.record.event import Event

CANARY = "CANARY-7f3a91"
"""Stands in the log's facts: no target ever sees it."""


def now() -> datetime:
    return datetime.now(UTC)


@dataclass(frozen=True, slots=True, kw_only=True)
class Domain:
    """A record with a log, and the key that signs it."""

    record: Record
    key: SigningKey

    @property
    def ledger(self) -> Ledger:
        return Ledger(record=self.record, keys=KeyRing.of(self.key.public))

    def note(self, count: int = 1, *, what: str = CANARY) -> None:
        with self.record.writing() as tx:
            for _ in range(count):
                tx.note(Event("job.queued", "J-1", "system", {"what": what}))

    def sign(self) -> Checkpoint:
        with self.record.writing() as tx:
            return log.checkpoint(tx, self.key)

    def grown(self, count: int = 1, *, what: str = CANARY) -> Checkpoint:
        self.note(count, what=what)
        return self.sign()

    def offer(self, checkpoint: Checkpoint, *, since: int = 0) -> Offer:
        return self.ledger.offer(checkpoint, since=since)

    def kinds(self) -> list[str]:
        with self.record.reading() as tx:
            found = log.entries(tx, only=log.Filter(kind="anchor."), limit=1000)
        return [entry.event.kind for entry in found]

    def newest(self, target: str) -> Anchor | None:
        with self.record.reading() as tx:
            return anchors.newest(tx, target)


def witness(folder: Path, key: SigningKey, *logs: SigningKey) -> Witness:
    known = rings(tuple(each.public for each in logs))
    return Witness(folder, key=key, logs=known, clock=now)


@dataclass(slots=True)
class Server:
    """A server that answers every POST with `answer`, and keeps what it was sent."""

    answer: Callable[[bytes], tuple[int, str, bytes]]
    heard: list[bytes] = field(default_factory=list)


@contextmanager
def answering(server: Server) -> Iterator[str]:
    """Give the address of `server`."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            server.heard.append(body)
            status, kind, content = server.answer(body)
            self.send_response(status)
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(content)))
            with suppress(OSError):  # whoever asked may have left
                self.end_headers()
                self.wfile.write(content)

        @override
        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as http:
        http.daemon_threads = True
        thread = threading.Thread(target=http.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield f"http://127.0.0.1:{http.server_port}"
        http.shutdown()
        thread.join()


_CONFIG = """\
[req]
distinguished_name = name
prompt = no
[name]
CN = Shuyu test
[ca]
basicConstraints = critical, CA:TRUE
keyUsage = critical, keyCertSign
subjectKeyIdentifier = hash
[tsa]
basicConstraints = critical, CA:FALSE
extendedKeyUsage = critical, timeStamping
keyUsage = critical, digitalSignature
subjectKeyIdentifier = hash
authorityKeyIdentifier = keyid
[authority]
serial = {folder}/serial
signer_digest = sha256
default_policy = 1.2.3.4.1
digests = sha256
ess_cert_id_alg = sha256
"""
_KEY = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes")


@dataclass(frozen=True, slots=True)
class Authority:
    """OpenSSL's own time stamp authority, with a root of its own."""

    folder: Path

    @classmethod
    def made(cls, folder: Path) -> "Authority":
        folder.mkdir()
        made = cls(folder)
        (folder / "serial").write_text("01\n")
        (folder / "ca.cnf").write_text(_CONFIG.format(folder=folder))
        config = ("-config", "ca.cnf")
        root = ("-x509", "-days", "30", "-extensions", "ca", "-keyout", "ca.key", "-out", "ca.pem")
        made.run("req", *_KEY, *config, *root, "-subj", "/CN=Shuyu test root")
        made.run("req", *_KEY, *config, "-keyout", "tsa.key", "-out", "tsa.csr")
        issued = ("-CA", "ca.pem", "-CAkey", "ca.key", "-CAcreateserial", "-days", "30")
        extended = ("-extfile", "ca.cnf", "-extensions", "tsa")
        made.run("x509", "-req", "-in", "tsa.csr", *issued, *extended, "-out", "tsa.pem")
        return made

    @property
    def root(self) -> bytes:
        return (self.folder / "ca.pem").read_bytes()

    def reply(self, query: bytes) -> tuple[int, str, bytes]:
        """Return what `openssl ts -reply` says."""
        (self.folder / "query").write_bytes(query)
        signer = ("-signer", "tsa.pem", "-inkey", "tsa.key", "-config", "ca.cnf")
        asked = ("-queryfile", "query", "-section", "authority", "-out", "reply")
        self.run("ts", "-reply", *signer, *asked)
        return 200, "application/timestamp-reply", (self.folder / "reply").read_bytes()

    def run(self, *words: str) -> None:
        command = ["openssl", *words]
        subprocess.run(command, cwd=self.folder, check=True, capture_output=True)
