"""What the start costs: the tables are read for `--help`, so they import nothing that takes time."""

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
HEAVY = {
    "requests",
    "jsonschema",
    "jsonschema_rs",
    "junitparser",
    "yaml",
    "msgspec",
    "dataclasses",
    "re2",
    "difflib",
    "argparse",
    "inspect",
    "json",
    "urllib.parse",
    "zoneinfo",
    "ipaddress",
    "pathlib",
}


def imported(code):
    told = "print(*(set(sys.modules) - before), sep='\\n', file=sys.stderr)"
    whole = f"import sys; before = set(sys.modules)\n{code}\n{told}"
    done = subprocess.run([sys.executable, "-c", whole], capture_output=True, text=True, check=True, cwd=ROOT)
    return set(done.stderr.split())


@pytest.mark.parametrize(
    "code",
    [
        "import xray_ci.settings.table",
        "from xray_ci.settings import flags\nflags.parse(['--help']); flags.usage(None)",
        "from xray_ci.settings import flags\nflags.parse(['import', '--help']); flags.usage('import')",
        "from xray_ci.settings import flags\nflags.parse(['import', '--reports', 'a.xml', '--project', 'SHOP'])",
    ],
)
def test_help_and_flags_import_nothing_heavy(code):
    """No package, no dataclasses, no module of the standard library that takes milliseconds."""
    assert set() == HEAVY & imported(code)


def test_a_run_without_files_imports_no_yaml_and_no_schema(tmp_path):
    """What only a config file needs is imported with one."""
    code = (
        "from pathlib import Path\nfrom xray_ci.settings import config\n"
        f"config.load({{'reports': 'a'}}, {{}}, Path({str(tmp_path)!r}), command='inspect', github=False)"
    )

    assert set() == {"yaml", "jsonschema", "re2", "zoneinfo", "difflib", "requests", "dataclasses"} & imported(code)
