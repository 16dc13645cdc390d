"""What a job makes of a generalised view comes to the same gate: its labels are cells of the source, too."""

import io
import json
from dataclasses import dataclass, replace

import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet as pq
import pytest

from sandbox.data.ingest import ingest
from sandbox.data.meta import parse_meta
from sandbox.data.sealed import Store, snapshot_store
from sandbox.data.snapshot import asset
from sandbox.egress.finding import Finding
from sandbox.egress.inspection import Cleared, inspect
from sandbox.order import (
    Artifact,
    EgressPolicy,
    Function,
    OutputColumn,
    OutputForm,
    OutputName,
    OutputTerms,
    ReleaseClass,
    ViewTerms,
)
from sandbox.run import Leaving, Room, compiled, inspection_of
from tests.sandbox.anonymity.register import CANARY, QUASI, people, table
from tests.sandbox.anonymity.test_views import AIM, DECLARED, KEY
from tests.sandbox.egress.examples import InProcessReader

O1 = OutputName("O1")
ILLS = ("flu", "ulcer", "cold")
BY_ILLNESS = (
    OutputColumn(name="illness", type="string", function=Function.DIMENSION, source="illness"),
    OutputColumn(name="n", type="int", function=Function.COUNT),
    OutputColumn(name="cost", type="float", function=Function.AVG, source="cost"),
)
META = DECLARED.replace(
    'columns.illness = {role = "attribute"', f'columns.illness = {{domain = {json.dumps(ILLS)}, role = "dimension"'
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Gate:
    """A room with one asset, of which a generalised view is granted."""

    room: Room
    terms: ViewTerms

    def rows(self) -> pa.Table:
        (view,) = compiled((self.terms,), scope="SC-1", room=self.room)
        return pq.read_table(view.job / f"{view.asset}.parquet")

    def judge(
        self, content: bytes, terms: OutputTerms, *, store: Store | None = None
    ) -> tuple[Finding, ...]:
        left = Leaving(
            artifacts=(Artifact(O1, "csv", content),),
            outputs=(terms,),
            policy=EgressPolicy(min_units=10, dominance_percent=85),
            scope="SC-1",
            views=(self.terms,),
        )
        known = inspection_of(left, room=self.room, runner=InProcessReader())  # type: ignore[arg-type]
        if store is not None:
            known = replace(known, views=tuple(replace(view, store=store) for view in known.views))
        [verdict] = inspect(left.artifacts, known).verdicts
        return () if isinstance(verdict, Cleared) else verdict.findings


@pytest.fixture(scope="module")
def gate(tmp_path_factory: pytest.TempPathFactory) -> Gate:
    home = tmp_path_factory.mktemp("home")
    pq.write_table(table(people(600, rows_each=2)), home / "care.parquet")
    care = ingest(home / "care.parquet", parse_meta(META.encode()), data=home / "data")
    room = Room.of(home)
    room.pseudonym_key.parent.mkdir()
    room.pseudonym_key.write_bytes(KEY)
    columns = (*QUASI, "illness", "cost")
    return Gate(
        room,
        ViewTerms(asset=care.id, snapshot=care.snapshot, columns=columns, generalise=AIM),
    )


def output(release: ReleaseClass, columns: tuple[OutputColumn, ...] = ()) -> OutputTerms:
    return OutputTerms(
        name=O1,
        form=OutputForm.STATISTICAL_TABLE if columns else OutputForm.REPORT,
        release=release,
        asset=None,
        columns=columns,
        max_rows=5000,
        max_bytes=1 << 22,
        epsilon=None,
    )


def csv_of(rows: pa.Table) -> bytes:
    text = io.BytesIO()
    pa.csv.write_csv(rows, text)
    return text.getvalue()


@pytest.mark.parametrize("columns", [(*QUASI, "illness", "cost"), (*QUASI, "illness")])
def test_rows_of_a_generalised_view_are_no_results(gate: Gate, columns: tuple[str, ...]) -> None:
    found = gate.judge(csv_of(gate.rows().select(columns)), output(ReleaseClass.REVIEWED))

    assert {each.reason.rule for each in found} & {"egress.raw_rows", "egress.like_a_row"}
    assert CANARY not in str(found)


def test_held_against_the_raw_cells_alone_its_labels_would_not_be_seen(gate: Gate) -> None:
    content, terms = csv_of(gate.rows().select(QUASI)), output(ReleaseClass.REVIEWED)
    raw = snapshot_store(asset(gate.terms.snapshot, data=gate.room.data), data=gate.room.data)

    seen, unseen = gate.judge(content, terms), gate.judge(content, terms, store=raw)

    assert {each.reason.rule for each in seen} & {"egress.raw_rows", "egress.like_a_row"}
    assert not {each.reason.rule for each in unseen} & {"egress.raw_rows", "egress.like_a_row"}


def test_a_table_over_its_sensitive_columns_is_recomputed_and_passes(gate: Gate) -> None:
    rows = gate.rows().group_by("illness").aggregate([([], "count_all"), ("cost", "mean")])
    content = csv_of(rows.rename_columns(["illness", "n", "cost"]))

    assert gate.judge(content, output(ReleaseClass.SDC, BY_ILLNESS)) == ()


def test_a_coarsened_column_is_no_dimension(gate: Gate) -> None:
    town = OutputColumn(name="town", type="string", function=Function.DIMENSION, source="town")

    found = gate.judge(b"town,n\nnorth,300\n", output(ReleaseClass.SDC, (town, BY_ILLNESS[1])))

    assert {each.reason.rule for each in found} == {"egress.no_domain", "egress.not_recomputable"}
