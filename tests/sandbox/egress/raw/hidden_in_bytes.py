"""Raw rows in encodings, archives, containers and arrays of numbers."""

import base64
import bz2
import codecs
import gzip
import html
import io
import json
import lzma
import quopri
import re
import struct
import tarfile
import urllib.parse
import zipfile
import zlib

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from tests.sandbox.egress.raw.disguise import Disguise, Files, csv, file, last, numbers, text


def zipped(content: bytes) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("rows.csv", content)
    return out.getvalue()


def unzipped(content: bytes) -> bytes:
    return zipfile.ZipFile(io.BytesIO(content)).read("rows.csv")


def tarred(content: bytes) -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as archive:
        member = tarfile.TarInfo("rows.csv")
        member.size = len(content)
        archive.addfile(member, io.BytesIO(content))
    return out.getvalue()


def untarred(content: bytes) -> bytes:
    with tarfile.open(fileobj=io.BytesIO(content)) as archive:
        found = archive.extractfile("rows.csv")
        assert found is not None
        return found.read()


def floats(kind: str) -> Disguise:
    def hide(rows: pd.DataFrame) -> Files:
        found = numbers(rows).to_numpy().astype(kind)
        return [("txt", b"weights: " + base64.b64encode(found.tobytes()))]

    def read(files: Files) -> list[float]:
        found = np.frombuffer(base64.b64decode(files[0][1].removeprefix(b"weights: ")), kind)
        return [float(n) for n in found]

    return Disguise(hide, read, 1e-6)


def tensors(rows: pd.DataFrame) -> Files:
    body = numbers(rows).to_numpy().astype("<f4")
    header = {"w": {"dtype": "F32", "shape": list(body.shape), "data_offsets": [0, body.nbytes]}}
    head = json.dumps(header).encode()
    return [("safetensors", struct.pack("<Q", len(head)) + head + body.tobytes())]


def of_tensors(files: Files) -> list[float]:
    length = int.from_bytes(files[0][1][:8], "little")
    return [float(n) for n in np.frombuffer(files[0][1][8 + length :], "<f4")]


def pixels(rows: pd.DataFrame) -> Files:
    """Write the CSV's own bytes as the grey values of a picture."""
    content = csv(rows)
    width = 64
    content += b"\n" * (-len(content) % width)
    lines = b"".join(b"\0" + content[i : i + width] for i in range(0, len(content), width))
    parts = [(b"IHDR", struct.pack(">IIBBBBB", width, len(content) // width, 8, 0, 0, 0, 0))]
    parts += [(b"IDAT", zlib.compress(lines)), (b"IEND", b"")]
    return [("png", b"\x89PNG\r\n\x1a\n" + b"".join(chunk(*part) for part in parts))]


def chunk(kind: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


def of_pixels(files: Files) -> list[float]:
    found = re.search(rb"IDAT(.*)IEND", files[0][1], re.DOTALL)
    assert found is not None
    lines = zlib.decompressobj().decompress(found[1])
    return last(b"".join(lines[i + 1 : i + 65] for i in range(0, len(lines), 65)))


def png_text(rows: pd.DataFrame) -> Files:
    parts = [(b"IHDR", struct.pack(">IIBBBBB", 1, 1, 8, 0, 0, 0, 0))]
    parts += [
        (b"tEXt", b"Comment\0" + csv(rows)),
        (b"IDAT", zlib.compress(b"\0\0")),
        (b"IEND", b""),
    ]
    return [("png", b"\x89PNG\r\n\x1a\n" + b"".join(chunk(*part) for part in parts))]


def of_png_text(files: Files) -> list[float]:
    content = files[0][1]
    start = content.index(b"tEXt")
    length = int.from_bytes(content[start - 4 : start], "big")
    return last(content[start + 4 : start + 4 + length].removeprefix(b"Comment\0"))


def metadata(rows: pd.DataFrame) -> Files:
    honest = pa.table({"name": ["auc"], "value": [0.71]}).replace_schema_metadata(
        {"note": csv(rows)}
    )
    out = io.BytesIO()
    pq.write_table(honest, out)
    return [("parquet", out.getvalue())]


def of_metadata(files: Files) -> list[float]:
    return last(pq.read_schema(io.BytesIO(files[0][1])).metadata[b"note"])


def mask(content: bytes) -> bytes:
    return bytes(letter ^ 0x5A for letter in content)


def pad(content: bytes) -> bytes:
    """Encipher with a stream that the thief can make again."""
    stream = np.random.default_rng(1).integers(0, 256, len(content), np.uint8)
    return bytes(np.frombuffer(content, np.uint8) ^ stream)


def percent(content: bytes) -> bytes:
    return "".join(f"%{letter:02X}" for letter in content).encode()


def escaped(content: bytes) -> bytes:
    return "".join(f"\\u{ord(letter):04x}" for letter in content.decode()).encode()


def nested(content: bytes) -> bytes:
    packed = lzma.compress(bz2.compress(gzip.compress(content)))
    return base64.b64encode(base64.b85encode(packed).hex().encode())


def unnested(content: bytes) -> bytes:
    packed = base64.b85decode(bytes.fromhex(base64.b64decode(content).decode()))
    return gzip.decompress(bz2.decompress(lzma.decompress(packed)))


def zstd(content: bytes) -> bytes:
    sink = pa.BufferOutputStream()
    with pa.CompressedOutputStream(sink, "zstd") as stream:
        stream.write(content)
    return base64.b64encode(sink.getvalue().to_pybytes())


def unzstd(content: bytes) -> bytes:
    source = pa.BufferReader(base64.b64decode(content))
    return bytes(pa.CompressedInputStream(source, "zstd").read())


BYTES: dict[str, Disguise] = {
    "base64": text(base64.b64encode, base64.b64decode),
    "url-safe base64": text(base64.urlsafe_b64encode, base64.urlsafe_b64decode),
    "base32": text(base64.b32encode, base64.b32decode),
    "base85": text(base64.b85encode, base64.b85decode),
    "ascii85": text(base64.a85encode, base64.a85decode),
    "hex": text(lambda c: c.hex().encode(), lambda c: bytes.fromhex(c.decode())),
    "hex pairs": text(lambda c: c.hex(" ").encode(), lambda c: bytes.fromhex(c.decode())),
    "percent": text(percent, urllib.parse.unquote_to_bytes),
    "quoted-printable": text(
        lambda c: "".join(f"={x:02X}" for x in c).encode(), quopri.decodestring
    ),
    "unicode escapes": text(
        escaped, lambda c: codecs.decode(c.decode(), "unicode_escape").encode()
    ),
    "entities": text(
        lambda c: "".join(f"&#{ord(x)};" for x in c.decode()).encode(),
        lambda c: html.unescape(c.decode()).encode(),
    ),
    "masked, in base64": text(
        lambda c: base64.b64encode(mask(c)), lambda c: mask(base64.b64decode(c))
    ),
    "gzip in base64": text(
        lambda c: base64.b64encode(gzip.compress(c)), lambda c: gzip.decompress(base64.b64decode(c))
    ),
    "zlib in hex": text(
        lambda c: zlib.compress(c).hex().encode(),
        lambda c: zlib.decompress(bytes.fromhex(c.decode())),
    ),
    "zstd in base64": text(zstd, unzstd),
    "five layers": text(nested, unnested),
    "gzip": file("gz", gzip.compress, gzip.decompress),
    "zip": file("zip", zipped, unzipped),
    "zip in zip": file("zip", lambda c: zipped(zipped(c)), lambda c: unzipped(unzipped(c))),
    "tar": file("tar", tarred, untarred),
    "masked": file("bin", mask, mask),
    "base64 turned round": text(
        lambda c: base64.b64encode(c)[::-1], lambda c: base64.b64decode(c[::-1])
    ),
    "UTF-16 in base64": text(
        lambda c: base64.b64encode(c.decode().encode("utf-16")),
        lambda c: base64.b64decode(c).decode("utf-16").encode(),
    ),
    "enciphered, in base64": text(
        lambda c: base64.b64encode(pad(c)), lambda c: pad(base64.b64decode(c))
    ),
    "floats of 64 bits": floats("<f8"),
    "floats of 32 bits": floats("<f4"),
    "floats, big-endian": floats(">f4"),
    "safetensors": Disguise(tensors, of_tensors, 1e-6),
    "pixels": Disguise(pixels, of_pixels),
    "picture's text": Disguise(png_text, of_png_text),
    "parquet's metadata": Disguise(metadata, of_metadata),
}
