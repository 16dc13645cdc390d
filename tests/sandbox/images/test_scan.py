"""What of an image counts as outside data."""

import csv
import io
import json
import random
import sqlite3
import tarfile
import zipfile
from collections.abc import Callable
from pathlib import Path

import jsonschema
import pyarrow as pa
import pyarrow.parquet
import pytest

from sandbox.runner.examine import Examined, examine
from sandbox.runner.outside import DataKind, Finding
from tests.sandbox.images.forge import Image, brought, special, tarred

CANARY = "CANARY-7f3a5d"
_MIB = 1024**2


def noise(size: int, seed: int = 1) -> bytes:
    return random.Random(seed).randbytes(size)


def rows(size: int) -> bytes:
    """A table of enterprises, as text."""
    buffer = io.StringIO()
    sheet, rng = csv.writer(buffer), random.Random(2)
    while buffer.tell() < size:
        sheet.writerow([CANARY, f"91310{rng.randrange(10**13)}", rng.randrange(10**6), "上海"])
    return buffer.getvalue().encode()


def parquet(size: int) -> bytes:
    buffer = io.BytesIO()
    pa.parquet.write_table(pa.table({"a": [noise(size).hex()]}), buffer)
    return buffer.getvalue()


def database(size: int) -> bytes:
    with sqlite3.connect(":memory:") as base:
        base.execute("create table t (x blob)")
        base.execute("insert into t values (zeroblob(?))", (size,))
        return base.serialize()


def zipped(size: int) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("x", noise(size))
    return buffer.getvalue()


def program(size: int) -> bytes:
    """What compiled code looks like: not dense, whatever its size."""
    return b"\x7fELF" + b"\x55\x48\x89\xe5\x00\x01" * (size // 6)


def source(size: int) -> bytes:
    lines = random.Random(3).choices(
        ["def f(x):", "    return g(x, 1)", "", "x = {1: 2, 3: 4}"], k=size // 16
    )
    return "\n".join(lines).encode()


def scanned(tmp_path: Path, **files: bytes) -> Examined:
    named = dict(files)
    folder = tmp_path / "work"
    folder.mkdir(exist_ok=True)
    archive = brought(tmp_path / "a", Image(layers=(tarred(named),)).saved())
    return examine(archive, folder, name="x")


@pytest.mark.parametrize(
    ("name", "content", "kind"),
    [
        ("app/enterprises.csv", lambda: rows(5 * _MIB), DataKind.TEXT),
        ("app/module.py", lambda: rows(2 * _MIB), DataKind.TEXT),
        ("app/x", lambda: parquet(_MIB), DataKind.TABLE),
        ("app/x", lambda: database(_MIB), DataKind.TABLE),
        ("app/x", lambda: zipped(2 * _MIB), DataKind.PACKED),
        ("app/x", lambda: noise(3 * _MIB), DataKind.DENSE),
        ("app/x.so", lambda: program(_MIB) + noise(3 * _MIB), DataKind.DENSE),
        ("app/x", lambda: b"\x93NUMPY" + bytes(_MIB), DataKind.MODEL),
        ("app/x", lambda: bytes(9 * _MIB), DataKind.LARGE),
    ],
)
def test_data_in_an_image_is_found_by_what_it_is_and_not_by_its_name(
    tmp_path: Path, name: str, content: Callable[[], bytes], kind: DataKind
) -> None:
    done = scanned(tmp_path, **{name: content()})

    (found,) = done.findings
    assert (found.kind, found.files) == (kind, 1)
    assert done.scanned.named[0][1] == name


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("app/main.py", lambda: source(3 * _MIB)),
        ("lib/x.so", lambda: program(20 * _MIB)),
        ("app/small.csv", lambda: rows(2000)),
        ("app/logo.png", lambda: noise(_MIB)),
        ("x.dist-info/RECORD", lambda: (b"a/b.py,sha256=" + b"A" * 43 + b",12\n") * 60000),
    ],
)
def test_programs_and_small_things_are_no_data(
    tmp_path: Path, name: str, content: Callable[[], bytes]
) -> None:
    assert scanned(tmp_path, **{name: content()}).findings == ()


def test_data_cut_into_small_files_is_as_much_data(tmp_path: Path) -> None:
    parts = {f"app/part{number}.py": rows(40_000) for number in range(30)}

    (found,) = scanned(tmp_path, **parts).findings

    assert (found.kind, found.files) == (DataKind.TEXT, 30)


def test_what_a_later_layer_takes_away_is_in_no_job_and_counts_for_nothing(tmp_path: Path) -> None:
    lower, upper = tarred({"a.csv": rows(2 * _MIB)}), tarred({".wh.a.csv": b""})
    folder = tmp_path / "work"
    folder.mkdir()
    shown = brought(tmp_path / "a", Image(layers=(lower,)).saved())
    hidden = brought(tmp_path / "b", Image(layers=(lower, upper)).saved())

    assert examine(shown, folder, name="x").findings  # control
    assert examine(hidden, folder, name="x").findings == ()


def test_a_finding_says_nothing_of_what_was_found(tmp_path: Path) -> None:
    done = scanned(tmp_path, **{"a.csv": rows(2 * _MIB)})

    assert isinstance(done.findings[0], Finding)
    assert CANARY not in repr(done.scanned)
    assert CANARY.encode() not in done.bill


STATUS = """\
Package: libc6
Status: install ok installed
Version: 2.36-9+deb12u14
Architecture: amd64

Package: gone
Status: deinstall ok config-files
Version: 1

Package: {canary} odd name
Status: install ok installed
Version: 1
"""
REQUIRED = {
    "type": "object",
    "required": ["bomFormat", "specVersion"],
    "properties": {
        "bomFormat": {"enum": ["CycloneDX"]},
        "specVersion": {"const": "1.6"},
        "serialNumber": {
            "pattern": "^urn:uuid:[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$"
        },
        "version": {"type": "integer", "minimum": 1},
        "metadata": {"properties": {"component": {"$ref": "#/$defs/component"}}},
        "components": {
            "type": "array",
            "uniqueItems": True,
            "items": {"$ref": "#/$defs/component"},
        },
    },
    "$defs": {
        "component": {
            "type": "object",
            "required": ["type", "name"],
            "properties": {
                "type": {"enum": ["application", "container", "library", "operating-system"]},
                "name": {"type": "string"},
                "version": {"type": "string", "maxLength": 1024},
                "bom-ref": {"type": "string", "minLength": 1},
                "purl": {"type": "string", "pattern": "^pkg:[a-z]+/"},
                "hashes": {
                    "items": {
                        "required": ["alg", "content"],
                        "properties": {"content": {"pattern": "^[a-fA-F0-9]{64}$"}},
                    }
                },
            },
        }
    },
}
"""What CycloneDX's schema, bom-1.6.schema.json, says of the parts that we write."""


def test_a_bill_lists_what_the_package_managers_wrote_down(tmp_path: Path) -> None:
    done = scanned(
        tmp_path,
        **{
            "var/lib/dpkg/status": STATUS.format(canary=CANARY).encode(),
            "usr/lib/os-release": b'NAME="Debian"\nID=debian\n',
            "usr/local/lib/x/Foo_Bar-1.0.dist-info/METADATA": b"Name: Foo_Bar\nVersion: 1.0\n\nVersion: 9",
            "lib/apk/db/installed": b"P:musl\nV:1.2.4-r2\n\n",
        },
    )
    bill = json.loads(done.bill)

    jsonschema.validate(bill, REQUIRED)
    assert {one["purl"] for one in bill["components"]} == {
        "pkg:deb/debian/libc6@2.36-9%2Bdeb12u14",
        "pkg:pypi/foo-bar@1.0",
        "pkg:apk/debian/musl@1.2.4-r2",
    }
    assert bill["metadata"]["component"]["bom-ref"] == done.digest


def test_the_bill_of_an_image_without_packages_is_empty_and_sound(tmp_path: Path) -> None:
    bill = json.loads(scanned(tmp_path, x=b"").bill)

    jsonschema.validate(bill, REQUIRED)
    assert bill["components"] == []


def test_a_link_is_followed_neither_into_a_bill_nor_into_a_scan(tmp_path: Path) -> None:
    link = special(tarfile.SYMTYPE, "var/lib/dpkg/status", target="/etc/passwd")
    folder = tmp_path / "work"
    folder.mkdir()
    archive = Image(layers=(tarred({"var/lib/dpkg/status": link}),)).saved()

    done = examine(brought(tmp_path / "a", archive), folder, name="x")

    assert json.loads(done.bill)["components"] == []
