"""The later step of a job.

Uses the outputs of the import (JSON in `OUTPUTS`), and fails when one is not what `shop.py` brings.
"""

import json
import os
import re
import sys
from pathlib import Path

outputs = json.loads(os.environ["OUTPUTS"])
expected = {"outcome": "imported", "tests": "2", "passed": "1", "failed": "1", "skipped": "0", "imported": "2"}
wrong = {name: outputs.get(name) for name, value in expected.items() if value != outputs.get(name)}
key = outputs.get("test-execution-key", "")
if wrong or not re.fullmatch(r"SHOP-\d+", key):
    sys.exit(f"not what was expected: {wrong}, Test Execution {key!r}")
if key != json.loads(Path("result.json").read_text(encoding="utf-8"))["test_executions"][0]["key"]:
    sys.exit(f"the result file does not name {key}")
sys.stdout.write(f"delivered {key}\n")
