"""Cosignatures: what a witness adds to a checkpoint, and when it did (C2SP tlog-cosignature, Ed25519)."""

import base64
import hashlib
import struct
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Self

from jobs.errors import RecordBrokenError
from jobs.proof.keys import KeyFileError, PublicKey, SigningKey

COSIGNATURE = b"\x04"
"""The signature type of timestamped Ed25519 cosignatures in a signed note (C2SP signed-note)."""
MAX_NOTE = 8192
"""The longest note that is read, in characters; sixteen signatures need far less."""
_DASH = "\u2014 "
_ID_BYTES = 4
_STAMPED = struct.Struct(">Q64s")
"""Seconds since 1970, then the signature."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WitnessKey:
    """A witness's name and the 32 bytes that verify its cosignatures.

    Raise `KeyFileError` for a name or a length that no signed note can bear.
    """

    name: str
    raw: bytes

    def __post_init__(self) -> None:
        """Hold name and length against what any key of a note must be."""
        self._public()

    @property
    def id_bytes(self) -> bytes:
        """The first 4 bytes of the SHA-256 over name, type 0x04 and key."""
        named = self.name.encode() + b"\n" + COSIGNATURE + self.raw
        return hashlib.sha256(named).digest()[:_ID_BYTES]

    @property
    def id(self) -> str:
        """The same as 8 hexadecimal digits."""
        return self.id_bytes.hex()

    def verifies(self, signature: bytes, message: bytes) -> bool:
        """Say whether `signature` is this witness's over `message`."""
        return self._public().verifies(signature, message)

    def text(self) -> str:
        """Return the key as note verifiers take it: name, id and base64, joined by plus signs."""
        return f"{self.name}+{self.id}+{base64.b64encode(COSIGNATURE + self.raw).decode()}"

    @classmethod
    def of(cls, key: SigningKey) -> Self:
        """Return what verifies the cosignatures that `key` makes."""
        return cls(name=key.public.name, raw=key.public.raw)

    @classmethod
    def parse(cls, text: str) -> Self:
        """Return the key that `text` wrote; raise `KeyFileError` where it is none."""
        name, _, rest = text.strip().partition("+")
        claimed, _, body = rest.partition("+")
        try:
            raw = base64.b64decode(body, validate=True)
        except ValueError:
            raise KeyFileError("not the text of a witness's key") from None
        if raw[:1] != COSIGNATURE:
            raise KeyFileError("not the text of a witness's key (type 0x04)")
        key = cls(name=name, raw=raw[1:])
        if key.id != claimed:
            raise KeyFileError("the id in a witness's key is another's")
        return key

    def _public(self) -> PublicKey:
        return PublicKey(name=self.name, raw=self.raw)


@dataclass(frozen=True, slots=True, kw_only=True)
class Voucher:
    """Who vouched for a checkpoint, and when."""

    witness: str
    at: datetime


def cosign(note: str, key: SigningKey, *, at: datetime) -> str:
    """Return the line that `key` adds to the signed `note`: it saw no larger log until `at`.

    Whoever calls has verified the note, and that it continues all that `key` cosigned before.
    """
    seconds = int(at.timestamp())
    signature = key.sign(_message(_text(note), seconds))
    body = WitnessKey.of(key).id_bytes + _STAMPED.pack(seconds, signature)
    return f"{_DASH}{key.public.name} {base64.b64encode(body).decode()}\n"


def vouchers(note: str, keys: Iterable[WitnessKey]) -> tuple[Voucher, ...]:
    """Return who of `keys` vouched for the checkpoint in `note`, in the order of its lines.

    Lines of anybody else, the log among them, are passed over: the log's own signature is for
    `open_checkpoint`. Raise `RecordBrokenError` where the note is none, or bears a line of one
    of `keys` that does not verify.
    """
    text = _text(note)
    return tuple(voucher for _, voucher in _vouched(text, _signatures(note), tuple(keys)))


def cosigned(note: str, lines: str, keys: Iterable[WitnessKey]) -> str:
    """Return `note` with those of `lines` added that `keys` have good cosignatures in.

    A line that the note has already is not added again. Raise as `vouchers` does.
    """
    found = _vouched(_text(note), lines.splitlines(), tuple(keys))
    fresh = [line for line, _ in found if line not in _signatures(note)]
    return note + "".join(f"{line}\n" for line in fresh)


def _vouched(
    text: str, lines: Iterable[str], keys: tuple[WitnessKey, ...]
) -> Iterator[tuple[str, Voucher]]:
    for line in lines:
        name, _, encoded = line.removeprefix(_DASH).partition(" ")
        mine = [key for key in keys if key.name == name]
        if not line.startswith(_DASH) or not mine:
            continue
        body = _decoded(encoded)
        for key in mine:
            if body[:_ID_BYTES] == key.id_bytes:
                yield line, _verified(text, body[_ID_BYTES:], key)


def _verified(text: str, body: bytes, key: WitnessKey) -> Voucher:
    try:
        seconds, signature = _STAMPED.unpack(body)
        at = datetime.fromtimestamp(seconds, UTC)
    except (struct.error, OverflowError, ValueError, OSError):
        raise RecordBrokenError(f"a cosignature of {key.name} is not one") from None
    if not key.verifies(signature, _message(text, seconds)):
        raise RecordBrokenError(f"a cosignature of {key.name} does not verify")
    return Voucher(witness=key.name, at=at)


def _message(text: str, seconds: int) -> bytes:
    return f"cosignature/v1\ntime {seconds}\n{text}".encode()


def _text(note: str) -> str:
    text, gap, _ = note.rpartition("\n\n")
    if not gap or len(note) > MAX_NOTE or not note.endswith("\n"):
        raise RecordBrokenError("a checkpoint is not a signed note")
    return text + "\n"


def _signatures(note: str) -> list[str]:
    return note.rpartition("\n\n")[2].splitlines()


def _decoded(encoded: str) -> bytes:
    try:
        return base64.b64decode(encoded, validate=True)
    except ValueError:
        return b""
