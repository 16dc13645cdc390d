"""Puts keys away: the log first, then the files; a crash in between is made good by the next command."""

from jobs.errors import NotFoundError, OutOfOrderError
from jobs.proof.folder import KeyFolder
from jobs.proof.keys import KeyFileError, PublicKey
from jobs.proof.trusted import PARTS, RETIRED, REVOKED, PutAway, TrustedFile
from jobs.record import log, signers
from jobs.record.database import Record
from jobs.record.signers import KeyChange

MOST_WHY = 200
"""The longest reason, in characters."""


def rotate(part: str, *, folder: KeyFolder, record: Record, why: str, by: str) -> KeyChange:
    """Let a new key of `part` sign from now on; what the old one signed stays good.

    The log's old key signs a last checkpoint, over all that is noted before its end.

    Raises:
        KeyFileError: the key that signs now, or the reason, cannot be used.

    """
    _demand_reason(why)
    complete(folder, record)
    old, new = folder.signing(part), folder.following(part).public
    with record.writing() as tx:
        signers.demand(tx, part, old.id)
        if part == "log":
            log.checkpoint(tx, old)
        size = log.head(tx).size
        change = KeyChange(part=part, old=old.id, new=new.text(), size=size, why=why, revoked=False)
        signers.note(tx, change, by=by)
    _finish(folder, record)
    return change


def revoke(key: str, *, folder: KeyFolder, record: Record, why: str, by: str) -> KeyChange:
    """Believe no signature of this key alone any more; where it signs now, a new one follows it.

    Raises:
        NotFoundError: no part has such a key.
        OutOfOrderError: it was revoked before.
        KeyFileError: the reason cannot be used.

    """
    _demand_reason(why)
    complete(folder, record)
    trusted = folder.trusted()
    part = _part_of(key, trusted)
    new = _successor(key, part, trusted, folder)
    with record.writing() as tx:
        change = KeyChange(
            part=part,
            old=key,
            new=new.text() if new else "",
            size=log.head(tx).size,
            why=why,
            revoked=True,
        )
        signers.note(tx, change, by=by)
    _finish(folder, record)
    return change


def complete(folder: KeyFolder, record: Record) -> None:
    """Bring the files to what the log has noted; raise `KeyFileError` where they are of elsewhere."""
    with record.reading() as tx:
        changes = signers.changes(tx)
    trusted = folder.trusted()
    for change in changes:
        trusted = _after(trusted, change)
    folder.settle(trusted)


def _finish(folder: KeyFolder, record: Record) -> None:
    """Complete the files, and sign the log so that proofs can be given at once."""
    complete(folder, record)
    with record.writing() as tx:
        log.checkpoint(tx, folder.signing("log"))


def _after(trusted: TrustedFile, change: KeyChange) -> TrustedFile:
    if change.old not in {key.id for key in trusted.keys[change.part]}:
        raise KeyFileError(
            f"keys/trusted.toml does not list the key {change.old}, which the log has put away: put "
            "the domain's own file back"
        )
    if change.new:
        trusted = trusted.followed(change.part, PublicKey.parse(change.new))
    line = PutAway(key=change.old, size=change.size, at=change.at, why=change.why)
    return trusted.put_away(REVOKED if change.revoked else RETIRED, line)


def _part_of(key: str, trusted: TrustedFile) -> str:
    for part in PARTS:
        if key in {each.id for each in trusted.keys[part]}:
            break
    else:
        raise NotFoundError(f"no part of this domain has a key {key}: `shuyu key list` shows them")
    if key in {line.key for line in trusted.revoked}:
        raise OutOfOrderError(f"the key {key} was revoked before")
    return part


def _successor(key: str, part: str, trusted: TrustedFile, folder: KeyFolder) -> PublicKey | None:
    if trusted.ring(part).current.id != key:
        return None
    return folder.following(part).public


def _demand_reason(why: str) -> None:
    if not 0 < len(why) <= MOST_WHY or not why.isprintable():
        raise KeyFileError(
            f"give a reason of 1 to {MOST_WHY} characters on one line: the log keeps it"
        )
