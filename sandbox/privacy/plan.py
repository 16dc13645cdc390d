"""Plans a question: trusted SQL, the noise of every measure and the exact price, before any data is read."""

from dataclasses import dataclass
from fractions import Fraction
from itertools import product

from sandbox.asset import AssetId
from sandbox.privacy import output_faults
from sandbox.privacy.draft import Draft, Stage
from sandbox.privacy.events import PURE, DpEvent
from sandbox.privacy.hints import Hints
from sandbox.privacy.pricing import capacity, columns_of, unfit
from sandbox.privacy.question import PublicTable, Question, Unanswerable
from sandbox.privacy.reading import read
from sandbox.privacy.refusal import Refusals
from sandbox.privacy.sampling import MOST_SCALE
from sandbox.privacy.shares import Priced, priced
from sandbox.privacy.statement import stated
from sandbox.privacy.trusted import Statement
from sandbox.privacy.words import USUAL_ROWS, AnswerColumn, Cell, Dimension, Estimate
from sandbox.reason import Said

__all__ = [
    "USUAL_ROWS",
    "AnswerColumn",
    "Cell",
    "Dimension",
    "Plan",
    "PublicTable",
    "Question",
    "Unanswerable",
    "plan",
]


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """A priced question: everything that will be done, fixed before data is read."""

    asset: AssetId
    """The first that it reads."""
    assets: tuple[AssetId, ...]
    """Every asset whose units it says something of: the answer is charged to each in full."""
    reads: tuple[AssetId, ...]
    """Every asset that it reads, public tables too."""
    dimensions: tuple[Dimension, ...]
    """Every combination of public categories is answered, also those without rows."""
    statements: tuple[Statement, ...]
    """Trusted DuckDB SQL over relations with the assets' names."""
    events: tuple[DpEvent, ...]
    estimates: tuple[Estimate, ...]
    """What is computed from the noisy vectors in each cell."""
    stages: tuple[Stage, ...]
    """What is computed from the estimates, row by row."""
    columns: tuple[AnswerColumn, ...]
    """In the order of SELECT."""
    hints: Hints
    most_keys: int
    """The most private keys that are answered; those with the largest votes."""
    epsilon: Fraction
    """What the shares of all events sum to; where all are pure, the answer is purely epsilon-private."""
    rho: int
    """What the answer costs, in pico-rho (10^-12), rounded up."""
    delta: Fraction
    """The chance that a private key of one unit alone is seen; 0 without private keys."""
    statement: Said
    """What the answer promises, for people."""

    @property
    def sql(self) -> tuple[str, ...]:
        """Return the trusted SQL."""
        return tuple(statement.sql for statement in self.statements)

    @property
    def rows_per_unit(self) -> int:
        """Return the public bound of rows that weigh in full."""
        return self.hints.rows_per_unit

    @property
    def limit(self) -> int | None:
        """Return how many rows are answered at most, where the question says so."""
        return self.stages[-1].limit

    @property
    def private(self) -> bool:
        """Say whether noise chooses the keys."""
        return any(not dimension.domain for dimension in self.dimensions)

    @property
    def pure(self) -> bool:
        """Say whether the answer is purely epsilon-private, and not only in zCDP."""
        return all(event.mechanism in PURE for event in self.events)

    @property
    def cells(self) -> list[Cell]:
        """Return every combination of public categories, in catalogue order; one where nothing is grouped."""
        return list(product(*(d.domain for d in self.dimensions if d.domain)))


def plan(question: Question) -> Plan | Unanswerable:
    """Plan a question, or tell every reason why not. Only the asset's declaration is looked at, never its data."""
    draft = read(question)
    if isinstance(draft, Unanswerable):
        return draft
    refusals = Refusals(question.sql)
    for fault in unfit(draft, question):
        refusals.at(0, fault)
    if refusals.found:
        return Unanswerable(refusals.reasons())
    made = priced(draft, question)
    if any(event.scale >= MOST_SCALE for event in made.events):
        refusals.at(0, output_faults.SCALE)
        return Unanswerable(refusals.reasons())
    return _planned(draft, made, question)


def _planned(draft: Draft, made: Priced, question: Question) -> Plan:
    return Plan(
        asset=draft.rows.unit.asset.id,
        assets=draft.protects,
        reads=draft.reads,
        dimensions=tuple(
            Dimension(column=key.name, domain=key.categories, kind=key.value.kind)
            for key in draft.keys
        ),
        statements=made.statements,
        events=made.events,
        estimates=made.estimates,
        stages=draft.stages,
        columns=columns_of(draft, made.estimates, question.output),
        hints=draft.hints,
        most_keys=capacity(draft, question.output),
        epsilon=question.epsilon,
        rho=sum(event.rho for event in made.events),
        delta=sum((event.delta for event in made.events), Fraction(0)),
        statement=stated(draft, made.events, question.epsilon),
    )
