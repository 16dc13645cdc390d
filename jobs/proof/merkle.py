"""The Merkle tree of the log: pure hashing, proofs and their verification (RFC 6962, RFC 9162).

A tree of n leaves is kept as the hashes of its perfect subtrees: `Node(level, index)` covers the
leaves from `index << level` to `(index + 1) << level`. Any other hash is folded from those.
"""

import hashlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import Self

HASH_BYTES = 32


class Hashing(StrEnum):
    """What a tree is hashed with; both give 32 bytes. A tree keeps the one that it began with."""

    SHA256 = "sha256"
    """RFC 6962's own; the tools of C2SP know no other."""
    SM3 = "sm3"
    """GB/T 32905."""

    def digest(self, content: bytes) -> bytes:
        """Return the hash of `content`."""
        if self is Hashing.SHA256:
            return hashlib.sha256(content).digest()
        return hashlib.new("sm3", content).digest()


EMPTY_ROOT = Hashing.SHA256.digest(b"")


def leaf_hash(leaf: bytes, hashing: Hashing = Hashing.SHA256) -> bytes:
    """Return the hash of a leaf (RFC 6962 section 2.1)."""
    return hashing.digest(b"\x00" + leaf)


def node_hash(left: bytes, right: bytes, hashing: Hashing = Hashing.SHA256) -> bytes:
    """Return the hash of an inner node (RFC 6962 section 2.1)."""
    return hashing.digest(b"\x01" + left + right)


@dataclass(frozen=True, slots=True)
class Node:
    """The place of one perfect subtree."""

    level: int
    index: int

    @property
    def last_leaf(self) -> int:
        """The leaf whose arrival completed this subtree."""
        return ((self.index + 1) << self.level) - 1


@dataclass(frozen=True, slots=True)
class Range:
    """The leaves from `start` up to, not including, `end`."""

    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Peaks:
    """A tree that can only grow: its size and its perfect subtrees, the largest first."""

    size: int = 0
    hashes: tuple[bytes, ...] = ()
    hashing: Hashing = Hashing.SHA256

    def grown(self, leaf: bytes) -> tuple[Self, tuple[bytes, ...]]:
        """Return the tree with the leaf hash `leaf` appended, and the hashes that this completed.

        The completed hashes stand by level: the leaf's own first, then one for each trailing one
        bit of the old size.
        """
        completed, peaks = [leaf], list(self.hashes)
        ones = self.size
        while ones & 1:
            completed.append(node_hash(peaks.pop(), completed[-1], self.hashing))
            ones >>= 1
        whole = (*peaks, completed[-1])
        return type(self)(self.size + 1, whole, self.hashing), tuple(completed)

    def root(self) -> bytes:
        """Return the tree's root."""
        return fold(self.hashes, self.hashing)

    def packed(self) -> bytes:
        """Return the hashes one after another."""
        return b"".join(self.hashes)

    @classmethod
    def unpacked(cls, size: int, packed: bytes, hashing: Hashing = Hashing.SHA256) -> Self:
        """Return the tree whose `packed` hashes were kept."""
        return cls(size, split(packed), hashing)


def split(packed: bytes) -> tuple[bytes, ...]:
    """Return the hashes that `packed` holds one after another."""
    return tuple(packed[start : start + HASH_BYTES] for start in range(0, len(packed), HASH_BYTES))


def fold(hashes: tuple[bytes, ...], hashing: Hashing = Hashing.SHA256) -> bytes:
    """Return the root over perfect subtrees that stand side by side, the largest first."""
    if not hashes:
        return hashing.digest(b"")
    root = hashes[-1]
    for left in reversed(hashes[:-1]):
        root = node_hash(left, root, hashing)
    return root


def cover(leaves: Range) -> tuple[Node, ...]:
    """Return the perfect subtrees that make up `leaves`, the largest first.

    `leaves` must be a range that a proof names: its start is a multiple of the largest power of
    two that it holds.
    """
    nodes, start = [], leaves.start
    while start < leaves.end:
        level = (leaves.end - start).bit_length() - 1
        nodes.append(Node(level, start >> level))
        start += 1 << level
    return tuple(nodes)


def inclusion_ranges(seq: int, size: int) -> tuple[Range, ...]:
    """Return what the audit path of leaf `seq` in a tree of `size` hashes (RFC 6962 section 2.1.1)."""
    return tuple(_path(seq, Range(0, size)))


def consistency_ranges(old: int, new: int) -> tuple[Range, ...]:
    """Return what the proof that `old` leaves begin `new` hashes (RFC 6962 section 2.1.2)."""
    return tuple(_subproof(old, Range(0, new), whole=True)) if 0 < old < new else ()


def _middle(leaves: Range) -> int:
    return leaves.start + (1 << ((leaves.end - leaves.start - 1).bit_length() - 1))


def _path(seq: int, leaves: Range) -> Iterator[Range]:
    if leaves.end - leaves.start == 1:
        return
    middle = _middle(leaves)
    left, right = Range(leaves.start, middle), Range(middle, leaves.end)
    if seq < middle:
        yield from _path(seq, left)
        yield right
    else:
        yield from _path(seq, right)
        yield left


def _subproof(old: int, leaves: Range, *, whole: bool) -> Iterator[Range]:
    if old == leaves.end:
        if not whole:
            yield leaves
        return
    middle = _middle(leaves)
    left, right = Range(leaves.start, middle), Range(middle, leaves.end)
    if old <= middle:
        yield from _subproof(old, left, whole=whole)
        yield right
    else:
        yield from _subproof(old, right, whole=False)
        yield left


def prove(
    ranges: tuple[Range, ...],
    hash_of: Callable[[Node], bytes],
    hashing: Hashing = Hashing.SHA256,
) -> tuple[bytes, ...]:
    """Return the hash of each range, from the hashes of the perfect subtrees."""
    return tuple(fold(tuple(hash_of(node) for node in cover(leaves)), hashing) for leaves in ranges)


@dataclass(frozen=True, slots=True, kw_only=True)
class Head:
    """The size and the root of a tree."""

    size: int
    root: bytes
    hashing: Hashing = Hashing.SHA256


def verify_inclusion(leaf: bytes, *, seq: int, head: Head, proof: tuple[bytes, ...]) -> bool:
    """Say whether `proof` shows leaf hash `leaf` at `seq` under `head` (RFC 9162 section 2.1.3.2)."""
    if not 0 <= seq < head.size:
        return False
    node, last, found = seq, head.size - 1, leaf
    for sibling in proof:
        if last == 0:
            return False
        if node & 1 or node == last:
            found = node_hash(sibling, found, head.hashing)
            while not node & 1 and node:
                node, last = node >> 1, last >> 1
        else:
            found = node_hash(found, sibling, head.hashing)
        node, last = node >> 1, last >> 1
    return last == 0 and found == head.root


def verify_consistency(old: Head, new: Head, proof: tuple[bytes, ...]) -> bool:
    """Say whether `proof` shows that `new` only adds leaves to `old` (RFC 9162 section 2.1.4.2)."""
    if not 0 <= old.size <= new.size or old.hashing is not new.hashing:
        return False
    if old.size in {0, new.size}:
        same = old.root == (new.hashing.digest(b"") if old.size == 0 else new.root)
        return same and not proof
    hashes = proof if old.size & (old.size - 1) else (old.root, *proof)
    return bool(hashes) and _rebuilt(old.size, new, hashes) == (old.root, new.root)


def _rebuilt(old: int, head: Head, hashes: tuple[bytes, ...]) -> tuple[bytes, bytes] | None:
    node, last = old - 1, head.size - 1
    while node & 1:
        node, last = node >> 1, last >> 1
    was = now = hashes[0]
    for sibling in hashes[1:]:
        if last == 0:
            return None
        if node & 1 or node == last:
            was = node_hash(sibling, was, head.hashing)
            now = node_hash(sibling, now, head.hashing)
            while not node & 1 and node:
                node, last = node >> 1, last >> 1
        else:
            now = node_hash(now, sibling, head.hashing)
        node, last = node >> 1, last >> 1
    return (was, now) if last == 0 else None
