"""The gate parses no file: it has one read, takes closed words and plain content of the answer, and believes nothing else."""

import gzip
import io
import json
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st
from shuyu_reader import flaws, unwrap
from shuyu_reader.models import document
from shuyu_reader.unwrapping import archives, encodings

from sandbox.egress import reading
from sandbox.egress.finding import is_blocked
from sandbox.egress.inspection import Inspection, inspect
from sandbox.egress.layers import UNREAD, Layer, Unwrapped, Wrapping
from sandbox.egress.reading import Form, Heard, Question, heard
from sandbox.egress.terms import GateView
from sandbox.egress.verdict import Blocked, Cleared, Held, Verdict
from sandbox.order import Artifact, OutputForm, OutputTerms
from tests.sandbox.egress.drawn import SDC, by_grade, chart, drawn_terms, report
from tests.sandbox.egress.examples import (
    BY_GRADE,
    CANARY,
    O1,
    InProcessReader,
    file,
    findings,
    output,
    quickly,
    rules,
    told,
)
from tests.sandbox.egress.models.fitting import as_file, linear, model_terms, numbers


@dataclass(frozen=True)
class Opaque:
    """Content that is as long as it is, and otherwise nothing: whoever would look into it fails."""

    size: int

    def __len__(self) -> int:
        return self.size


@dataclass(frozen=True)
class Elsewhere:
    """Reads what the gate was not given."""

    content: bytes

    def __call__(self, artifact: Artifact, question: Question) -> bytes:
        return InProcessReader()(replace(artifact, content=self.content), question)


def parquet(table: pa.Table) -> bytes:
    sink = io.BytesIO()
    pq.write_table(table, sink)
    return sink.getvalue()


def files(loans: pd.DataFrame, view: GateView) -> dict[str, tuple[Artifact, OutputTerms]]:
    counts = pa.table({"grade": ["A", "B"], "n": [40, 55]})
    return {
        "a recomputed table": (by_grade(loans), output(SDC, BY_GRADE)),
        "rows of the view": (file("csv", loans.head(60).to_csv(index=False)), output()),
        "parquet": (file("parquet", parquet(counts)), output()),
        "a document": (file("json", '{"auc": 0.71, "note": "fine"}'), output()),
        "prose": (file("md", "# Result\n\nAUC 0.712 on 2,000 loans.\n"), output()),
        "a report": (report("{{O1.table}}\n"), drawn_terms(OutputForm.REPORT)),
        "a chart": (chart(), drawn_terms(OutputForm.CHART)),
        "a model": (as_file(linear(view, numbers(loans))), model_terms()),
        "something packed": (file("bin", gzip.compress(b"a,b\n1,2\n")), output()),
        "no text": (file("csv", b"\xff\xfe\0a"), output()),
        "nothing": (file("csv", b""), output()),
        "blanks": (file("txt", b" \n \n"), output()),
    }


FILES = (
    "a recomputed table", "rows of the view", "parquet", "a document", "prose", "a report", "a chart",
    "a model", "something packed", "no text", "nothing", "blanks",
)  # fmt: skip


def same(verdict: Verdict) -> object:
    match verdict:
        case Blocked():
            return verdict.findings
        case Held():
            return verdict.digest, verdict.findings
        case Cleared():
            return verdict.content


@pytest.mark.parametrize("name", FILES)
def test_the_gate_judges_a_file_without_looking_into_it(
    name: str, inspection_of: Callable[..., Inspection], loans: pd.DataFrame, view: GateView
) -> None:
    artifact, terms = files(loans, view)[name]
    content = artifact.content
    opaque = replace(artifact, content=Opaque(len(content)))  # type: ignore[arg-type]
    inspection = inspection_of(terms)

    [straight] = inspect([artifact], inspection).verdicts
    [unseen] = inspect([opaque], replace(inspection, read=Elsewhere(content))).verdicts

    assert same(unseen) == same(straight)
    assert "egress.check_failed" not in rules(unseen)


def test_every_file_of_these_is_asked_about(loans: pd.DataFrame, view: GateView) -> None:
    assert set(files(loans, view)) == set(FILES)


def test_the_reader_and_the_gate_have_the_same_words() -> None:
    shown = {*archives.OPENERS, *encodings._CODES, *encodings._ESCAPES}

    assert shown | {"safetensors", "mask", "numbers"} == {*Wrapping}
    assert {str(each) for each in Wrapping if Layer("", (each,)).archives} == {*archives.OPENERS}
    assert {*flaws.Flaw} == {*reading._FLAWS}
    assert {*document.Flaw} == {*reading.MODEL_FLAWS}
    assert unwrap.MAX_BYTES == reading.MAX_BYTES


def answer(**more: object) -> dict[str, Any]:
    table = {"columns": ["grade", "n"], "rows": [["A", 40], ["B", 55]]}
    layers = [{"wrappings": [], "text": "grade,n\nA,40\nB,55\n"}]
    return {"body": {"table": table}, "bomb": False, "layers": layers} | more


def rows(*given_rows: list[object]) -> dict[str, Any]:
    return {"table": {"columns": ["grade", "n"], "rows": list(given_rows)}}


LIES: dict[str, object] = {
    "another key": answer(more=CANARY),
    "a wrapping of its own": answer(layers=[{"wrappings": [CANARY], "text": ""}]),
    "a hundred wrappings": answer(layers=[{"wrappings": ["gzip"] * 100, "text": ""}]),
    "a flaw of its own": answer(body={"refused": CANARY}),
    "a place of its own": answer(body={"refused": "csv", "row": CANARY}),
    "a line before the first": answer(body={"refused": "csv", "line": -1}),
    "a line that is a message": answer(body={"refused": "csv", "line": 10**40}),
    "rows of other lengths": answer(body=rows(["A"], ["B", 55])),
    "cells in cells": answer(body=rows(["A", [CANARY]])),
    "a control character": answer(body=rows(["A\x00", 40])),
    "a mark of direction by an escape": answer(body=rows(["\x9b", 40])),
    "no body": {"bomb": False, "layers": []},
    "nothing": None,
    "a number": 7,
}  # fmt: skip


@dataclass(frozen=True)
class Turned:
    """A reader that its file has taken over."""

    said: bytes

    def __call__(self, _artifact: Artifact, _question: Question) -> bytes:
        return self.said


@pytest.mark.parametrize("name", LIES)
def test_an_answer_of_another_form_is_a_file_that_cannot_be_read(
    name: str, inspection_of: Callable[..., Inspection]
) -> None:
    for said in (json.dumps(LIES[name]), json.dumps(LIES[name], ensure_ascii=False)):
        inspection = replace(inspection_of(output()), read=Turned(said.encode()))

        [verdict] = inspect([file("csv", "grade,n\nA,40\n")], inspection).verdicts

        assert isinstance(verdict, Blocked)
        assert rules(verdict) >= {"egress.csv"}
        assert "egress.check_failed" not in rules(verdict)
        assert CANARY not in told(verdict)


def test_the_answer_that_the_lies_are_made_from_is_held(
    inspection_of: Callable[..., Inspection],
) -> None:
    inspection = replace(inspection_of(output()), read=Turned(json.dumps(answer()).encode()))

    [verdict] = inspect([file("csv", "grade,n\nA,40\n")], inspection).verdicts

    assert isinstance(verdict, Held), findings(verdict)


def test_what_a_body_says_is_read_in_it_and_not_in_what_the_reader_says_of_it(
    inspection_of: Callable[..., Inspection],
) -> None:
    body = {"text": "The holder is 11010519491231002X, as told.\n"}
    lie = answer(body=body, layers=[{"wrappings": [], "text": "All is well.\n"}])
    inspection = replace(inspection_of(output()), read=Turned(json.dumps(lie).encode()))

    [verdict] = inspect([file("txt", "All is well.\n")], inspection).verdicts

    assert isinstance(verdict, Blocked)
    assert any(rule.startswith("egress.identifier") for rule in rules(verdict))


CELLS = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5)
JSON = st.recursive(
    CELLS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
)  # fmt: skip
BODIES = st.fixed_dictionaries(
    {},
    optional={
        "table": st.fixed_dictionaries(
            {
                "columns": st.lists(st.text(max_size=3)),
                "rows": st.lists(st.lists(CELLS, max_size=3), max_size=3),
            }
        ),
        "json": JSON,
        "text": st.text(),
        "model": JSON,
        "refused": st.sampled_from(["csv", "rows", "arrays", CANARY]),
        "line": st.integers(),
    },
)
LAYERS = st.lists(
    st.fixed_dictionaries(
        {"wrappings": st.lists(st.sampled_from(["gzip", "hex", "?"])), "text": st.text()}
    ),
    max_size=3,
)


@quickly
@given(
    form=st.sampled_from(Form), said=st.binary(max_size=80) | JSON.map(json.dumps).map(str.encode)
)
def test_whatever_is_answered_it_is_heard(form: Form, said: bytes) -> None:
    found = heard(said, Question(form=form, rows=10))

    assert found.refused is not None
    assert found.unwrapped == UNREAD


@quickly
@given(form=st.sampled_from(Form), body=BODIES, layers=LAYERS, bomb=st.booleans())
def test_whatever_body_is_told_it_is_one_of_the_form_or_refused(
    form: Form, body: dict[str, Any], layers: list[dict[str, Any]], *, bomb: bool
) -> None:
    said = json.dumps({"body": body, "layers": layers, "bomb": bomb}, ensure_ascii=False)

    found = heard(said.encode(errors="surrogatepass"), Question(form=form, rows=10))

    assert isinstance(found, Heard)
    assert (found.body is None) == (found.refused is not None)
    assert found.refused is None or is_blocked((found.refused,))
    assert CANARY not in repr(found.refused)
    assert found.unwrapped.layers


def test_no_more_of_a_file_that_stays_in_is_looked_through_than_its_bound() -> None:
    whole = Unwrapped((Layer("abc"), Layer("defg", (Wrapping.GZIP,)), Layer("h")), bomb=True)

    assert whole.within(5) == Unwrapped(
        (Layer("abc"), Layer("de", (Wrapping.GZIP,)), Layer("")), bomb=True
    )
    assert whole.within(100) == whole


def test_too_many_characters_of_an_escape_are_not_taken() -> None:
    question = Question(form=Form.TEXT, rows=1)
    plain = json.dumps(answer(body={"text": 'C:\\users \\\\u0000 "x"\n'}), ensure_ascii=False)

    assert heard(plain.encode(), question).refused is None
    assert heard(plain.replace("users", "\\b").encode(), question).refused is not None


def test_an_artifact_beyond_what_is_read_is_not_asked_about(
    inspection_of: Callable[..., Inspection],
) -> None:
    terms = replace(output(), max_bytes=64 * 2**20)
    inspection = replace(inspection_of(terms), read=Turned(b""))
    content = Opaque(reading.MAX_BYTES + 1)

    [verdict] = inspect([Artifact(O1, "csv", content)], inspection).verdicts  # type: ignore[arg-type]

    assert rules(verdict) == {"egress.too_long", "egress.bomb"}
