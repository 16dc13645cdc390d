import stat
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from jobs.record.quarantine import Quarantine
from sandbox.order import Artifact, OutputName

CSV = Artifact(OutputName("O1"), "csv", b"state,n\nA,120\n")
TEXT = Artifact(OutputName("O2"), "txt", b"\xff\x00 not a text")


@pytest.fixture
def quarantine(tmp_path: Path) -> Quarantine:
    return Quarantine(tmp_path / "quarantine")


def test_what_is_kept_comes_back_byte_for_byte(quarantine: Quarantine) -> None:
    quarantine.keep("J-1", 1, (TEXT, CSV))

    assert quarantine.kept("J-1", 1) == (CSV, TEXT)
    assert quarantine.kept("J-1", 2) is None
    assert quarantine.kept("J-2", 1) is None


@pytest.mark.req("H-01")
def test_what_was_cut_short_counts_for_nothing(quarantine: Quarantine, tmp_path: Path) -> None:
    quarantine.keep("J-1", 1, (CSV, TEXT))
    (tmp_path / "quarantine" / "J-1.1" / ".whole").unlink()

    assert quarantine.kept("J-1", 1) is None
    assert quarantine.attempts() == (("J-1", 1),)


def test_the_mark_of_wholeness_is_written_last(quarantine: Quarantine, tmp_path: Path) -> None:
    twice = (CSV, CSV)  # the second cannot be written: as if the disk were full

    with pytest.raises(FileExistsError):
        quarantine.keep("J-1", 1, twice)

    assert quarantine.kept("J-1", 1) is None
    assert (tmp_path / "quarantine" / "J-1.1" / "O1.csv").exists()


def test_keeping_again_replaces_what_was_cut_short(quarantine: Quarantine, tmp_path: Path) -> None:
    quarantine.keep("J-1", 1, (CSV, TEXT))
    (tmp_path / "quarantine" / "J-1.1" / ".whole").unlink()

    quarantine.keep("J-1", 1, (CSV,))

    assert quarantine.kept("J-1", 1) == (CSV,)


def test_a_run_that_left_nothing_is_whole(quarantine: Quarantine) -> None:
    quarantine.keep("J-1", 1, ())

    assert quarantine.kept("J-1", 1) == ()


def test_nobody_else_reads_it(quarantine: Quarantine, tmp_path: Path) -> None:
    quarantine.keep("J-1", 1, (CSV,))
    quarantine.note("J-1", 1, "a traceback")

    root = tmp_path / "quarantine"
    for path in (root, *root.rglob("*")):
        wanted = 0o700 if path.is_dir() else 0o600
        assert stat.S_IMODE(path.stat().st_mode) == wanted, path


def test_attempts_are_named_without_notes_and_strange_files(
    quarantine: Quarantine, tmp_path: Path
) -> None:
    assert quarantine.attempts() == ()
    quarantine.keep("J-1", 1, (CSV,))
    quarantine.keep("J-1", 12, ())
    quarantine.note("J-2", 1, "a traceback")
    (tmp_path / "quarantine" / "README").write_text("strange")

    assert sorted(quarantine.attempts()) == [("J-1", 1), ("J-1", 12)]


def test_what_is_discarded_is_gone_and_the_other_attempts_stay(quarantine: Quarantine) -> None:
    quarantine.keep("J-1", 1, (CSV,))
    quarantine.keep("J-1", 11, (TEXT,))

    quarantine.discard("J-1", 1)
    quarantine.discard("J-1", 1)

    assert quarantine.kept("J-1", 1) is None
    assert quarantine.kept("J-1", 11) == (TEXT,)


def test_a_note_is_replaced_by_the_next_one_and_bears_any_text(
    quarantine: Quarantine, tmp_path: Path
) -> None:
    quarantine.note("J-1", 1, "first")
    quarantine.note("J-1", 1, "half a character: \ud800")

    assert (tmp_path / "quarantine" / "J-1.1.note").read_bytes() == b"half a character: ?"


NAMES = st.from_regex(r"[A-Za-z][A-Za-z0-9_.-]{0,20}", fullmatch=True).filter(
    lambda name: not name.endswith(".")
)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=40)
@given(
    st.dictionaries(
        st.tuples(NAMES, st.sampled_from(["csv", "txt", "json", "gz"])),
        st.binary(max_size=50),
        max_size=4,
    )
)
def test_any_artifacts_come_back(
    quarantine: Quarantine, left: dict[tuple[str, str], bytes]
) -> None:
    artifacts = tuple(
        Artifact(OutputName(name), suffix, content) for (name, suffix), content in left.items()
    )

    quarantine.keep("J-1", 1, artifacts)

    kept = quarantine.kept("J-1", 1)
    assert kept is not None
    assert set(kept) == set(artifacts)
    assert len(kept) == len(artifacts)
