"""How CI systems read what a step hands over, written from their documentation.

What the product escapes, this undoes.
"""

import os
import re
import subprocess
from pathlib import Path

_COMMAND = re.compile(r"##vso\[([\w.]+)(?: ([^\]]*))?\](.*)")
_MESSAGE = re.compile(r"##teamcity\[(\w+) ((?:[^|\]]|\|.)*)\]")
_ATTRIBUTE = re.compile(r"(\w+)\s*=\s*'((?:[^|']|\|.)*)'", re.DOTALL)
_BARS = re.compile(r"\|(0x[0-9a-fA-F]{4}|.)")


def azure(log):
    """Return the variables of later steps, the outputs of the step, and the summaries.

    As an agent takes them from a log.
    """
    variables, outputs, pages = {}, {}, []
    for line in log.splitlines():
        found = _COMMAND.search(line)
        if not found:
            continue
        facts = dict(each.split("=", 1) for each in (found[2] or "").split(";") if each)
        value = _azure_decoded(found[3])
        match found[1]:
            case "task.setvariable":
                (outputs if facts.get("isOutput") == "true" else variables)[_azure_decoded(facts["variable"])] = value
            case "task.uploadsummary":
                assert Path(value).is_absolute()
                pages.append(Path(value))  # the agent fails the step when it is not there
    return variables, outputs, pages


def _azure_decoded(text):
    for code, char in (("%3B", ";"), ("%0D", "\r"), ("%0A", "\n"), ("%5D", "]"), ("%AZP25", "%")):
        text = text.replace(code, char)
    return text


def teamcity(log):
    """Return the parameters and the status texts that a TeamCity agent takes from a log, references resolved."""
    parameters, status = {}, []
    for line in log.splitlines():
        for found in _MESSAGE.finditer(line):
            facts = {name: _BARS.sub(_unbarred, value) for name, value in _ATTRIBUTE.findall(found[2])}
            match found[1]:
                case "setParameter":
                    assert not re.search(r"(?<!%)(?:%%)*%[^%\s]+%(?!%)", facts["value"]), "a reference to a parameter"
                    parameters[facts["name"]] = facts["value"].replace("%%", "%")
                case "buildStatus":
                    assert {"text"} == {*facts}, "the verdict is the build's"
                    status.append(facts["text"].replace("{build.status.text}", "Tests passed: 1"))
    return parameters, status


def _unbarred(found):
    code = found[1]
    return chr(int(code, 0)) if len(code) > 1 else {"n": "\n", "r": "\r"}.get(code, code)


def sourced(file):
    """Return the variables that begin with XRAY_ once bash has sourced a file, as each later step of CircleCI does."""
    done = subprocess.run(
        ["bash", "-c", "env -0"], env={"BASH_ENV": str(file), "PATH": os.defpath}, capture_output=True, check=True
    )
    pairs = (each.split("=", 1) for each in done.stdout.decode().split("\0") if each.startswith("XRAY_"))
    return dict(pairs)


def dotenv(file):
    """Return the variables of `NAME=value` lines."""
    return dict(line.split("=", 1) for line in Path(file).read_text().splitlines())
