"""A scenario plan: the developer entity's own words, as they came and as the office reads them."""

import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from fractions import Fraction
from typing import Annotated, Any

import yaml
from pydantic import BeforeValidator, TypeAdapter

from gateway.governance.errors import GovernanceError
from jobs.grant import PartyId, PersonId, ScenarioId
from sandbox.asset import AssetId, Digest
from sandbox.order import OutputForm, OutputName


class PlanError(GovernanceError):
    """A plan file is neither YAML nor JSON, or holds no object."""


Exact = Annotated[Fraction, BeforeValidator(lambda number: Fraction(str(number)))]
"""A JSON number, exactly as it is written: 0.1 is one tenth."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NamedParty:
    """A party as the plan names it."""

    party: PartyId
    name_zh: str
    uscc: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Purpose:
    """What the data are wanted for."""

    code: str
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Recipient:
    """Who is to get what is released."""

    party: str
    role: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Term:
    """From the first to the last day, both inclusive."""

    start: date
    end: date


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanColumn:
    """A column that the plan asks for."""

    name: str
    precision: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Rows:
    """Which rows the plan asks for."""

    predicate: str
    time_from: str = ""
    time_to: str = ""
    sample_rate: Exact = Fraction(1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Coarse:
    """How a view is to be made k-anonymous; each field is of `sandbox.order.Generalise`."""

    quasi: tuple[str, ...]
    k: int
    sensitive: tuple[str, ...] = ()
    l: int = 1  # noqa: E741 - its name everywhere
    t: Exact = Fraction(1)
    relaxed: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanAsset:
    """An asset that the plan asks for."""

    asset: AssetId
    version: int
    kind: str
    authority_level: str
    columns: tuple[PlanColumn, ...]
    rows: Rows
    generalise: Coarse | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One step of the processing."""

    kind: str
    inputs: tuple[str, ...]
    image_or_template: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Resources:
    """What the jobs may use."""

    memory_gib: Exact


@dataclass(frozen=True, slots=True, kw_only=True)
class Processing:
    """How the data are to be processed."""

    steps: tuple[Step, ...]
    resources: Resources


@dataclass(frozen=True, slots=True, kw_only=True)
class Route:
    """The lawful route of some columns with personal information."""

    asset: str
    columns: tuple[str, ...]
    route: str
    evidence: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class PersonalInformation:
    """What the plan says about personal information."""

    contains: str
    routes: tuple[Route, ...]
    automated_decision: bool = False
    pia: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class DeclaredColumn:
    """One column of a declared output."""

    name: str
    type: str
    dimension: str = ""
    """The granted column whose categories it shows."""
    function: str = ""
    """`count`, `count_units`, `sum`, `avg`, `ratio`, `quantile`, `median`, `weighted_avg`, `variance`, `stddev`,
    `linear`, `logistic`, `standard_error` or `term`; of a dimension, `total` where its total is shown too; of an output
    whose subjects consent, `subject` or `value`."""
    measure: str = ""
    """The granted column that is summed or averaged, or a form of `sandbox.egress.declared`; of a `value`, the columns that
    it is made from, parted by commas."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Method:
    """How an output protects the units."""

    name: str
    epsilon: Exact | None = None
    k: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanOutput:
    """One output that the plan declares; `schema` is read as `columns`."""

    id: OutputName
    form: OutputForm
    columns: tuple[DeclaredColumn, ...]
    max_rows: int
    max_bytes: int
    recipients: tuple[str, ...]
    release_class: str
    privacy_method: Method


@dataclass(frozen=True, slots=True, kw_only=True)
class Privacy:
    """The plan's privacy parameters, all over its outputs."""

    unit: str
    epsilon_total: Exact
    delta: Exact
    min_cohort: int
    k: int | None = None
    dominance_percent: Exact | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanPerson:
    """Somebody who will work on the scenario."""

    person: PersonId
    role: str
    training_until: date


@dataclass(frozen=True, slots=True, kw_only=True)
class Statements:
    """What the applicant declares."""

    no_operator_affiliation: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """The parts of a scenario plan that rules are about."""

    scenario: ScenarioId
    version: int
    jurisdiction: str
    applicant: NamedParty
    operator: NamedParty
    title_zh: str
    title_en: str = ""
    purpose: Purpose
    type: str
    recipients: tuple[Recipient, ...]
    term: Term
    assets: tuple[PlanAsset, ...]
    outside_data: tuple[Mapping[str, Any], ...]
    processing: Processing
    personal_information: PersonalInformation
    outputs: tuple[PlanOutput, ...]
    privacy: Privacy
    people: tuple[PlanPerson, ...]
    statements: Statements


class _Plain(yaml.SafeLoader):
    """YAML as JSON has it: dates stay texts."""


_Plain.yaml_implicit_resolvers = {
    first: [(tag, form) for tag, form in resolvers if not tag.endswith(":timestamp")]
    for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
}
# YAML 1.1 takes JSON's 1e-06 for a text.
_Plain.add_implicit_resolver(
    "tag:yaml.org,2002:float",
    re.compile(r"[-+]?[0-9]+(\.[0-9]*)?[eE][-+]?[0-9]+$", re.ASCII),
    list("-+0123456789"),
)


def read_plan(text: str) -> Mapping[str, Any]:
    """Return the plan that a YAML or JSON file holds; raise `PlanError`, which quotes nothing."""
    try:
        if any(isinstance(event, yaml.AliasEvent) for event in yaml.parse(text, _Plain)):
            raise PlanError("the plan may not use YAML aliases: each can stand for very much")
        found = yaml.load(text, Loader=_Plain)  # noqa: S506 - a SafeLoader that reads less
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        mark = getattr(error, "problem_mark", None)
        place = f" (line {mark.line + 1}, column {mark.column + 1})" if mark else ""
        raise PlanError(f"the plan is neither YAML nor JSON{place}") from None
    if not isinstance(found, dict):
        raise PlanError("the plan is not an object with named fields")
    return found


def canonical(given: Mapping[str, Any]) -> str:
    """Return a plan of sound form as canonical JSON: what its digest is taken over."""
    return json.dumps(given, sort_keys=True, separators=(",", ":"), ensure_ascii=False)


def digest(text: str) -> Digest:
    """Return the digest of a plan's canonical JSON."""
    return Digest(f"sha256:{hashlib.sha256(text.encode()).hexdigest()}")


def parsed(given: Mapping[str, Any]) -> Plan:
    """Return the plan as words; raise pydantic's `ValidationError` where a field has another type."""
    outputs = [{**output, "columns": output["schema"]} for output in given["outputs"]]
    return _PLAN.validate_python({**given, "outputs": outputs})


_PLAN = TypeAdapter(Plan)
