"""Reads one untrusted file and writes what is in it and under it as plain JSON: see `shuyu_reader.answer`.

It runs in a container of its own, with no data beside the one file and no network. Usage: `read.py FILE QUESTION ANSWER`. Whatever
goes wrong beyond what a file can be refused for ends it with a status, and the gate with a file that cannot be read.
"""

import errno
import sys
from pathlib import Path

from shuyu_reader.answer import answer, question_of


def main(file: Path, question: Path, said: Path) -> None:
    """Write the answer to a question about a file; where it takes more room than there is, that."""
    try:
        with said.open("w", encoding="utf-8") as out:
            out.writelines(answer(file, question_of(question.read_text(encoding="utf-8"))))
    except (OSError, MemoryError) as error:
        if isinstance(error, OSError) and error.errno != errno.ENOSPC:
            raise
        said.write_text('{"refused":"too large"}', encoding="utf-8")


if __name__ == "__main__":
    main(*map(Path, sys.argv[1:4]))
