"""Steps of ours as text, for each CI system in its own file format, and for bash and PowerShell.

Each reference is written as its pipeline reads it.

Knows the quoting of each; decides nothing. A literal part never ends a quote: it is escaped for where it stands.
"""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Final

from xray_ci.ci.text import one_line
from xray_ci.migrate.step import SECRET_NAMES, Host, RefKind
from xray_ci.settings.table import BY_NAME

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from xray_ci.migrate.step import MigratedStep, Ref

_ACTION: Final = "org/xray-ci@v1"
_IMAGE: Final = "ghcr.io/org/xray-ci:v1"
_TYPED: Final = frozenset({"continue-on-error", "timeout-minutes"})
"""Keys of a GitHub step whose value is a boolean or a number, never a text (D)."""
_PLAIN: Final = re.compile(
    r"(?!(?:true|false|yes|no|on|off|null|y|n)$)[A-Za-z][A-Za-z0-9_./-]*|\$\{\{ [\w. ]+ \}\}|always\(\)",
    re.IGNORECASE | re.ASCII,
)


def text(steps: list[MigratedStep]) -> str:
    """Return what is printed for the steps of one file; it ends with a newline."""
    lines: list[str] = []
    names: set[str] = set()
    for step in steps:
        mark = "//" if step.host is Host.JENKINS else "#"
        lines += [""] if lines else []
        lines.append(f"{mark} In place of {step.what} on line {step.line}.")
        lines += [f"{mark} Not translated: {one_line(reason, 400)}" for reason in step.left]
        lines += lines_of(step, names)
    return "\n".join(lines) + "\n"


def lines_of(step: MigratedStep, names: set[str] | None = None) -> Iterator[str]:
    """Yield the lines of one step; `names` are those of jobs that were given before."""
    match step.host:
        case Host.GITHUB:
            yield from _github(step)
        case Host.GITLAB:
            yield from _gitlab(step, set() if names is None else names)
        case Host.JENKINS:
            yield from _jenkins(step)
        case Host.SHELL:
            yield from _docker(step)
        case Host.AZURE:
            yield from _azure(step)
        case Host.CIRCLECI:
            yield from _circleci(step)
        case Host.BITBUCKET:
            yield from _bitbucket(step)
        case Host.POWERSHELL:
            yield from _powershell(step)


def _filled(
    step: MigratedStep, value: str, reference: Callable[[Ref], str], literal: Callable[[str], str] = str
) -> str:
    return "".join(literal(part) if isinstance(part, str) else reference(part) for part in step.refs.split(value))


def _yaml(value: str) -> str:
    """Return a text as one YAML scalar on its line: plain where nobody can misread it, else as JSON writes it."""
    return value if _PLAIN.fullmatch(value) else json.dumps(value, ensure_ascii=False)


def _block(indent: str, name: str, value: str) -> Iterator[str]:
    if "\n" not in value:
        yield f"{indent}{name}: {_yaml(value)}"
        return
    yield f"{indent}{name}: |"
    yield from (f"{indent}  {row}" for row in value.splitlines() if row.strip())


def _github(step: MigratedStep) -> Iterator[str]:
    def expression(ref: Ref) -> str:
        return f"${{{{ {ref.name.strip() if ref.kind is RefKind.EXPRESSION else f'env.{ref.name}'} }}}}"

    first = "- "
    for name, value in step.frame.items():
        typed = name in _TYPED and re.fullmatch(r"true|false|[0-9]{1,9}(\.[0-9]{1,9})?", value)
        yield f"{first}{name}: {value if typed else _yaml(_filled(step, value, expression))}"
        first = "  "
    yield f"{first}uses: {_ACTION}"
    yield "  with:"
    for name, value in {**step.settings, **step.accepted}.items():
        yield from _block("    ", name, _filled(step, value, expression))
    for name, value in step.secrets.items():
        yield f"    {name}: {_filled(step, value, expression) or f'${{{{ secrets.{SECRET_NAMES[name]} }}}}'}"


def _gitlab(step: MigratedStep, taken: set[str]) -> Iterator[str]:
    def variable(ref: Ref) -> str:
        return f"${{{ref.name}}}"

    def literal(part: str) -> str:
        return part.replace("$", "$$")

    base = "xray" if step.frame.get("name", "").startswith(".") else step.frame.get("name") or "xray"
    name = next(
        name
        for number in range(1, len(taken) + 2)
        if (name := base if number == 1 else f"{base} {number}") not in taken
    )
    taken.add(name)
    yield f"{_yaml(name)}:"
    yield f"  stage: {_yaml(step.frame.get('stage') or '.post')}"
    yield "  image:"
    yield f"    name: {_IMAGE}"
    yield '    entrypoint: [""]'
    yield "  when: always"
    yield "  variables:"
    for setting, value in step.settings.items():
        yield from _block("    ", BY_NAME[setting].variable, _filled(step, value, variable, literal))
    for setting, value in step.secrets.items():
        own, source = BY_NAME[setting].variable, _filled(step, value, variable) or f"${{{SECRET_NAMES[setting]}}}"
        if source != f"${{{own}}}":  # a variable of the project with our own name is there already
            yield f'    {own}: "{source}"'
    yield "  script: xray-ci import"


def _jenkins(step: MigratedStep) -> Iterator[str]:
    yield "stage('Xray') {"
    yield f"  agent {{ docker {{ image '{_IMAGE}'; args '--entrypoint='; reuseNode true }} }}"
    variables = [f"{BY_NAME[setting].variable} = {_groovy(step, value)}" for setting, value in step.settings.items()]
    before, bindings = [], []
    for setting, value in step.secrets.items():
        ref, own = step.refs.alone(value), BY_NAME[setting].variable
        if ref is None:
            bindings.append(f"string(credentialsId: '{SECRET_NAMES[setting]}', variable: '{own}')")
        elif ref.kind is RefKind.CREDENTIAL:
            variables.append(f"{own} = credentials('{ref.name}')")
        elif ref.kind is RefKind.GROOVY:
            variables.append(f'{own} = "${{{ref.name}}}"')
        elif ref.name != own:
            before.append(f'{own}="${ref.name}"')
    if variables:  # an empty block is refused
        yield from ("  environment {", *(f"    {line}" for line in variables), "  }")
    if step.pair:
        names = (
            ("client-id", "client-secret")
            if step.settings["deployment"] == "cloud"
            else ("jira-username", "jira-password")
        )
        user, password = (BY_NAME[name].variable for name in names)
        bindings.append(
            f"usernamePassword(credentialsId: '{step.pair}', usernameVariable: '{user}', passwordVariable: "
            f"'{password}')"
        )
    run = f"sh '{' '.join([*before, 'xray-ci import'])}'"
    yield "  steps {"
    if bindings:
        yield f"    withCredentials([{', '.join(bindings)}]) {{"
        yield f"      {run}"
        yield "    }"
    else:
        yield f"    {run}"
    yield "  }"
    yield "}"


def _groovy(step: MigratedStep, value: str) -> str:
    if not step.refs.inside(value):
        return "'" + _escaped(value).replace("'", r"\'") + "'"

    def reference(ref: Ref) -> str:
        return f"${{env.{ref.name}}}" if ref.kind is RefKind.VARIABLE else f"${{{ref.name}}}"

    return (
        '"' + _filled(step, value, reference, lambda part: _escaped(part).replace('"', r"\"").replace("$", r"\$")) + '"'
    )


def _escaped(part: str) -> str:
    return part.replace("\\", r"\\").replace("\n", r"\n").replace("\t", r"\t")


def _docker(step: MigratedStep) -> Iterator[str]:
    names = [BY_NAME[setting].variable for setting in step.secrets]
    before = []
    for setting, value in step.secrets.items():
        ref, own = step.refs.alone(value), BY_NAME[setting].variable
        source = ref.name if ref is not None else SECRET_NAMES[setting]
        if source != own:
            before.append(f'{own}="${source}"')
    if before:
        yield f"{' '.join(before)} \\"
    yield 'docker run --rm -v "$PWD:/workspace" -w /workspace \\'
    if names:  # by name: what stands on a command line can be read by others
        yield f"  {' '.join(f'-e {name}' for name in names)} \\"
    for setting, value in step.settings.items():
        yield f"  -e {BY_NAME[setting].variable}={_shell(step, value)} \\"
    yield f"  {_IMAGE}"


def _shell(step: MigratedStep, value: str) -> str:
    if not step.refs.inside(value):
        return value if re.fullmatch(r"[\w./:-]+", value, re.ASCII) else "'" + value.replace("'", "'\\''") + "'"
    return (
        '"'
        + _filled(step, value, lambda ref: f"${{{ref.name}}}", lambda part: re.sub(r'([\\"$`])', r"\\\1", part))
        + '"'
    )


def _exports(step: MigratedStep) -> Iterator[str]:
    """Return lines of bash, each one line, that set what is no secret."""
    for setting, value in step.settings.items():
        written = _shell(step, value)
        line = written.replace("\n", f"{written[0]}$'\\n'{written[0]}")
        yield f"export {BY_NAME[setting].variable}={line}"


def _named_secrets(step: MigratedStep) -> Iterator[tuple[str, str]]:
    """Return our variable and the variable that holds the secret, for each secret."""
    for setting, value in step.secrets.items():
        ref = step.refs.alone(value)
        yield BY_NAME[setting].variable, ref.name if ref is not None else SECRET_NAMES[setting]


def _command(step: MigratedStep) -> str:
    renamed = [f'{own}="${source}"' for own, source in _named_secrets(step) if own != source]
    return " ".join([*renamed, "xray-ci import"])


def _azure(step: MigratedStep) -> Iterator[str]:
    yield "- bash: |"
    yield from (f"    {line}" for line in _exports(step))
    yield "    pipx run xray-ci import"
    yield f"  displayName: {_yaml(step.frame.get('name') or 'Import into Xray')}"
    yield f"  condition: {_yaml(step.frame.get('condition') or 'succeededOrFailed()')}"
    yield "  env:"  # a secret reaches a script only by this (D)
    yield from (f"    {own}: $({source})" for own, source in _named_secrets(step))


def _circleci(step: MigratedStep) -> Iterator[str]:
    yield "- run:"
    yield f"    name: {_yaml(step.frame.get('name') or 'Import into Xray')}"
    yield "    when: always"
    yield "    command: |"
    yield from (f"      {line}" for line in _exports(step))
    yield "      pip install --quiet xray-ci"
    yield f"      {_command(step)}"


def _bitbucket(step: MigratedStep) -> Iterator[str]:
    yield "- step:"
    yield "    name: Import into Xray"
    yield f"    image: {_IMAGE}"
    yield "    script:"
    yield from (f"      - {json.dumps(line, ensure_ascii=False)}" for line in _exports(step))
    yield f"      - {json.dumps(_command(step))}"


def _powershell(step: MigratedStep) -> Iterator[str]:
    def literal(part: str) -> str:
        return re.sub(r'(["$`])', r"`\1", part).replace("\n", "`n")

    for setting, value in step.settings.items():
        written = _filled(step, value, lambda ref: f"${{env:{ref.name}}}", literal)
        yield f'$env:{BY_NAME[setting].variable} = "{written}"'
    yield from (f"$env:{own} = $env:{source}" for own, source in _named_secrets(step) if own != source)
    yield "pip install --quiet xray-ci"
    yield "xray-ci import"
