"""What leaves is counted in bits after compression."""

import secrets

from sandbox.egress.inspection import Held
from sandbox.egress.volume import MOST_AT_BEST, bits_of
from sandbox.order import ReleaseClass
from tests.sandbox.egress.conftest import Judge
from tests.sandbox.egress.examples import file, output


def test_a_message_counts_whole_and_padding_hardly() -> None:
    message = secrets.token_bytes(1000)

    assert bits_of(message) >= 8 * len(message)
    assert bits_of(message + b"0" * 100_000) < bits_of(message) + 400


def test_of_a_large_file_the_count_is_never_lower_for_being_faster() -> None:
    words = b"".join(b"%d,%d\n" % (at, at * at) for at in range(400_000))
    assert len(words) > MOST_AT_BEST

    assert bits_of(words) >= bits_of(words[:MOST_AT_BEST])


def test_a_verdict_that_may_let_something_out_says_how_much(judge: Judge) -> None:
    verdict = judge(file("txt", "AUC 0.71 on many loans.\n"), output(ReleaseClass.REVIEWED))

    assert isinstance(verdict, Held)
    assert 0 < verdict.bits < 8 * 100
