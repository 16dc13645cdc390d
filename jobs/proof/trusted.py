"""`trusted.toml`: whom a verifier believes, and which keys were put away, when and why.

    release = ["name+id+base64", …]        the keys of each part, the oldest first: the last one signs
    grant = […]
    log = […]
    [[retired]]                            followed by another key: good for what it signed before
    key = "id"
    size = 41                              how many entries the log had then
    at = "2026-03-02T04:00:00.000000Z"
    [[revoked]]                            somebody else may have it: alone, believed of nothing
    key = "id"
    size = 57
    at = "2026-03-09T04:00:00.000000Z"
    why = "…"

Files without the two tables are older, and are read as ever.
"""

import json
import tomllib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Self

from jobs.errors import RecordBrokenError
from jobs.proof.keys import KeyFileError, PublicKey
from jobs.proof.ring import KeyRing, KnownKey

PARTS = ("release", "grant", "log")
RETIRED, REVOKED = "retired", "revoked"
_MOST_BYTES = 2**20
_HEADER = """\
# The public keys of this domain (公钥): give this file to whoever verifies its releases, by a way that
# they trust. `shuyu key` writes it; each list has the oldest key first, and the last one signs.
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class TrustedKeys:
    """Whose signatures a verifier believes; a part without keys believes nobody."""

    release: KeyRing
    grant: KeyRing
    log: KeyRing


@dataclass(frozen=True, slots=True, kw_only=True)
class PutAway:
    """One line of the two tables: that a key signs no more."""

    key: str
    """Its id."""
    size: int
    """How many entries the log had then."""
    at: str
    why: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class TrustedFile:
    """What the file says."""

    keys: Mapping[str, tuple[PublicKey, ...]]
    """Of each of `PARTS`, the oldest first."""
    retired: tuple[PutAway, ...] = ()
    revoked: tuple[PutAway, ...] = ()

    @classmethod
    def parse(cls, text: str) -> Self:
        """Return what `text` says.

        Raise `RecordBrokenError` for anything that is not understood: a line about a revoked key that
        is passed over would be believed.
        """
        try:
            found = tomllib.loads(_bounded(text))
            keys = {part: tuple(map(PublicKey.parse, found.pop(part))) for part in PARTS}
            tables = [tuple(map(_put_away, found.pop(name, ()))) for name in (RETIRED, REVOKED)]
        except (tomllib.TOMLDecodeError, KeyError, TypeError, AttributeError) as error:
            raise RecordBrokenError(f"it does not hold the lists {', '.join(PARTS)}") from error
        except KeyFileError as error:
            raise RecordBrokenError(str(error)) from None
        read = cls(keys=keys, retired=tables[0], revoked=tables[1])
        read._demand_known(found)
        return read

    @property
    def trusted(self) -> TrustedKeys:
        """What it says, as rings of keys."""
        return TrustedKeys(**{part: self.ring(part) for part in PARTS})

    def ring(self, part: str) -> KeyRing:
        """Return the keys of one part."""
        revoked = {each.key: each.size for each in self.revoked}
        until = revoked | {each.key: each.size for each in self.retired}
        return KeyRing(
            keys=tuple(
                KnownKey(public=key, until=until.get(key.id), revoked=revoked.get(key.id))
                for key in self.keys[part]
            )
        )

    def owner(self, raw: bytes) -> str | None:
        """Return the part that has a key of these bytes, or nothing."""
        return next(
            (part for part in PARTS if any(key.raw == raw for key in self.keys[part])), None
        )

    def followed(self, part: str, new: PublicKey) -> Self:
        """Return the file in which `new` signs for `part`."""
        if new in self.keys[part]:
            return self
        return replace(self, keys={**self.keys, part: (*self.keys[part], new)})

    def put_away(self, table: str, line: PutAway) -> Self:
        """Return the file with this line in `retired` or `revoked`, once."""
        lines: dict[str, tuple[PutAway, ...]] = {RETIRED: self.retired, REVOKED: self.revoked}
        if all(each.key != line.key for each in lines[table]):
            lines[table] = (*lines[table], line)
        return replace(self, retired=lines[RETIRED], revoked=lines[REVOKED])

    def text(self) -> str:
        """Return the file's text."""
        lists = (f"{part} = {_listed(self.keys[part])}\n" for part in PARTS)
        tables = (*_table(RETIRED, self.retired), *_table(REVOKED, self.revoked))
        return "".join([_HEADER, *lists, *tables])

    def _demand_known(self, rest: Mapping[str, object]) -> None:
        if rest:
            raise RecordBrokenError(f"it holds {', '.join(sorted(rest))}, which nobody understands")
        ids = [key.id for part in PARTS for key in self.keys[part]]
        retired, revoked = ([line.key for line in each] for each in (self.retired, self.revoked))
        if any(len(set(each)) != len(each) for each in (ids, retired, revoked)):
            raise RecordBrokenError("it holds a key twice")
        strange = {*retired, *revoked} - set(ids)
        if strange:
            raise RecordBrokenError(
                f"it puts away {', '.join(sorted(strange))}, and lists no such key"
            )


def _bounded(text: str) -> str:
    if len(text) > _MOST_BYTES:
        raise RecordBrokenError(f"it is longer than {_MOST_BYTES} characters")
    return text


def _put_away(found: Mapping[str, Any]) -> PutAway:
    line = PutAway(**found)
    texts = all(isinstance(each, str) for each in (line.key, line.at, line.why))
    if not texts or type(line.size) is not int or line.size < 0:
        raise TypeError("a line that puts a key away has another form")
    return line


def _listed(keys: Sequence[PublicKey]) -> str:
    return "[" + ", ".join(_quoted(key.text()) for key in keys) + "]"


def _table(name: str, lines: Iterable[PutAway]) -> Iterable[str]:
    for line in lines:
        yield f"\n[[{name}]]\nkey = {_quoted(line.key)}\nsize = {line.size}\nat = {_quoted(line.at)}\n"
        yield f"why = {_quoted(line.why)}\n" if line.why else ""


def _quoted(text: str) -> str:
    # JSON escapes whatever a basic string of TOML must escape, but for one mark.
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")
