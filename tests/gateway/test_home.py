import hashlib
import stat
import tomllib
from dataclasses import fields
from pathlib import Path

import pytest

from gateway.home import (
    FOLDERS,
    SETTINGS,
    TEMPLATE,
    Home,
    HomeError,
    Settings,
    make_home,
    open_home,
)
from jobs.proof.keys import KeyFileError, PublicKey, Suite
from jobs.proof.merkle import Hashing
from jobs.proof.trusted import RETIRED, PutAway
from sandbox.data.consent_marks import mark_key
from sandbox.data.pseudonym_keys import SM3, is_for_sm3
from sandbox.data.pseudonyms import derived


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return make_home(tmp_path / "home", name="demo.shuyu", port=8701, mode="demo")


def write(home: Home, text: str) -> Path:
    (home.path / SETTINGS).write_text(text, "utf-8")
    return home.path


def test_a_home_opens_as_it_was_made(home: Home) -> None:
    assert open_home(home.path) == home
    assert home.settings == Settings(
        name="demo.shuyu", port=8701, mode="demo", gvisor_from="important"
    )
    assert home.url == "http://127.0.0.1:8701"
    assert home.record_url == f"sqlite:///{home.path}/record/record.db"


def test_nobody_else_reads_a_home(home: Home) -> None:
    assert {path.name for path in home.path.iterdir()} == {*FOLDERS, SETTINGS}
    for path in (home.path, *home.path.rglob("*")):
        wanted = 0o700 if path.is_dir() else 0o600
        assert stat.S_IMODE(path.stat().st_mode) == wanted, path


def test_an_empty_folder_becomes_a_home_with_its_mode_set_right(tmp_path: Path) -> None:
    (tmp_path / "home").mkdir(mode=0o755)

    made = make_home(tmp_path / "home", name="a.shuyu")

    assert stat.S_IMODE(made.path.stat().st_mode) == 0o700


def test_the_template_names_every_setting_and_the_values_that_it_would_have(home: Home) -> None:
    text = TEMPLATE.format(
        name=Settings().name,
        mode="production",
        port=8700,
        engine="",
        suite="ed25519-sha256",
        gvisor_from="L3",
    )

    found = tomllib.loads(text)

    assert set(found) == {field.name for field in fields(Settings)}
    assert open_home(write(home, text)).settings == Settings()


def test_every_setting_is_explained_above_its_line() -> None:
    lines = TEMPLATE.splitlines()
    for field in fields(Settings):
        at = next(number for number, line in enumerate(lines) if line.startswith(f"{field.name} ="))
        above = [line for line in lines[max(0, at - 4) : at] if line.startswith("#")]
        assert above, field.name


def test_a_line_that_is_taken_out_has_its_default(home: Home) -> None:
    assert open_home(write(home, 'mode = "demo"\n')).settings == Settings(mode="demo")


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ('colour = "red"', "has no setting called colour"),
        ('port = "8700"', "the setting port must be of type int"),
        ("slots = true", "the setting slots must be of type int"),
        ("name = 7", "the setting name must be of type str"),
        ('mode = "test"', "the setting mode must be `production` or `demo`"),
        ('gvisor_from = "core"', "the setting gvisor_from must be `L1` to `L4`, or `important`"),
        ('runtime = "kata"', "the setting runtime must be `runc` or `runsc`"),
        ("port = 0", "the setting port must be 1 to 65535"),
        ("port = 65536", "the setting port must be 1 to 65535"),
        ("slots = 0", "the setting slots must be 1 or more"),
        ("ray_cpus = -1", "the setting ray_cpus must be 1 or more"),
        ("job_seconds = 0", "the setting job_seconds must be 1 or more"),
        ("job_memory_gib = 0", "the setting job_memory_gib must be 1 or more"),
        ('name = "two words"', "the setting name must be letters"),
        ('name = "a+b"', "the setting name must be letters"),
        ('name = ""', "the setting name must be letters"),
        ("port =", "is not TOML"),
    ],
)
def test_a_setting_that_cannot_be_used_is_told_by_name(home: Home, line: str, told: str) -> None:
    with pytest.raises(HomeError, match=told):
        open_home(write(home, line))


def test_settings_that_are_no_text_are_told_so(home: Home) -> None:
    (home.path / SETTINGS).write_bytes(b"\xff\xfe")

    with pytest.raises(HomeError, match="is not TOML"):
        open_home(home.path)


def test_what_is_no_home_is_told_so_with_the_command_that_makes_one(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")

    for path in (tmp_path / "nowhere", tmp_path, tmp_path / "file"):
        with pytest.raises(HomeError, match="make one with `shuyu init"):
            open_home(path)


def test_a_home_is_never_made_over_something(home: Home, tmp_path: Path) -> None:
    before = home.trusted.read_bytes()
    (tmp_path / "file").write_text("mine")

    for path in (home.path, tmp_path / "file"):
        with pytest.raises(HomeError, match="not an empty folder"):
            make_home(path, name="demo.shuyu")

    assert home.trusted.read_bytes() == before
    assert (tmp_path / "file").read_text() == "mine"


@pytest.mark.parametrize(
    ("name", "port", "mode"),
    [
        ('a"b', 8700, "production"),
        ("two words", 8700, "production"),
        ("a+b", 8700, "production"),
        ("a/b", 8700, "production"),
        ("a\nmode", 8700, "production"),
        ("", 8700, "production"),
        ("a.shuyu", 0, "production"),
        ("a.shuyu", 8700, "prod"),
    ],
)
def test_a_home_that_could_not_be_opened_is_not_begun(
    tmp_path: Path, name: str, port: int, mode: str
) -> None:
    with pytest.raises(HomeError):
        make_home(tmp_path / "home", name=name, port=port, mode=mode)

    assert not (tmp_path / "home").exists()


def test_a_domain_may_bear_a_chinese_name(tmp_path: Path) -> None:
    made = make_home(tmp_path / "home", name="数域.shuyu")

    assert made.public("log").name == "数域.shuyu/log"


@pytest.mark.parametrize("part", ["grant", "release", "log"])
def test_the_keys_that_sign_are_those_that_verifiers_are_given(home: Home, part: str) -> None:
    key = home.key(part)

    assert key.public == home.public(part)
    assert key.public.name == f"demo.shuyu/{part}"
    (given,) = tomllib.loads(home.trusted.read_text("utf-8"))[part]
    assert PublicKey.parse(given).verifies(key.sign(b"word"), b"word")


def test_each_home_has_keys_of_its_own(home: Home, tmp_path: Path) -> None:
    other = make_home(tmp_path / "other", name="demo.shuyu")

    assert len({home.key(part).id for part in ("grant", "release", "log")}) == 3
    assert home.public("log") != other.public("log")
    assert len(home.pseudonym_key.read_bytes()) == 32
    assert home.pseudonym_key.read_bytes() != other.pseudonym_key.read_bytes()


def test_a_home_of_the_sm2_suite_has_a_pseudonym_key_for_sm3_and_an_older_ones_stays_as_it_is(
    tmp_path: Path,
) -> None:
    made = make_home(tmp_path / "sm", name="a.shuyu", suite="sm2-sm3")
    new = made.pseudonym_key.read_bytes()
    made.pseudonym_key.chmod(0o600)
    made.pseudonym_key.write_bytes(new.removeprefix(SM3))

    old = open_home(tmp_path / "sm").pseudonym_key.read_bytes()

    assert (len(new), is_for_sm3(new), is_for_sm3(old)) == (36, True, False)
    assert (
        derived(old, use="pseudonym", of="SC-1")
        == hashlib.blake2b(
            b"SC-1", key=old, person=b"pseudonym".ljust(16, b"\0"), digest_size=32
        ).digest()
    )


def test_a_public_key_is_read_without_touching_the_private_one(home: Home) -> None:
    (home.path / "keys" / "log.key").unlink()

    assert home.public("log").name == "demo.shuyu/log"
    with pytest.raises(KeyFileError):
        home.key("log")


def test_a_home_of_the_sm2_suite_has_sm2_keys_and_hashes_with_sm3(
    home: Home, tmp_path: Path
) -> None:
    made = make_home(tmp_path / "sm", name="a.shuyu", suite="sm2-sm3")

    assert (home.hashing, made.hashing) == (Hashing.SHA256, Hashing.SM3)
    for part in ("grant", "release", "log"):
        assert made.key(part).public.suite is Suite.SM2
        assert made.public(part).verifies(made.key(part).sign(b"word"), b"word")
        assert (home.public(part).hashing, made.public(part).hashing) == (
            *(Hashing.SHA256, Hashing.SM3),
        )
    with pytest.raises(HomeError, match="the setting suite must be"):
        make_home(tmp_path / "other", name="a.shuyu", suite="rsa")


def test_a_setting_that_names_another_suite_than_the_keys_is_told(home: Home) -> None:
    changed = open_home(write(home, 'name = "demo.shuyu"\nsuite = "sm2-sm3"\n'))

    with pytest.raises(KeyFileError, match="the setting suite is sm2-sm3"):
        changed.key("log")


def test_swapped_key_files_are_not_used(home: Home) -> None:
    keys = home.path / "keys"
    (keys / "log.key").replace(keys / "release.key")

    with pytest.raises(KeyFileError, match="the files were swapped"):
        home.key("release")


def test_a_ring_has_every_key_of_its_part_and_the_last_one_signs(home: Home) -> None:
    first, after = home.public("log"), home.keys.following("log").public
    line = PutAway(key=first.id, size=7, at="")
    home.keys.settle(home.keys.trusted().followed("log", after).put_away(RETIRED, line))

    assert home.ring("log").public == (first, after)
    assert home.ring("log").keys[0].until == 7
    assert home.public("log") == home.key("log").public == after


def test_a_record_and_an_engine_that_are_set_are_those_that_are_used(home: Home) -> None:
    text = 'record = "postgresql+psycopg://u@db/shuyu"\nengine = "unix:///run/other.sock"\n'

    opened = open_home(write(home, text))

    assert opened.record_url == "postgresql+psycopg://u@db/shuyu"
    assert opened.engine == "unix:///run/other.sock"


def test_a_home_keys_the_marks_of_those_who_consent_and_an_older_one_derives_the_same(
    tmp_path: Path,
) -> None:
    home = make_home(tmp_path / "new", name="shuyu.test")
    made = home.consent_key.read_bytes()

    home.consent_key.unlink()

    assert home.mark_key() == made == mark_key(home.pseudonym_key.read_bytes())
    for file in (home.consent_key, home.pseudonym_key):
        file.unlink()
    assert home.mark_key() is None, "such a gateway takes no consents"
