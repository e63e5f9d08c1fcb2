"""One old import step as settings of ours: what was understood, what is left out and why, which secrets it needs.

Every value is read by the settings table before it is taken. A literal secret never becomes a value: a name stands for
it. A reference (an expression, a variable or a credential) inside a text is one character of a private plane, so that
the text can be cut, searched and decoded like any other, and a printer writes it in the way its pipeline reads it.

Knows no file format and no way of printing.
"""

from __future__ import annotations

import enum
import re
from pathlib import Path
from typing import TYPE_CHECKING, Final, NamedTuple

from xray_ci.ci.text import clean, harmless, one_line
from xray_ci.deployments import DEPLOYMENTS
from xray_ci.settings.kinds import ValueContext, parse
from xray_ci.settings.problems import Raw, WrongValueError
from xray_ci.settings.table import BY_NAME, Kind

if TYPE_CHECKING:
    from xray_ci.secret import Redactor


_FIRST: Final = 0xF0000
_MOST: Final = 10_000
_PLACE: Final = re.compile("[\U000f0000-\U000ffffd]")
_NAME: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,99}")
_GROOVY: Final = re.compile(r"[A-Za-z_][\w.]{0,99}", re.ASCII)
_EXPRESSION: Final = re.compile(r"[^{}\n]{1,200}")
_GITHUB: Final = re.compile(r"\$\{\{([^{}\n]{0,200})\}\}")


class RefKind(enum.Enum):
    """What a reference is; the value is the word in a reason."""

    EXPRESSION = "an expression of GitHub"
    VARIABLE = "a variable"
    GROOVY = "an expression of Groovy"
    CREDENTIAL = "a credential of Jenkins"
    COMPUTED = "computed while the old step runs"


class Ref(NamedTuple):
    """One reference."""

    kind: RefKind
    name: str


class Refs:
    """The references of one run and their characters."""

    def __init__(self) -> None:
        self._all: list[Ref] = []
        self._places: dict[Ref, str] = {}

    def variable(self, name: str) -> str:
        """Return the character of a shell or CI variable; a positional or special one is computed."""
        return self._add(RefKind.VARIABLE if _NAME.fullmatch(name) else RefKind.COMPUTED, name)

    def groovy(self, code: str) -> str:
        """Return the character of an expression in a Groovy string; only names and their members are kept."""
        if code.startswith("env.") and _NAME.fullmatch(code[4:]):
            return self.variable(code[4:])
        return self._add(RefKind.GROOVY if _GROOVY.fullmatch(code) else RefKind.COMPUTED, code)

    def credential(self, name: str) -> str:
        """Return the character of Jenkins's `credentials('…')`."""
        return self._add(
            RefKind.CREDENTIAL if re.fullmatch(r"[\w.-]{1,100}", name, re.ASCII) else RefKind.COMPUTED, name
        )

    def expression(self, code: str) -> str:
        """Return the character of GitHub's `${{ … }}`."""
        quiet = harmless(clean(code)) == code
        return self._add(
            RefKind.EXPRESSION if quiet and _EXPRESSION.fullmatch(code) else RefKind.COMPUTED, code.strip()
        )

    def computed(self) -> str:
        """Return the character of what only the old step's own run would know."""
        return self._add(RefKind.COMPUTED, "")

    def expressions(self, text: str) -> str:
        """Return a text of a workflow with its `${{ … }}` as references."""
        return _GITHUB.sub(lambda found: self.expression(found[1]), self.clean(text))

    @staticmethod
    def clean(text: str) -> str:
        """Return a text of the input without characters that would be taken for references."""
        return _PLACE.sub("\ufffd", text)

    def split(self, text: str) -> list[str | Ref]:
        """Return a text as its literal parts and its references."""
        parts: list[str | Ref] = []
        end = 0
        for found in _PLACE.finditer(text):
            if found.start() > end:
                parts.append(text[end : found.start()])
            parts.append(self._all[ord(found[0]) - _FIRST])
            end = found.end()
        return [*parts, text[end:]] if end < len(text) else parts

    def place(self, ref: Ref) -> str:
        """Return the character of a reference that is known."""
        return self._places[ref]

    def inside(self, text: str) -> tuple[Ref, ...]:
        """Return the references of a text, in order."""
        return tuple(part for part in self.split(text) if isinstance(part, Ref))

    def alone(self, text: str) -> Ref | None:
        """Return the reference that a text is, None when it is or holds anything else."""
        parts = self.split(text.strip())
        return parts[0] if len(parts) == 1 and isinstance(parts[0], Ref) else None

    def _add(self, kind: RefKind, name: str) -> str:
        ref = Ref(kind, "" if kind is RefKind.COMPUTED else name)
        if ref not in self._places:
            if len(self._all) >= _MOST:
                return self.computed() if Ref(RefKind.COMPUTED, "") in self._places else "\ufffd"
            self._places[ref] = chr(_FIRST + len(self._all))
            self._all.append(ref)
        return self._places[ref]


SECRET_NAMES: Final = {
    "client-id": "XRAY_CLIENT_ID",
    "client-secret": "XRAY_CLIENT_SECRET",
    "jira-token": "JIRA_TOKEN",
    "jira-username": "JIRA_USERNAME",
    "jira-password": "JIRA_PASSWORD",
}
"""The secret that is named where the old step had none that can be named."""
REGION: Final = {url.removeprefix("https://"): key for key, url in DEPLOYMENTS["cloud"].regions.items()}
"""Host of Xray Cloud to region; the host before Xray's change of name is the global one (O)."""
_OLD_HOST: Final = "xray.cloud.xpand-it.com"
_ON_DISK: Final = frozenset({Kind.PATH, Kind.TARGET, Kind.FOLDER})
_WORKSPACES: Final = frozenset({"GITHUB_WORKSPACE", "CI_PROJECT_DIR", "WORKSPACE", "PWD", "github.workspace"})
_USER_INFO: Final = re.compile(r"^(https?://)([^/@?#]*)@")
_LOOPBACK: Final = re.compile(r"http://(localhost|127\.0\.0\.1|\[::1\])([:/]|$)")


class Host(enum.Enum):
    """Where the old step runs, and so what is printed."""

    GITHUB = "a step of a GitHub workflow"
    GITLAB = "a job of GitLab CI"
    JENKINS = "a stage of Jenkins"
    SHELL = "a container, started from a shell"
    AZURE = "a step of Azure Pipelines"
    CIRCLECI = "a step of CircleCI"
    BITBUCKET = "a step of Bitbucket Pipelines"
    POWERSHELL = "lines of PowerShell"


def quoted(name: str) -> str:
    """Return a name of the input as it may stand in a reason."""
    return "`" + harmless(one_line(name, 60)).replace("`", "'") + "`"


class MigratedStep:
    """What one old step becomes. `was` always names the old input, never its value."""

    def __init__(self, host: Host, line: int, what: str, refs: Refs, redactor: Redactor) -> None:
        self.host = host
        self.line = line
        self.what = harmless(what)
        """The old step in a few words of ours."""
        self.refs = refs
        self.redactor = redactor
        self.settings: dict[str, str] = {}
        """Values by setting, with references; in the order found."""
        self.accepted: dict[str, str] = {}
        """Inputs that are printed by their old names, which the action accepts."""
        self.secrets: dict[str, str] = {}
        """Secrets by setting: a reference, or empty for one that is to be stored under its name in SECRET_NAMES."""
        self.pair = ""
        """Id of a Jenkins credential with user name and password."""
        self.frame: dict[str, str] = {}
        """What belongs to the step and not to Xray: `name`, `id`, `if`, `stage`."""
        self.left: list[str] = []
        self.notes: list[str] = []

    def put(self, name: str, value: str, was: str) -> None:
        """Take a value as a setting, or say why it is left out."""
        value = value.strip()
        if not value:
            return
        if name == "reports":
            value = "\n".join(self._below(row) for row in value.splitlines())
        if any(ref.kind is RefKind.COMPUTED for ref in self.refs.inside(value)):
            self.leave(was, f"its value is {RefKind.COMPUTED.value}; set `{name}` yourself")
        elif (why := self._wrong(name, value)) is not None:
            self.leave(was, f"as `{name}` it is refused: {why}")
        else:
            self.settings[name] = value
            self.notes.append(f"{was} became `{name}`.")

    def keep(self, name: str, value: str) -> None:
        """Take an input by its old name, which the action accepts."""
        value = value.strip()
        if value and harmless(clean(value)) == value and "\n" not in value:
            self.accepted[name] = value
            self.notes.append(f"`{name}` is kept: the action takes it by this name.")

    def _wrong(self, name: str, value: str) -> str | None:
        if clean(value) != value or harmless(value) != value:
            return "It holds characters that a CI log would act on"
        row = BY_NAME[name]
        if row.kind in _ON_DISK or self.refs.inside(value):
            return None  # known only where the step will run
        try:
            parse(row, Raw(value, name), ValueContext(Path(), (), {}))
        except WrongValueError as wrong:
            return wrong.what.rstrip(".")
        return None

    def _below(self, path: str) -> str:
        """Return a path as it is below the workspace, which is where patterns begin."""
        path = path.strip().replace("\\", "/")
        parts = self.refs.split(path)
        if len(parts) > 1 and not isinstance(parts[0], str) and parts[0].name in _WORKSPACES and path[1] == "/":
            path = path[2:]
        return path.removeprefix("./")

    def secret(self, name: str, value: str, was: str) -> None:
        """Take a secret by the name it came from; a literal one gets a name and is told."""
        value = value.strip()
        if not value:
            return
        ref = self.refs.alone(value)
        if ref is not None and ref.kind is not RefKind.COMPUTED:
            self.secrets[name] = value
            self.notes.append(f"{was} became `{name}`, by its name.")
            if self.host is Host.JENKINS and ref.kind is RefKind.VARIABLE:
                self.notes.append(
                    "Keep the `withCredentials` or `environment` that sets its variable around the new step."
                )
            return
        self.secrets[name] = ""
        literal = [part for part in self.refs.split(value) if isinstance(part, str)]
        for part in literal:
            self.redactor.register(part)
        if literal:
            self.notes.append(
                f"{was} holds a secret in the open. Revoke it, make a new one and store it as {SECRET_NAMES[name]}, "
                f"which `{name}` reads now: whoever could read this file has it."
            )
        else:
            self.notes.append(
                f"{was} is {RefKind.COMPUTED.value}: store the secret as {SECRET_NAMES[name]}, which `{name}` reads "
                "now."
            )

    def user(self, value: str, was: str) -> None:
        """Take a user name, which is no secret."""
        if (ref := self.refs.alone(value)) is not None and ref.kind is RefKind.COMPUTED:
            self.secret("jira-username", value, was)
        else:
            self.put("jira-username", value, was)

    def leave(self, was: str, why: str) -> None:
        """Say that an input is not translated."""
        self.left.append(f"{was}: {why}.")

    def address(self, url: str, was: str, *, cloud: bool) -> None:
        """Take a base URL: a region of Xray Cloud, another URL of it, or Jira's."""
        if found := _USER_INFO.match(url):
            user, _, password = found[2].partition(":")
            url = found[1] + url[found.end() :]
            if not cloud and password:
                self.user(user, was)
                self.secret("jira-password", password, was)
        host = url.removeprefix("https://").rstrip("/")
        if not cloud:
            self.put("jira-url", url.rstrip("/"), was)
            if url.startswith("http://") and not _LOOPBACK.match(url):
                self.put("allow-http", "true", "an address without TLS")
        elif host not in (_OLD_HOST, "xray.cloud.getxray.app", ""):
            self.put("region" if host in REGION else "xray-url", REGION.get(host, url.rstrip("/")), was)

    def finish(self, *, cloud: bool) -> None:
        """Fill in what a step cannot do without, and drop what cannot go together."""
        self.settings.setdefault("deployment", "cloud" if cloud else "server")
        if "reports" not in self.settings:
            self._placeholder("reports", "path/to/reports/*.xml", "no report was found in the old step")
        for name in ("fields", "labels"):
            if name in self.settings and "test-execution" in self.settings:
                del self.settings[name]
                self.leave(f"`{name}`", "only a new Test Execution takes it, and `test-execution` names one")
        if self.pair:
            self.secrets.clear()
        elif cloud:
            for name in ("client-id", "client-secret"):
                self._needed(name)
        elif "jira-password" in self.secrets:
            self.secrets.pop("jira-token", None)
            if "jira-username" not in self.settings:
                self._needed("jira-username")
        else:
            self._needed("jira-token")
            self.settings.pop("jira-username", None)
        if not cloud and "jira-url" not in self.settings:
            self._placeholder("jira-url", "https://jira.example.com", "the old step does not say where Jira is")

    def _needed(self, name: str) -> None:
        if name not in self.secrets:
            self.secrets[name] = ""
            self.notes.append(f"`{name}` reads {SECRET_NAMES[name]}: store the secret under this name.")

    def _placeholder(self, name: str, value: str, why: str) -> None:
        self.settings[name] = value
        self.left.append(f"`{name}`: {why}. Write the right value.")
