"""What every check of the filter must keep, whatever it looks for.

A check breaks on its own example (so that none is here which cannot fail), says the same twice, explains itself in Chinese and in
English, names place and fix, quotes no cell of the file and nothing of the view, and where it fails itself the output stays in.
"""

import importlib
import pkgutil
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

import sandbox.egress.checks
from jobs.rules.learned import FILTER
from sandbox.egress.exhibit import examine
from sandbox.egress.finding import Finding, is_blocked
from sandbox.egress.inspection import CHECKS, RAW, TOGETHER, GateView, Inspection, _ask, inspect
from sandbox.order import Artifact, OutputForm, OutputTerms, ReleaseClass
from tests.sandbox.egress.consented.register import Register, csv, stranger
from tests.sandbox.egress.drawn import chart, drawn_terms, report
from tests.sandbox.egress.examples import BY_GRADE, CANARY, file, output
from tests.sandbox.egress.models.fitting import as_file, model_terms, numbers, tree

Check = Callable[[Any, Inspection], Iterable[Finding]]
NAMES = {check.__name__: check for check in (*CHECKS, *RAW)}
BOTH: Mapping[str, Callable[..., Iterable[Finding]]] = {each.__name__: each for each in TOGETHER}
EVERY = sorted({*NAMES, *BOTH})
WHOLE_FILE = frozenset(
    {"intake", "types", "wrapping", "charts", "models", "raw_rows", "raw_rows_together"}
)
"""Checks that may speak of the file as a whole; of raw rows a place would tell how strong the match is."""
_CHINESE = re.compile(r"[\u4e00-\u9fff]")


@dataclass(frozen=True)
class Broken:
    """One example that a check must find something about."""

    asked: Any
    """An exhibit, or several for the checks of all outputs together."""
    inspection: Inspection
    contents: tuple[bytes, ...]


@pytest.fixture(scope="module")
def examples(
    loans: pd.DataFrame,
    inspection_of: Callable[..., Inspection],
    view: GateView,
    tmp_path_factory: pytest.TempPathFactory,
) -> Mapping[str, Broken]:
    """Return one example for each check, by its name."""
    sdc = ReleaseClass.SDC
    rows, register = loans.head(60), Register.made(tmp_path_factory.mktemp("consents"))
    counts = loans.groupby("grade").size().reset_index(name="n")
    wrong = loans.groupby("grade").agg(
        n=("borrower", "size"), people=("borrower", "size"), rate=("interest_rate", "max"),
        lent=("loan_amount", "sum"),
    ).reset_index()  # fmt: skip

    def one(artifact: Artifact, terms: OutputTerms) -> Broken:
        inspection = inspection_of(terms)
        return Broken(examine(artifact, terms, inspection.read), inspection, (artifact.content,))

    def drawn(artifact: Artifact, form: OutputForm) -> Broken:
        return one(artifact, drawn_terms(form))

    forest = as_file(tree(view, numbers(loans), depth=9, leaf=1))
    parts = [rows.iloc[:, at : at + 4].to_csv(index=False) for at in (2, 6, 10)]
    consented = csv([{**register.seen()[0], "person": stranger()}])
    asked = register.inspection()
    return {
        "intake": one(file("csv", ""), output()),
        "types": one(file("png", b"\x89PNG" + bytes(40)), output()),
        "lane": one(file("csv", wrong.to_csv(index=False)), output(sdc, BY_GRADE)),
        "consents": Broken(
            examine(consented, asked.outputs[0], asked.read), asked, (consented.content,)
        ),
        "vocabulary": one(
            file("csv", "grade,n,people,rate,lent\nZZ9-unheard,40,40,1.0,1.0\n"), output(sdc, BY_GRADE)
        ),
        "identifiers": one(file("txt", "The holder is 11010519491231002X, as told.\n"), output()),
        "wrapping": one(file("txt", "1f8b" + "00ff17a9" * 600), output()),
        "small_groups": one(
            file("csv", counts.assign(n=3).to_csv(index=False)), output(columns=BY_GRADE[:2])
        ),
        "charts": drawn(chart(data={"name": "O7"}), OutputForm.CHART),
        "reports": drawn(report("{{O1.table}}\n"), OutputForm.REPORT),
        "models": one(forest, model_terms()),
        "models_together": Broken(
            [one(forest, model_terms()).asked] * 2, inspection_of(model_terms()), (forest.content,)
        ),
        "raw_rows": one(file("csv", rows.to_csv(index=False)), output()),
        "raw_columns": one(
            file("csv", loans[["balance"]].sample(2000, random_state=1).to_csv(index=False)), output()
        ),
        "raw_cells": one(file("csv", rows[["borrower"]].to_csv(index=False)), output()),
        "raw_rows_together": Broken(
            [examine(file("csv", text), output(), inspection_of(output()).read) for text in parts],
            inspection_of(output()),
            tuple(text.encode() for text in parts),
        ),
    }  # fmt: skip


def found(name: str, example: Broken) -> list[Finding]:
    check = NAMES.get(name) or BOTH[name]
    return list(check(example.asked, example.inspection))


def test_every_check_of_the_folder_is_asked_once() -> None:
    modules = [
        importlib.import_module(f"{sandbox.egress.checks.__name__}.{each.name}")
        for each in pkgutil.iter_modules(sandbox.egress.checks.__path__)
    ]
    written = {getattr(module, module.__name__.rpartition(".")[2]).__name__ for module in modules}

    assert sorted(check.__name__ for check in (*CHECKS, *RAW)) == sorted(written)


@pytest.mark.parametrize("name", EVERY)
class TestEveryCheck:
    def test_it_breaks_on_its_own_example(self, name: str, examples: Mapping[str, Broken]) -> None:
        assert found(name, examples[name])

    def test_it_says_the_same_twice(self, name: str, examples: Mapping[str, Broken]) -> None:
        assert found(name, examples[name]) == found(name, examples[name])

    def test_it_explains_itself_in_both_languages(
        self, name: str, examples: Mapping[str, Broken]
    ) -> None:
        for finding in found(name, examples[name]):
            said = [finding.reason.why, finding.reason.fix]
            said += [finding.exact] if finding.exact else []
            for each in said:
                assert each.en.strip()
                assert not _CHINESE.search(each.en)
            assert all(_CHINESE.search(each.zh) for each in said[:2])

    def test_its_rules_have_their_place_in_the_closed_list(
        self, name: str, examples: Mapping[str, Broken]
    ) -> None:
        assert {finding.reason.rule for finding in found(name, examples[name])} <= set(FILTER)

    def test_it_names_place_and_fix(self, name: str, examples: Mapping[str, Broken]) -> None:
        for finding in found(name, examples[name]):
            assert finding.reason.place or name in WHOLE_FILE
            assert finding.reason.fix != finding.reason.why

    def test_it_quotes_nothing_of_the_file(self, name: str, examples: Mapping[str, Broken]) -> None:
        declared = _declared(examples[name].inspection)
        for finding in found(name, examples[name]):
            words = repr(finding)
            assert CANARY not in words
            for content in examples[name].contents:
                assert not [cell for cell in _cells(content) - declared if cell in words]

    def test_where_it_fails_the_output_stays_in(
        self, name: str, examples: Mapping[str, Broken]
    ) -> None:
        nothing: Any = object() if name in NAMES else [object(), object()]
        check = NAMES.get(name) or BOTH[name]

        [finding] = _ask(check, nothing, examples[name].inspection)

        assert is_blocked((finding,))
        assert finding.reason.rule == "egress.check_failed"
        assert finding.reason.place == name


def test_an_output_whose_view_cannot_be_read_stays_in(
    inspection_of: Callable[..., Inspection], loans: pd.DataFrame, tmp_path: Path
) -> None:
    terms = output(ReleaseClass.SDC, BY_GRADE)
    inspection = inspection_of(terms)
    gone = tuple(replace(view, gate=tmp_path / "gone.parquet") for view in inspection.views)
    table = loans.groupby("grade").size().reset_index(name="n")

    [verdict] = inspect(
        [file("csv", table.to_csv(index=False))], replace(inspection, views=gone)
    ).verdicts

    assert is_blocked(getattr(verdict, "findings", ()))
    assert "egress.check_failed" in {each.reason.rule for each in verdict.findings}  # type: ignore[union-attr] # it is blocked


def _declared(inspection: Inspection) -> set[str]:
    """Return the words that anybody may read: names of columns and categories of the catalogue."""
    columns = [column for view in inspection.views for column in view.columns()]
    names = (
        {"column"} | {column.name for column in columns} | {n for c in columns for n in c.domain}
    )
    return names | {column.name for terms in inspection.outputs for column in terms.columns}


def _cells(content: bytes) -> set[str]:
    """Return the cells and words of a file that are long enough to be told from chance."""
    words: Sequence[str] = re.split(r"[,\s\"{}\[\]:]+", content.decode("utf-8", "replace"))
    return {word for word in words if len(word) >= 6}
