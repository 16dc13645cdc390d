"""How near to linear three Ray nodes are, as far as one machine can show it.

Three homes with a keeper and a Ray each, as tests/cluster has them, take one job at a time each. A job of about 4.5 s works for a ninth of its
time on a processor, so that three of them, and the 1.5 s of a processor that starting, collecting and inspecting one takes, fit on two
processors: what is measured is what placing costs when three nodes do it at once, not processors. Shorter jobs are bounded by those 1.5 s:
jobs of 1.5 s on three nodes came to 0.46 of linear. The same jobs run on three nodes, then on one.
Run `benchmarks/cluster.py [JOBS]` as root, with an engine that images/engine.sh finds; 12 jobs unless told otherwise.
"""

import json
import os
import runpy
import shutil
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parent.parent
GOAL = 0.9
"""Of three times what one node does."""
WORK = """
import time
for _ in range(8):
    end = time.process_time() + 0.06
    while time.process_time() < end:
        pass
    time.sleep(0.5)
open('/out/O3.md', 'w').write('# 报告\\n')
"""


def domain_of(folder: Path) -> Any:  # noqa: ANN401 - a word of the tests, which this script finds by their path
    """Return a domain on three nodes that stand."""
    sys.path.insert(0, str(ROOT))
    own = runpy.run_path(str(ROOT / "tests" / "cluster" / "conftest.py"))
    domain = own["new_domain"](folder / "d", own["_free_port"]())
    homes = (domain.home.path, folder / "n2", folder / "n3")
    machines = [own["Machine"](home, 21_000 + 100 * place) for place, home in enumerate(homes)]
    cluster = own["Cluster"](domain, machines)
    cluster.start()
    domain.approve()
    return cluster


def rate(domain: Any, jobs: int) -> float:  # noqa: ANN401 - as above
    """Return jobs a second, from the first submission to the last result."""
    began = time.monotonic()
    asked = [domain.submit(WORK) for _ in range(jobs)]
    ends = [domain.rest(job) for job in asked]
    wrong = [(end.state, end.ended, end.reasons) for end in ends if end.state != "held"]
    assert not wrong, wrong
    return jobs / (time.monotonic() - began)


def main() -> None:
    """Measure three nodes, then one."""
    jobs = int(sys.argv[1]) if len(sys.argv) > 1 else 12
    print(f"load average at the start: {os.getloadavg()[0]:.1f}")
    folder = Path(tempfile.mkdtemp(prefix="shuyu-b-"))
    cluster = domain_of(folder)
    try:
        rate(cluster.domain, 6)  # views are compiled, and processes started
        three = rate(cluster.domain, jobs)
        for machine in cluster.machines[1:]:
            machine.end("keep")
            machine.end("node")
        time.sleep(5)
        one = rate(cluster.domain, max(4, jobs // 2))
    finally:
        cluster.stop()
        shutil.rmtree(folder, ignore_errors=True)
    ratio = three / (3 * one)
    print(f"{'nodes':>6} {'jobs/s':>8}\n{3:>6} {three:>8.3f}\n{1:>6} {one:>8.3f}")
    said = {"benchmark": "cluster.three_nodes_linear", "ratio": round(ratio, 2), "goal": GOAL}
    print(json.dumps(said | {"met": ratio >= GOAL}))


if __name__ == "__main__":
    main()
