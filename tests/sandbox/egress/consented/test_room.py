"""The room compiles a consented view for a run and inspects against the same: aggregates are over those who consent."""

from dataclasses import replace

import pytest

from sandbox.egress.inspection import Cleared, Held, Verdict, inspect
from sandbox.egress.span import Earlier
from sandbox.errors import ViewError
from sandbox.order import (
    Artifact,
    EgressPolicy,
    Function,
    OpenedView,
    OutputColumn,
    OutputForm,
    ReleaseClass,
)
from sandbox.run import Leaving, Room, compiled, inspection_of
from tests.sandbox.egress.consented.register import (
    CANARY,
    CONSENTING,
    KEY,
    O1,
    PEOPLE,
    SCOPE,
    SCORES,
    Register,
    csv,
    marks,
)
from tests.sandbox.egress.examples import InProcessReader, rules

POLICY = EgressPolicy(min_units=10, dominance_percent=85)
BANDS = replace(
    SCORES,
    form=OutputForm.STATISTICAL_TABLE,
    release=ReleaseClass.SDC,
    columns=(
        OutputColumn(name="band", type="string", function=Function.DIMENSION, source="band"),
        OutputColumn(name="n", type="int", function=Function.COUNT),
    ),
)


@pytest.fixture(scope="module")
def room(register: Register) -> Room:
    made = Room.of(register.folder)
    made.pseudonym_key.parent.mkdir()
    made.pseudonym_key.write_bytes(KEY)
    return made


def counted(people: tuple[str, ...]) -> Artifact:
    """Write the counts of bands that a job over these people would."""
    numbers = [int(person.rpartition("-")[2]) % 3 for person in people]
    rows = [f"{band},{numbers.count(at)}" for at, band in enumerate(("low", "middle", "high"))]
    return Artifact(O1, "csv", "\n".join(("band,n", *rows, "")).encode())


def judged(
    room: Room, artifact: Artifact, view: OpenedView, *before: Earlier, scores: bool = False
) -> Verdict:
    left = Leaving(
        artifacts=(artifact,),
        outputs=(SCORES if scores else BANDS,),
        policy=POLICY,
        scope=SCOPE,
        views=(view,),
        before=before,
    )
    inspection = inspection_of(left, room=room, runner=InProcessReader())  # type: ignore[arg-type]  # it only reads
    [only] = inspect(left.artifacts, inspection).verdicts
    return only


@pytest.mark.req("G-03")
def test_an_aggregate_counts_those_who_consent_and_one_less_after_a_withdrawal(
    register: Register, room: Room
) -> None:
    all_, fewer = register.live(), register.live(CONSENTING[1:])

    first = judged(room, counted(CONSENTING), all_)

    assert isinstance(first, Cleared)
    assert first.span is not None
    assert first.span.is_coarse, "the snapshot does not know who consents"
    assert rules(judged(room, counted(CONSENTING), fewer)) == {"egress.mismatch"}
    assert rules(judged(room, counted(PEOPLE), all_)) == {"egress.mismatch"}
    assert isinstance(judged(room, counted(CONSENTING[1:]), fewer), Cleared)


@pytest.mark.req("G-03")
def test_the_aggregate_after_a_withdrawal_waits_for_people_since_two_differ_by_one(
    register: Register, room: Room
) -> None:
    first = judged(room, counted(CONSENTING), register.live())
    assert isinstance(first, Cleared)
    assert first.span is not None
    earlier = Earlier(id="J-1.1.O1", release="R-1", span=first.span)

    second = judged(room, counted(CONSENTING[1:]), register.live(CONSENTING[1:]), earlier)

    assert isinstance(second, Held)
    assert rules(second) == {"egress.differencing_open"}


def test_scores_pass_the_room_with_their_subjects(register: Register, room: Room) -> None:
    verdict = judged(room, csv(register.seen()), register.live(), scores=True)

    assert isinstance(verdict, Held)
    assert verdict.subjects == tuple(sorted(marks(CONSENTING)))
    assert CANARY not in verdict.preview


def test_the_room_has_no_view_for_terms_of_which_nobody_was_asked(
    register: Register, room: Room
) -> None:
    with pytest.raises(ViewError):
        compiled((register.terms,), scope=SCOPE, room=room)
