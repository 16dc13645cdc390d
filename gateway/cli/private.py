"""`shuyu blocks`, `train` and `sample`: answers of the domain's own mechanisms, priced before data is read."""

import json
import shlex
from pathlib import Path
from typing import Annotated, Any

import typer

from gateway.cli.calling import REFUSED, calling, connect, plain
from gateway.cli.jobs import EXITS, followed, show_job
from gateway.cli.prices import show_price
from gateway.client.works import blocks_work, sample_work, training_work

blocks = typer.Typer(help="Any program, over blocks of units. 分块计算。", no_args_is_help=True)
training = typer.Typer(help="Models under differential privacy. 模型训练。", no_args_is_help=True)
samples = typer.Typer(help="Synthetic rows for dry runs. 合成样例数据。", no_args_is_help=True)
for each in (blocks, training, samples):
    each.callback()(connect)

Scenario = Annotated[str, typer.Option(help="The approved scenario, such as SC-SH-2026-0001.")]
Output = Annotated[str, typer.Option(help="A declared output.")]
Terms = Annotated[Path, typer.Option(exists=True, dir_okay=False, help="A JSON file of the terms.")]
Image = Annotated[str, typer.Option(help="The image's digest.")]
Command = Annotated[str, typer.Option(help="The command, split as a shell splits it.")]
Code = Annotated[
    Path | None, typer.Option(exists=True, file_okay=False, help="A folder, mounted at /job.")
]
Price = Annotated[bool, typer.Option("--price", help="Say what it would cost; submit nothing.")]
Wait = Annotated[bool, typer.Option("--wait", help="Follow the job to its end.")]
Asset = Annotated[str, typer.Option(help="A granted asset.")]


@blocks.command("submit")
def submit_blocks(  # noqa: PLR0913 - these are the command's options, and every one is named
    ctx: typer.Context,
    *,
    scenario: Scenario,
    output: Output,
    terms: Terms,
    image: Image,
    command: Command,
    code: Code = None,
    price: Price = False,
    wait: Wait = False,
) -> None:
    """Run a program on each of k blocks of units; what it says of all is chosen privately and released."""
    work = blocks_work(
        image=image,
        command=shlex.split(command),
        terms=_object(terms),
        output=output,
        code=code,
    )
    _asked(ctx, scenario, work, price=price, wait=wait)


@training.command("submit")
def submit_training(  # noqa: PLR0913 - these are the command's options, and every one is named
    ctx: typer.Context,
    *,
    scenario: Scenario,
    output: Output,
    terms: Terms,
    price: Price = False,
    wait: Wait = False,
) -> None:
    """Have the domain's own trainer fit a model; you give the design, never code."""
    _asked(ctx, scenario, training_work(_object(terms), output=output), price=price, wait=wait)


@samples.command("submit")
def submit_sample(  # noqa: PLR0913 - these are the command's options, and every one is named
    ctx: typer.Context,
    *,
    scenario: Scenario,
    asset: Asset,
    output: Output,
    epsilon: Annotated[str, typer.Option(help="The privacy cost, a decimal number such as 0.5.")],
    rows: Annotated[int, typer.Option(min=1)] = 1000,
    rows_per_unit: Annotated[int, typer.Option(min=1, help="A public bound.")] = 1,
    price: Price = False,
    wait: Wait = False,
) -> None:
    """Draw synthetic rows from noisy counts: shapes and the strongest pairs are kept, and nobody's row is."""
    work = sample_work(
        asset, rows=rows, epsilon=epsilon, output=output, rows_per_unit=rows_per_unit
    )
    _asked(ctx, scenario, work, price=price, wait=wait)


@samples.command("rows")
def make_rows(  # noqa: PLR0913 - these are the command's options, and every one is named
    ctx: typer.Context,
    *,
    scenario: Scenario,
    asset: Asset,
    out: Annotated[Path, typer.Option(help="The CSV file to write.")],
    rows: Annotated[int, typer.Option(min=1, max=10_000)] = 100,
    seed: Annotated[int, typer.Option(min=0, help="Other rows for another number.")] = 0,
) -> None:
    """Write rows made up from the catalogue alone, as a job would see them: free of charge, and of any data."""
    with calling(ctx) as client:
        out.write_bytes(client.rows(scenario, asset, rows=rows, seed=seed))
    plain(
        f"已写入 {rows} 行样例数据（由目录生成，不含真实数据） wrote {rows} made-up rows to {out}"
    )


def _asked(
    ctx: typer.Context, scenario: str, work: dict[str, Any], *, price: bool, wait: bool
) -> None:
    with calling(ctx) as client:
        if price:
            found = client.price(scenario, work)
            show_price(found)
            raise typer.Exit(REFUSED if found["reasons"] else 0)
        job = client.submit(scenario, work)
        shown = followed(client, job) if wait else job
        show_job(shown)
    raise typer.Exit(EXITS.get(shown.state, 0))


def _object(path: Path) -> dict[str, Any]:
    try:
        found = json.loads(path.read_text("utf-8"))
    except ValueError:
        found = None
    if not isinstance(found, dict):
        raise typer.BadParameter(f"{path} holds no JSON object")
    return found
