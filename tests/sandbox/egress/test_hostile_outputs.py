"""Five hundred raw rows of the real loan book in many disguises: none of them leaves."""

import base64
import bz2
import gzip
import io
import json
import lzma
import zipfile
import zlib
from collections.abc import Callable

import pandas as pd
import pytest

from sandbox.egress.verdict import Blocked, Held
from sandbox.order import Artifact
from tests.sandbox.egress.conftest import Judge
from tests.sandbox.egress.examples import CANARY, O1, file, findings, output, rules, told

Disguise = Callable[[pd.DataFrame], Artifact]


def csv(rows: pd.DataFrame) -> str:
    return str(rows.to_csv(index=False))


def packed(rows: pd.DataFrame) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("rows.csv", csv(rows))
    return out.getvalue()


def parquet(rows: pd.DataFrame) -> bytes:
    return bytes(rows.to_parquet(index=False))


def wrapped(data: bytes, width: int = 76) -> str:
    text = base64.b64encode(data).decode()
    return "\n".join(text[i : i + width] for i in range(0, len(text), width))


def rounded(rows: pd.DataFrame, digits: int) -> pd.DataFrame:
    def short(value: object) -> object:
        return float(f"{value:.{digits - 1}e}") if isinstance(value, float | int) else value

    return rows.drop(columns="emp_title").map(short)


def hidden(rows: pd.DataFrame) -> str:
    prose = "The scorecard was trained on 8,000 loans and reached an AUC of 0.712 on the rest.\n"
    shown = "\n".join(
        f"- {'; '.join(map(str, row[2:]))}" for row in rows.head(3).itertuples(index=False)
    )
    return prose * 5 + "Typical cases:\n" + shown + "\n" + prose * 5


def vertical(rows: pd.DataFrame) -> str:
    return "\n".join(
        f"{k}: {v}" for row in rows.head(40).to_dict("records") for k, v in row.items()
    )


DISGUISES: dict[str, Disguise] = {
    "csv": lambda r: file("csv", csv(r)),
    "text": lambda r: file("txt", csv(r)),
    "aligned text": lambda r: file("txt", r.head(100).to_string()),
    "vertical": lambda r: file("txt", vertical(r)),
    "markdown": lambda r: file("md", csv(r).replace(",", " | ")),
    "base64": lambda r: file("txt", base64.b64encode(csv(r).encode())),
    "wrapped base64": lambda r: file("txt", "Report\n\n" + wrapped(csv(r).encode()) + "\n\nend"),
    "urlsafe base64": lambda r: file("txt", base64.urlsafe_b64encode(csv(r).encode())),
    "base64 of each line": lambda r: file(
        "txt", "\n".join(base64.b64encode(line.encode()).decode() for line in csv(r).splitlines())
    ),
    "hex": lambda r: file("txt", csv(r).encode().hex()),
    "gzip in base64": lambda r: file("txt", base64.b64encode(gzip.compress(csv(r).encode()))),
    "zlib in hex": lambda r: file("txt", zlib.compress(csv(r).encode()).hex()),
    "xz in base64 in a json": lambda r: file(
        "json", f'{{"model": "{base64.b64encode(lzma.compress(csv(r).encode())).decode()}"}}'
    ),
    "bz2": lambda r: file("bin", bz2.compress(csv(r).encode())),
    "cut-off gzip": lambda r: file("bin", gzip.compress(csv(r).encode())[:-100]),
    "zip": lambda r: file("zip", packed(r)),
    "zip behind a picture": lambda r: file("png", b"\x89PNG\r\n\x1a\n" + b"\0" * 64 + packed(r)),
    "shuffled columns": lambda r: file("csv", csv(r.sample(frac=1, axis=1, random_state=2))),
    "renamed columns": lambda r: file(
        "csv", csv(r.set_axis([f"f{i}" for i in range(len(r.columns))], axis=1))
    ),
    "only numbers": lambda r: file(
        "csv", csv(r[["loan_amount", "interest_rate", "installment", "balance"]])
    ),
    "rounded to 3 digits": lambda r: file("csv", csv(rounded(r, 3))),
    "rounded to 2 digits": lambda r: file("csv", csv(rounded(r, 2))),
    "json records": lambda r: file("json", r.to_json(orient="records")),
    "json columns": lambda r: file("json", r.to_json(orient="split")),
    "transposed": lambda r: file("csv", csv(r.drop(columns="emp_title").T)),
    "parquet": lambda r: file("parquet", parquet(r)),
    "base64 in a parquet cell": lambda r: file(
        "parquet", parquet(pd.DataFrame({"model": [base64.b64encode(csv(r).encode()).decode()]}))
    ),
    "lists deep in a json": lambda r: file(
        "json", json.dumps({"weights": {"layer": [[str(x) for x in row] for row in r.to_numpy()]}})
    ),
    "three rows in a report": lambda r: file("txt", hidden(r)),
}


@pytest.fixture(scope="module")
def stolen(loans: pd.DataFrame) -> pd.DataFrame:
    return loans.sample(500, random_state=3)


@pytest.mark.parametrize("disguise", DISGUISES)
def test_raw_rows_do_not_leave_in_any_disguise(
    disguise: str, stolen: pd.DataFrame, judge: Judge
) -> None:
    keyless = stolen.drop(columns="borrower")

    verdict = judge(DISGUISES[disguise](keyless), output())

    assert isinstance(verdict, Blocked)
    assert "egress.raw_rows" in rules(verdict)
    assert CANARY not in told(verdict)


@pytest.mark.parametrize("how", ["plain", "upper case", "spaced", "half", "base64"])
def test_a_pseudonym_does_not_leave_in_any_spelling(
    how: str, stolen: pd.DataFrame, judge: Judge
) -> None:
    key = str(stolen["borrower"].iloc[0])
    spelled = {
        "plain": key,
        "upper case": key.upper(),
        "spaced": " ".join(key[i : i + 4] for i in range(0, 32, 4)),
        "half": key[:16],
        "base64": base64.b64encode(f"the borrower is {key}".encode()).decode(),
    }[how]

    verdict = judge(file("txt", f"One borrower stands out: {spelled}.\n"), output())

    assert "egress.unit_keys" in rules(verdict)
    assert key[:8] not in told(verdict)


def test_a_report_with_one_row_as_an_example_goes_to_a_person(
    stolen: pd.DataFrame, judge: Judge
) -> None:
    row = stolen.drop(columns="borrower").iloc[0]
    text = "The model works well.\nFor example: " + ", ".join(map(str, row)) + "\n"

    verdict = judge(file("txt", text), output())

    assert isinstance(verdict, Held)
    assert rules(verdict) == {"egress.like_a_row"}


def test_a_finding_says_how_strong_a_match_was_to_reviewers_only(
    stolen: pd.DataFrame, judge: Judge
) -> None:
    verdict = judge(file("csv", csv(stolen.drop(columns="borrower"))), output())

    [found] = [f for f in findings(verdict) if f.reason.rule == "egress.raw_rows"]
    assert found.exact is not None
    assert "bits" in found.exact.en
    assert not any(character.isdigit() for character in found.reason.why.en + found.reason.place)


def test_rows_whose_numbers_were_scrambled_and_scaled_are_not_taken_for_the_source(
    stolen: pd.DataFrame, judge: Judge
) -> None:
    other = stolen.drop(columns="borrower").copy()
    for name in other.select_dtypes("number"):
        other[name] = other[name].sample(frac=1, random_state=len(name)).to_numpy() * 1.0371
    other["emp_title"] = "worker"

    verdict = judge(file("csv", csv(other)), output())

    assert "egress.raw_rows" not in rules(verdict)
    assert verdict.name == O1
