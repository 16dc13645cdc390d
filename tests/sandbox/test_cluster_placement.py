"""Where an order goes: to a node that can run it, has room, holds its views, and did not fail it before."""

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from sandbox.asset import Digest, ImageDigest
from sandbox.cluster.placement import Held, Node, Share, asked, free, placed
from sandbox.order import ContainerOrder, Limits
from sandbox.runner.contract import Found

GIB = 1 << 30
IMAGE, OTHER = ImageDigest("sha256:" + "1" * 64), ImageDigest("sha256:" + "2" * 64)
VIEWS = [Digest("sha256:" + digit * 64) for digit in "abc"]
SMALL = Share(cpus=1, memory_bytes=GIB)
LIMITS = Limits(seconds=9, memory_bytes=GIB, cpus=1, processes=9, output_bytes=9, output_files=1)
FOUND = Found(
    engine="20.10", runtimes=("runc",), cgroup="2", images=(("python", IMAGE),), missing=()
)
ORDER = ContainerOrder(
    job="J-1", epoch=1, scope="S", image=IMAGE, command=("x",), views=(), outputs=(), limits=LIMITS
)


def node(name: str, *, cpus: float = 2, views: tuple[Digest, ...] = ()) -> Node:
    room = Share(cpus=cpus, memory_bytes=4 * GIB)
    return Node(id=name, all=room, found=FOUND, views=frozenset(views))


def taken(name: str, cpus: float) -> Held:
    return Held(node=name, share=replace(SMALL, cpus=cpus))


def test_a_node_that_holds_the_view_is_preferred_to_one_that_has_more_room() -> None:
    nodes = [node("idle", cpus=8), node("holder", views=(VIEWS[0],))]

    chosen = placed(SMALL, nodes, held=[], views=VIEWS[:1])

    assert chosen == nodes[1]


def test_a_node_that_holds_the_view_and_has_no_room_is_not_waited_for() -> None:
    nodes = [node("idle"), node("holder", views=(VIEWS[0],))]

    chosen = placed(SMALL, nodes, held=[taken("holder", 2)], views=VIEWS[:1])

    assert chosen == nodes[0]


def test_the_second_attempt_goes_to_another_node_even_without_the_view() -> None:
    nodes = [node("idle"), node("failed", views=(VIEWS[0],))]

    chosen = placed(SMALL, nodes, held=[], views=VIEWS[:1], failed=frozenset({"failed"}))

    assert chosen == nodes[0]


def test_where_there_is_no_other_node_the_one_that_failed_is_tried_again() -> None:
    only = node("failed")

    assert placed(SMALL, [only], held=[], failed=frozenset({"failed"})) == only


def test_without_views_the_idlest_node_is_taken() -> None:
    nodes = [node("a"), node("b")]

    assert placed(SMALL, nodes, held=[taken("b", 1)]) == nodes[0]
    assert placed(SMALL, nodes, held=[taken("a", 1)]) == nodes[1]


def test_what_no_node_could_ever_hold_takes_all_of_the_largest_instead_of_waiting_for_ever() -> (
    None
):
    nodes = [node("small", cpus=1), node("large", cpus=3)]

    share = asked(replace(LIMITS, cpus=64, memory_bytes=64 * GIB), nodes)

    assert share == Share(cpus=3, memory_bytes=4 * GIB)
    assert placed(share, nodes, held=[]) == nodes[1]
    assert placed(share, nodes, held=[taken("large", 0.5)]) is None


def test_a_container_needs_a_node_with_its_image_its_runtime_and_an_engine() -> None:
    whole = node("whole")

    assert whole.can_run(ORDER)
    assert not whole.can_run(replace(ORDER, image=OTHER))
    assert not whole.can_run(replace(ORDER, runtime="runsc"))
    assert not replace(whole, found=replace(FOUND, engine="")).can_run(ORDER)
    assert not replace(whole, found=None).can_run(ORDER)


@given(
    sizes=st.lists(st.integers(1, 4), min_size=1, max_size=4),
    orders=st.lists(st.sampled_from([0.25, 0.5, 1.0, 2.0]), max_size=30),
)
def test_no_node_is_ever_given_more_than_it_has(sizes: list[int], orders: list[float]) -> None:
    nodes = [node(f"n{number}", cpus=size) for number, size in enumerate(sizes)]
    held: list[Held] = []

    for cpus in orders:
        share = Share(cpus=cpus, memory_bytes=GIB // 2)
        chosen = placed(share, nodes, held=held)
        if chosen is None:
            assert not any(share.fits(free(each, held)) for each in nodes)
        else:
            held.append(Held(node=chosen.id, share=share))

    assert all(free(each, held).cpus >= 0 for each in nodes)
    assert all(free(each, held).memory_bytes >= 0 for each in nodes)


def test_a_node_reads_where_it_has_an_engine_and_the_reader() -> None:
    with_reader = replace(FOUND, images=(*FOUND.images, ("reader", OTHER)))

    assert replace(node("whole"), found=with_reader).has_reader
    assert not node("without").has_reader
    assert not replace(node("down"), found=replace(with_reader, engine="")).has_reader
    assert not replace(node("unknown"), found=None).has_reader
