import json
import os
import signal
import subprocess
import sys
import textwrap
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sandbox.asset import Asset, Digest, Kind
from sandbox.data.ingest import ingest
from sandbox.data.kinds import ARROW
from sandbox.data.meta import AssetMeta, parse_meta
from sandbox.data.snapshot import (
    asset,
    assets,
    intact_snapshot,
    read_profile,
    remove,
    snapshot_path,
)
from sandbox.errors import DataError, UnknownAssetError
from tests.sandbox.data.tables import (
    declared,
    loans,
    write_arrow_file,
    write_parquet,
)

VALUES = {
    Kind.STRING: st.text(max_size=6),
    Kind.INT: st.integers(-(2**63), 2**63 - 1),
    Kind.FLOAT: st.floats(allow_nan=False, allow_infinity=False),
    Kind.BOOL: st.booleans(),
    Kind.DATE: st.dates(),
    Kind.TIMESTAMP: st.datetimes(),
}
ROOT = Path(__file__).parents[3]


@st.composite
def tables(draw: st.DrawFn) -> pa.Table:
    """Draw a table of a unit column and some others of every kind, with NULLs."""
    rows = draw(st.integers(1, 8))
    kinds = draw(st.lists(st.sampled_from(list(Kind)), max_size=4))
    units = draw(st.lists(st.text(max_size=2), min_size=rows, max_size=rows))
    columns = {"unit": pa.array(units, pa.string())}
    for place, kind in enumerate(kinds):
        values = draw(st.lists(st.none() | VALUES[kind], min_size=rows, max_size=rows))
        columns[f"{kind}_{place}"] = pa.array(values, ARROW[kind])
    return pa.table(columns)


@settings(
    max_examples=25,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(table=tables())
def test_any_table_comes_back_as_it_went_in(table: pa.Table, tmp_path: Path, data: Path) -> None:
    columns = dict.fromkeys(table.column_names, 'role = "attribute"\ngrade = "L1"')
    columns["unit"] = 'role = "unit"\ngrade = "L1"'
    meta = parse_meta(declared(columns).replace(b'unit_column = "person"', b'unit_column = "unit"'))

    found = ingest(write_parquet(tmp_path, table), meta, data=data)
    same = ingest(write_arrow_file(tmp_path, table), meta, data=data)

    kept = pq.read_table(snapshot_path(found.snapshot, data=data))
    assert same == found
    assert kept.select(table.column_names).equals(table)
    units = table.column("unit").to_pylist()
    assert kept.column("_unit_rows").to_pylist() == [units.count(unit) for unit in units]


def test_every_asset_is_listed_by_name_and_version(
    tmp_path: Path, data: Path, loan_book: Asset
) -> None:
    later = parse_meta(declared().replace(b"version = 1", b"version = 2"))

    second = ingest(write_parquet(tmp_path), later, data=data)

    assert assets(data) == [loan_book, second]
    assert assets(data / "nowhere") == []


def test_a_removed_snapshot_is_unknown(data: Path, loan_book: Asset) -> None:
    remove(loan_book.snapshot, data=data)

    for ask in (asset, snapshot_path, read_profile, remove):
        with pytest.raises(UnknownAssetError):
            ask(loan_book.snapshot, data=data)
    assert list(data.iterdir()) == []


@pytest.mark.parametrize("digest", ["sha256:../../etc", "", f"sha256:{'0' * 64}\n"])
def test_what_is_no_digest_is_unknown(digest: str, data: Path) -> None:
    with pytest.raises(UnknownAssetError):
        asset(Digest(digest), data=data)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ('"upper": "1000.50"', '"upper": "9000.50"'),
        ('"role": "identifier"', '"role": "attribute"'),
        ('"provider": "P-PROV"', '"provider": 3'),
    ],
)
def test_a_changed_declaration_no_longer_has_its_digest(
    old: str, new: str, data: Path, loan_book: Asset
) -> None:
    path = snapshot_path(loan_book.snapshot, data=data).with_name("asset.json")
    text = json.dumps(json.loads(path.read_text()))
    path.chmod(0o600)
    path.write_text(text.replace(old, new))

    assert old in text
    with pytest.raises(DataError):
        asset(loan_book.snapshot, data=data)


def test_a_snapshot_that_changed_by_one_bit_is_not_intact(data: Path, loan_book: Asset) -> None:
    path = snapshot_path(loan_book.snapshot, data=data)
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.chmod(0o600)
    path.write_bytes(content)

    with pytest.raises(DataError, match="damaged"):
        intact_snapshot(loan_book.snapshot, data=data)


def test_a_snapshot_that_was_cut_is_refused_at_once(data: Path, loan_book: Asset) -> None:
    path = snapshot_path(loan_book.snapshot, data=data)
    path.chmod(0o600)
    os.truncate(path, 10)

    with pytest.raises(DataError, match="damaged"):
        asset(loan_book.snapshot, data=data)


def test_an_ingest_that_is_killed_leaves_nothing_that_stays(
    tmp_path: Path, data: Path, meta: AssetMeta
) -> None:
    script = textwrap.dedent(
        f"""
        import time
        from pathlib import Path
        from sandbox.data.ingest import ingest
        from sandbox.data.meta import read_meta
        def wait(stage, done):
            if stage == "write":
                print("writing", flush=True)
                time.sleep(60)
        folder = Path({str(tmp_path)!r})
        ingest(folder / "loans.parquet", read_meta(folder / "a.toml"), data=folder / "data", progress=wait)
        """
    )
    (tmp_path / "a.toml").write_bytes(declared())
    write_parquet(tmp_path)
    with subprocess.Popen(
        [sys.executable, "-c", script], cwd=ROOT, stdout=subprocess.PIPE
    ) as child:
        assert child.stdout is not None
        assert child.stdout.readline() == b"writing\n"
        child.send_signal(signal.SIGKILL)

    assert assets(data) == []
    found = ingest(tmp_path / "loans.parquet", meta, data=data)
    assert [path.name for path in data.iterdir()] == [found.snapshot.removeprefix("sha256:")]


def test_a_full_disk_is_told_and_nothing_stays(tmp_path: Path) -> None:
    """Ingest onto a file system of 256 KiB, which only the child process sees."""
    script = textwrap.dedent(
        """
        import sys
        from pathlib import Path
        from sandbox.data.ingest import ingest
        from sandbox.data.meta import read_meta
        from sandbox.errors import StorageFullError
        folder = Path(sys.argv[1])
        try:
            ingest(folder / "loans.parquet", read_meta(folder / "a.toml"), data=folder / "small/data")
        except StorageFullError:
            sys.exit(40 + len(list((folder / "small/data").iterdir())))
        """
    )
    (tmp_path / "a.toml").write_bytes(declared())
    (tmp_path / "small").mkdir()
    write_parquet(tmp_path, pa.concat_tables([loans()] * 3_000))
    mount = 'mount -t tmpfs -o size=256k tmpfs "$1/small" && exec "$2" -c "$3" "$1"'

    private = ["unshare", "--mount", "--user", "--map-root-user", "sh", "-c", mount, "sh"]
    ended = subprocess.run(
        [*private, str(tmp_path), sys.executable, script],
        cwd=ROOT,
        capture_output=True,
        check=False,
    )

    assert (ended.returncode, ended.stderr) == (40, b"")
