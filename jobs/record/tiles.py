"""The log as tiles: what any web server can serve, and any client prove things from (C2SP tlog-tiles).

A tile holds up to 256 hashes of one level in eight of the tree; a bundle holds the entries under
a tile of the lowest level. Neither ever changes once the log has reached it.
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from json.encoder import encode_basestring
from typing import Any

from sqlalchemy import Row, Select, select, type_coerce
from sqlalchemy.types import NullType

from jobs.errors import NotFoundError, RecordBrokenError
from jobs.proof.merkle import HASH_BYTES, Node
from jobs.record.database import Reading
from jobs.record.event import MAX_BYTES
from jobs.record.schema import log_entry

HEIGHT = 8
"""How many levels of the tree lie between the hashes of a tile and those of the next."""
WIDTH = 1 << HEIGHT
"""The hashes of a full tile, and the entries of a full bundle."""
_LAST_LEVEL = 63
PREFIX_BYTES = 2
"""The bytes of an entry's length in a bundle."""

# Nodes come as the database keeps them: SQLite's columns may hold what no column type expects.
_NODES = type_coerce(log_entry.c.nodes, NullType()).label("nodes")
KEPT = select(*(column for column in log_entry.c if column.name != "nodes"), _NODES)
"""Every column of the log's entries, in the order of the table, without SQLAlchemy's conversions."""

_PATH = re.compile(
    r"tile/(?P<level>\d{1,2}|entries)/(?P<index>(?:x\d{3}/){0,6}\d{3})(?:\.p/(?P<width>\d{1,3}))?",
    re.ASCII,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Tile:
    """A run of hashes: one for every `256 ** level` leaves, `width` of them."""

    level: int
    index: int
    width: int = WIDTH

    @property
    def path(self) -> str:
        """Where it is served."""
        return _path(str(self.level), self.index, self.width)

    @property
    def nodes(self) -> list[Node]:
        """The subtrees whose hashes it holds."""
        first = self.index * WIDTH
        return [Node(HEIGHT * self.level, first + each) for each in range(self.width)]


@dataclass(frozen=True, slots=True, kw_only=True)
class Bundle:
    """A run of `width` entries, each after its length."""

    index: int
    width: int = WIDTH

    @property
    def path(self) -> str:
        """Where it is served."""
        return _path("entries", self.index, self.width)


def parse(path: str) -> Tile | Bundle:
    """Return what is served at `path`; raise `NotFoundError` where nothing ever is."""
    found = _PATH.fullmatch(path)
    if found is None:
        raise NotFoundError("the log has no such tile")
    index = int(re.sub(r"[x/]", "", found["index"]))
    width = WIDTH if found["width"] is None else int(found["width"])
    named: Tile | Bundle = Bundle(index=index, width=width)
    if found["level"] != "entries":
        named = Tile(level=int(found["level"]), index=index, width=width)
    # A zero too many, a full tile with a width, a level or a width out of bounds: no such path.
    if named.path != path or not 0 < width <= WIDTH or _level(named) > _LAST_LEVEL:
        raise NotFoundError("the log has no such tile")
    return named


def tiles_of(size: int) -> Iterator[Tile | Bundle]:
    """Name the tiles and bundles of a log of `size` entries, and no other."""
    for index, width in runs(size):
        yield Bundle(index=index, width=width)
    level = 0
    while hashes := size >> HEIGHT * level:
        for index, width in runs(hashes):
            yield Tile(level=level, index=index, width=width)
        level += 1


def runs(count: int) -> Iterator[tuple[int, int]]:
    """Give the index and the width of each tile or bundle that `count` hashes or entries fill."""
    for index in range(count >> HEIGHT):
        yield index, WIDTH
    if count % WIDTH:
        yield count >> HEIGHT, count % WIDTH


def content(tx: Reading, wanted: Tile | Bundle) -> bytes:
    """Return the bytes of a tile or a bundle.

    Raise `NotFoundError` where the log has not reached it, `RecordBrokenError` where its rows are
    missing or cannot be bundled.
    """
    end = (wanted.index * WIDTH + wanted.width) << HEIGHT * _level(wanted)
    if end > tx.peaks().size:
        raise NotFoundError("the log has not reached this tile")
    if isinstance(wanted, Bundle):
        return _bundle(_rows(tx, end - wanted.width, end))
    hashes = kept_hashes(tx, wanted.nodes)
    return b"".join(hashes[node] for node in wanted.nodes)


def entries_in(bundle: bytes, width: int) -> list[bytes]:
    """Return the entries that `bundle` holds; raise `RecordBrokenError` unless they are `width`."""
    found, at = [], 0
    for _ in range(width):
        start = at + PREFIX_BYTES
        at = start + int.from_bytes(bundle[at:start])
        found.append(bundle[start:at])
    if at != len(bundle):
        raise RecordBrokenError(f"a bundle does not hold {width} entries")
    return found


def kept_hashes(tx: Reading, nodes: Iterable[Node]) -> dict[Node, bytes]:
    """Return the kept hash of each of `nodes`, no two of which may end with the same leaf.

    Raise `RecordBrokenError` where a row or a part of it is missing.
    """
    by_leaf = {node.last_leaf: node for node in nodes}
    wanted = select(log_entry.c.seq, _NODES).where(log_entry.c.seq.in_(by_leaf))
    kept = {row.seq: row.nodes for row in tx.rows(wanted)}
    return {node: _hash(kept.get(seq), node) for seq, node in by_leaf.items()}


def leaf_of(row: Sequence[Any]) -> bytes:
    """Return the leaf that a row of `KEPT` stands for, put together without parsing anything.

    Raise `RecordBrokenError` where it holds something else than texts. It is what `database.leaf`
    writes: JSON with sorted keys, the facts as they were kept. No two rows of one place give
    the same leaf, so that nobody can alter a row and keep its hash: read from the left, actor and
    time end at the first quote that no backslash hides; read from the right, the facts end before
    the last `,"kind":`, since a quote inside an encoded text follows a backslash and never a comma;
    and what follows ends at quotes again.
    """
    seq, at, kind, subject, actor, facts, _nodes = row
    text = encode_basestring
    try:
        parts = (
            '{"actor":', text(actor), ',"at":', text(at), ',"facts":', facts, ',"kind":', text(kind),
            ',"seq":', str(seq), ',"subject":', text(subject), "}",
        )  # fmt: skip
        return "".join(parts).encode()
    except (TypeError, ValueError):
        raise RecordBrokenError(f"entry {seq}: its row is not an event") from None


def _path(level: str, index: int, width: int) -> str:
    digits = str(index).zfill(-(-len(str(index)) // 3) * 3)
    groups = [digits[at : at + 3] for at in range(0, len(digits), 3)]
    parts = [*(f"x{group}" for group in groups[:-1]), groups[-1]]
    partial = "" if width == WIDTH else f".p/{width}"
    return f"tile/{level}/{'/'.join(parts)}{partial}"


def _level(wanted: Tile | Bundle) -> int:
    return wanted.level if isinstance(wanted, Tile) else 0


def _rows(tx: Reading, start: int, end: int) -> Sequence[Row[Any]]:
    seq = log_entry.c.seq
    wanted: Select[Any] = KEPT.where(seq >= start, seq < end).order_by(seq)
    rows = tx.rows(wanted)
    if len(rows) != end - start:
        raise RecordBrokenError(f"entries {start} to {end - 1}: not all of them are kept")
    return rows


def _bundle(rows: Iterable[Row[Any]]) -> bytes:
    return b"".join(_measured(row.seq, leaf_of(row)) for row in rows)


def _measured(seq: int, leaf: bytes) -> bytes:
    if len(leaf) > MAX_BYTES:
        raise RecordBrokenError(f"entry {seq}: longer than an entry may be")
    return len(leaf).to_bytes(PREFIX_BYTES) + leaf


def _hash(nodes: object, node: Node) -> bytes:
    start = node.level * HASH_BYTES
    found = nodes[start : start + HASH_BYTES] if isinstance(nodes, bytes) else b""
    if len(found) != HASH_BYTES:
        raise RecordBrokenError(f"entry {node.last_leaf}: its hashes are not kept")
    return found
