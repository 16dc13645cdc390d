"""Bad input, each with its own finding; and the gate closes on whatever it cannot read."""

import base64
import gzip
import io
import zipfile
from collections.abc import Callable
from dataclasses import dataclass, replace

import pandas as pd
import pytest

from sandbox.asset import Digest
from sandbox.egress.inspection import Inspection, inspect, reopen
from sandbox.egress.reading import Question
from sandbox.egress.verdict import Blocked, ChangedError, Cleared, Held
from sandbox.errors import EngineDownError, ImageError, KeeperDownError, StorageFullError
from sandbox.order import Artifact, OutputColumn, OutputName, ReleaseClass
from tests.sandbox.egress.conftest import Judge
from tests.sandbox.egress.examples import BY_GRADE, CANARY, O1, file, findings, output, rules, told

TABLE = (
    OutputColumn(name="name", type="string"),
    OutputColumn(name="auc", type="float"),
)
GOOD = "name,auc\ntrain,0.71\ntest,0.69\n"


def zipped(*members: bytes) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for number, member in enumerate(members):
            archive.writestr(f"{number}.bin", member)
    return out.getvalue()


def parquet(table: pd.DataFrame) -> bytes:
    return bytes(table.to_parquet(index=False))


def bomb() -> bytes:
    return gzip.compress(gzip.compress(b"\0" * (80 * 2**20)))


BAD: dict[str, tuple[Artifact, str, str]] = {
    "empty file": (file("csv", ""), "egress.empty", ""),
    "blank report": (file("txt", " \n\n"), "egress.empty", ""),
    "no rows": (file("csv", "name,auc\n"), "egress.empty", ""),
    "empty json": (file("json", "[]"), "egress.empty", ""),
    "invalid UTF-8": (file("csv", b"name,auc\n\xff\xfe,1\n"), "egress.encoding", ""),
    "byte order mark": (file("csv", b"\xef\xbb\xbfname,auc\nx,1\n"), "egress.encoding", "line 1"),
    "control character": (
        file("csv", f"name,auc\n{CANARY}\x1b[2J,1\n"),
        "egress.encoding",
        "line 2",
    ),
    "ragged rows": (file("csv", f"name,auc\nx,1\n{CANARY},1,2\n"), "egress.csv", "row 2"),
    "repeated header": (file("csv", f"{CANARY},{CANARY}\nx,1\n"), "egress.csv", ""),
    "open quote": (file("csv", f'name,auc\n"{CANARY},1\n'), "egress.csv", "line 2"),
    "NaN": (file("csv", "name,auc\nx,1\ny,NaN\n"), "egress.not_finite", "row 2, column auc"),
    "infinity": (file("csv", "name,auc\nx,-inf\n"), "egress.not_finite", "row 1, column auc"),
    "NaN in json": (
        file("json", '[{"name":"x","auc":NaN}]'),
        "egress.not_finite",
        "row 1, column auc",
    ),
    "overflow in json": (
        file("json", '[{"name":"x","auc":1e999}]'),
        "egress.not_finite",
        "row 1, column auc",
    ),
    "NaN in parquet": (
        file("parquet", parquet(pd.DataFrame({"name": ["x"], "auc": [float("inf")]}))),
        "egress.not_finite",
        "row 1, column auc",
    ),
    "words for numbers": (
        file("csv", f"name,auc\nx,{CANARY}\n"),
        "egress.cell_type",
        "row 1, column auc",
    ),
    "repeated key": (file("json", '[{"name":"x","name":"y","auc":1}]'), "egress.json", ""),
    "deep json": (file("json", "[" * 50 + "]" * 50), "egress.json", ""),
    "huge number": (file("json", '[{"name":"x","auc":' + "9" * 6000 + "}]"), "egress.json", ""),
    "broken json": (file("json", f'[{{"name":"{CANARY}"'), "egress.json", ""),
    "no table": (file("json", '{"auc": {"train": 1}}'), "egress.not_a_table", ""),
    "undeclared column": (
        file("csv", f"name,auc,{CANARY}\nx,1,2\n"),
        "egress.columns",
        "column number 3",
    ),
    "missing column": (file("csv", "name\nx\n"), "egress.columns", "column auc"),
    "too many rows": (file("csv", GOOD + "x,1\n" * 30), "egress.rows", ""),
    "formula": (
        file("csv", f'name,auc\n"=HYPERLINK(""{CANARY}"")",1\n'),
        "egress.formula",
        "row 1, column name",
    ),
    "corrupt parquet": (file("parquet", b"PAR1" + CANARY.encode() + b"PAR1"), "egress.arrow", ""),
    "unknown type": (file("pkl", b"\x80\x04" + CANARY.encode()), "egress.type", ""),
    "picture": (file("png", b"\x89PNG\r\n\x1a\n" + b"\0" * 40), "egress.type", ""),
    "active content": (file("html", f"<script>{CANARY}</script>"), "egress.type", ""),
    "bomb": (file("gz", bomb()), "egress.bomb", ""),
    "archive in archive": (file("zip", zipped(zipped(b"x" * 50))), "egress.nested_archive", ""),
    "base64": (
        file("csv", f"name,auc\n{base64.b64encode(b'a quiet message ' * 4).decode()},1\n"),
        "egress.encoded",
        "",
    ),
    "too large": (file("csv", b"x" * (4 * 2**20 + 1)), "egress.size", ""),
}


@pytest.mark.parametrize("bad", BAD)
def test_bad_input_is_blocked_with_its_place_and_without_its_words(bad: str, judge: Judge) -> None:
    artifact, rule, place = BAD[bad]

    verdict = judge(artifact, output(columns=TABLE, rows=20))

    assert isinstance(verdict, Blocked)
    [first, *_] = [f.reason for f in findings(verdict) if f.reason.rule == rule]
    assert first.place == place
    assert first.fix.zh
    assert first.fix.en
    assert CANARY not in told(verdict)


def test_the_same_table_in_good_form_is_held(judge: Judge) -> None:
    verdict = judge(file("csv", GOOD), output(columns=TABLE))

    assert isinstance(verdict, Held)
    assert verdict.preview == "name,auc\ntest,0.69\ntrain,0.71\n"


def test_a_parquet_table_leaves_as_csv(judge: Judge) -> None:
    table = pd.DataFrame({"auc": [0.71239999, None], "name": ["a", "b"]})

    verdict = judge(file("parquet", parquet(table)), output(columns=TABLE))

    assert isinstance(verdict, Held)
    assert verdict.preview == "name,auc\na,0.7124\nb,\n"


def test_prose_may_leave_only_through_the_review_lane(judge: Judge) -> None:
    verdict = judge(file("txt", "All is well.\n"), output(ReleaseClass.SDC, BY_GRADE))

    assert "egress.type" in rules(verdict)


def test_what_was_not_declared_does_not_leave(inspection_of: Callable[..., Inspection]) -> None:
    stranger = Artifact(OutputName("O2"), "csv", GOOD.encode())

    verdict = inspect([stranger], inspection_of(output(columns=TABLE))).verdicts[0]

    assert rules(verdict) == {"egress.undeclared"}


def test_what_was_declared_and_did_not_come_is_told(
    inspection_of: Callable[..., Inspection],
) -> None:
    [verdict] = inspect([], inspection_of(output())).verdicts

    assert (verdict.name, rules(verdict)) == (O1, {"egress.missing"})


def test_one_output_is_one_file(inspection_of: Callable[..., Inspection]) -> None:
    both = [file("csv", GOOD), file("txt", "Done.\n")]

    verdicts = inspect(both, inspection_of(output())).verdicts

    assert all("egress.twice" in rules(verdict) for verdict in verdicts)


@dataclass(frozen=True)
class BrokenReader:
    """Fails as a container would whose engine has gone."""

    def __call__(self, artifact: Artifact, _question: Question) -> bytes:
        raise RuntimeError(repr(artifact.content))


def test_a_reader_that_fails_closes_the_gate(inspection_of: Callable[..., Inspection]) -> None:
    inspection = replace(inspection_of(output()), read=BrokenReader())

    [verdict] = inspect([file("parquet", CANARY)], inspection).verdicts

    assert rules(verdict) == {"egress.check_failed"}
    assert "RuntimeError" in told(verdict)
    assert CANARY not in told(verdict)


@pytest.mark.parametrize("away", [EngineDownError, KeeperDownError, ImageError, StorageFullError])
def test_a_reader_that_is_away_says_nothing_of_the_file(
    away: type[Exception], inspection_of: Callable[..., Inspection]
) -> None:
    def read(_artifact: Artifact, _question: Question) -> bytes:
        raise away("gone")

    with pytest.raises(away):
        inspect([file("csv", GOOD)], replace(inspection_of(output()), read=read))


def test_a_check_that_fails_closes_the_gate(inspection_of: Callable[..., Inspection]) -> None:
    inspection = inspection_of(output())
    [view] = inspection.views
    gone = replace(inspection, views=(replace(view, gate=view.gate.with_name(CANARY)),))

    [verdict] = inspect([file("txt", "All is well.\n")], gone).verdicts

    assert isinstance(verdict, Blocked)
    assert rules(verdict) == {"egress.check_failed"}
    assert CANARY not in told(verdict)


def test_what_was_signed_is_what_leaves(inspection_of: Callable[..., Inspection]) -> None:
    inspection = inspection_of(output())
    artifact = file("txt", "All is well.   \r\n")
    [held] = inspect([artifact], inspection).verdicts
    assert isinstance(held, Held)

    cleared = reopen(artifact, inspection, signed=held.digest)

    assert isinstance(cleared, Cleared)
    assert cleared.content == b"All is well.\n"
    assert cleared.digest == held.digest


def test_what_changed_after_signing_does_not_leave(
    inspection_of: Callable[..., Inspection],
) -> None:
    inspection = inspection_of(output())
    [held] = inspect([file("txt", "All is well.\n")], inspection).verdicts
    assert isinstance(held, Held)

    with pytest.raises(ChangedError):
        reopen(file("txt", "All is not well.\n"), inspection, signed=held.digest)


def test_a_block_is_never_reopened(inspection_of: Callable[..., Inspection]) -> None:
    inspection = inspection_of(output())
    artifact = file("txt", "Call 13812345678.\n")
    [blocked] = inspect([artifact], inspection).verdicts
    assert isinstance(blocked, Blocked)

    with pytest.raises(ChangedError):
        reopen(artifact, inspection, signed=Digest("sha256:" + "0" * 64))
