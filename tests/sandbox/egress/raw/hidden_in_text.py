"""Raw rows as text that a person could read, with some pains."""

import codecs
import json
import re

import numpy as np
import pandas as pd

from tests.sandbox.egress.raw.disguise import Disguise, Files, alone, main, numbers, text

NUMERALS = "〇一二三四五六七八九点"
ARABIC = "٠١٢٣٤٥٦٧٨٩."
FULL = "０１２３４５６７８９．"
WORDS = dict(
    zip(
        "0123456789.-",
        [
            "zero",
            "one",
            "two",
            "three",
            "four",
            "five",
            "six",
            "seven",
            "eight",
            "nine",
            "point",
            "minus",
        ],
        strict=True,
    )
)


def lines_of(rows: pd.DataFrame, between: str) -> str:
    return "\n".join(between.join(map(str, row)) for row in numbers(rows).to_numpy().tolist())


def lines(between: str, signs: str, plain: str = "0123456789.") -> Disguise:
    """Write numbers in lines, in other signs."""
    to, back = str.maketrans(plain, signs), str.maketrans(signs, plain)

    def read(files: Files) -> list[float]:
        found = files[0][1].decode().translate(back)
        return [float(line.rsplit(between, 1)[-1]) for line in found.splitlines()]

    return Disguise(lambda r: [("txt", lines_of(r, between).translate(to).encode())], read)


def prose(rows: pd.DataFrame) -> Files:
    told = [
        ". ".join(f"the {name} came to {value}" for name, value in row.items()).capitalize() + "."
        for row in rows.to_dict("records")
    ]
    return [("txt", "\n\n".join(told).encode())]


def of_prose(files: Files) -> list[float]:
    said = re.findall(r"came to (-?[0-9.e+-]+?)\.(?:\n|$)", files[0][1].decode())
    return [float(n) for n in said]


def padded(rows: pd.DataFrame) -> Files:
    """Set each row among many values of other rows, which are rarer than its own."""
    found = numbers(rows)
    dice = np.random.default_rng(5)
    others = found.to_numpy().ravel()
    told = [
        ", ".join(map(str, [*row, *dice.choice(others, 20).tolist()]))
        for row in found.to_numpy().tolist()[:60]
    ]
    return [("txt", "\n".join([str(found.shape[1]), *told]).encode())]


def of_padded(files: Files) -> list[float]:
    width, *told = files[0][1].decode().splitlines()
    return [float(line.split(", ")[int(width) - 1]) for line in told]


def in_english(rows: pd.DataFrame) -> Files:
    values = alone(rows)[main(rows)]
    return [("txt", "\n".join(" ".join(WORDS[c] for c in f"{v:.4f}") for v in values).encode())]


def of_english(files: Files) -> list[float]:
    back = {word: sign for sign, word in WORDS.items()}
    told = files[0][1].decode().splitlines()
    return [float("".join(back[w] for w in line.split())) for line in told]


def apart(rows: pd.DataFrame) -> Files:
    told = [" | ".join(" ".join(str(v)) for v in row) for row in numbers(rows).to_numpy().tolist()]
    return [("txt", "\n".join(told).encode())]


def of_apart(files: Files) -> list[float]:
    told = files[0][1].decode().splitlines()
    return [float(line.rsplit("|", 1)[-1].replace(" ", "")) for line in told]


def one_hot(rows: pd.DataFrame) -> Files:
    values = alone(rows)[main(rows)].head(100)
    kinds = sorted(set(values))
    told = ["".join("1" if value == kind else "0" for kind in kinds) for value in values]
    return [("txt", "\n".join([" ".join(f"{k:.6g}" for k in kinds), *told]).encode())]


def of_one_hot(files: Files) -> list[float]:
    head, *told = files[0][1].decode().splitlines()
    kinds = [float(word) for word in head.split()]
    return [kinds[line.index("1")] for line in told]


def of_records(records: str | bytes) -> list[float]:
    found = [row[list(row)[-1]] for row in json.loads(records)]
    return [number for number in found if number is not None]


def rot13(content: bytes) -> bytes:
    return codecs.encode(content.decode(), "rot13").encode()


def turned(content: bytes) -> bytes:
    return content.decode()[::-1].encode()


def invisible(content: bytes) -> bytes:
    return re.sub(r"([0-9])", "\\1\u200b", content.decode()).encode()


def vertical(rows: pd.DataFrame) -> Files:
    told = (f"{k}: {v}" for row in numbers(rows).to_dict("records") for k, v in row.items())
    return [("txt", "\n".join(told).encode())]


def of_vertical(files: Files) -> list[float]:
    told = [line.split(": ") for line in files[0][1].decode().splitlines()]
    return [float(v) for k, v in told if k == told[-1][0]]


def in_hexadecimal(rows: pd.DataFrame) -> Files:
    told = [" ".join(v.hex() for v in map(float, row)) for row in numbers(rows).to_numpy().tolist()]
    return [("txt", "\n".join(told).encode())]


TEXTS: dict[str, Disguise] = {
    "json records": Disguise(
        lambda r: [("json", r.to_json(orient="records").encode())], lambda f: of_records(f[0][1])
    ),
    "json in json": Disguise(
        lambda r: [("json", json.dumps({"params": r.to_json(orient="records")}).encode())],
        lambda f: of_records(json.loads(f[0][1])["params"]),
    ),
    "aligned": Disguise(
        lambda r: [("txt", numbers(r).to_string(index=False).encode())],
        lambda f: [float(line.split()[-1]) for line in f[0][1].decode().splitlines()[1:]],
        1e-4,
    ),
    "vertical": Disguise(vertical, of_vertical),
    "prose": Disguise(prose, of_prose),
    "padded lines": Disguise(padded, of_padded),
    "one-hot": Disguise(one_hot, of_one_hot, 1e-5),
    "Chinese numerals": lines(" , ", NUMERALS),
    "Arabic digits": lines(" | ", ARABIC),
    "full-width digits": lines(" | ", FULL),
    "decimal commas": lines("; ", ",", "."),
    "number words": Disguise(in_english, of_english, 1e-2),
    "hexadecimal numbers": Disguise(
        in_hexadecimal,
        lambda f: [float.fromhex(line.split()[-1]) for line in f[0][1].decode().splitlines()],
    ),
    "digits apart": Disguise(apart, of_apart),
    "zero-width": text(invisible, lambda c: c.decode().replace("\u200b", "").encode()),
    "reversed": text(turned, turned),
    "rot13": text(rot13, rot13),
}
