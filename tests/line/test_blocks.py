"""Any program over blocks, from end to end: minutes long by its timetable, so it runs when asked for."""

import os
from pathlib import Path

import pytest

from gateway.client.works import blocks_work
from tests.line.domain import CANARY, Domain

LONG = os.environ.get("SHUYU_LINE") == "long"
pytestmark = [
    pytest.mark.engine,
    pytest.mark.timeout(900),
    pytest.mark.skipif(not LONG, reason="its timetable takes minutes: SHUYU_LINE=long"),
]
PROGRAM = """import struct
import pyarrow.parquet as pq
rates = pq.read_table('/data/BP-LOANS/BP-LOANS.parquet')['interest_rate'].to_pylist()
open('/out/O4.bin', 'wb').write(struct.pack('<d', sum(rates) / max(len(rates), 1)))
"""
TERMS = {
    "k": 40,
    "rho": 120_000_000_000,
    "cpu_seconds": 2,
    "wall_seconds": 3,
    "memory_bytes": 512 << 20,
    "coordinates": [
        {
            "is_a": "number",
            "name": "mean_rate",
            "lower": "0",
            "upper": "40",
            "step": "1",
            "spread": "2",
        }
    ],
}


def test_a_program_over_blocks_is_released_without_a_person(domain: Domain, tmp_path: Path) -> None:
    code = tmp_path / "code"
    code.mkdir()
    (code / "main.py").write_text(PROGRAM, "utf-8")
    work = blocks_work(
        image=domain.image,
        command=["python3", "/job/main.py"],
        terms=TERMS,
        output="O4",
        code=code,
    )

    with domain.as_("u-bank-dev") as bank:
        priced = bank.price("SC-SH-2026-0001", work)
        job = bank.wait(bank.submit("SC-SH-2026-0001", work).id, timeout=800)
        assert job.state == "released", (job.ended, job.reasons)
        assert job.release is not None
        bank.download(job.release, tmp_path / "out")

    header, line = (tmp_path / "out" / "O4.csv").read_text("utf-8").splitlines()
    name, value, _ = line.split(",")
    assert (header, name) == ("name,value,error_bar", "mean_rate")
    assert 8 <= float(value) <= 18  # the mean of the book is 12.4
    assert float(priced["rho"]) <= 0.12
    assert CANARY not in line
