"""Files that are small, and large once they are read; each by its name, with its ending."""

import base64
import bz2
import gzip
import io
import json
import lzma
import random
import struct
import tarfile
import zipfile
import zlib
from collections.abc import Callable

import numpy as np
from shuyu_reader.unwrap import MAX_BYTES

from tests.sandbox.egress.raw.test_unwrap import PACKINGS, zipped

Made = Callable[[], bytes]
CEILING = 64 * 2**20
"""The largest output that a scenario may declare, in bytes: see `Ceilings` of the office."""
_SWOLLEN = 8 * MAX_BYTES
_PNG = b"\x89PNG\r\n\x1a\n"


def filled(unit: str, size: int) -> bytes:
    """Return `unit` as often as it fits whole into `size` bytes."""
    piece = unit.encode()
    return piece * (size // len(piece))


def nested(pack: Callable[[bytes], bytes], times: int) -> bytes:
    content = bytes(_SWOLLEN)
    for _ in range(times):
        content = pack(content)
    return content


def many_names(count: int) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        for number in range(count):
            archive.writestr(f"f{number}", b"")
    return out.getvalue()


def holes(count: int) -> bytes:
    """Return an archive of files that are holes: the archive holds none of their bytes."""
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=tarfile.PAX_FORMAT) as archive:
        for number in range(count):
            member = tarfile.TarInfo(f"f{number}")
            member.pax_headers = {"GNU.sparse.map": "0,0", "GNU.sparse.size": str(2**20)}
            archive.addfile(member)
    return out.getvalue()


def overlapping_texts(size: int) -> bytes:
    """Return a picture of text chunks of which each claims to reach to the end."""
    return _PNG + filled("\x7f\x7f\x7f\x7ftEXta\0b", size)


def one_chunk(size: int) -> bytes:
    return _PNG + struct.pack(">I", size) + b"IDAT" + zlib.compress(bytes(size)) + bytes(4)


def overlapping_tensors(count: int) -> bytes:
    """Return a model whose tensors are all the same bytes."""
    body = np.full(1 << 15, 1 / 7).tobytes()
    entry = {"dtype": "F64", "shape": [1 << 15], "data_offsets": [0, len(body)]}
    header = json.dumps({f"t{number}": entry for number in range(count)}).encode()
    return struct.pack("<Q", len(header)) + header + body


def long_header(size: int) -> bytes:
    return struct.pack("<Q", size) + b"{" + b" " * (size - 2) + b"}"


def packed_often(count: int) -> bytes:
    """Return a text of many messages that swell."""
    bombs = (base64.b64encode(gzip.compress(bytes(MAX_BYTES + n))) for n in range(count))
    return b"\n\n".join(bombs)


BOMBS: dict[str, tuple[str, Made]] = {
    "zlib": ("bin", lambda: nested(PACKINGS["zlib"], 1)),
    "zstd": ("bin", lambda: nested(PACKINGS["zstd"], 1)),
    "xz": ("bin", lambda: nested(PACKINGS["xz"], 1)),
    "gzip of bz2": ("bin", lambda: gzip.compress(nested(bz2.compress, 1))),
    "gzip six times": ("bin", lambda: nested(gzip.compress, 6)),
    "gzip twenty times": ("gz", lambda: nested(gzip.compress, 20)),
    "base64 of gzip": ("txt", lambda: base64.b64encode(nested(gzip.compress, 1))),
    "many of them": ("txt", lambda: packed_often(8)),
    "an archive that swells": ("zip", lambda: zipped(bytes(_SWOLLEN))),
    "an archive of four thousand names": ("zip", lambda: many_names(4_000)),
    "an archive of holes": ("bin", lambda: holes(500)),
    "a picture of overlapping texts": ("png", lambda: overlapping_texts(2**18)),
    "a picture that swells": ("png", lambda: one_chunk(CEILING)),
    "a model of overlapping tensors": ("safetensors", lambda: overlapping_tensors(2_000)),
}
"""Small files."""
LARGE: dict[str, tuple[str, Made]] = {
    "brackets": ("json", lambda: filled("[", CEILING)),
    "one string": ("json", lambda: b'"' + b"x" * (CEILING - 2) + b'"'),
    "small numbers in json": ("json", lambda: b"[" + filled("1,", CEILING - 3) + b"1]"),
    "keys twice": ("json", lambda: b"{" + filled('"a":1,', CEILING - 8) + b'"a":1}'),
    "empty lines": ("csv", lambda: filled("\n", CEILING)),
    "one cell": ("csv", lambda: b"a\n" + b"x" * (CEILING - 2)),
    "quotes": ("csv", lambda: b"a\n" + b'"' * (CEILING - 2)),
    "commas": ("csv", lambda: filled(",", CEILING)),
    "two encodings": ("txt", lambda: filled("沪", CEILING // 2) + filled("1", CEILING // 2)[::2]),
    "blanks": ("txt", lambda: filled("a ", CEILING)),
    "slots": ("md", lambda: filled("{{O1.table}}", CEILING)),
    "noise": ("bin", lambda: random.Random(1).randbytes(CEILING)),
    "a picture": ("png", lambda: overlapping_texts(CEILING)),
    "an archive": ("zip", lambda: filled("x", CEILING - 200) + zipped(b"a")),
    "a header": ("safetensors", lambda: long_header(CEILING - 8)),
}
"""Files as large as may be declared."""


def _tree(depth: int) -> dict[str, object]:
    if not depth:
        return {"leaf": 0.25}
    return {"input": 0, "below": 0.5, "yes": _tree(depth - 1), "no": _tree(depth - 1)}


def forest(size: int) -> bytes:
    """Return a model of as many full trees as fit."""
    tree = json.dumps(_tree(12))
    fitted = {"kind": "trees", "trees": [0]}
    model = {
        "form": "shuyu-fitted-1",
        "target": {"column": "weight"},
        "inputs": [{"kind": "number", "column": "year"}],
        "fitted": fitted,
    }
    trees = ",".join([tree] * (size // len(tree)))
    return json.dumps(model).replace("[0]", f"[{trees}]").encode()


_FULL = MAX_BYTES - 2**10
FULL: dict[str, tuple[str, Made]] = {
    "numbers in csv, all different": (
        "csv",
        lambda: b"a\n" + b"\n".join(b"%d" % n for n in range(_FULL // 8)),
    ),
    "a thousand columns": (
        "csv",
        lambda: (
            (",".join(f"c{n}" for n in range(1000)) + "\n").encode()
            + filled("1," * 999 + "1\n", _FULL - 5000)
        ),
    ),
    "small numbers in json": ("json", lambda: b"[" + filled("1,", _FULL) + b"1]"),
    "empty lists in json": ("json", lambda: b"[" + filled("[],", _FULL) + b"[]]"),
    "one string": ("json", lambda: b'"' + b"x" * _FULL + b'"'),
    "keys in json": (
        "json",
        lambda: b"{" + b",".join(b'"%x":1' % n for n in range(_FULL // 10)) + b"}",
    ),
    "Chinese numerals": ("txt", lambda: filled("一二 ", _FULL)),
    "digits, one a line": ("txt", lambda: filled("1\n", _FULL)),
    "hex pairs": ("txt", lambda: filled("6e 5a 2c 0a ", _FULL)),
    "noise": ("bin", lambda: random.Random(1).randbytes(_FULL)),
    "numbers as bytes": ("bin", lambda: np.arange(_FULL // 4, dtype="<i4").tobytes()),
    "gzip that just fits": ("bin", lambda: gzip.compress(filled("1\n", _FULL - 2**16))),
    "bz2 that just fits": ("bin", lambda: bz2.compress(filled("a,1\n", _FULL - 2**16))),
    "xz that just fits": ("bin", lambda: lzma.compress(bytes(_FULL - 2**16))),
    "a forest": ("json", lambda: forest(_FULL)),
}
"""Files that are just read."""
