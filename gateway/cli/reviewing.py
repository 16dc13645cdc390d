"""`shuyu review`: what waits for the seats and for a second look, and the lots by which releases are drawn."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Annotated, Any

import typer

from gateway.cli.calling import FAILED, calling, connect, plain, say, table
from gateway.cli.domain import HomePath, at
from jobs.steps.recount import Recount, recount

app = typer.Typer(help="Review held outputs and drawn releases. 审核与复核。", no_args_is_help=True)
app.callback()(connect)
_KINDS = {"added": "+", "removed": "-", "changed": "~", "same": " "}
_TO_THE_SECOND = 19
Shown = Mapping[str, Any]
"""An object of the gateway's answer."""


@app.command("list")
def list_held(ctx: typer.Context) -> None:
    """List the held jobs that concern your seats."""
    with calling(ctx) as client:
        found = client.get("/review/queue")["items"]
    rows = [
        (each["job"], each["scenario"], each["developer"], ", ".join(each["waiting"]))
        for each in found
    ]
    table("待审核 Held", ("job", "scenario", "developer", "waiting"), rows)


@app.command("show")
def show(ctx: typer.Context, job: str) -> None:
    """Show one held job: each output laid out, its difference to the last version, and related releases."""
    with calling(ctx) as client:
        case = client.get(f"/review/{job}")
    plain(f"{case['job']}  {case['scenario']}  {case['developer']}", style="bold")
    for output in case["outputs"]:
        plain(f"\n{output['output']}  {output['file']}  {output['digest']}", style="bold")
        for found in output["findings"]:
            plain(
                f"  [{found['reason']['rule']}] {found['reason'].get('place', '')}", style="yellow"
            )
        _lay_out(output["view"])
        _compare(output["last"], output["digest"])
    _relate(case["related"])
    for said in case["verdicts"]:
        plain(f"  {said['seat']}  {said['vote']}  {said['reason']}")
    plain(f"等待 waiting  {', '.join(case['waiting'])}")


@app.command("drawn")
def list_drawn(ctx: typer.Context) -> None:
    """List the releases that were drawn for a second look."""
    with calling(ctx) as client:
        found = client.get("/review/drawn")["items"]
    rows = [
        (each["release"], each["drawn_at"][:_TO_THE_SECOND], each["says"] or "waiting")
        for each in found
    ]
    table("抽样复核 Drawn", ("release", "drawn (UTC)", "says"), rows)


@app.command("again")
def look_again(ctx: typer.Context, release: str) -> None:
    """Show one drawn release: its files laid out, with the digests that an opinion signs."""
    with calling(ctx) as client:
        found = client.get(f"/review/drawn/{release}")
    plain(f"{found['release']}  {found['scenario']}  {found['developer']}", style="bold")
    for file in found["files"]:
        plain(f"\n{file['file']}  {file['digest']}", style="bold")
        if file["view"]:
            _lay_out(file["view"])
    for reason in found["barred"]:
        plain(f"  {reason['why']['zh']} / {reason['why']['en']}", style="yellow")


@app.command("judge")
def judge(
    ctx: typer.Context,
    release: str,
    *,
    words: Annotated[str, typer.Option(help="Why: it is kept; the log has its digest.")],
    signed: Annotated[
        list[str], typer.Option(help="The digest of each file that you saw; may be repeated.")
    ],
    objection: Annotated[
        bool, typer.Option("--objection/--in-order", help="An objection stops its download.")
    ],
) -> None:
    """Say that a drawn release is in order, or object to it."""
    says = "objection" if objection else "in_order"
    with calling(ctx) as client:
        body = {"says": says, "words": words, "signed": signed}
        client.post(f"/review/drawn/{release}/opinion", body)
    plain(f"{release} {says} ✓")


@app.command("lots")
def lots(
    *,
    verify: Annotated[
        bool, typer.Option("--verify", help="Fail where a day's lots do not hold.")
    ] = False,
    home: HomePath = Path("domain"),
) -> None:
    """Recompute from the log who was drawn; that the log is whole, `shuyu log verify` says."""
    with at(home) as (_, record), record.reading() as tx:
        days = recount(tx)
    columns = ("day", "rate", "revealed", "automatic", "drawn", "wrong")
    table("抽签 Lots", columns, [_day(each) for each in days])
    wrong = [f"{each.day}: {why}" for each in days for why in each.wrong]
    for each in wrong:
        say("抽签与日志不符", each)
    if verify and wrong:
        raise typer.Exit(FAILED)
    if verify:
        plain("抽签核验通过 every lot holds", style="bold green")


def _day(each: Recount) -> tuple[str, ...]:
    counts = (each.automatic, each.drawn, len(each.wrong))
    return (each.day, each.rate, "✓" if each.revealed else "", *map(str, counts))


def _lay_out(view: Shown) -> None:
    if "lines" in view:
        for line in view["lines"]:
            marks = "".join(f"   ← {rule}" for rule in line["marks"])
            plain(f"{line['number']:>5}  {line['text']}{marks}")
        _more(view["more_lines"])
        return
    heads = [
        f"{name} ← {', '.join(marks)}" if marks else name
        for name, marks in zip(view["columns"], view["marks"], strict=True)
    ]
    table("", heads, view["rows"])
    _more(view["more_rows"])
    _more(view["more_columns"], "列 columns")
    if view["is_cut"]:
        plain("… 文件超出预览上限 the file goes on beyond the preview")


def _more(count: int, what: str = "行 rows") -> None:
    if count:
        plain(f"… 另有 {count} {what} more, not shown")


def _compare(last: Shown | None, digest: str) -> None:
    if last is None:
        plain("没有上一版本 no earlier version that you may see")
        return
    plain(f"上一版本 last version  {last['of']}  {last['at'][:_TO_THE_SECOND]}")
    if last["digest"] == digest:
        plain("  字节相同 the same bytes")
    elif last["difference"] is None:
        plain("  未作比较 not compared")
    else:
        for line in _changes(last["difference"]):
            plain(line)


def _changes(found: Shown) -> Iterator[str]:
    yield f"  +{found['added']} -{found['removed']} ~{found['changed']}"
    for sign, names in (("+", found["columns_added"]), ("-", found["columns_removed"])):
        if names:
            yield f"  列 columns {sign} {', '.join(names)}"
    for change in found["changes"]:
        cells = "".join(f"; {column}: {old} → {new}" for column, old, new in change["cells"])
        yield f"  {_KINDS[change['kind']]} {', '.join(change['what'])}{cells}"
    if found["more"]:
        yield f"  … 另有 {found['more']} 处 more"
    if not found["is_whole"]:
        yield "  只比较了开头部分 only the beginning was compared"


def _relate(related: Shown) -> None:
    rows = [
        (
            each["release"],
            each["scenario"],
            (each["at"] or "-")[:_TO_THE_SECOND],
            ", ".join(each["dimensions"]),
            ", ".join(each["snapshots"]),
        )
        for each in related["shown"]
    ]
    columns = ("release", "scenario", "at (UTC)", "dimensions", "snapshots")
    table("相关发布 Related", columns, rows)
    _more(related["hidden"], "项您无权查看 that you may not see")
