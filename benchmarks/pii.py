"""How fast identifiers are found: 10 million mixed cells, the domain's own values in text, and presidio for comparison.

Run `benchmarks/pii.py [ROWS [SAMPLE]]`; 1,000,000 rows of 10 columns and 1,500 sampled rows unless told otherwise. One cell in a
thousand holds an identifier. The same cells go through all layers but the language model (types, one pass for each column, other
readings, figures of columns, presidio's explanation of what was flagged), and a sample of their rows, between columns, through
presidio with the same recognisers, cell by cell; the ratio is of cells a second of processor time.
"""

import hashlib
import json
import os
import random
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import TypeVar

import numpy as np
import pyarrow as pa

from sandbox.egress.identifiers import check_digits as check
from sandbox.egress.identifiers.columns import Found, study
from sandbox.egress.identifiers.exact import Secrets, exact_match
from sandbox.egress.identifiers.kind import Kind
from sandbox.egress.identifiers.kinds import BARE
from sandbox.egress.identifiers.presidio import Presidio

SHARE = 0.001
"""Of the cells."""
SECRETS = 1_000_000
TEXT_BYTES = 100_000_000
REGIONS = ("江苏省南京市", "上海市浦东新区", "浙江省杭州市", "广东省深圳市", "四川省成都市")
GOALS = {"seconds": 10.0, "naive": 300.0, "exact": 100.0}

T = TypeVar("T")


@dataclass(slots=True)
class Spent:
    """Seconds, of this machine's clock and of its processors."""

    wall: float = 0.0
    cpu: float = 0.0

    def __add__(self, other: "Spent") -> "Spent":
        return Spent(self.wall + other.wall, self.cpu + other.cpu)


@dataclass(slots=True)
class Taken:
    """What the columns took, and a sample of their cells the slow way."""

    ours: Spent = field(default_factory=Spent)
    naive: Spent = field(default_factory=Spent)
    cells: int = 0
    sampled: int = 0
    flagged: dict[Kind, list[str]] = field(default_factory=dict)


def timed(work: Callable[[], T]) -> tuple[T, Spent]:
    """Do `work`, and say what it took."""
    wall, cpu = time.perf_counter(), time.process_time()
    done = work()
    return done, Spent(time.perf_counter() - wall, time.process_time() - cpu)


def identifiers(chance: random.Random) -> Iterator[str]:
    """Make up identifiers with right check digits, kind after kind."""
    while True:
        yield f"138{chance.randrange(10**4):04d}{chance.randrange(1, 10**4):04d}"
        yield f"user{chance.randrange(10**6)}@example.cn"
        body = f"31010119{chance.randrange(50, 100)}0{chance.randrange(1, 10)}15{chance.randrange(1000):03d}"
        total = sum(int(d) * w for d, w in zip(body, check.RESIDENT_WEIGHTS, strict=True))
        yield body + check.RESIDENT_CHECKS[total % 11]
        front = f"622202{chance.randrange(10**9):09d}"
        yield next(front + end for end in "0123456789" if check.is_luhn(front + end))
        yield f"沪A{chance.randrange(10**5):05d}"


def table(rows: int) -> Iterator[tuple[str, pa.Array]]:
    """Make ten columns of numbers, codes, categories and sentences, one after the other."""
    dice, chance = np.random.default_rng(7), random.Random(7)
    made = identifiers(chance)

    def mixed(cells: list[str]) -> pa.Array:
        for place in dice.choice(rows, max(1, int(rows * SHARE * 10 / 5)), replace=False):
            cells[place] = next(made)
        return pa.array(cells, pa.string())

    yield "row", pa.array(np.arange(rows))
    yield "amount", pa.array(dice.lognormal(10, 3, rows).round(2))
    yield "at", pa.array(dice.integers(15 * 10**11, 18 * 10**11, rows))
    yield "region", pa.array(dice.choice(REGIONS, rows))
    yield "score", pa.array(dice.random(rows).astype(np.float32))
    days, numbers = dice.integers(1, 28, rows), dice.integers(0, 10**10, rows)
    yield "order", mixed([f"202403{d:02d}{n:010d}" for d, n in zip(days, numbers, strict=True)])
    yield "note", mixed([f"第{n % 97}次还款,金额{n / 100:.2f}元,已结清" for n in numbers])
    yield (
        "remark",
        mixed(
            [
                f"loan {n % 10**6} of branch {d} was closed"
                for d, n in zip(days, numbers, strict=True)
            ]
        ),
    )
    yield "code", mixed([f"P{n % 10**7:07d}" for n in numbers])
    yield "category", mixed([str(name) for name in dice.choice(REGIONS, rows)])


def columns(rows: int, sample: int) -> Taken:
    """Study each column, and a sample of its cells the slow way at once after."""
    taken = Taken()
    presidio = Presidio.ready()
    study(pa.array(["x"]))
    for name, values in table(rows):
        found, spent = timed(lambda values=values, name=name: study(values, header=name))  # type: ignore[misc]
        texts = [str(cell) for cell in values[:: max(1, rows // sample)].to_pylist()]
        _, slow = timed(lambda texts=texts: [list(presidio.analyse(text, BARE)) for text in texts])  # type: ignore[misc]
        taken.ours, taken.naive = taken.ours + spent, taken.naive + slow
        taken.cells, taken.sampled = taken.cells + rows, taken.sampled + len(texts)
        keep(taken, found)
        told = ", ".join(f"{one.kind.entity} {one.cells}" for one in found)
        print(
            f"{name:10} {spent.wall:8.2f} {spent.cpu:8.2f} {len(texts) / slow.cpu:10.0f}   {told}"
        )
    _, spent = timed(lambda: presidio.explain(taken.flagged))
    print(f"{'explained':10} {spent.wall:8.2f} {spent.cpu:8.2f}")
    taken.ours += spent
    return taken


def keep(taken: Taken, found: tuple[Found, ...]) -> None:
    """Keep what was flagged, for the explanation."""
    for one in found:
        taken.flagged.setdefault(one.kind, []).extend(one.texts)


def exact() -> float:
    """Look for a million values in 100 MB of text; return MB for each second of a processor."""
    keys = [hashlib.blake2b(str(n).encode(), digest_size=10).hexdigest() for n in range(SECRETS)]
    secrets, spent = timed(lambda: Secrets.of(keys))
    chance = random.Random(7)
    lines = [
        f"the mean balance of {chance.choice(REGIONS)} was {chance.random():.4f}"
        for _ in range(5000)
    ]
    text = "\n".join(chance.choices(lines, k=TEXT_BYTES // len(lines[0].encode())))
    planted = "\n".join((text, *keys[:50]))
    found, searched = timed(lambda: exact_match([planted], secrets))
    assert found == {"exact": 50}, found
    speed = len(planted.encode()) / 1e6 / searched.cpu
    print(
        f"{SECRETS} secrets: prepared in {spent.cpu:.1f} processor-s; {speed:.0f} MB of text a processor-s"
    )
    return speed


def goal(benchmark: str, ratio: float, least: float) -> None:
    print(
        json.dumps(
            {"benchmark": benchmark, "ratio": round(ratio, 2), "goal": least, "met": ratio >= least}
        )
    )


def main(rows: int, sample: int) -> None:
    print(f"load {os.getloadavg()[0]:.1f} on {os.cpu_count()} processors")
    print(f"{'column':10} {'wall s':>8} {'cpu s':>8} {'naive c/s':>10}   found")
    taken = columns(rows, sample)
    fast, slow = taken.cells / taken.ours.cpu, taken.sampled / taken.naive.cpu
    print(f"{taken.cells} cells in {taken.ours.wall:.1f} s, {taken.ours.cpu:.1f} processor-s; "
          f"{fast:.0f} cells a processor-s against presidio's {slow:.0f}")  # fmt: skip
    speed = exact()
    print(f"load {os.getloadavg()[0]:.1f}")
    goal(
        "10 s / wall time of 10M mixed cells",
        GOALS["seconds"] * taken.cells / 10**7 / taken.ours.wall,
        1.0,
    )
    goal("cells a processor-second / naive presidio's", fast / slow, GOALS["naive"])
    goal("exact match, MB a processor-second / 100", speed / GOALS["exact"], 1.0)


if __name__ == "__main__":
    asked = [int(word) for word in sys.argv[1:]]
    main(*(*asked, *(1_000_000, 1500)[len(asked) :]))
