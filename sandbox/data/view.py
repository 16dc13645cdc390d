"""Views: the part of one asset that a scenario may use, compiled once and kept by content."""

import hashlib
import json
import os
import re
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa
from pydantic import TypeAdapter, ValidationError

from sandbox.anonymity.evidence import Evidence
from sandbox.anonymity.granted import Granted, evidence_of_view
from sandbox.asset import Asset, AssetId, Column, Digest, Role
from sandbox.data.consent_marks import mark_key
from sandbox.data.predicate import bound_predicate
from sandbox.data.pseudonyms import derived
from sandbox.data.snapshot import asset, intact_snapshot
from sandbox.data.staging import discard, staged
from sandbox.data.view_files import UNIT, Consents, Recipe, unit_pseudonyms, write_view
from sandbox.errors import ViewError
from sandbox.order import Generalise, OpenedView, ViewTerms

_FORM = "shuyu-view-1"
_HEX = re.compile(r"[0-9a-f]{64}")
_IDENTIFYING = frozenset({Role.UNIT, Role.IDENTIFIER})


@dataclass(frozen=True, slots=True, kw_only=True)
class View:
    """One compiled view: what a job is given, and what the gate recomputes its outputs from."""

    digest: Digest
    folder: Path
    rows: int
    units: int
    """How many protected units its rows are about."""
    asset: AssetId
    evidence: Evidence
    """How anonymous it is: exact figures, for the institution's own people."""

    @property
    def job(self) -> Path:
        """Return the folder that is mounted: `<asset>.arrow` and `<asset>.parquet`."""
        return self.folder / "job"

    @property
    def gate(self) -> Path:
        """Return the gate's Parquet file: the same rows with `_unit` and `_unit_rows`."""
        return self.folder / "gate" / f"{self.asset}.parquet"


@dataclass(frozen=True, slots=True, kw_only=True)
class _Kept:
    """`view.json`: written last, it says that the files beside it are whole."""

    asset: AssetId
    rows: int
    units: int
    evidence: Evidence
    sizes: dict[str, int]
    """Bytes of each file, by its path in the view's folder."""


_KEPT = TypeAdapter(_Kept)
_GENERALISE = TypeAdapter(Generalise)


def compile_view(terms: ViewTerms, *, scope: str, key: bytes, data: Path, views: Path) -> View:
    """Return the view of these terms for this scenario; the second call finds what the first made.

    `key` is the domain's pseudonym key (32 bytes). Raises `ViewError` where the terms do not suit
    the asset, `UnknownAssetError`, `DataError` where the snapshot is damaged, `StorageFullError`.
    """
    whole = asset(terms.snapshot, data=data)
    recipe = _recipe(terms, whole, scope=scope, key=key)
    digest = _address(terms, recipe.condition, scope=scope, key=key)
    folder = views / digest.removeprefix("sha256:")
    kept = _kept(folder)
    if kept is not None:
        return _view(digest, folder, kept)
    discard(folder)
    snapshot = intact_snapshot(terms.snapshot, data=data)
    with staged(views) as stage:
        order = derived(key, use="row order", of=digest)
        rows, units = write_view(recipe, snapshot, stage, order=order)
        evidence = _evidence(recipe, stage.whole / "gate" / f"{whole.id}.parquet")
        sizes = _close(stage.whole)
        kept = _Kept(asset=whole.id, rows=rows, units=units, evidence=evidence, sizes=sizes)
        (stage.whole / "view.json").write_bytes(_KEPT.dump_json(kept))
        (stage.whole / "view.json").chmod(0o400)
        stage.publish(folder)
    return _view(digest, folder, kept)


def view_digest(terms: ViewTerms, *, scope: str, key: bytes, data: Path) -> Digest:
    """Return the digest that the view of these terms has, compiled or not; raises as `compile_view`."""
    recipe = _recipe(terms, asset(terms.snapshot, data=data), scope=scope, key=key)
    return _address(terms, recipe.condition, scope=scope, key=key)


def unit_marks(terms: ViewTerms, *, data: Path, mark: bytes, work: Path) -> pa.ChunkedArray:
    """Return 32 hexadecimal digits for each protected unit of a view: item i is that of unit i of the gate's file.

    One unit has the same digits under one key `mark` (32 bytes) in every asset that keys it by the same kind of column.
    Raises as `compile_view` does; `work` is a folder for what is needed meanwhile.
    """
    recipe = _recipe(terms, asset(terms.snapshot, data=data), scope="-", key=mark)
    snapshot = intact_snapshot(terms.snapshot, data=data)
    return unit_pseudonyms(recipe, snapshot, key=mark, work=work)


def forget(views: Path, *, keep: Collection[Digest]) -> None:
    """Remove every view that is not in `keep`; a job that has one mounted goes on reading it."""
    for folder in views.glob("*"):
        if _HEX.fullmatch(folder.name) and Digest(f"sha256:{folder.name}") not in keep:
            discard(folder)


def _view(digest: Digest, folder: Path, kept: _Kept) -> View:
    return View(
        digest=digest,
        folder=folder,
        rows=kept.rows,
        units=kept.units,
        asset=kept.asset,
        evidence=kept.evidence,
    )


def _evidence(recipe: Recipe, gate: Path) -> Evidence:
    granted = Granted(
        columns=recipe.columns, pseudonyms=recipe.pseudonyms, generalise=recipe.generalise
    )
    return evidence_of_view(gate, granted, unit=UNIT)


def _recipe(terms: ViewTerms, whole: Asset, *, scope: str, key: bytes) -> Recipe:
    if terms.asset != whole.id:
        raise ViewError("The terms name another asset than the snapshot's")
    if not scope:
        raise ViewError("The view has no scope to key its pseudonyms")
    if not terms.columns or len(set(terms.columns)) < len(terms.columns):
        raise ViewError("The terms grant no columns, or one of them twice")
    if not set(terms.pseudonyms) <= set(terms.columns):
        raise ViewError("The terms pseudonymise a column that they do not grant")
    columns = tuple(_granted(name, terms, whole) for name in terms.columns)
    if terms.generalise is not None:
        _demand_whole(terms.generalise, terms)
    return Recipe(
        asset=whole,
        columns=columns,
        pseudonyms=frozenset(terms.pseudonyms),
        condition=bound_predicate(terms.predicate, whole) if terms.predicate.strip() else "",
        generalise=terms.generalise,
        key=derived(key, use="pseudonym", of=scope),
        consents=_consents(terms, key),
    )


def _consents(terms: ViewTerms, key: bytes) -> Consents | None:
    """Return whose rows a view may have; who consents is asked for every run, and never left open."""
    if isinstance(terms, OpenedView) is not terms.consented:
        raise ViewError("A consented view is compiled for those who consent now, and no other is")
    return Consents(live=terms.live, key=mark_key(key)) if isinstance(terms, OpenedView) else None


def _granted(name: str, terms: ViewTerms, whole: Asset) -> Column:
    column = whole.column(name)
    if column is None:
        raise ViewError(f"The asset has no column {name}")
    if column.role in _IDENTIFYING and name not in terms.pseudonyms:
        raise ViewError(f"Column {name} identifies somebody: it is granted only as a pseudonym")
    return column


def _demand_whole(aim: Generalise, terms: ViewTerms) -> None:
    """Demand that a generalised view shows nothing that undoes its classes."""
    if terms.pseudonyms:
        raise ViewError(
            "A generalised view has no pseudonyms: rows that can be linked undo its classes"
        )
    if sorted((*aim.quasi, *aim.sensitive)) != sorted(terms.columns):
        raise ViewError("A generalised view coarsens each of its columns, or names it as sensitive")


def _address(terms: ViewTerms, condition: str, *, scope: str, key: bytes) -> Digest:
    body: dict[str, object] = {
        "form": _FORM,
        "snapshot": terms.snapshot,
        "columns": terms.columns,
        "pseudonyms": sorted(terms.pseudonyms),
        "condition": condition,
        "scope": scope,
        "key": derived(key, use="key id", of="").hex(),
    }
    if terms.generalise is not None:  # else left out: views keep the digests that they had
        body["generalise"] = _GENERALISE.dump_python(terms.generalise, mode="json")
    if isinstance(terms, OpenedView):
        body["consents"] = hashlib.sha256("\n".join(sorted(terms.live)).encode()).hexdigest()
    text = json.dumps(body, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return Digest(f"sha256:{hashlib.sha256(text.encode()).hexdigest()}")


def _kept(folder: Path) -> _Kept | None:
    """Return what lies there where all of it does."""
    try:
        kept = _KEPT.validate_json((folder / "view.json").read_bytes())
        is_whole = all((folder / name).stat().st_size == size for name, size in kept.sizes.items())
    except (FileNotFoundError, ValidationError):
        return None
    return kept if is_whole else None


def _close(folder: Path) -> dict[str, int]:
    """Let a job's user read `job`, nobody else `gate`, and no time say when it was written."""
    for path in (folder / "job").iterdir():
        path.chmod(0o444)
        os.utime(path, (0, 0))
    (folder / "job").chmod(0o755)
    os.utime(folder / "job", (0, 0))
    for path in (folder / "gate").iterdir():
        path.chmod(0o400)
    files = [path for path in folder.rglob("*") if path.is_file()]
    return {str(path.relative_to(folder)): path.stat().st_size for path in files}
