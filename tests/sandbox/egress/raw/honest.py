"""Makes honest outputs of a real table: aggregates, charts' tables, reports and model cards, drawn by a seed."""

import json
from collections.abc import Callable

import numpy as np
import pandas as pd

from tests.sandbox.egress.raw.books import Book

Dice = np.random.Generator
Honest = tuple[str, str]
"""Ending and content."""
FEWEST = 20
"""Rows of a group that is shown."""


def csv(table: pd.DataFrame) -> Honest:
    return "csv", table.to_csv(index=False)


def groups(book: Book, dice: Dice, *, most: int = 2) -> list[str]:
    picked = dice.choice(
        book.dimensions, min(len(book.dimensions), int(dice.integers(1, most + 1))), replace=False
    )
    return [str(name) for name in picked]


def grouped(book: Book, dice: Dice, how: str) -> pd.DataFrame:
    keys = groups(book, dice)
    by = book.rows.groupby(keys)
    table = by[book.numbers].agg(how)
    table["n"] = by.size()
    return table[table["n"] >= FEWEST].reset_index()


def means(book: Book, dice: Dice) -> Honest:
    return csv(grouped(book, dice, "mean"))


def rounded_means(book: Book, dice: Dice) -> Honest:
    return csv(grouped(book, dice, "mean").round(int(dice.integers(1, 4))))


def sums(book: Book, dice: Dice) -> Honest:
    return csv(grouped(book, dice, "sum"))


def spreads(book: Book, dice: Dice) -> Honest:
    return csv(grouped(book, dice, "std"))


def medians(book: Book, dice: Dice) -> Honest:
    table = grouped(book, dice, "median")
    return csv(
        table.map(lambda value: float(f"{value:.2e}") if isinstance(value, float) else value)
    )


def counts(book: Book, dice: Dice) -> Honest:
    table = book.rows.groupby(groups(book, dice)).size().rename("n").reset_index()
    return csv(table[table["n"] >= FEWEST])


def shares(book: Book, dice: Dice) -> Honest:
    table = book.rows.groupby(groups(book, dice)).size().rename("share").reset_index()
    return csv(
        table[table["share"] >= FEWEST].assign(
            share=lambda t: (t["share"] / len(book.rows)).round(4)
        )
    )


def correlations(book: Book, dice: Dice) -> Honest:
    return csv(
        book.rows[book.numbers].corr(["pearson", "spearman"][dice.integers(2)]).reset_index()
    )


def quantiles(book: Book, dice: Dice) -> Honest:
    table = book.rows[book.numbers].quantile(np.linspace(0.05, 0.95, int(dice.integers(5, 20))))
    return csv(table.map(lambda value: float(f"{value:.2e}")).reset_index())


def histogram(book: Book, dice: Dice) -> Honest:
    name = str(dice.choice(book.numbers))
    values = book.rows[name].dropna()
    count, edges = np.histogram(values, bins=int(dice.integers(10, 60)))
    table = pd.DataFrame({"from": edges[:-1], "to": edges[1:], "n": count})
    return csv(table[table["n"] >= FEWEST].round(4))


def curve(book: Book, dice: Dice) -> Honest:
    """Write a chart's table: the mean of one number over many bins of another."""
    over, of = (str(name) for name in dice.choice(book.numbers, 2, replace=False))
    bins = pd.qcut(book.rows[over], 150, duplicates="drop")
    table = book.rows.groupby(bins, observed=True).agg(
        x=(over, "mean"), y=(of, "mean"), n=(of, "size")
    )
    return csv(table[table["n"] >= FEWEST].reset_index(drop=True))


def roc(_book: Book, dice: Dice) -> Honest:
    rate = np.linspace(0, 1, int(dice.integers(50, 400)))
    return csv(
        pd.DataFrame({"threshold": rate[::-1], "fpr": rate, "tpr": rate ** dice.uniform(0.2, 0.7)})
    )


def forecast(book: Book, dice: Dice) -> Honest:
    """Write the predictions of a linear model on a grid of made-up inputs."""
    x, y = (str(name) for name in dice.choice(book.numbers, 2, replace=False))
    known = book.rows[[x, y]].dropna()
    slope, start = np.polyfit(known[x], known[y], 1)
    grid = np.linspace(
        known[x].quantile(0.05), known[x].quantile(0.95), int(dice.integers(20, 200))
    )
    return csv(pd.DataFrame({"x": grid, "y": start + slope * grid}).round(3))


def importances(book: Book, dice: Dice) -> Honest:
    weights = dice.dirichlet(np.ones(len(book.rows.columns)))
    return "json", json.dumps(
        dict(zip(map(str, book.rows.columns), weights.round(4).tolist(), strict=True))
    )


def card(book: Book, dice: Dice) -> Honest:
    def measured() -> dict[str, float]:
        return {
            "auc": round(float(dice.uniform(0.6, 0.95)), 4),
            "ks": round(float(dice.uniform(0.2, 0.6)), 3),
        }

    told = {
        "model": "logistic",
        "seed": int(dice.integers(1, 10**8)),
        "rows": {"train": len(book.rows) * 4 // 5, "test": len(book.rows) // 5},
        "coefficients": {name: round(float(dice.normal()), 4) for name in book.numbers},
        "measures": {"train": measured(), "test": measured()},
        "folds": [measured() for _ in range(5)],
    }
    return "json", json.dumps(told)


def report(book: Book, dice: Dice) -> Honest:
    name = str(dice.choice(book.numbers))
    key = groups(book, dice, most=1)
    by = book.rows.groupby(key)[name].agg(["mean", "std", "size"])
    table = by[by["size"] >= FEWEST].round(2).to_string()
    overall = book.rows[name].mean()
    text = (
        f"# Report on {name}\n\nOver {len(book.rows):,} rows the mean is {overall:.2f}; by {key[0]}:\n\n{table}\n\n"
        f"An AUC of {dice.uniform(0.6, 0.9):.3f} was reached with 10 folds (seed {dice.integers(10**6)}).\n"
    )
    return "md", text


def chinese_report(book: Book, dice: Dice) -> Honest:
    lines = [
        f"{name} 的均值为 {book.rows[name].mean():.2f},标准差为 {book.rows[name].std():.2f}。"
        for name in book.numbers
    ]
    return "txt", f"共 {len(book.rows)} 条,抽样种子 {dice.integers(10**6)}。\n" + "\n".join(
        lines
    ) + "\n"


def table_as_text(book: Book, dice: Dice) -> Honest:
    return "txt", grouped(book, dice, "mean").to_string() + "\n"


def records(book: Book, dice: Dice) -> Honest:
    return "json", grouped(book, dice, "mean").to_json(orient="records")


def pivot(book: Book, dice: Dice) -> Honest:
    """Write a cross-table of means, one category to a column."""
    keys = groups(book, dice, most=2)
    of = str(dice.choice(book.numbers))
    by = book.rows.groupby(keys)[of].agg(["mean", "size"])
    shown = by.loc[by["size"] >= FEWEST, ["mean"]].reset_index()
    table = shown.pivot_table("mean", keys[0], keys[1:] or None)
    return csv(table.round(2).reset_index().rename(columns=str))


def coefficients(book: Book, dice: Dice) -> Honest:
    """Write a regression's table: estimates, errors, and their ratio."""
    of, *terms = (str(name) for name in dice.permutation(book.numbers))
    known = book.rows[[of, *terms]].dropna()
    x = np.column_stack([np.ones(len(known)), known[terms].to_numpy(float)])
    y = known[of].to_numpy(float)
    estimate, *_ = np.linalg.lstsq(x, y, rcond=None)
    spread = ((y - x @ estimate) ** 2).mean() * np.linalg.pinv(x.T @ x).diagonal()
    error = np.sqrt(np.maximum(spread, 0))
    table = pd.DataFrame({"term": ["intercept", *terms], "estimate": estimate, "error": error})
    return csv(table.assign(t=lambda t: t["estimate"] / t["error"]).round(6))


def confusion(book: Book, dice: Dice) -> Honest:
    share = float(dice.uniform(0.05, 0.4))
    hit, false = float(dice.uniform(0.5, 0.9)), float(dice.uniform(0.05, 0.3))
    n = len(book.rows) // 5
    cells = [[n * share * hit, n * share * (1 - hit)], [n * (1 - share) * false, 0]]
    cells[1][1] = n * (1 - share) - cells[1][0]
    table = pd.DataFrame(np.round(cells), ["bad", "good"], ["called bad", "called good"])
    return csv(table.astype(int).reset_index())


def deciles(book: Book, dice: Dice) -> Honest:
    """Write a lift table: rows sorted by a score, in ten parts."""
    over, of = (str(name) for name in dice.choice(book.numbers, 2, replace=False))
    part = pd.qcut(book.rows[over].rank(method="first"), 10, labels=False)
    table = book.rows.groupby(part)[of].agg(["size", "mean", "std"]).reset_index()
    return csv(table.assign(lift=lambda t: t["mean"] / book.rows[of].mean()).round(3))


def summary(book: Book, dice: Dice) -> Honest:
    """Write means, spreads and rounded quartiles of all columns, on their side."""
    table = book.rows[book.numbers].describe().drop(index=["min", "max"])
    digits = int(dice.integers(2, 5))
    return csv(table.map(lambda value: float(f"{value:.{digits}g}")).T.reset_index())


def bars(book: Book, dice: Dice) -> Honest:
    """Write a chart with its values, as Vega-Lite has them."""
    table = grouped(book, dice, "mean").dropna().round(3)
    told = {
        "mark": "bar",
        "encoding": {"x": {"field": str(table.columns[0])}, "y": {"field": book.numbers[0]}},
        "data": {"values": table.to_dict("records")},
    }
    return "json", json.dumps(told, default=str)


def model_card(book: Book, dice: Dice) -> Honest:
    weights = {name: round(float(dice.normal()), 4) for name in book.numbers}
    rows = "\n".join(
        f"| {name} | {weight} | {abs(weight) / 3:.4f} |" for name, weight in weights.items()
    )
    return "md", (
        f"# Model card\n\nGradient boosting, {dice.integers(50, 500)} trees, depth {dice.integers(2, 8)}, seed"
        f" {dice.integers(10**6)}. Trained on {len(book.rows) * 4 // 5:,} rows, AUC {dice.uniform(0.6, 0.95):.4f}.\n\n"
        f"| input | weight | error |\n|---|---|---|\n{rows}\n"
    )


MAKERS: tuple[Callable[[Book, Dice], Honest], ...] = (
    means,
    rounded_means,
    sums,
    spreads,
    medians,
    counts,
    shares,
    correlations,
    quantiles,
    histogram,
    curve,
    roc,
    forecast,
    importances,
    card,
    report,
    chinese_report,
    table_as_text,
    records,
    pivot,
    coefficients,
    confusion,
    deciles,
    summary,
    bars,
    model_card,
)


def honest(book: Book, seed: int) -> tuple[str, Honest]:
    """Return the name and the content of one honest output."""
    maker = MAKERS[seed % len(MAKERS)]
    return maker.__name__, maker(book, np.random.default_rng(seed))
