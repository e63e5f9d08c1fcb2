"""What every reader of an old pipeline shares.

The steps found so far, the last login seen, and scripts with calls of curl or, in PowerShell, of `Invoke-RestMethod`.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from xray_ci.migrate import curl, shell
from xray_ci.migrate.step import Host, MigratedStep

if TYPE_CHECKING:
    from xray_ci.migrate.step import Refs
    from xray_ci.secret import Redactor

_LONGEST: Final = 10_000
"""Characters of a file that a script writes."""
MOST_STEPS = 100
"""A file with more import steps is no pipeline that a person moves over."""


class FoundSteps:
    """The steps of one file, in its order."""

    def __init__(self, refs: Refs, redactor: Redactor) -> None:
        self.refs = refs
        self.redactor = redactor
        self.steps: list[MigratedStep] = []
        self.key: dict[str, str] | None = None
        """Halves of the API key that the last login sent."""
        self.logins = 0
        self.written: dict[str, str] = {}
        """Texts of the small files that the scripts write by `echo`, `printf` or a here-document."""
        self.system: Host | None = None
        """The CI system of the file, where it is known by its keys."""
        self.unknown: list[str] = []
        """Of Xray by their names, yet not understood."""

    def step(self, host: Host, line: int, what: str) -> MigratedStep:
        """Begin one more step; beyond the bound it is read and not kept."""
        step = MigratedStep(host, line, what, self.refs, self.redactor)
        if len(self.steps) < MOST_STEPS:
            self.steps.append(step)
        return step

    def script(self, text: str, line: int, known: dict[str, str], host: Host) -> list[MigratedStep]:
        """Read a script; `known` has the values of variables. Returns the steps it made."""
        made = []
        what = "a call of curl"
        if _POWERSHELL.search(text):
            text, what = _as_bash(text), "a call to Xray"
            host = Host.POWERSHELL if host is Host.SHELL else host
        for command in shell.commands(text, line, known, self.refs):
            call = curl.call(command.words)
            if call is None:
                self._file(command)
                continue
            if (key := curl.login(call)) is not None:
                self.key = key
                self.logins += 1
            elif parts := curl.imports(call):
                step = self.step(host, command.line, what)
                curl.translate(
                    call,
                    parts,
                    step,
                    cloud=curl.is_cloud(parts, logged_in=self.logins > 0),
                    key=self.key,
                    written=self.written,
                )
                made.append(step)
        return made

    def _file(self, command: shell.ShellCommand) -> None:
        """Remember what a command writes into a JSON file."""
        words = command.words
        if words[0] in ("echo", "printf", "cat", "tee") and words[-1].endswith(".json"):
            text = command.body or next((word for word in words[1:-1] if word.lstrip().startswith("{")), "")
            self.written[words[-1].removeprefix("./")] = text[:_LONGEST]


_POWERSHELL: Final = re.compile(r"\b(?:Invoke-(?:RestMethod|WebRequest)|curl\.exe)\b|\$\{?env:", re.IGNORECASE)
_HASH: Final = re.compile(r"@\{((?:[^{}$]|\$\{[^{}\n]{0,100}\}|\$(?!\{))*)\}")
_DEEPEST: Final = 3
"""Of hash tables in each other."""
_PAIR: Final = re.compile(r"[ \t]*['\"]?([\w-]+)['\"]?[ \t]*=[ \t]*(.*)")
_CALL: Final = re.compile(r"\b(?:Invoke-RestMethod|Invoke-WebRequest)\b((?:\\\n|[^\n;|])*)", re.IGNORECASE)
_FILE: Final = re.compile(
    r"\(?\bGet-(?:Content|Item)\b[ \t]+(?:-(?:Path|LiteralPath|Raw)[ \t]+)*['\"]?([^'\")|;}\s]+)['\"]?"
    r"(?:[ \t]+-Raw\b)?(?:[ \t]+-Encoding[ \t]+\w+)?\)?",
    re.IGNORECASE,
)
_OPTIONS: Final = {
    "uri": "url",
    "method": "request",
    "infile": "upload-file",
    "body": "data",
    "outfile": "output",
    "timeoutsec": "max-time",
    "proxy": "proxy",
    "skipcertificatecheck": "insecure",
    "token": "oauth2-bearer",
    "certificatethumbprint": "cert",
}
"""Parameters of the two commands of PowerShell to options of curl; others say nothing of the import."""


def _as_bash(text: str) -> str:
    """Return PowerShell, or a batch file, as the bash that says the same as far as imports go; lines stay."""
    text = re.sub(r"\\(?![\"\n])", "/", text)
    text = re.sub(r"[ \t][`^][ \t]*\n", " \\\n", text)
    text = re.sub(r"%([A-Z_][A-Z0-9_]{1,99})%", r"${\1}", text)
    text = re.sub(r"\$\(\$env:(\w+)\)|\$\{env:(\w+)\}|\$env:(\w+)", _environment, text, flags=re.IGNORECASE)
    text = _FILE.sub(r'"@\1"', text)
    tables: list[list[tuple[str, str]]] = []
    named: dict[str, int] = {}

    def table(found: re.Match[str]) -> str:
        rows = re.split(r"[;\n]", found[1])
        tables.append([(pair[1], pair[2].strip().strip("'\"")) for row in rows if (pair := _PAIR.match(row))])
        return f"@#{len(tables) - 1}#" + "\n" * found[1].count("\n")

    def assigned(found: re.Match[str]) -> str:
        named[found[1].lower()] = int(found[2])
        return ""

    for _ in range(_DEEPEST):
        text = _HASH.sub(table, text)
    text = re.sub(r"\$(\w+)[ \t]*=[ \t]*@#(\d+)#(?:[ \t]*\|[ \t]*ConvertTo-Json[^\n]*)?", assigned, text)
    text = _CALL.sub(lambda found: _curl(found[1], tables, named), text)
    text = re.sub(r"^([ \t]*)\$\w+[ \t]*=[ \t]*(?=[(&]?[ \t]*curl)", r"\1", text, flags=re.MULTILINE)
    return re.sub(r"^([ \t]*)\$(\w+)[ \t]*=[ \t]*(?=['\"\w])", r"\1\2=", text, flags=re.MULTILINE)


def _url(value: str) -> str:
    return f" --url {re.sub(r'[()]|[ ]+[+][ ]+', '', value)}"


def _environment(found: re.Match[str]) -> str:
    return "${" + (found[1] or found[2] or found[3]) + "}"


def _curl(arguments: str, tables: list[list[tuple[str, str]]], named: dict[str, int]) -> str:
    """Return a call of curl for the arguments of `Invoke-RestMethod`."""

    def pairs(word: str) -> list[tuple[str, str]] | None:
        inline = re.fullmatch(r"\(?@#(\d{1,6})#\)?", word)
        at = int(inline[1]) if inline else named.get(word.strip("()").lstrip("$@").lower(), -1)
        return tables[at] if 0 <= at < len(tables) else None

    def option(name: str, value: str) -> str:
        found = pairs(value)
        match name.lower():
            case "headers":
                return "".join(f' --header "{key}: {text}"' for key, text in found or ())
            case "form":
                return "".join(f' --form "{key}={text}"' for key, text in found or ())
            case "body" if found is not None:
                return f' --data "{"&".join(f"{key}={text}" for key, text in found)}"'
            case "uri":
                return _url(value)
            case known:
                return f" --{_OPTIONS[known]} {value}" if known in _OPTIONS else ""

    splat = re.match(r"[ \t]*@(\w+)", arguments)
    given = pairs(splat[1]) if splat else None
    if given is not None:
        return "curl" + "".join(option(key, text if "#" in text else f'"{text}"') for key, text in given)
    shape = r"-(\w+)(?::|[ \t]+(?:\\\n[ \t]*)?|(?=\s|$))((?!-)(?:\"[^\"]*\"|'[^']*'|\([^()\n]*\)|[^\s\"'()])*)?"
    words = re.findall(shape, arguments)
    address = re.match(r"[ \t]*((?![-@])(?:\"[^\"\n]*\"|'[^'\n]*'|\([^()\n]*\)|[^\s\"'()])+)", arguments)
    first = _url(address[1]) if address else ""
    return "curl" + first + "".join(option(name, value) for name, value in words) + "\\\n" * arguments.count("\n") + " "
