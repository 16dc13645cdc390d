"""Looks for a coarser table of which nothing need be left out, and offers it only once the gate has tried it.

Neighbouring categories are merged in the catalogue's order, or a dimension is dropped. What to try follows from the
sizes of the cells; the words name nothing but columns and categories of the catalogue. An edit is offered where the
table has gaps, be they of few units or of none, so that the offer does not tell one from the other.
"""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import product
from math import ceil, prod

from sandbox.egress import declared
from sandbox.egress.declared import Categories
from sandbox.egress.disclosure.evidence import TOTAL, Labels
from sandbox.egress.disclosure.profile import Profile
from sandbox.egress.disclosure.suppression import suppress
from sandbox.egress.recompute import Rows, dimensions, limits, recompute
from sandbox.egress.terms import Inspection
from sandbox.order import Function, OutputColumn, OutputTerms
from sandbox.reason import Said

MOST_TRIED = 4
MOST_CELLS = 20_000
"""A table with more possible cells is not searched for merges."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Edit:
    """A change of an output's declaration that makes its table complete."""

    terms: OutputTerms
    """The output as it would be declared."""
    said: Said


def is_complete(kept: Sequence[Labels], terms: OutputTerms, inspection: Inspection) -> bool:
    """Say whether every row that the table could have is shown."""
    return len(kept) == prod(_sizes(terms, inspection))


def _sizes(terms: OutputTerms, inspection: Inspection) -> Iterator[int]:
    for column in dimensions(terms):
        has_total = column.function is Function.DIMENSION_TOTAL
        yield len(_domain(column, terms, inspection)) + has_total


def _domain(column: OutputColumn, terms: OutputTerms, inspection: Inspection) -> tuple[str, ...]:
    source = inspection.source(terms, column)
    return source.domain if source is not None else ()


def edit(
    rows: Rows, kept: Sequence[Labels], terms: OutputTerms, inspection: Inspection, *, base: int
) -> Edit | None:
    """Return the finest edit tried after which nothing is left out, or nothing where none was found."""
    profile = limits(terms, inspection)
    fewest = replace(profile, min_units=_fewest(terms, profile))
    shown = set(kept)
    units = {
        labels: row.units if labels in shown else min(row.units, profile.min_units - 1)
        for labels, row in rows.items()
        if TOTAL not in labels
    }  # what was left out, for whatever reason, needs a neighbour
    if prod(_sizes(terms, inspection)) > MOST_CELLS:
        return None
    found = sorted(_proposed(units, terms, inspection, fewest), key=lambda each: -each[0])
    for _, each in found[:MOST_TRIED]:
        answer = suppress(recompute(each.terms, inspection), profile, base=base)
        if answer.kept and is_complete(answer.kept, each.terms, inspection):
            return each
    return None


def bits(terms: OutputTerms, inspection: Inspection) -> int:
    """Return how many bits it takes to tell which of all edits is offered, or none."""
    sizes = [len(_domain(column, terms, inspection)) for column in dimensions(terms)]
    left = [sizes, *(sizes[:at] + sizes[at + 1 :] for at in range(len(sizes)))]
    return sum(1 + sum(_cuts(size) for size in each) for each in left).bit_length()


def _cuts(size: int) -> int:
    """Return in how many ways so many categories in a row fall into groups."""
    return 1 << max(0, size - 1)


def _fewest(terms: OutputTerms, profile: Profile) -> int:
    """Return how many units a cell needs, so that each of its percentiles has enough on both sides."""
    apart = declared.apart(terms.columns).values()
    sides = [ceil(profile.order_side_units / share) for share in apart if share]
    return max([profile.min_units, *sides])


def _proposed(
    units: Mapping[Labels, int], terms: OutputTerms, inspection: Inspection, profile: Profile
) -> Iterator[tuple[int, Edit]]:
    """Yield edits with the number of rows that each leaves."""
    yield from _merges(units, terms, inspection, profile)
    for at, column in enumerate(dimensions(terms)):
        fewer = replace(terms, columns=tuple(c for c in terms.columns if c is not column))
        if not dimensions(fewer):
            continue
        left = Counter[Labels]()
        for labels, size in units.items():
            left[labels[:at] + labels[at + 1 :]] += size
        zh, en = f"去掉维度 {column.name}", f"drop the dimension {column.name}"
        if _fits(left, fewer, inspection, profile):
            yield prod(_sizes(fewer, inspection)), _edit(fewer, Said(zh=zh, en=en))
        for size, merge in _merges(left, fewer, inspection, profile):
            both = f"{zh},{merge.said.zh}", f"{en}, {merge.said.en}"
            yield size, replace(merge, said=Said(zh=both[0], en=both[1]))


def _edit(terms: OutputTerms, said: Said) -> Edit:
    zh, en = f"{said.zh}:无需抑制。", f"{said.en}: nothing is left out."
    return Edit(terms=terms, said=Said(zh=zh, en=en))


def _fits(
    units: Mapping[Labels, int], terms: OutputTerms, inspection: Inspection, profile: Profile
) -> bool:
    cells = product(*(_domain(c, terms, inspection) for c in dimensions(terms)))
    return all(units.get(labels, 0) >= profile.min_units for labels in cells)


def _merges(
    units: Mapping[Labels, int], terms: OutputTerms, inspection: Inspection, profile: Profile
) -> Iterator[tuple[int, Edit]]:
    for at, column in enumerate(dimensions(terms)):
        groups = _groups(units, at, terms, inspection, profile)
        if len(groups) < 2 or all(len(group) == 1 for group in groups):  # noqa: PLR2004 - one group is no dimension
            continue
        form = Categories(
            column=declared.categories(column).column,
            merged=tuple(_plain(group) for group in groups if len(group) > 1),
        )
        merged = replace(column, type="string", source=form.written())
        columns = tuple(merged if c is column else c for c in terms.columns)
        coarser = replace(terms, columns=columns)
        yield prod(_sizes(coarser, inspection)), _edit(coarser, _said(column, form))


def _plain(group: Sequence[str]) -> tuple[str, ...]:
    """Take apart what was merged before: only the catalogue's own categories can be merged."""
    return tuple(name for each in group for name in each.split("+"))


def _said(column: OutputColumn, form: Categories) -> Said:
    zh = ";".join("、".join(group[:-1]) + f" 与 {group[-1]}" for group in form.merged)
    en = "; ".join(", ".join(group[:-1]) + f" and {group[-1]}" for group in form.merged)
    return Said(
        zh=f"合并 {column.name} 的 {zh}(来源写作 {form.written()})",
        en=f"merge {en} of {column.name} (source {form.written()})",
    )


def _groups(
    units: Mapping[Labels, int],
    at: int,
    terms: OutputTerms,
    inspection: Inspection,
    profile: Profile,
) -> list[list[str]]:
    """Cut a dimension's categories, in the catalogue's order, into the finest groups with enough units everywhere."""
    domains = [_domain(column, terms, inspection) for column in dimensions(terms)]
    others = list(product(*(domain for i, domain in enumerate(domains) if i != at)))
    groups: list[list[str]] = []
    sizes: list[Counter[Labels]] = []
    for name in domains[at]:
        if not groups or _enough(sizes[-1], others, profile):
            groups.append([])
            sizes.append(Counter())
        groups[-1].append(name)
        sizes[-1].update({o: units.get((*o[:at], name, *o[at:]), 0) for o in others})
    if len(groups) > 1 and not _enough(sizes[-1], others, profile):
        groups[-2:] = [groups[-2] + groups[-1]]
    return groups


def _enough(sizes: Mapping[Labels, int], others: Sequence[Labels], profile: Profile) -> bool:
    return all(sizes.get(labels, 0) >= profile.min_units for labels in others)
