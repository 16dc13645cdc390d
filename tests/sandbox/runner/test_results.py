"""What a hostile job leaves in its output folder, in both kinds of container and under both runtimes: nothing odd gets through."""

from dataclasses import replace

import pytest

from sandbox.order import Ended, Outcome
from tests.sandbox.runner.conftest import CANARY, LIMITS, Node, Ordering, waiting

pytestmark = [pytest.mark.engine, pytest.mark.timeout(300)]

WAYS = [(kind, runtime) for kind in ("fresh_node", "warm_node") for runtime in ("runc", "runsc")]
SETUP = """
import ctypes, os, socket, stat, subprocess, sys, time
os.chdir('/out')
def write(name, text='x'):
    with open(name, 'w') as file:
        file.write(text)
"""
ODD = {
    "a link to what it could read": "os.symlink('/data/A/t.parquet', 'O1.txt')",
    "a link to the host's": "os.symlink('/etc/hostname', 'O1.txt')",
    "a link that dangles": "os.symlink('O2.txt', 'O1.txt')",
    "a folder": "os.mkdir('O1.txt')",
    "a folder of files": "os.makedirs('a/b/c'); write('a/b/c/O1.txt')",
    "a socket": "socket.socket(socket.AF_UNIX).bind('O1.txt')",
    "two names of one file": "write('O1.txt'); os.link('O1.txt', 'O2.txt')",
    "holes": "write('O1.txt'); os.truncate('O1.txt', 500_000)",
    "setuid": "write('O1.txt'); os.chmod('O1.txt', 0o4755)",
    "a name without a suffix": "write('O1')",
    "a name that climbs": "write('..O1.txt')",
    "a name with a line break": r"write('O1\\n.txt')",
    "a name that is not text": "os.close(os.open(b'O1\\xff.txt', os.O_CREAT))",
    "a name that looks alike": "write('\u041e1.txt')",
    "a long name": "write('x' * 250 + '.txt')",
    "a name in capitals": "write('O1.TXT')",
    "one output twice": "write('O1.txt'); write('O1.csv')",
    "more files than were allowed": "[write(f'{n}.txt') for n in range(5)]",
    "a hidden file beside": "write('O1.txt'); write('.x')",
    "a device": "os.mknod('O1.txt', stat.S_IFBLK | 0o600, os.makedev(254, 0))",
    "a character device": "os.mknod('O1.txt', stat.S_IFCHR | 0o600, os.makedev(1, 3))",
    "a pipe": "os.mkfifo('O1.txt')",
    "extended attributes": "write('O1.txt'); os.setxattr('O1.txt', 'security.x', b'1')",
    "a link to a file of another folder": "os.link('/job/parameters.json', 'O1.txt')",
    "a mount": "sys.exit(ctypes.CDLL(None).mount(b'x', b'/out', b'tmpfs', 0, None))",
    "more than the bound": "write('O1.txt', 'x' * 2_000_000)",
}
"""Some cannot even be made inside the walls; of none is anything taken."""
PLAIN = {
    "a time long gone": "write('O1.txt'); os.utime('O1.txt', (0, 0))",
    "a time to come": "write('O1.txt'); os.utime('O1.txt', (4e9, 4e9))",
    "a mode that says something": "write('O1.txt'); os.chmod('O1.txt', 0o357)",
    "no mode at all": "write('O1.txt'); os.chmod('O1.txt', 0)",
    "a file that was replaced": "write('O2.txt', 'y'); write('O1.txt'); os.rename('O1.txt', 'O2.txt'); os.rename('O2.txt', 'O1.txt')",
}
"""Each is taken for its content alone: what the host would tell of the file beside goes nowhere."""
LATE = (
    SETUP
    + """
write('O1.txt', 'whole')
if os.fork() == 0:
    os.setsid()
    end = time.monotonic() + 8
    while time.monotonic() < end:
        for deed in (lambda: os.symlink('/data/A/t.parquet', 'n'), lambda: write('n', 'late'),
                     lambda: os.truncate('O1.txt', 900_000), lambda: os.mkdir('n')):
            try:
                deed()
                os.rename('n', 'O1.txt')
            except OSError:
                pass
            try:
                os.rmdir('n') if os.path.isdir('n') else os.unlink('n')
            except OSError:
                pass
    os._exit(0)
"""
)
"""A child that goes on changing what was left while it is collected."""


def ran(
    request: pytest.FixtureRequest, ordered: Ordering, way: tuple[str, str], programs: list[str]
) -> list[Outcome]:
    """Run each program as a job of its own, in this kind of container."""
    node: Node = request.getfixturevalue(way[0])
    view = request.getfixturevalue("view")
    orders = [
        ordered(program, runtime=way[1], job=f"J-{number}")
        for number, program in enumerate(programs)
    ]
    if way[0] == "warm_node":
        waiting(node, orders[0], 1)
    return [node.client.run(order, [("A", view)]) for order in orders]


@pytest.mark.parametrize(
    ("way", "deeds"),
    list(
        zip(
            WAYS,
            (slice(None), slice(0, None, 3), slice(1, None, 3), slice(2, None, 3)),
            strict=True,
        )
    ),
    ids=str,
)
def test_of_whatever_odd_thing_a_job_leaves_nothing_is_taken_and_only_its_kind_told(
    request: pytest.FixtureRequest, ordered: Ordering, way: tuple[str, str], deeds: slice
) -> None:
    chosen = dict(list(ODD.items())[deeds])

    outcomes = ran(request, ordered, way, [SETUP + deed for deed in chosen.values()])

    got = dict(zip(chosen, outcomes, strict=True))
    assert {name for name, one in got.items() if one.artifacts} == set()
    refused = [one for one in outcomes if one.ended is Ended.OUTPUT_REFUSED]
    assert len(refused) > len(chosen) // 3
    assert {one.ended for one in outcomes} <= {Ended.FINISHED, Ended.FAILED, Ended.OUTPUT_REFUSED}
    assert CANARY not in "".join(one.note for one in outcomes)


@pytest.mark.parametrize("way", WAYS, ids=str)
def test_of_a_plain_file_only_its_declared_name_and_content_are_taken(
    request: pytest.FixtureRequest, ordered: Ordering, way: tuple[str, str]
) -> None:
    outcomes = ran(request, ordered, way, [SETUP + deed for deed in PLAIN.values()])

    assert [one.ended for one in outcomes] == [Ended.FINISHED] * len(PLAIN)
    taken = {(one.name, one.suffix, one.content) for got in outcomes for one in got.artifacts}
    assert taken == {("O1", "txt", b"x")}


@pytest.mark.parametrize("way", WAYS, ids=str)
def test_a_child_that_goes_on_writing_while_the_result_is_collected_gains_nothing(
    request: pytest.FixtureRequest, ordered: Ordering, way: tuple[str, str]
) -> None:
    outcomes = ran(request, ordered, way, [LATE] * 3)

    for one in outcomes:
        assert one.ended in {Ended.FINISHED, Ended.OUTPUT_REFUSED}, one.note
        assert CANARY.encode() not in b"".join(each.content for each in one.artifacts)
        assert all(each.content.strip(b"\0") in {b"whole", b"late", b""} for each in one.artifacts)
        assert CANARY not in one.note


def test_what_a_job_writes_after_it_said_that_it_ended_is_not_waited_for(
    fresh_node: Node, ordered: Ordering
) -> None:
    program = (
        SETUP
        + "write('O1.txt', 'in time')\nif os.fork() == 0: time.sleep(20); write('O2.txt', 'late')"
    )
    order = ordered(program, limits=replace(LIMITS, seconds=10))

    outcome = fresh_node.client.run(order, [])

    assert [one.content for one in outcome.artifacts] == [b"in time"]
    assert outcome.seconds < 8
