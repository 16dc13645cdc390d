"""Every sentence of `jobs.rules.sentences`, reached by what a person or a domain does wrong."""

import json
import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import timedelta
from fractions import Fraction

import pytest

from jobs.errors import NotFoundError
from jobs.grant import PartyId, PersonId, ScenarioId
from jobs.job import Job, JobState
from jobs.proof import bodies
from jobs.proof.keys import SigningKey
from jobs.record import documents, log
from jobs.record.documents import Document
from jobs.record.event import Event
from jobs.rules.runtimes import Runtimes
from jobs.rules.sentences import SENTENCES
from jobs.steps import revoke, stop
from jobs.steps.carry import given_up
from jobs.steps.facts import ASSETS
from jobs.steps.stop import Stopper
from jobs.steps.submit import Submission, Submitter
from sandbox.asset import AssetId, Grade, ImageDigest, UnitKind
from sandbox.egress.inspection import Inspected
from sandbox.order import Generalise, OutputName
from tests.jobs.steps.town import (
    BLOCKS,
    CANARY,
    DEVELOPER,
    GRANT,
    LOANS,
    O1,
    QUERY,
    REPORTING,
    SAMPLE,
    TRAIN,
    Town,
    under,
)


@dataclass(frozen=True, slots=True)
class Case:
    """What to do so that the rule is broken, and the place that the refusal must name."""

    do: Callable[[Town], Job]
    place: str = ""


def suspended(town: Town) -> Job:
    with town.record.writing() as tx:
        revoke.suspend(tx, GRANT.id, actor="P-lead")
    return town.submit()


def ended(town: Town) -> Job:
    with town.record.writing() as tx:
        revoke.end(tx, GRANT.id, actor="P-lead")
    return town.submit()


def stopped(town: Town) -> Job:
    officer = Stopper(person=PersonId("P-sec"), party=PartyId("bureau"), opinion="疑似泄露")
    stop.close(town.record, by=officer)
    return town.submit()


def expired(town: Town) -> Job:
    town.clock.now += timedelta(days=365)
    return town.submit()


def used_up(town: Town) -> Job:
    town.issue(under("SC-2", max_uses=1))
    town.start(town.submit(scenario=ScenarioId("SC-2")))
    return town.submit(scenario=ScenarioId("SC-2"))


def another_asset(town: Town) -> Job:
    return town.ask(Submission(scenario=GRANT.scenario, work=REPORTING, assets=(AssetId("TAXES"),)))


def another_column(town: Town) -> Job:
    return town.ask(Submission(scenario=GRANT.scenario, work=REPORTING, columns=("salary",)))


def out_of_budget(town: Town) -> Job:
    town.start(town.submit(QUERY))
    return town.submit(QUERY)


def not_imported(town: Town) -> Job:
    return town.start(town.submit(), images=())[0]


def without_gvisor(town: Town) -> Job:
    runtimes = Runtimes(gvisor_from=Grade.L2, here=frozenset({"runc"}))
    return town.start(town.submit(), runtimes=runtimes)[0]


def core(town: Town) -> Job:
    body = bodies.dump(replace(LOANS, grade=Grade.CORE))
    paper = Document(kind=ASSETS, id="LOANS@1", body=body, at=town.clock())
    with town.record.writing() as tx:
        event = Event("asset.registered", "LOANS", "P-adm", {})
        documents.replace(tx, paper, was_version=1, event=event)
    return town.submit()


def forged(town: Town) -> Job:
    town.issue(under("SC-3"), key=SigningKey.unsaved("shuyu.test/grant"))
    return town.start(town.submit(scenario=ScenarioId("SC-3")))[0]


def unjudged(town: Town) -> Job:
    return given_up(town.quarantined(), hands=town.hands)


def long_blocks(town: Town) -> Job:
    terms = json.loads(BLOCKS.terms) | {"wall_seconds": 61}
    return town.submit(replace(BLOCKS, terms=json.dumps(terms)))


def half_terms(town: Town) -> Job:
    terms = {name: value for name, value in json.loads(TRAIN.terms).items() if name != "steps"}
    return town.submit(replace(TRAIN, terms=json.dumps(terms)))


def nothing_to_count(town: Town) -> Job:
    (view,) = GRANT.assets
    bare = replace(view, columns=("person",), pseudonyms=("person",))
    town.issue(under("SC-4", assets=(bare,)))
    return town.submit(SAMPLE, scenario=ScenarioId("SC-4"))


def over_classes(town: Town) -> Job:
    (view,) = GRANT.assets
    columns = tuple(name for name in view.columns if name not in view.pseudonyms)
    aim = Generalise(quasi=columns, k=5)
    coarse = replace(view, columns=columns, pseudonyms=(), generalise=aim)
    town.issue(under("SC-5", assets=(coarse,)))
    return town.submit(QUERY, scenario=ScenarioId("SC-5"))


def over_consents(town: Town) -> Job:
    view = replace(GRANT.assets[0], consented=True)
    town.issue(under("SC-5", assets=(view,)))
    return town.submit(QUERY, scenario=ScenarioId("SC-5"))


def a_public_list(town: Town) -> Job:
    listed = replace(
        LOANS, id=AssetId("STATES"), unit_kind=UnitKind.NOBODY, unit_column="state",
        columns=LOANS.columns[1:2],
    )  # fmt: skip
    paper = Document(kind=ASSETS, id="STATES@1", body=bodies.dump(listed), at=town.clock())
    with town.record.writing() as tx:
        documents.add(tx, paper, Event("asset.registered", "STATES", "P-adm", {}))
    view = replace(GRANT.assets[0], asset=listed.id, columns=("state",), pseudonyms=())
    town.issue(under("SC-6", assets=(view,)))
    return town.submit(replace(SAMPLE, asset=listed.id), scenario=ScenarioId("SC-6"))


CASES = {
    "admit.suspended": Case(suspended),
    "admit.ended": Case(ended),
    "admit.stopped": Case(stopped),
    "admit.term": Case(expired),
    "admit.person": Case(
        lambda town: town.submit(by=Submitter(person=PersonId("P-x"), party=DEVELOPER.party))
    ),
    "admit.uses": Case(used_up),
    "admit.asset": Case(another_asset, "TAXES"),
    "admit.column": Case(another_column, "salary"),
    "admit.output": Case(
        lambda town: town.submit(replace(REPORTING, outputs=(OutputName("O9"),))), "O9"
    ),
    "admit.output_class": Case(lambda town: town.submit(replace(REPORTING, outputs=(O1,))), "O1"),
    "admit.epsilon": Case(lambda town: town.submit(replace(QUERY, epsilon=Fraction(2)))),
    "admit.budget": Case(out_of_budget, f"grant:{GRANT.id}"),
    "admit.image": Case(
        lambda town: town.submit(replace(REPORTING, image=ImageDigest("job-python:latest"))),
        "image",
    ),
    "admit.image_missing": Case(not_imported, "image"),
    "admit.runtime": Case(without_gvisor, "runsc"),
    "admit.core": Case(core, "LOANS"),
    "admit.coarse": Case(over_classes, "LOANS"),
    "admit.consented": Case(over_consents, "LOANS"),
    "admit.nobody": Case(a_public_list, "STATES"),
    "admit.grant": Case(forged),
    "egress.unjudged": Case(unjudged),
    "admit.command": Case(lambda town: town.submit(replace(REPORTING, command=())), "command"),
    "admit.parameters": Case(
        lambda town: town.submit(replace(REPORTING, parameters="[]")), "parameters"
    ),
    "admit.output_form": Case(lambda town: town.submit(replace(TRAIN, output=O1)), "O1"),
    "admit.block_limits": Case(long_blocks, "terms"),
    "admit.terms": Case(half_terms, "steps"),
    "admit.trainer": Case(lambda town: town.start(town.submit(TRAIN), trainers=())[0]),
    "admit.sample_rows": Case(lambda town: town.submit(replace(SAMPLE, rows=101)), "rows"),
    "admit.sample_columns": Case(nothing_to_count, "LOANS"),
    "admit.outputs": Case(lambda town: town.submit(replace(REPORTING, outputs=())), "outputs"),
}


def test_no_sentence_is_without_a_case() -> None:
    assert set(CASES) == set(SENTENCES)


@pytest.mark.req("E-08")
@pytest.mark.parametrize("rule", CASES)
def test_a_refusal_tells_rule_place_and_fix_in_both_languages(town: Town, rule: str) -> None:
    case = CASES[rule]

    job = town.now(case.do(town))

    assert job.state in {JobState.REFUSED, JobState.BLOCKED}
    (told,) = job.reasons
    assert (told.rule, told.place) == (rule, case.place)
    assert told.clause == SENTENCES[rule][4]
    for said in (told.why, told.fix):
        assert re.search("[\u4e00-\u9fff]", said.zh)
        assert not re.search("[\u4e00-\u9fff]", said.en)
        assert not re.search(r"\{[a-z]+\}", said.zh + said.en)
    names_place = "{place}" in SENTENCES[rule][0]
    assert (case.place in told.why.zh and case.place in told.why.en) or not names_place


@pytest.mark.req("J-02")
@pytest.mark.parametrize("rule", sorted(set(CASES) - {"egress.unjudged"}))
def test_a_refusal_stands_in_the_log_under_its_rule_and_nothing_was_charged(
    town: Town, rule: str
) -> None:
    job = CASES[rule].do(town)

    with town.record.reading() as tx:
        last = log.newest(tx, limit=1, only=log.Filter(subject=job.id))[0].event
    assert (last.kind, last.facts) == ("job.refused", {"rules": rule})
    assert "budget.reserved" not in town.kinds(job.id)


@pytest.mark.parametrize(
    ("rule", "words"),
    [
        ("admit.asset", "use one of: LOANS"),
        ("admit.output", "use a declared output: O1, O2, O3, O4"),
        ("admit.epsilon", "set epsilon to 0.333333 or less"),
        ("admit.parameters", 'write them as {"name": value}'),
    ],
)
def test_a_fix_names_what_would_pass(town: Town, rule: str, words: str) -> None:
    (told,) = CASES[rule].do(town).reasons

    assert told.fix.en == words


@pytest.mark.req("H-01")
def test_a_filter_that_gives_no_verdict_at_all_blocks_and_says_so(town: Town) -> None:
    job = town.decided(town.quarantined(), Inspected(()))

    assert job.state is JobState.BLOCKED
    assert [reason.rule for reason in job.reasons] == ["egress.unjudged"]


def test_a_refusal_quotes_nothing_that_the_job_wrote(town: Town) -> None:
    job = town.now(unjudged(town))

    assert CANARY not in repr(job)


@pytest.mark.parametrize(
    ("scenario", "by"),
    [
        ("SC-unknown", DEVELOPER),
        (GRANT.scenario, Submitter(person=PersonId("P-dev"), party=GRANT.operator)),
    ],
)
def test_an_unknown_scenario_and_another_partys_are_told_alike(
    town: Town, scenario: str, by: Submitter
) -> None:
    size = town.log_size()

    with pytest.raises(NotFoundError, match=f"no scenario {scenario} was granted to {by.party}"):
        town.submit(scenario=ScenarioId(scenario), by=by)

    assert town.log_size() == size
