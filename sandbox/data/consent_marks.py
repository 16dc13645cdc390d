"""Marks: how the record names a unit that consents, without its id; one and the same for the whole domain."""

import pyarrow as pa

from sandbox.asset import Kind
from sandbox.data.pseudonyms import derived, pseudonyms
from sandbox.errors import DataError


def mark_key(key: bytes) -> bytes:
    """Derive what keys the marks from the domain's pseudonym key; it tells nothing of any pseudonym.

    The gateway has this key and no other of the data's. Raises `ViewError` where `key` is short.
    """
    return derived(key, use="consent mark", of="")


def mark_of(unit: str, kind: Kind, key: bytes) -> str:
    """Return the mark of a unit that is named as its asset's key column, which is of `kind`, has it.

    `key` is what `mark_key` returns. Raises `DataError`, which quotes nothing, where no such column holds `unit`.
    """
    return str(pseudonyms(pa.array([_as_text(unit.strip(), kind)]), kind, key)[0])


def _as_text(unit: str, kind: Kind) -> str:
    """Write a key as DuckDB writes the same value of the column."""
    if not unit:
        raise DataError("A unit is named by its key")
    if kind is not Kind.INT:
        return unit
    try:
        return str(int(unit))
    except ValueError:
        raise DataError("The asset keys its units by whole numbers") from None
