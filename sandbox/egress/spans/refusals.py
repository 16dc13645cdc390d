"""Says in words what the ledger found, and offers a declaration that the gate has tried against it."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from sandbox.egress import declared
from sandbox.egress.cells import label
from sandbox.egress.declared import Categories
from sandbox.egress.exhibit import Exhibit
from sandbox.egress.finding import Finding, Rule, Weight
from sandbox.egress.recompute import dimensions, limits
from sandbox.egress.span import Span
from sandbox.egress.spans.audit import Open, Safe
from sandbox.egress.spans.ledger import Clash, Exhausted, Judged, Labels, held_against
from sandbox.egress.spans.told import span_of
from sandbox.egress.table import Table
from sandbox.egress.terms import Inspection
from sandbox.egress.treatments.recomputed import Treated, treat
from sandbox.order import OutputTerms
from sandbox.reason import Offer, Said

DIFFERENCING = Rule(
    id="egress.differencing",
    stage=6,
    why=Said(
        zh="该表与先前放行的结果相减,可得出单位过少的数字。",
        en="Subtracted from what was released before, this table tells a number about too few units.",
    ),
    fix=Said(
        zh="沿用先前放行的条件、类别与数据版本;或合并类别、少用一个维度。",
        en="Use the condition, categories and snapshot of the earlier release; or merge categories, or use one"
        " dimension fewer.",
    ),
)
OPEN = Rule(
    id="egress.differencing_open",
    stage=6,
    weight=Weight.REVIEW,
    why=Said(
        zh="无法确认该表与先前放行的结果合在一起不会得出单位过少的数字,需人工查看。",
        en="It could not be made sure that this table tells nothing about too few units together with what was released"
        " before: a person must look.",
    ),
    fix=Said(
        zh="沿用先前放行的条件、类别与数据版本,或少用维度。",
        en="Use the condition, categories and snapshot of the earlier release, or fewer dimensions.",
    ),
)
RANK = Rule(
    id="egress.rank",
    stage=6,
    why=Said(
        zh="该表与先前放行的结果合计,相互独立的数字过多(每一指标每 20 个单位至多 1 个),合在一起可推算单位的取值。",
        en="With what was released before, this table makes too many independent numbers (of a measure at most one for every 20"
        " units): together they could be solved for the units' values.",
    ),
    fix=Said(
        zh="少用维度或合并类别,沿用先前放行的表;或改用差分隐私查询。",
        en="Use fewer dimensions or categories, or tables that were released before; or ask in a differentially private query.",
    ),
)
_MOST_TRIED = 4


@dataclass(frozen=True, slots=True)
class Heard:
    """What the ledger says of one table that would leave."""

    span: Span | None = None
    """What it would tell; nothing where no ledger is kept."""
    findings: tuple[Finding, ...] = ()


def heard(exhibit: Exhibit, treated: Treated, inspection: Inspection) -> Heard:
    """Hold the gate's own table, made for the output of `exhibit`, against the ledger."""
    terms, view = exhibit.terms, inspection.view_of(exhibit.terms)
    if inspection.ledger is None or view is None:
        return Heard()
    span = span_of(terms, treated.table, view)
    match _judged(terms, treated, inspection):
        case Open(atoms=atoms):
            exact = Said(zh=f"{atoms} 个单元未能判定。", en=f"{atoms} atoms are not settled.")
            return Heard(span, (OPEN.at(exact=exact),))
        case Clash() as clash:
            found = DIFFERENCING.at(_place(exhibit, clash), exact=_exact(clash))
            return Heard(span, (_with_offer(found, terms, clash.cells, inspection),))
        case Exhausted(rank=rank, units=units):
            exact = Said(
                zh=f"独立数字至多 {rank} 个,单位 {units} 个。",
                en=f"At most {rank} independent numbers about {units} units.",
            )
            return Heard(
                span, (_with_offer(RANK.at(terms.name, exact=exact), terms, (), inspection),)
            )
        case _:
            return Heard(span)


def _judged(terms: OutputTerms, treated: Treated, inspection: Inspection) -> Judged | None:
    """Hold a table against the ledger; nothing where there is none."""
    view, ledger = inspection.view_of(terms), inspection.ledger
    if view is None or ledger is None:
        return None
    span = span_of(terms, treated.table, view)
    return held_against(span, ledger, limits=limits(terms, inspection), crowd=treated.crowd)


def _exact(clash: Clash) -> Said:
    return Said(
        zh=f"涉及 {clash.units} 个单位;先前放行:{'、'.join(clash.releases) or '无'}。",
        en=f"About {clash.units} units; earlier releases: {', '.join(clash.releases) or 'none'}.",
    )


def _with_offer(
    found: Finding, terms: OutputTerms, cells: Sequence[Labels], inspection: Inspection
) -> Finding:
    """Add the first change of the declaration after which the ledger is content."""
    for changed, said in list(_changes(terms, cells, inspection))[:_MOST_TRIED]:
        treated = treat(changed, inspection)
        if isinstance(treated, Treated) and isinstance(_judged(changed, treated, inspection), Safe):
            offer = Offer(said=said, bits=_bits(terms, inspection))
            return replace(found, reason=replace(found.reason, offer=offer))
    return found


def _place(exhibit: Exhibit, clash: Clash) -> str:
    """Name the job's own row, and the latest of the earlier releases."""
    row = _row(exhibit, clash.cells)
    parts = [f"row {row}" if row else "", f"release {clash.releases[-1]}" if clash.releases else ""]
    return ", ".join(part for part in parts if part)


def _row(exhibit: Exhibit, cells: Sequence[Labels]) -> int:
    names = [column.name for column in dimensions(exhibit.terms)]
    body = exhibit.body
    if not isinstance(body, Table) or not set(names) <= set(body.columns):
        return 0
    places = [body.columns.index(name) for name in names]
    rows = [tuple(label(row[at]) for at in places) for row in body.rows]
    return next((rows.index(cell) + 1 for cell in cells if cell in rows), 0)


def _changes(
    terms: OutputTerms, cells: Sequence[Labels], inspection: Inspection
) -> Iterator[tuple[OutputTerms, Said]]:
    """Yield coarser declarations: a category of these cells with its neighbour, then a dimension fewer."""
    shown = dimensions(terms)
    if any(column.function in declared.MODELS for column in terms.columns):
        return
    for at, column in enumerate(shown):
        form = declared.categories(column)
        source = inspection.source(terms, column)
        labels = [cell[at] for cell in cells if cell[at]]
        if source is None or form.merged or not labels:
            continue
        pair = _neighbours(source.domain, labels[0])
        if len(source.domain) > 2:  # noqa: PLR2004 - of two merged nothing is left to tell apart
            merged = replace(
                column,
                type="string",
                source=Categories(column=form.column, merged=(pair,)).written(),
            )
            columns = tuple(merged if c is column else c for c in terms.columns)
            yield (
                replace(terms, columns=columns),
                Said(
                    zh=f"合并 {column.name} 的 {pair[0]} 与 {pair[1]}(来源写作 {merged.source})",
                    en=f"merge {pair[0]} and {pair[1]} of {column.name} (source {merged.source})",
                ),
            )
    for column in shown:
        columns = tuple(c for c in terms.columns if c is not column)
        said = Said(zh=f"去掉维度 {column.name}", en=f"drop the dimension {column.name}")
        yield replace(terms, columns=columns), said


def _neighbours(domain: Sequence[str], category: str) -> tuple[str, str]:
    at = domain.index(category)
    first = at if at + 1 < len(domain) else at - 1
    return domain[first], domain[first + 1]


def _bits(terms: OutputTerms, inspection: Inspection) -> int:
    """Return how many bits it takes to tell which of all changes is offered, or none."""
    sources = [inspection.source(terms, column) for column in dimensions(terms)]
    return (1 + sum(len(source.domain) + 1 for source in sources if source)).bit_length()
