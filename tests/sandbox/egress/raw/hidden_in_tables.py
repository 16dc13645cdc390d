"""Raw rows as other tables: renamed, rounded, scaled, mixed with others."""

import hashlib

import numpy as np
import pandas as pd

from tests.sandbox.egress.raw.disguise import (
    Disguise,
    Files,
    alone,
    csv,
    last,
    main,
    numbers,
    of_csv,
    table,
)

PER_FILE = 2


def rounded(rows: pd.DataFrame, digits: int) -> pd.DataFrame:
    return numbers(rows).map(lambda value: float(f"{value:.{digits - 1}e}"))


def noisy(rows: pd.DataFrame, share: float) -> pd.DataFrame:
    dice = np.random.default_rng(7)
    found = numbers(rows)
    return found * (1 + dice.normal(0, share, found.shape))


def scaled(rows: pd.DataFrame) -> pd.DataFrame:
    found = numbers(rows)
    return found * np.linspace(1.371, 2.917, found.shape[1])


def means(rows: pd.DataFrame, count: int) -> pd.DataFrame:
    """Make up rows that are no row's: means over random groups."""
    dice = np.random.default_rng(11)
    found = numbers(rows)
    picked = dice.integers(0, len(found), (count, 40))
    return pd.DataFrame(found.to_numpy()[picked].mean(axis=1), columns=found.columns)


def three_hidden(rows: pd.DataFrame) -> pd.DataFrame:
    among = means(rows, 1000)
    return pd.concat([among.iloc[:333], numbers(rows).head(3), among.iloc[333:]])


def interleaved(rows: pd.DataFrame) -> pd.DataFrame:
    mine, among = numbers(rows).reset_index(drop=True), means(rows, len(rows))
    among.index = among.index + 0.5
    return pd.concat([mine, among]).sort_index()


def shuffled_apart(rows: pd.DataFrame) -> pd.DataFrame:
    return numbers(rows).apply(lambda c: c.sample(frac=1, random_state=len(str(c.name))).to_numpy())


def shuffled_within(rows: pd.DataFrame) -> pd.DataFrame:
    """Give the cells of each row an order of its own, which their sizes undo."""
    dice = np.random.default_rng(3)
    found = numbers(rows).to_numpy()
    return pd.DataFrame(dice.permuted(found, axis=1)).add_prefix("f")


def halves(rows: pd.DataFrame) -> Files:
    """Write the left columns to one output and the right ones to another, in the same order."""
    half = rows.shape[1] // 2
    return [("csv", csv(rows.iloc[:, :half])), ("csv", csv(rows.iloc[:, half:]))]


def few_each(rows: pd.DataFrame) -> Files:
    """Write so few rows to each output that one alone says too little."""
    found = numbers(rows).head(3 * PER_FILE)
    parts = [found.iloc[i : i + PER_FILE] for i in range(0, len(found), PER_FILE)]
    return [("csv", csv(part)) for part in parts]


def melted(rows: pd.DataFrame) -> pd.DataFrame:
    found = numbers(rows).melt(ignore_index=False).sort_index(kind="stable")
    return found[["variable", "value"]]


def of_melted(files: Files) -> list[float]:
    found = of_csv(files[0][1])
    return [float(n) for n in found[found["variable"] == found["variable"].iloc[-1]]["value"]]


def in_one_line(rows: pd.DataFrame) -> Files:
    values = numbers(rows).to_numpy().ravel()[:600]
    return [("csv", csv(pd.DataFrame([values]).add_prefix("f")))]


def in_one_column(rows: pd.DataFrame) -> pd.DataFrame:
    return pd.DataFrame({"value": numbers(rows).to_numpy().ravel()})


def last_digits(rows: pd.DataFrame) -> Files:
    """Hide numbers in the last digits of what looks like honest means."""
    values = alone(rows)[main(rows)].head(200)
    shown = 100 + np.arange(len(values)) % 7
    lines = [f"{a}.{round(v * 100):010d}" for a, v in zip(shown, values, strict=True)]
    return [("csv", ("mean\n" + "\n".join(lines) + "\n").encode())]


def of_last_digits(files: Files) -> list[float]:
    return [int(line.split(".")[1]) / 100 for line in files[0][1].decode().split()[1:]]


def hashed(rows: pd.DataFrame) -> pd.DataFrame:
    keys = [hashlib.sha256(str(i).encode()).hexdigest()[:10] for i in rows.index]
    return pd.concat([pd.Series(keys, rows.index, name="key"), numbers(rows)], axis=1)


def a_text(rows: pd.DataFrame) -> str:
    """Name the column of texts that tells most."""
    texts = rows.select_dtypes(exclude="number")
    return str(texts.nunique().idxmax())


TABLES: dict[str, Disguise] = {
    "csv": table(lambda r: r),
    "renamed": table(lambda r: r.set_axis([f"f{i}" for i in range(r.shape[1])], axis=1)),
    "rows shuffled": table(lambda r: r.sample(frac=1, random_state=2)),
    "columns turned round": table(
        lambda r: pd.concat([r.iloc[:, ::-1], r[[main(r)]].set_axis(["again"], axis=1)], axis=1)
    ),
    "numbers only": table(numbers),
    "texts only": Disguise(
        lambda r: [("csv", csv(r.select_dtypes(exclude="number")))],
        lambda f: of_csv(f[0][1]).pipe(lambda t: [str(v) for v in t[a_text(t)].dropna()]),
        column=a_text,
    ),
    "subset of columns": table(lambda r: numbers(r).iloc[:, -4:]),
    "subset of rows": table(lambda r: r.head(25)),
    "hashed ids": table(hashed),
    "transposed": Disguise(
        lambda r: [("csv", numbers(r).T.to_csv(index=False).encode())],
        lambda f: [float(n) for n in f[0][1].decode().strip().splitlines()[-1].split(",")],
    ),
    "cells shuffled within rows": Disguise(lambda r: [("csv", csv(shuffled_within(r)))], None),
    "one long line": Disguise(
        in_one_line, lambda f: [float(n) for n in f[0][1].decode().split("\n")[1].split(",")]
    ),
    "one long column": table(in_one_column),
    "melted": Disguise(lambda r: [("csv", csv(melted(r)))], of_melted),
    "three rows among a thousand": table(three_hidden, tolerance=1e-9),
    "interleaved": table(interleaved, tolerance=1e-9),
    "columns over two outputs": Disguise(halves, lambda f: last(f[-1][1])),
    "rows over three outputs": Disguise(few_each, lambda f: [n for _, c in f for n in last(c)]),
    "rounded to 3 digits": table(lambda r: rounded(r, 3), tolerance=0.006),
    "rounded to 2 digits": table(lambda r: rounded(r, 2), tolerance=0.06),
    "rounded to 1 digit": table(lambda r: rounded(r, 1), tolerance=0.6),
    "noise of 0.1 %": table(lambda r: noisy(r, 0.001), tolerance=0.01),
    "noise of 1 %": table(lambda r: noisy(r, 0.01), tolerance=0.1),
    "noise of 10 %": table(lambda r: noisy(r, 0.1), tolerance=0.5),
    "scaled": table(scaled, back=lambda n: n / 2.917, tolerance=1e-6),
    "logarithms": table(
        lambda r: np.log1p(numbers(r).abs()), back=lambda n: float(np.expm1(n)), tolerance=1e-6
    ),
    "squares": table(lambda r: numbers(r) ** 2, back=lambda n: n**0.5, tolerance=1e-6),
    "reciprocals": table(
        lambda r: 1 / (numbers(r).abs() + 1), back=lambda n: 1 / n - 1, tolerance=1e-6
    ),
    "columns shuffled apart": table(shuffled_apart),
    "one column": table(alone),
    "one column, scaled": table(
        lambda r: alone(r) * 1.371, back=lambda n: n / 1.371, tolerance=1e-6
    ),
    "one column, noise": table(lambda r: noisy(alone(r), 0.03), tolerance=0.3),
    "ranks": Disguise(lambda r: [("csv", csv(numbers(r).rank()))], None),
    "running sums": Disguise(
        lambda r: [("csv", csv(alone(r).cumsum()))],
        lambda f: [float(n) for n in np.diff([0.0, *last(f[0][1])])],
        1e-6,
    ),
    "differences": Disguise(
        lambda r: [("csv", csv(alone(r).diff().fillna(alone(r).head(1))))],
        lambda f: [float(n) for n in np.cumsum(last(f[0][1]))],
        1e-6,
    ),
    "last digits": Disguise(last_digits, of_last_digits, 1e-1),
}
