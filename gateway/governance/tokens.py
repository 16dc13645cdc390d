"""Credentials: access tokens and console sessions, of which the record keeps only hashes.

Both secrets are 256 random bits. A slow hash such as scrypt guards what people can guess; nobody
guesses 256 random bits, so one SHA-256 is enough, and a request costs no more than it must.
"""

import hashlib
import hmac
import re
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from types import MappingProxyType

from gateway.governance.errors import (
    ExpiredTokenError,
    IneligibleError,
    RevokedTokenError,
    UnknownTokenError,
)
from gateway.governance.parties import Caller, party_of, person_of
from jobs.errors import NotFoundError
from jobs.grant import PartyId, PersonId
from jobs.proof import bodies
from jobs.record import documents
from jobs.record.database import Reading, Record, Writing
from jobs.record.event import Event
from sandbox.reason import Reason, Said

MAX_DAYS = 366
"""The longest life of a token, in days."""
SESSION_HOURS = 8
"""The life of a console session, in hours: a working day."""
_FORM = re.compile(r"shuyu_([0-9a-f]{16})_([A-Za-z0-9_-]{43})", re.ASCII)
_NO_HASH = "0" * 64
_LIVE = "live"
_REVOKED = "revoked"


@dataclass(frozen=True, slots=True, kw_only=True)
class Credential:
    """What the record keeps of a token or a session."""

    person: PersonId
    party: PartyId
    hashed: str
    """SHA-256 of the secret, in hexadecimal."""
    expires: datetime
    behind: str = ""
    """For a session: the id of the token that opened it; it ends with that token."""


def issue_token(record: Record, person: PersonId, *, days: int, by: str) -> str:
    """Return a new token of `person`, good for `days` days; it is shown this once only.

    Raises `NotFoundError` for an unknown person and `IneligibleError` for a life that is not
    between 1 and `MAX_DAYS` days.
    """
    if not 1 <= days <= MAX_DAYS:
        raise IneligibleError((_days(),))
    with record.writing() as tx:
        fresh = Credential(
            person=person,
            party=person_of(tx, person).party,
            hashed="",
            expires=tx.now + timedelta(days=days),
        )
        return _issue(tx, "token", fresh, by)


def revoke_token(record: Record, token_id: str, *, by: str) -> None:
    """Take a token back, and with it every session that it opened; `NotFoundError` without one."""
    with record.writing() as tx:
        paper = documents.get(tx, "token", token_id)
        if paper.state == _REVOKED:
            return
        after = replace(paper, state=_REVOKED, at=tx.now)
        event = Event("token.revoked", token_id, by, {"person": _credential(paper.body).person})
        documents.replace(tx, after, was_version=paper.version, event=event)


def token_id(token: str) -> str:
    """Return the public part of a token: what it is revoked by; raise `UnknownTokenError`."""
    return _parted(token)[0]


def caller(record: Record, token: str, *, now: datetime) -> Caller:
    """Return whom `token` stands for; raise a `TokenError` where it is not good."""
    with record.reading() as tx:
        return _caller(tx, _checked(tx, "token", token, now))


def open_session(record: Record, token: str, *, now: datetime) -> str:
    """Return the secret of a new console session, opened with a good token.

    It lasts `SESSION_HOURS` hours and never longer than the token; raises a `TokenError`.
    """
    with record.writing() as tx:
        opened = _checked(tx, "token", token, now)
        session = replace(
            opened,
            expires=min(opened.expires, now + timedelta(hours=SESSION_HOURS)),
            behind=token_id(token),
        )
        return _issue(tx, "session", session, opened.person)


def session_caller(record: Record, secret: str, *, now: datetime) -> Caller:
    """Return whose session this is; raise a `TokenError` where it or its token is not good."""
    with record.reading() as tx:
        session = _checked(tx, "session", secret, now)
        _demand_live(documents.get(tx, "token", session.behind))
        return _caller(tx, session)


def close_session(record: Record, secret: str, *, now: datetime) -> None:
    """End a session; one that is not good is ended already."""
    with record.writing() as tx:
        try:
            session = _checked(tx, "session", secret, now)
        except (UnknownTokenError, RevokedTokenError, ExpiredTokenError):
            return
        paper = documents.get(tx, "session", token_id(secret))
        after = replace(paper, state=_REVOKED, at=now)
        event = Event("session.closed", paper.id, session.person)
        documents.replace(tx, after, was_version=paper.version, event=event)


def credentials(tx: Reading, *, party: PartyId | None = None) -> Mapping[str, Credential]:
    """Return the live tokens by id, for the people who look after them; no secret is among them."""
    papers = documents.listed(tx, "token", state=_LIVE, org=party)
    return MappingProxyType({paper.id: _credential(paper.body) for paper in papers})


def _issue(tx: Writing, kind: str, credential: Credential, by: str) -> str:
    public, secret = secrets.token_hex(8), secrets.token_urlsafe(32)
    kept = replace(credential, hashed=hashlib.sha256(secret.encode()).hexdigest())
    paper = documents.Document(
        kind=kind,
        id=public,
        state=_LIVE,
        org=kept.party,
        body=bodies.dump(kept),
        at=tx.now,
    )
    done = "issued" if kind == "token" else "opened"
    documents.add(tx, paper, Event(f"{kind}.{done}", public, by, {"person": kept.person}))
    return f"shuyu_{public}_{secret}"


def _checked(tx: Reading, kind: str, credential: str, now: datetime) -> Credential:
    public, secret = _parted(credential)
    offered = hashlib.sha256(secret.encode()).hexdigest()
    try:
        paper = documents.get(tx, kind, public)
    except NotFoundError:
        hmac.compare_digest(offered, _NO_HASH)
        raise UnknownTokenError from None
    kept = _credential(paper.body)
    if not hmac.compare_digest(offered, kept.hashed):
        raise UnknownTokenError
    _demand_live(paper)
    if now >= kept.expires:
        raise ExpiredTokenError
    return kept


def _caller(tx: Reading, credential: Credential) -> Caller:
    person = person_of(tx, credential.person)
    return Caller(
        person=person.id,
        party=person.party,
        party_kind=party_of(tx, person.party).kind,
        roles=frozenset(person.roles),
    )


def _demand_live(paper: documents.Document) -> None:
    if paper.state != _LIVE:
        raise RevokedTokenError


def _parted(credential: str) -> tuple[str, str]:
    form = _FORM.fullmatch(credential)
    if form is None:
        raise UnknownTokenError
    return form[1], form[2]


def _credential(body: str) -> Credential:
    return bodies.load(Credential, body)


def _days() -> Reason:
    return Reason(
        rule="token.days",
        why=Said(zh=f"令牌有效期须为 1 至 {MAX_DAYS} 天", en=f"a token lives 1 to {MAX_DAYS} days"),
        fix=Said(zh="改为允许的天数", en="ask for a number of days in that range"),
        place="days",
    )
