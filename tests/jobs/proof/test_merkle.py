"""The vectors are those of the certificate-transparency tests: eight leaves and their roots."""

import hashlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jobs.proof.merkle import (
    EMPTY_ROOT,
    Head,
    Node,
    Peaks,
    Range,
    consistency_ranges,
    inclusion_ranges,
    leaf_hash,
    prove,
    split,
    verify_consistency,
    verify_inclusion,
)

LEAVES = [
    bytes.fromhex(text)
    for text in (
        "",
        "00",
        "10",
        "2021",
        "3031",
        "40414243",
        "5051525354555657",
        "606162636465666768696a6b6c6d6e6f",
    )
]
ROOTS = [
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
]
MOST = 64


class Tree:
    """A tree of numbered leaves, kept as the record keeps it, and again in the plainest way."""

    def __init__(self, size: int) -> None:
        self.leaves = [leaf_hash(b"%d" % number) for number in range(size)]
        self.heads, self._nodes = [Peaks()], []
        for leaf in self.leaves:
            peaks, completed = self.heads[-1].grown(leaf)
            self.heads.append(peaks)
            self._nodes.append(completed)

    def node(self, node: Node) -> bytes:
        return self._nodes[node.last_leaf][node.level]

    def head(self, size: int) -> Head:
        return Head(size=size, root=self.heads[size].root())

    def naive(self, leaves: Range) -> bytes:
        """Follow RFC 6962 section 2.1 word by word."""
        size = leaves.end - leaves.start
        if size == 1:
            return self.leaves[leaves.start]
        half = 1
        while half * 2 < size:
            half *= 2
        left = self.naive(Range(leaves.start, leaves.start + half))
        right = self.naive(Range(leaves.start + half, leaves.end))
        return hashlib.sha256(b"\x01" + left + right).digest()


TREE = Tree(MOST)


def test_the_published_roots_come_out() -> None:
    peaks, roots = Peaks(), []

    for leaf in LEAVES:
        peaks, _ = peaks.grown(leaf_hash(leaf))
        roots.append(peaks.root().hex())

    assert roots == ROOTS
    assert Peaks().root() == EMPTY_ROOT == hashlib.sha256(b"").digest()


def test_the_published_audit_path_comes_out() -> None:
    nodes: list[tuple[bytes, ...]] = []
    peaks = Peaks()
    for leaf in LEAVES:
        peaks, completed = peaks.grown(leaf_hash(leaf))
        nodes.append(completed)

    path = prove(inclusion_ranges(5, 8), lambda node: nodes[node.last_leaf][node.level])

    assert [step.hex()[:16] for step in path] == [
        "bc1a0643b12e4d2d",
        "ca854ea128ed050b",
        "d37ee418976dd957",
    ]


@pytest.mark.parametrize("size", range(1, MOST + 1))
def test_every_root_and_every_inclusion_proof_is_that_of_a_naive_tree(size: int) -> None:
    head = TREE.head(size)
    assert head.root == TREE.naive(Range(0, size))

    for seq, leaf in enumerate(TREE.leaves[:size]):
        ranges = inclusion_ranges(seq, size)
        proof = prove(ranges, TREE.node)

        assert proof == tuple(TREE.naive(part) for part in ranges)
        assert verify_inclusion(leaf, seq=seq, head=Head(size=size, root=head.root), proof=proof)


@pytest.mark.parametrize("new", range(MOST + 1))
def test_every_log_is_consistent_with_every_earlier_one(new: int) -> None:
    for old in range(new + 1):
        proof = prove(consistency_ranges(old, new), TREE.node)

        assert verify_consistency(TREE.head(old), TREE.head(new), proof)


@given(data=st.data(), size=st.integers(1, MOST))
def test_no_altered_inclusion_proof_is_believed(data: st.DataObject, size: int) -> None:
    seq = data.draw(st.integers(0, size - 1))
    leaf, root = TREE.leaves[seq], TREE.head(size).root
    proof = prove(inclusion_ranges(seq, size), TREE.node)
    other = data.draw(st.integers(-1, MOST).filter(lambda place: place != seq))
    longer = (*proof, leaf)

    assert not verify_inclusion(leaf, seq=other, head=Head(size=size, root=root), proof=proof)
    assert not verify_inclusion(leaf, seq=seq, head=Head(size=size, root=root), proof=longer)
    assert not verify_inclusion(
        leaf, seq=seq, head=Head(size=size, root=_flipped(data, root)), proof=proof
    )
    assert not verify_inclusion(
        _flipped(data, leaf), seq=seq, head=Head(size=size, root=root), proof=proof
    )
    if proof:
        assert not verify_inclusion(leaf, seq=seq, head=Head(size=size, root=root), proof=proof[1:])
        bent = _bent(data, proof)
        assert not verify_inclusion(leaf, seq=seq, head=Head(size=size, root=root), proof=bent)


@given(data=st.data(), new=st.integers(2, MOST))
def test_no_altered_consistency_proof_is_believed(data: st.DataObject, new: int) -> None:
    old = data.draw(st.integers(1, new - 1))
    was, now = TREE.head(old), TREE.head(new)
    proof = prove(consistency_ranges(old, new), TREE.node)
    forged = Head(size=old, root=_flipped(data, was.root))

    assert not verify_consistency(forged, now, proof)
    assert not verify_consistency(was, now, proof[:-1])
    assert not verify_consistency(was, now, (*proof, was.root))
    assert not verify_consistency(was, now, _bent(data, proof))
    assert not verify_consistency(now, was, proof)


def test_hashes_kept_side_by_side_come_apart_again() -> None:
    peaks = TREE.heads[21]

    assert Peaks.unpacked(21, peaks.packed()) == peaks
    assert split(b"") == ()


def _flipped(data: st.DataObject, value: bytes) -> bytes:
    bit = data.draw(st.integers(0, len(value) * 8 - 1))
    flipped = bytearray(value)
    flipped[bit // 8] ^= 1 << bit % 8
    return bytes(flipped)


def _bent(data: st.DataObject, proof: tuple[bytes, ...]) -> tuple[bytes, ...]:
    place = data.draw(st.integers(0, len(proof) - 1))
    return (*proof[:place], _flipped(data, proof[place]), *proof[place + 1 :])
