"""Writes the pages that are drawn from the code; `--check` fails where one is out of date."""

import sys
from pathlib import Path

from jobs.job import NEXT, JobState

HERE = Path(__file__).parent


def states() -> str:
    """Draw the life of a job from its one table."""
    arrows = [f"    {a} --> {b}" for a in JobState for b in JobState if b in NEXT[a]]
    return "\n".join(
        ["# The life of a job", "", "```mermaid", "stateDiagram-v2", *arrows, "```", ""]
    )


PAGES = {"states.md": states}


def main() -> int:
    """Write every page that is out of date, or only name them with `--check`."""
    stale = [
        name
        for name, draw in PAGES.items()
        if not (HERE / name).is_file() or (HERE / name).read_text("utf-8") != draw()
    ]
    if "--check" in sys.argv:
        print("\n".join(f"docs/{name} is out of date: run `make fix`" for name in stale))  # noqa: T201
        return int(bool(stale))
    for name in stale:
        (HERE / name).write_text(PAGES[name](), "utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
