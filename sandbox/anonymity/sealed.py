"""Evidence as it is kept: with a salt, so that its digest may be signed and shown while its figures stay inside.

A commitment (Blum 1981, with a hash): whoever is given the sealed evidence can hold it against the digest in a grant or a certificate;
from the digest alone nothing follows, for nobody can guess 32 random bytes.
"""

import hashlib
import secrets
from collections.abc import Iterable
from dataclasses import dataclass

from pydantic import TypeAdapter

from sandbox.anonymity.evidence import Evidence
from sandbox.asset import AssetId, Digest
from sandbox.errors import DataError


@dataclass(frozen=True, slots=True, kw_only=True)
class Sealed:
    """What was measured of one view, and what hides it."""

    asset: AssetId
    evidence: Evidence
    level: int | None = None
    """By GB/T 42460, where it was known how many units make a risk acceptable."""
    salt: str
    """64 hexadecimal digits; empty where it was measured before evidence was sealed."""

    @property
    def digest(self) -> Digest:
        """Return the SHA-256 of its JSON."""
        written = _ONE.dump_json(self)
        return Digest(f"sha256:{hashlib.sha256(written).hexdigest()}")


_ONE = TypeAdapter(Sealed)
_ALL: TypeAdapter[tuple[Sealed, ...]] = TypeAdapter(tuple[Sealed, ...])
_BARE: TypeAdapter[tuple[Evidence, ...]] = TypeAdapter(tuple[Evidence, ...])
"""What runs were noted with before evidence was sealed."""


def seal(asset: AssetId, evidence: Evidence, *, level: int | None = None) -> Sealed:
    """Seal what was measured of a view under fresh random digits."""
    return Sealed(asset=asset, evidence=evidence, level=level, salt=secrets.token_hex(32))


def as_json(found: Iterable[Sealed], *, indent: int | None = None) -> str:
    """Return sealed evidence as a JSON array: for the record and for security staff."""
    return _ALL.dump_json(tuple(found), indent=indent).decode()


def sealed_in(text: str) -> tuple[Sealed, ...]:
    """Return what `as_json` wrote; nothing where nothing was written. Raise `DataError` for anything else."""
    for form in (_ALL, _BARE):
        try:
            found = form.validate_json(text or "[]")
        except ValueError:
            continue
        return tuple(each if isinstance(each, Sealed) else _bare(each) for each in found)
    raise DataError("this is no sealed evidence")


def _bare(evidence: Evidence) -> Sealed:
    return Sealed(asset=AssetId(""), evidence=evidence, salt="")
