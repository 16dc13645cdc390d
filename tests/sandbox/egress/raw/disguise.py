"""What a disguise of raw rows is: how they are hidden, and how a thief reads them again, without which a test shows nothing."""

import io
from collections.abc import Callable
from dataclasses import dataclass

import pandas as pd

Files = list[tuple[str, bytes]]
"""Ending and content of each output."""
Read = list[float] | list[str]


def main(rows: pd.DataFrame) -> str:
    """Name the column that a thief reads again: the last of numbers."""
    return str(rows.select_dtypes("number").columns[-1])


@dataclass(frozen=True)
class Disguise:
    """How rows are hidden, and what a thief reads of one column; nothing is read where only an order or a shape is told."""

    hide: Callable[[pd.DataFrame], Files]
    read: Callable[[Files], Read] | None
    tolerance: float = 0.0
    """How far off a number may be that is read, as a share of it."""
    column: Callable[[pd.DataFrame], str] = main


def csv(rows: pd.DataFrame) -> bytes:
    return str(rows.to_csv(index=False)).encode()


def last(text: str | bytes) -> list[float]:
    """Read the last field of every line of a CSV."""
    lines = (text if isinstance(text, str) else text.decode()).strip().splitlines()[1:]
    return [float(word) for line in lines if (word := line.rsplit(",", 1)[-1])]


def text(how: Callable[[bytes], bytes], back: Callable[[bytes], bytes]) -> Disguise:
    """Hide a CSV in an encoding, as a text file."""
    return file("txt", how, back)


def file(suffix: str, how: Callable[[bytes], bytes], back: Callable[[bytes], bytes]) -> Disguise:
    return Disguise(lambda r: [(suffix, how(csv(r)))], lambda f: last(back(f[0][1])))


def table(
    change: Callable[[pd.DataFrame], pd.DataFrame],
    *,
    back: Callable[[float], float] = float,
    tolerance: float = 0.0,
) -> Disguise:
    """Hide rows in another table, of which the last column is still the thief's."""
    return Disguise(
        lambda r: [("csv", csv(change(r)))], lambda f: [back(n) for n in last(f[0][1])], tolerance
    )


def numbers(rows: pd.DataFrame) -> pd.DataFrame:
    return rows.select_dtypes("number").fillna(0)


def alone(rows: pd.DataFrame) -> pd.DataFrame:
    return rows[[main(rows)]].dropna()


def of_csv(content: bytes) -> pd.DataFrame:
    return pd.read_csv(io.BytesIO(content))
