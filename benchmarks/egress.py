"""The egress filter's goals in one run: sealed store and raw-data checks, disclosure control, ledger, models.

Run `benchmarks/egress.py [ROWS]`; 10 million rows unless told otherwise. Each part is a script of its own with its peers, run in a
process of its own, one after the other; their tables come as they are made, and all JSON lines once more at the end.
"""

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

PARTS = ("egress_raw", "egress_disclosure", "egress_spans", "egress_models")
HERE = Path(__file__).parent


def run(part: str, rows: list[str]) -> Iterator[str]:
    """Show what a part prints, and yield its goals."""
    command = [sys.executable, str(HERE / f"{part}.py"), *rows]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        for line in process.stdout:
            print(line, end="", flush=True)
            if line.startswith("{"):
                yield line
    if process.returncode:
        raise SystemExit(f"{part} failed")


def main(rows: list[str]) -> None:
    goals = []
    for part in PARTS:
        print(f"== {part}", flush=True)
        goals += list(run(part, rows if part != "egress_models" else []))
    print("== goals")
    for goal in goals:
        print(json.dumps(json.loads(goal)))


if __name__ == "__main__":
    main(sys.argv[1:2])
