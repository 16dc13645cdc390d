"""The settings' targets, and what is written out of them for others."""

from dataclasses import replace
from pathlib import Path

import pytest

from gateway.anchoring.attempt import attempt
from gateway.anchoring.cosigner import Cosigner
from gateway.anchoring.export import export
from gateway.anchoring.hub import FileHub, HubTarget
from gateway.anchoring.offer import Target, UnsoundError
from gateway.anchoring.targets import targets_of
from gateway.home import Home, HomeError, make_home
from jobs.proof.checkpoint import open_checkpoint
from jobs.proof.cosignature import WitnessKey, vouchers
from jobs.proof.keys import SigningKey
from tests.gateway.anchoring.outside import Authority, Domain, Server, answering, now, witness
from tests.gateway.anchoring.test_cosigner import wire
from tests.gateway.anchoring.test_timestamp import stamper

W1, W2 = SigningKey.unsaved("witness.test/w1"), SigningKey.unsaved("witness.test/w2")
KEY = WitnessKey.of(W1).text()


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Home:
    return make_home(tmp_path_factory.mktemp("home") / "domain", name="shuyu.test")


def with_settings(home: Home, **settings: str) -> Home:
    return replace(home, settings=replace(home.settings, **settings))  # type: ignore[arg-type]  # texts all


def test_a_domain_anchors_nowhere_until_it_is_told_to(home: Home) -> None:
    assert targets_of(home, clock=now) == ()


def test_each_setting_is_a_target_with_a_name_of_its_own(home: Home, authority: Authority) -> None:
    (home.path / "roots.pem").write_bytes(authority.root)
    told = with_settings(
        home,
        witness="https://witness.test/v1/",
        witness_key=KEY,
        timestamp="https://tsa.test:8443/stamp",
        timestamp_roots="roots.pem",
        hub="hub",
    )

    found = targets_of(told, clock=now)

    assert [each.name for each in found] == [
        "witness:witness.test/w1",
        "timestamp:tsa.test",
        "hub:hub",
    ]


@pytest.mark.parametrize(
    "settings",
    [
        {"witness": "https://witness.test"},
        {"witness": "https://witness.test", "witness_key": W1.public.text()},
        {"witness": "witness.test", "witness_key": KEY},
        {"witness": "ftp://witness.test", "witness_key": KEY},
        {"witness": "http://witness.test:99999", "witness_key": KEY},
        {"witness": "http://[::1", "witness_key": KEY},
        {"timestamp": "https://tsa.test"},
        {"timestamp": "https://tsa.test", "timestamp_roots": "shuyu.toml"},
        {"timestamp": "https://tsa.test", "timestamp_roots": "no-such.pem"},
    ],
)
def test_a_target_that_cannot_be_used_is_told_before_the_start(
    home: Home, settings: dict[str, str]
) -> None:
    with pytest.raises(HomeError, match="setting"):
        targets_of(with_settings(home, **settings), clock=now)


def test_the_export_is_verified_by_other_tools(
    domain: Domain, authority: Authority, tmp_path: Path, log_key: SigningKey
) -> None:
    size = domain.grown(5).head.size
    out = tmp_path / "out"
    for name in ("w1", "w2", "hub"):
        (tmp_path / name).mkdir()
    servers = [
        wire(witness(tmp_path / name, key, log_key)) for name, key in (("w1", W1), ("w2", W2))
    ]
    with (
        answering(servers[0]) as first,
        answering(servers[1]) as second,
        answering(Server(authority.reply)) as tsa,
    ):
        hub = HubTarget(FileHub(tmp_path / "hub", clock=now), name="hub")
        targets: tuple[Target, ...] = (
            Cosigner(first, key=WitnessKey.of(W1), clock=now),
            Cosigner(second, key=WitnessKey.of(W2), clock=now),
            stamper(tsa, authority.root),
            hub,
        )
        for target in targets:
            attempt(domain.ledger, target)

    written = export(domain.record, targets, folder=out)

    assert sorted(path.name for path in written) == [
        "5-hub.receipt.json",
        "5-tsa.test.tsr",
        "5.checkpoint",
        "5.note",
    ]
    note = (out / "5.note").read_text("utf-8")
    assert open_checkpoint(note, log_key.public).head.size == size
    vouched = vouchers(note, [WitnessKey.of(W1), WitnessKey.of(W2)])
    assert {each.witness for each in vouched} == {"witness.test/w1", "witness.test/w2"}
    authority.run(
        *("ts", "-verify", "-data", str(out / "5.checkpoint"), "-CAfile", "ca.pem"),
        *("-in", str(out / "5-tsa.test.tsr")),
    )


def test_evidence_that_is_no_longer_good_is_not_given_out(domain: Domain, tmp_path: Path) -> None:
    domain.grown(5)
    (tmp_path / "hub").mkdir()
    hub = HubTarget(FileHub(tmp_path / "hub", clock=now), name="hub")
    attempt(domain.ledger, hub)
    (tmp_path / "hub" / "anchors.jsonl").write_bytes(b"")

    with pytest.raises(UnsoundError):
        export(domain.record, [hub], folder=tmp_path / "out")

    assert not (tmp_path / "out").exists()
