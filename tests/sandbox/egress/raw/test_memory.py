"""No file takes more memory of the gate than its bound, nor of the reader than its container has: bombs, large files, files just read."""

import multiprocessing
import os
import resource
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import replace
from itertools import accumulate

import pytest
from shuyu_reader.unwrap import MAX_BYTES
from shuyu_reader.unwrapping.archives import OPENERS

from sandbox.egress.inspection import inspect
from sandbox.egress.verdict import Blocked
from sandbox.order import Artifact, OutputForm
from sandbox.runner.reader import READING
from tests.sandbox.egress.examples import O1, output, rules
from tests.sandbox.egress.raw.bombs import BOMBS, CEILING, FULL, LARGE, overlapping_texts
from tests.sandbox.egress.raw.books import Book, sealed_book
from tests.sandbox.egress.raw.weighing import ReaderApart, peak_above

LOADED = 256 * 2**20
"""What the checks load once, whatever they read: RE2's automata, words, the model of names."""
RATE = 320
"""Bytes of memory for each byte that is read, of what takes most: short numbers that all differ."""
MOST = LOADED + RATE * MAX_BYTES
"""For any file at all: 2.75 GiB. A child that goes far beyond ends, and so does its test."""
REFUSED = LOADED + 4 * CEILING
"""For a file that is not read, however large: what it is, and a few copies of that."""
_WALL = 6 * 2**30
_ALL = {"bomb": BOMBS, "large": LARGE, "full": FULL}


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Book:
    return sealed_book("animals", tmp_path_factory.mktemp("book"))


@pytest.fixture(scope="module")
def children() -> Iterator[ProcessPoolExecutor]:
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload([__name__, inspect.__module__])
    with ProcessPoolExecutor(1, mp_context=context, max_tasks_per_child=1) as pool:
        yield pool


def weighed(group: str, name: str, source: Book) -> tuple[set[str], bool, int]:
    """Return the rules of the verdict on a file, whether it is blocked, and the bytes of memory that it took of the gate."""
    resource.setrlimit(resource.RLIMIT_AS, (_WALL, _WALL))
    suffix, made = _ALL[group][name]
    form = OutputForm.MODEL if name == "a forest" else OutputForm.STATISTICAL_TABLE
    terms = replace(output(rows=1_000_000), max_bytes=CEILING, form=form)
    read = ReaderApart()
    artifact, asked = Artifact(O1, suffix, made()), replace(source.inspection(terms), read=read)
    [verdict], peak = peak_above(lambda: inspect([artifact], asked).verdicts)
    assert max(read.peaks, default=0) <= READING.memory_bytes
    return rules(verdict), isinstance(verdict, Blocked), peak


@pytest.mark.parametrize("name", BOMBS)
def test_a_bomb_is_blocked_and_takes_little_memory(
    name: str, children: ProcessPoolExecutor, source: Book
) -> None:
    found, is_blocked, peak = children.submit(weighed, "bomb", name, source).result()

    assert is_blocked
    assert "egress.check_failed" not in found
    assert peak < REFUSED


@pytest.mark.parametrize("name", LARGE)
def test_a_file_of_the_ceilings_size_is_blocked_without_being_read(
    name: str, children: ProcessPoolExecutor, source: Book
) -> None:
    found, is_blocked, peak = children.submit(weighed, "large", name, source).result()

    assert is_blocked
    assert found & {"egress.too_long", "egress.type"}
    assert "egress.check_failed" not in found
    assert peak < REFUSED


@pytest.mark.skipif(
    os.environ.get("SHUYU_EGRESS") != "long", reason="SHUYU_EGRESS=long: a minute of processor each"
)
@pytest.mark.timeout(900)
@pytest.mark.parametrize("name", FULL)
def test_a_file_that_is_just_read_takes_memory_in_proportion(
    name: str, children: ProcessPoolExecutor, source: Book
) -> None:
    found, _, peak = children.submit(weighed, "full", name, source).result()

    assert "egress.check_failed" not in found
    assert peak < MOST


def test_without_a_bound_overlapping_texts_of_a_picture_fill_any_memory() -> None:
    content = overlapping_texts(2**20)

    sizes = accumulate(map(len, OPENERS["png"](content, MAX_BYTES)))

    assert next(size for size in sizes if size > MOST)
