"""A Jenkinsfile → its tokens: strings with their expressions as references, words and signs; comments are gone.

Nothing is executed; each pattern takes every character once. Knows nothing of Jenkins's steps.

Jenkinsfiles: the build step of the official Xray plugin, declarative and scripted, and `sh` steps with calls of curl.

The plugin's parameters are (O): public Jenkinsfiles and the plugin's source.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final, NamedTuple

from xray_ci.migrate import curl
from xray_ci.migrate.reading import MOST_STEPS
from xray_ci.migrate.step import Host, quoted
from xray_ci.settings.table import FORMATS

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from xray_ci.migrate.reading import FoundSteps
    from xray_ci.migrate.step import MigratedStep, Refs


_TOKEN: Final = re.compile(
    r"""
    (?P<space>[ \t\r\f]+) | (?P<line>\n)
  | (?P<comment>//[^\n]* | /\*(?:[^*]|\*(?!/))*(?:\*/)?)
  | (?P<string>'''(?:[^\\']|\\.|'(?!''))*(?:''')?
      | \"\"\"(?:[^\\"]|\\.|"(?!""))*(?:\"\"\")? | '(?:[^\\'\n]|\\.)*'? | "(?:[^\\"\n]|\\.)*"?)
  | (?P<word>[A-Za-z0-9_$][\w.$]*)
  | (?P<sign>.)
""",
    re.VERBOSE | re.DOTALL,
)
_IN_DOUBLE: Final = re.compile(
    r"\\(?P<escaped>.)|\$\{(?P<code>[^{}\n]{0,200})\}|\$(?P<name>[A-Za-z_][\w.]{0,100})", re.DOTALL
)
_IN_SINGLE: Final = re.compile(r"\\(?P<escaped>.)", re.DOTALL)
_MOST_PIECES: Final = 200
"""Of one concatenation."""
_ESCAPES: Final = {"n": "\n", "t": "\t", "r": "\r", "\n": ""}


class Token(NamedTuple):
    """A string (its text), a word or a sign."""

    kind: str
    text: str
    line: int


def groovy_tokens(text: str, refs: Refs) -> list[Token]:
    """Return the tokens of a Jenkinsfile, or of anything: what is no Groovy gives signs."""
    found = []
    line = 1
    for match in _TOKEN.finditer(refs.clean(text)):
        kind = match.lastgroup or ""
        if kind in ("string", "word", "sign"):
            found.append(Token(kind, _string(match[0], refs) if kind == "string" else match[0], line))
        line += match[0].count("\n")
    return found


def _string(written: str, refs: Refs) -> str:
    size = 3 if written[:3] in ("'''", '"""') else 1
    mark = written[:size]
    inner = written[size:-size] if written.endswith(mark) and len(written) >= 2 * size else written[size:]

    def piece(found: re.Match[str]) -> str:
        if (escaped := found["escaped"]) is not None:
            return _ESCAPES.get(escaped, escaped)
        return refs.groovy((found["code"] if found["code"] is not None else found["name"]).strip())

    return (_IN_DOUBLE if mark[0] == '"' else _IN_SINGLE).sub(piece, inner)


def groovy_value(found: Sequence[Token], at: int, known: dict[str, str], refs: Refs) -> tuple[str, int]:
    """Return the text of the expression that begins at a token, and where what follows it begins."""
    pieces: list[str] = []
    while at < len(found) and found[at].kind != "sign" and len(pieces) < _MOST_PIECES:
        token = found[at]
        at += 1
        if token.kind == "string":
            pieces.append("".join(_resolved(token.text, known, refs)))
        elif token.text == "credentials" and at + 1 < len(found) and found[at].text == "(":
            pieces.append(refs.credential(found[at + 1].text))
            at += 3
        elif at < len(found) and found[at].text in ("(", "["):
            return refs.computed(), at
        else:
            name = token.text.removeprefix("env.")
            pieces.append(
                known.get(name)
                or (
                    token.text
                    if token.text in ("true", "false") or token.text[0].isdigit()
                    else refs.groovy(token.text)
                )
            )
        if at >= len(found) or found[at].text != "+":
            break
        at += 1
    text = "".join(pieces)
    return (text if len(text) <= 10_000 else refs.computed()), at  # noqa: PLR2004  # no value of a pipeline is longer


def _resolved(text: str, known: dict[str, str], refs: Refs) -> Iterator[str]:
    for part in refs.split(text):
        if isinstance(part, str):
            yield part
        else:
            place = refs.place(part)
            yield known.get(part.name, place) if len(text) <= 10_000 else place  # noqa: PLR2004  # as above


_BUILDER: Final = "XrayImportBuilder"
_SAME: Final = {
    "importFilePath": "reports",
    "projectKey": "project",
    "testExecKey": "test-execution",
    "testPlanKey": "test-plan",
    "testEnvironments": "test-environments",
    "revision": "revision",
    "fixVersion": "fix-version",
}
_IGNORED: Final = {
    "importInParallel": "reports become one Test Execution in one request where one will do",
    **dict.fromkeys(("inputInfoSwitcher", "inputTestInfoSwitcher"), "text or file is told by what stands there"),
    "testImportInfo": "put the Jira fields of new Tests into `test-fields`",
}
_VARIABLE: Final = re.compile(r"\$\{([A-Za-z_][A-Za-z0-9_]{0,99})\}")
_MOST_TOKENS: Final = 1000
"""Of the arguments of one step: a bound for text that never closes its bracket."""
_QUIET: Final = frozenset(
    {"endpointName", "importToSameExecution", "serverInstance", "credentialId", "importInfo", "$class", *_SAME}
)


def read(text: str, found: FoundSteps) -> None:
    """Find every import of a Jenkinsfile."""
    tokens = groovy_tokens(text, found.refs)
    known: dict[str, str] = {}
    for at, token in enumerate(tokens):
        if len(found.steps) >= MOST_STEPS:
            return
        ahead = tokens[at + 1] if at + 1 < len(tokens) else token
        if token.kind == "word" and ahead.text == "=" and ahead.kind == "sign" and at + 2 < len(tokens):
            known[token.text.removeprefix("env.")] = groovy_value(tokens, at + 2, known, found.refs)[0]
        elif token.kind == "word" and token.text in ("sh", "bat", "powershell", "pwsh"):
            _script(tokens, at + 1, known, found)
        elif (
            token.kind == "string"
            and token.text == _BUILDER
            and [one.text for one in tokens[max(at - 2, 0) : at]] == ["$class", ":"]
        ):
            _plugin(
                _arguments(tokens, at + 1, known, found),
                found.step(Host.JENKINS, token.line, "the step of the Xray plugin"),
            )


def _script(tokens: Sequence[Token], at: int, known: dict[str, str], found: FoundSteps) -> None:
    """Read the string of `sh '…'`, `sh(script: '…')`, `sh(returnStdout: true, script: '…')`."""
    for ahead in range(at, min(at + 9, len(tokens))):
        if tokens[ahead].kind == "string":
            shell = {name: value for name, value in known.items() if value}
            found.script(
                groovy_value(tokens, ahead, known, found.refs)[0]
                if len(tokens[ahead].text) < 10_000  # noqa: PLR2004
                else tokens[ahead].text,
                tokens[ahead].line,
                shell,
                Host.JENKINS,
            )
            return
        if tokens[ahead].kind == "sign" and tokens[ahead].text in "{};":
            return


def _arguments(tokens: Sequence[Token], at: int, known: dict[str, str], found: FoundSteps) -> dict[str, str]:
    """Return the named arguments up to the bracket that closes them."""
    arguments: dict[str, str] = {}
    depth = 0
    end = min(len(tokens) - 1, at + _MOST_TOKENS)
    while at < end and depth >= 0:
        token = tokens[at]
        if token.kind == "word" and tokens[at + 1].text == ":" and depth == 0:
            arguments[token.text], at = groovy_value(tokens, at + 2, known, found.refs)
            continue
        if token.kind == "sign":
            depth += (token.text in "[({") - (token.text in "])}")
        at += 1
    return arguments


def _plugin(arguments: Mapping[str, str], step: MigratedStep) -> None:
    """Fill a step with the parameters of the plugin, which puts variables into `${NAME}` by itself (O)."""
    arguments = {
        name: _VARIABLE.sub(lambda found: step.refs.variable(found[1]), value) for name, value in arguments.items()
    }
    for name, value in arguments.items():
        if name in _SAME:
            step.put(_SAME[name], value, f"`{name}`")
        elif name in _IGNORED and value.strip():
            step.leave(f"`{name}`", _IGNORED[name])
        elif name not in _QUIET:
            step.leave(quoted(name), "there is nothing like it here")
    endpoint = arguments.get("endpointName", "").strip("/").removesuffix("/multipart").removesuffix("multipart")
    if endpoint in ("", *FORMATS):
        step.put("format", endpoint or "xray-json", "`endpointName`")
    else:
        step.leave("`endpointName`", "no such format is known; the content of the files decides")
    together = arguments.get("importToSameExecution", "false").strip().lower() == "true"
    if not together and "*" in step.settings.get("reports", "") and "test-execution" not in step.settings:
        step.put("executions", "per-report", "`importToSameExecution`, which is not true,")
    elif "importToSameExecution" in arguments:
        step.notes.append("`importToSameExecution` is not needed: one Test Execution is what is made.")
    if info := arguments.get("importInfo", "").strip():
        curl.info(info, step, "`importInfo`")
    _instance(arguments, step)


def _instance(arguments: Mapping[str, str], step: MigratedStep) -> None:
    """Take deployment and credentials from the configured instance.

    Its id begins with the deployment in newer versions (O).
    """
    instance = arguments.get("serverInstance", "")
    cloud = instance.upper().startswith("CLOUD")
    if not cloud and not instance.upper().startswith("SERVER"):
        step.leave(
            "`serverInstance`",
            "it does not say which deployment it is, and was taken for Server/Data Center. For Xray Cloud "
            "set `deployment` to cloud, remove `jira-url`, and bind the API key to XRAY_CI_CLIENT_ID and "
            "XRAY_CI_CLIENT_SECRET",
        )
    pair = arguments.get("credentialId", "").strip()
    if (
        pair
        and not step.refs.inside(pair)
        and all(char.isalnum() or char in "_.-" for char in pair)
        and len(pair) <= 100  # noqa: PLR2004
    ):
        step.pair = pair
        step.notes.append("`credentialId` is bound as user name and password.")
    else:
        step.notes.append(
            "The credentials of `serverInstance` are Jenkins's own; store them as credentials of the folder, too."
        )
    step.finish(cloud=cloud)
