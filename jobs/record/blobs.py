"""Small bytes that the record itself keeps, such as code bundles, by digest."""

from sqlalchemy import select

from jobs.errors import JobsError, NotFoundError, RecordBrokenError
from jobs.proof.bodies import digest_of
from jobs.record.database import Reading, Writing
from jobs.record.schema import blob as table
from sandbox.asset import Digest

MAX_BYTES = 16 * 2**20


class BlobTooLargeError(JobsError):
    """The bytes are more than the record keeps; larger ones belong on the shelf."""


def put(tx: Writing, content: bytes) -> Digest:
    """Keep at most 16 MiB and return their digest; the transaction's event notes it."""
    if len(content) > MAX_BYTES:
        raise BlobTooLargeError(f"{len(content)} bytes are more than the {MAX_BYTES} allowed")
    digest = digest_of(content)
    if tx.one(select(table.c.digest).where(table.c.digest == digest)) is None:
        tx.insert(table, {"digest": digest, "content": content})
    return digest


def get(tx: Reading, digest: Digest) -> bytes:
    """Return the bytes; raise `NotFoundError` for none, `RecordBrokenError` for altered ones."""
    row = tx.one(select(table.c.content).where(table.c.digest == digest))
    if row is None:
        raise NotFoundError(f"no bytes {digest}")
    content = bytes(row.content)
    if digest_of(content) != digest:
        raise RecordBrokenError(f"the bytes kept as {digest} have another digest")
    return content
