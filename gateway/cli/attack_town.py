"""Makes the domain that attempts on people, scenarios and the record are made in, and runs it as `shuyu up` does."""

import os
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path

import httpx2
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from gateway.attack.stage import SCENARIO, Stage
from gateway.cli.domain import opened
from gateway.cli.intake import enter
from gateway.cli.office import take_in
from gateway.governance import scenarios
from gateway.governance.parties import Party, Person, add_party, add_person
from gateway.governance.plan import read_plan
from gateway.governance.rules import load_rules
from gateway.governance.tokens import issue_token
from gateway.home import SETTINGS, Home, make_home
from jobs.grant import PartyId, PersonId
from jobs.record.database import Record
from sandbox.attack.grounds import Grounds
from sandbox.errors import EngineError

_META = Path(__file__).parent / "examples" / "loans.toml"
_PLAN = Path(scenarios.__file__).parent / "examples" / "loans.yaml"
_ROWS = 2000
_START_SECONDS = 120
_STOP_SECONDS = 40
_JOB_SECONDS = 20
_PARTIES = (
    ("P-BANK", "developer", "示例银行上海分行", "91310000MA1FL0000N"),
    ("P-RIVAL", "developer", "示例竞争银行", "91310000MA1FL0001R"),
    ("P-OP", "operator", "示例数据运营有限公司", "91310115MA1K30000A"),
    ("P-IMPL", "implementing_institution", "示例实施机构", "11310000MB2F00001F"),
    ("P-PROV", "data_provider", "示例数据提供单位", "12310000MB2F100027"),
)
_PEOPLE = (
    ("u-bank-lead", "P-BANK", ("developer_lead", "developer_user")),
    ("u-bank-dev", "P-BANK", ("developer_user",)),
    ("u-rival-dev", "P-RIVAL", ("developer_lead", "developer_user")),
    ("u-op", "P-OP", ("operator_reviewer",)),
    ("u-prov", "P-PROV", ("provider_officer",)),
    ("u-rev", "P-IMPL", ("scenario_reviewer",)),
    ("u-sec", "P-IMPL", ("security_officer",)),
    ("u-lead", "P-IMPL", ("implementer_lead",)),
)


@contextmanager
def staged(live: Home, on: Grounds) -> Iterator[Stage]:
    """Give a domain that runs, its loan scenario submitted and not yet approved; it is gone afterwards."""
    folder = Path(tempfile.mkdtemp(prefix="shuyu-attack-"))
    try:
        home = _made(folder / "d", live)
        canary = f"CANARY-{secrets.token_hex(8)}"
        with opened(home) as record:
            tokens = _settled(record)
            _take_loans(home, record, canary)
        with _running(home):
            stage = Stage(
                home=home,
                tokens=tokens,
                image=str(on.image),
                canary=canary,
                grounds=on,
                live=live.url if _answers(live.url) else "",
            )
            _await(home, on)
            with stage.as_("u-bank-lead") as lead:
                lead.submit_scenario(_plan(stage.image))
            yield stage
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _made(path: Path, live: Home) -> Home:
    home = make_home(path, name="attack.shuyu", port=_free_port(), mode="demo")
    settings = home.path / SETTINGS
    text = settings.read_text("utf-8").replace('engine = ""', f'engine = "{live.engine}"')
    settings.write_text(text.replace("job_seconds = 600", f"job_seconds = {_JOB_SECONDS}"), "utf-8")
    changed = replace(home.settings, engine=live.engine, job_seconds=_JOB_SECONDS)
    return replace(home, settings=changed)


def _free_port() -> int:
    with socket.socket() as opened_socket:
        opened_socket.bind(("127.0.0.1", 0))
        return int(opened_socket.getsockname()[1])


def _settled(record: Record) -> dict[str, str]:
    duties = load_rules().duties
    for name, kind, called, uscc in _PARTIES:
        party = Party(id=PartyId(name), kind=kind, name_zh=called, name_en=name, uscc=uscc)
        add_party(record, party, by="attack", duties=duties)
    for name, of, roles in _PEOPLE:
        person = Person(id=PersonId(name), party=PartyId(of), name=name, roles=roles)
        add_person(record, person, by="attack", duties=duties)
    return {name: issue_token(record, PersonId(name), days=1, by="attack") for name, *_ in _PEOPLE}


def _take_loans(home: Home, record: Record, canary: str) -> None:
    dice = np.random.default_rng(7)
    secret = [f"{canary}-{number:05d}" for number in range(_ROWS)]
    loans = home.path / "loans.parquet"
    table = pa.table(
        {
            "loan_id": pa.array(range(1, _ROWS + 1), pa.int64()),
            "emp_title": secret,
            "state": dice.choice(("CA", "NY", "TX", "FL", "OH"), _ROWS),
            "grade": dice.choice(("A", "B", "C", "D", "E", "F", "G"), _ROWS),
            "homeownership": dice.choice(("MORTGAGE", "OWN", "RENT"), _ROWS),
            "annual_income": dice.uniform(2e4, 2e5, _ROWS).round(2),
            "loan_amount": dice.integers(1000, 40000, _ROWS),
            "interest_rate": dice.uniform(5, 30, _ROWS).round(2),
            "term": dice.choice((36, 60), _ROWS),
            "debt_to_income": dice.uniform(0, 60, _ROWS).round(2),
            "loan_status": secret,
        }
    )
    pq.write_table(table, loans)
    take_in(home, record, loans, _META, told=lambda _stage, _share: None)
    loans.unlink()


def _plan(image: str) -> dict[str, object]:
    text = _PLAN.read_text("utf-8").replace("sha256:" + "0" * 64, image)
    plan = dict(read_plan(text))
    assert plan["scenario"] == SCENARIO
    return plan


@contextmanager
def _running(home: Home) -> Iterator[None]:
    with (home.path / "run" / "up.log").open("wb") as log:
        command = [sys.executable, "-m", "gateway.cli.app", "up", "--home", str(home.path)]
        process = subprocess.Popen(  # noqa: S603 - our own program
            command, stdout=log, stderr=log, start_new_session=True, env=dict(os.environ)
        )
        try:
            yield
        finally:
            process.send_signal(signal.SIGTERM)
            with suppress(subprocess.TimeoutExpired):
                process.wait(_STOP_SECONDS)
            process.kill()


def _await(home: Home, on: Grounds) -> None:
    """Wait until the gateway answers and the images are registered; raise `EngineError` where that never comes."""
    images = dict(reversed(on.keeper.found().images))
    end = time.monotonic() + _START_SECONDS
    while time.monotonic() < end:
        try:
            for name in ("python", "reader"):
                enter(home, images[name], name=name)
            if _answers(home.url):
                return
        except EngineError:
            time.sleep(0.2)
        time.sleep(0.1)
    raise EngineError("the domain for attempts did not start")


def _answers(url: str) -> bool:
    try:
        return httpx2.get(f"{url}/v1/health", timeout=5).status_code == httpx2.codes.OK
    except httpx2.TransportError:
        return False
