"""Attempts with the contents of outputs: files that trap, swell or mislead whoever reads them.

Each is given to the egress filter, as if a job had left it, and read in the reader's container. The control is
the reader that anybody would use, which takes the same bytes.
"""

import csv
import gzip
import io
import json
import pickle
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import pyarrow as pa
import pyarrow.parquet as pq

from sandbox.attack.attempt import Act, Control, Family, Verdict, controlled
from sandbox.attack.grounds import Grounds, report
from sandbox.egress.inspection import Blocked, Cleared, Held, Inspection, inspect
from sandbox.egress.inspection import Verdict as Judged
from sandbox.egress.reading import Question
from sandbox.order import (
    Artifact,
    EgressPolicy,
    Function,
    OutputColumn,
    OutputForm,
    OutputName,
    OutputTerms,
    ReleaseClass,
)
from sandbox.reason import Said
from sandbox.runner.reader import READING

Make = Callable[[str], bytes]
Naive = Callable[[bytes, str], object]
_ONE = OutputName("O1")
_TABLE = OutputTerms(
    name=_ONE,
    form=OutputForm.STATISTICAL_TABLE,
    release=ReleaseClass.REVIEWED,
    columns=(
        OutputColumn(name="grade", type="string", function=Function.DIMENSION),
        OutputColumn(name="n", type="int", function=Function.COUNT),
    ),
    max_rows=1000,
    max_bytes=1 << 20,
)
_SWOLLEN_ROWS = 200_000
_POLICY = EgressPolicy(min_units=10, dominance_percent=80)


@dataclass(frozen=True, slots=True, kw_only=True)
class _File:
    """One hostile file."""

    suffix: str
    make: Make
    """Makes the bytes, with a word in them that must not leave."""
    naive: Naive
    """What anybody would read it with; true where it takes the bytes."""
    table: bool = True


def _judged(file: _File, rule: str, on: Grounds) -> Verdict:
    """Let the egress filter judge the file, and the naive reader take it."""
    word = f"{on.canary}-hidden"
    content = file.make(word)
    terms = _TABLE if file.table else report("O1")

    def read(artifact: Artifact, question: Question) -> bytes:
        return on.keeper.read(artifact, asked=question.written(), limits=READING)

    inspection = Inspection(outputs=(terms,), policy=_POLICY, views=(), read=read)
    verdict = inspect((Artifact(_ONE, file.suffix, content),), inspection).verdicts[0]
    held, seen = _weighed(verdict, rule, word)
    return Verdict(seen=seen, held=held, control=_taken(file, content, word))


def _weighed(verdict: Judged, rule: str, word: str) -> tuple[bool, str]:
    match verdict:
        case Held():
            hidden = word not in verdict.preview
            return (
                hidden and not rule,
                f"held for people, {'without' if hidden else 'with'} what was hidden",
            )
        case Blocked():
            rules = {one.reason.rule for one in verdict.findings}
            return rule in rules, f"blocked: {', '.join(sorted(rules))}"
        case Cleared():
            return False, "cleared"


def _taken(file: _File, content: bytes, word: str) -> Control:
    try:
        takes = bool(file.naive(content, word))
    except (ValueError, OSError, pa.ArrowException) as error:
        return controlled(f"a plain reader fails: {type(error).__name__}", works=False)
    seen = "a plain reader takes it" if takes else "a plain reader does not take it"
    return controlled(seen, works=takes)


def _hostile(name: str, rule: str, said: Said, file: _File) -> Act[Grounds]:
    """Return the attempt; without a rule it may be held for people, without what was hidden."""
    return Act(
        name=f"doc.{name}",
        family=Family.DOCUMENTS,
        does=said,
        expected=f"blocked: {rule}" if rule else "held for people, without what was hidden",
        act=partial(_judged, file, rule),
    )


def _csv(content: bytes, _: str) -> object:
    return len(list(csv.reader(io.StringIO(content.decode("utf-8-sig"), newline="")))) > 1


def _loose(content: bytes, _: str) -> object:
    return len(list(csv.reader(io.StringIO(content.decode("latin-1"), newline="")))) > 1


def _json(content: bytes, _: str) -> object:
    json.loads(content)
    return True


def _arrow(content: bytes, word: str) -> object:
    table = pa.ipc.open_file(content).read_all()
    return word in str(table.schema.metadata) + str(table.to_pydict())


def _parquet(content: bytes, word: str) -> object:
    table = pq.read_table(io.BytesIO(content))
    return word in str(table.schema.metadata) + str(table.slice(0, 9).to_pydict())


def _swells(content: bytes, _: str) -> object:
    return pq.read_metadata(io.BytesIO(content)).num_rows > _SWOLLEN_ROWS


def _ipc(table: pa.Table) -> bytes:
    sink = io.BytesIO()
    with pa.ipc.new_file(sink, table.schema) as writer:
        writer.write_table(table)
    return sink.getvalue()


def _packed(table: pa.Table) -> bytes:
    sink = io.BytesIO()
    pq.write_table(table, sink, compression="zstd")
    return sink.getvalue()


def _sound() -> pa.Table:
    return pa.table({"grade": ["A", "B"], "n": pa.array([20, 30], pa.int64())})


def _noted(word: str) -> pa.Table:
    return _sound().replace_schema_metadata({"note": word})


def _field_note(word: str) -> pa.Table:
    field = pa.field("grade", pa.string(), metadata={"note": word})
    schema = pa.schema([field, pa.field("n", pa.int64())], metadata={"also": word})
    return pa.table(_sound().columns, schema=schema)


def _dictionary(word: str) -> pa.Table:
    coded = pa.DictionaryArray.from_arrays(pa.array([0, 0]), pa.array(["A", word]))
    return pa.table({"grade": coded, "n": pa.array([20, 30], pa.int64())}).replace_schema_metadata(
        {"w": word}
    )


def _nested(word: str) -> pa.Table:
    return pa.table({"grade": [[word], ["B"]], "n": pa.array([20, 30], pa.int64())})


def _many(_: str) -> bytes:
    return _packed(pa.table({"grade": pa.array(["A"] * (300_000)).dictionary_encode()}))


def _zip(name: str, content: bytes, *, times: int = 1) -> bytes:
    for level in range(times):
        sink = io.BytesIO()
        with zipfile.ZipFile(sink, "w", zipfile.ZIP_DEFLATED) as packed:
            packed.writestr(name if level == 0 else f"{level}.zip", content)
        content = sink.getvalue()
    return content


def _unzips(content: bytes, _: str) -> object:
    return bool(zipfile.ZipFile(io.BytesIO(content)).namelist())


def _bears(content: bytes, word: str) -> object:
    return word.encode() in content  # whoever passed it on as it is passed the word on


def _table(suffix: str, make: Make, naive: Naive) -> _File:
    return _File(suffix=suffix, make=make, naive=naive)


def _free(suffix: str, make: Make, naive: Naive = _bears) -> _File:
    return _File(suffix=suffix, make=make, naive=naive, table=False)


_HEAD = b"grade,n\n"
DOCUMENTS: tuple[Act[Grounds], ...] = (
    _hostile("bom", "egress.encoding", Said(zh="CSV 带字节序标记", en="a CSV with a byte order mark"), _table("csv", lambda _: b"\xef\xbb\xbf" + _HEAD + b"A,20\n", _csv)),
    _hostile("nul", "egress.encoding", Said(zh="CSV 含 NUL 字节", en="a CSV with NUL bytes"), _table("csv", lambda _: _HEAD + b"A\0B,20\n", _csv)),
    _hostile("escape", "egress.encoding", Said(zh="CSV 含终端控制序列", en="a CSV that commands the reviewer's terminal"), _table("csv", lambda w: _HEAD + f"\x1b[2J{w},20\n".encode(), _csv)),
    _hostile("latin", "egress.encoding", Said(zh="CSV 不是 UTF-8", en="a CSV that is no UTF-8"), _table("csv", lambda _: _HEAD + b"\xe9\xff,20\n", _loose)),
    _hostile("ragged", "egress.csv", Said(zh="CSV 各行列数不一", en="a CSV whose rows differ in length"), _table("csv", lambda w: _HEAD + f"A,20,{w}\n".encode(), _csv)),
    _hostile("more_columns", "egress.columns", Said(zh="CSV 多出未申报的列", en="a CSV with a column that was not declared"), _table("csv", lambda w: f"grade,n,x\nA,20,{w}\n".encode(), _csv)),
    _hostile("same_header", "egress.csv", Said(zh="CSV 表头重复", en="a CSV that names a column twice"), _table("csv", lambda w: f"grade,grade\nA,{w}\n".encode(), _csv)),
    _hostile("alike_header", "egress.columns", Said(zh="CSV 表头用形近字母", en="a CSV whose header only looks right"), _table("csv", lambda w: f"gr\u0430de,n\n{w},20\n".encode(), _csv)),
    _hostile("infinite", "egress.not_finite", Said(zh="CSV 含无穷大", en="a CSV with infinity"), _table("csv", lambda _: _HEAD + b"A,inf\n", _csv)),
    _hostile("huge_number", "egress.cell_type", Said(zh="CSV 含四千位整数", en="a CSV with a number of 4,000 digits"), _table("csv", lambda _: _HEAD + b"A," + b"9" * 4000 + b"\n", _csv)),
    _hostile("many_rows", "egress.rows", Said(zh="CSV 行数超限", en="a CSV with more rows than declared"), _table("csv", lambda _: _HEAD + b"A,20\n" * 2000, _csv)),
    _hostile("twice_key", "egress.json", Said(zh="JSON 键重复，两次读取结果不同", en="a JSON that says a key twice"), _table("json", lambda w: f'[{{"grade": "A", "grade": "{w}", "n": 20}}]'.encode(), _json)),
    _hostile("deep_json", "egress.json", Said(zh="JSON 嵌套过深", en="a JSON nested 900 deep"), _free("json", lambda _: b"[" * 900 + b"1" + b"]" * 900, _json)),
    _hostile("nan_json", "egress.not_finite", Said(zh="JSON 含 NaN", en="a JSON with NaN"), _free("json", lambda _: b'{"x": NaN}', _json)),
    _hostile("large_json", "egress.check_failed", Said(zh="JSON 以大整数夹带字节", en="a JSON that carries bytes in a large number"), _free("json", lambda _: b'{"x": 1' + b"7" * 3000 + b"}", _json)),
    _hostile("arrow_note", "", Said(zh="在 Arrow 元数据中夹带", en="an Arrow file with words in its metadata"), _free("arrow", lambda w: _ipc(_noted(w)), _arrow)),
    _hostile("arrow_dictionary", "", Said(zh="在 Arrow 字典中夹带未用到的值", en="an Arrow file with unused words in a dictionary"), _free("arrow", lambda w: _ipc(_dictionary(w)), _arrow)),
    _hostile("arrow_nested", "egress.arrow", Said(zh="Arrow 嵌套类型", en="an Arrow file with lists in its cells"), _table("arrow", lambda w: _ipc(_nested(w)), _arrow)),
    _hostile("arrow_cut", "egress.arrow", Said(zh="截断的 Arrow 文件", en="an Arrow file that is cut short"), _table("arrow", lambda w: _ipc(_noted(w))[:-40], lambda content, _: pa.ipc.open_stream(content[8:]).read_all().num_rows)),
    _hostile("parquet_note", "", Said(zh="在 Parquet 元数据中夹带", en="a Parquet file with words in its metadata"), _free("parquet", lambda w: _packed(_field_note(w)), _parquet)),
    _hostile("parquet_swells", "egress.rows", Said(zh="读出后膨胀千倍的 Parquet", en="a Parquet file that swells a thousandfold"), _free("parquet", _many, _swells)),
    _hostile("zip", "egress.type", Said(zh="输出是压缩包", en="an archive"), _free("zip", lambda w: _zip("a.txt", w.encode()), _unzips)),
    _hostile("zip_nested", "egress.bomb", Said(zh="压缩包套压缩包", en="archives in archives"), _free("zip", lambda w: _zip("a.txt", w.encode(), times=12), _unzips)),
    _hostile("zip_bomb", "egress.bomb", Said(zh="压缩炸弹", en="an archive that swells to 80 MB"), _free("zip", lambda _: _zip("a.txt", bytes(80_000_000)), _unzips)),
    _hostile("gzip", "egress.encoded", Said(zh="把压缩数据冒充文本", en="packed bytes that are called text"), _free("txt", lambda w: gzip.compress(w.encode()), lambda content, w: gzip.decompress(content) == w.encode())),
    _hostile("pickle", "egress.type", Said(zh="打开即执行代码的模型文件", en="a model file that runs code when it is opened"), _free("bin", lambda w: pickle.dumps({"x": w}))),
    _hostile("script", "egress.type", Said(zh="带脚本的网页", en="a page with a script"), _free("html", lambda w: f"<script>{w}</script>".encode())),
    _hostile("drawing", "egress.type", Said(zh="带脚本的矢量图", en="a drawing with a script"), _free("svg", lambda w: f"<svg onload='{w}'/>".encode())),
    _hostile("document", "egress.type", Said(zh="带脚本的 PDF", en="a PDF with a script"), _free("pdf", lambda w: f"%PDF-1.7\n/JS ({w})".encode())),
    _hostile("picture", "egress.type", Said(zh="图片末尾附加数据", en="a picture with words after its end"), _free("png", lambda w: b"\x89PNG\r\n\x1a\n" + w.encode())),
)  # fmt: skip
"""Every attempt of the family."""
