"""One text of the user → itself, or what is wrong with it: keys, labels, patterns, switches.

Knows no setting and no origin.

Addresses: https, no credentials inside, loopback or not. Never shows an address in an error, it may hold a secret.

Templates of summary and description: a closed list of placeholders, checked when configured, filled when known.

What fills them comes from branches, commits and job names, which strangers choose: it is never read as a template
again, and cannot bring line breaks or control characters into a summary.
"""

from __future__ import annotations

import ipaddress
import re
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import SplitResult, urlsplit

from xray_ci.patterns import lazy
from xray_ci.settings.problems import WrongValueError, nearest, shown

if TYPE_CHECKING:
    from collections.abc import Mapping


ISSUE_KEY: Final = lazy(r"(?=.{4,255}\Z)[A-Z][A-Z0-9_]{1,254}-[1-9][0-9]{0,17}")
PROJECT_KEY: Final = lazy(r"[A-Z][A-Z0-9_]{1,254}")
CONTROL: Final = lazy(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]")
LONGEST_PATTERN: Final = 1000
LONGEST_LABEL: Final = 255
_ON: Final = frozenset({"true", "yes", "on", "1"})
_OFF: Final = frozenset({"false", "no", "off", "0"})


def one_line(text: str) -> str:
    """Return the text; raises WrongValueError when it has line breaks or control characters."""
    if CONTROL.search(text):
        raise WrongValueError("It has a line break or control character", "Write it on one line.")
    return text


def matching(text: str, pattern: re.Pattern[str], thing: str, example: str) -> str:
    """Return a text that is as `pattern` says.

    Raises WrongValueError with the upper case spelling where that would be.
    """
    if pattern.fullmatch(text):
        return text
    upper = text.upper()
    advice = f"Did you mean `{upper}`?" if pattern.fullmatch(upper) else f"It looks like `{example}`."
    raise WrongValueError(f"{shown(text)} is not {thing}", advice)


def issue_key(text: str) -> str:
    """Return the key of an issue; raises WrongValueError."""
    return matching(text, ISSUE_KEY, "an issue key", "SHOP-12")


def label(text: str) -> str:
    """Return a label as Jira takes it; raises WrongValueError."""
    if len(text.split()) > 1 or len(text) > LONGEST_LABEL:
        raise WrongValueError(
            f"{shown(text)} is not a label: Jira's have no blanks and at most {LONGEST_LABEL} characters",
            "Write each label by itself, one per line or one per item.",
        )
    return one_line(text)


def flag(text: str) -> bool:
    """Return what a switch says; raises WrongValueError."""
    word = text.lower()
    if word not in _ON | _OFF:
        raise WrongValueError(f"{shown(text)} is neither true nor false")
    return word in _ON


def pattern(text: str, name: str | None = None) -> Any:
    """Return a pattern compiled by RE2, which runs in bounded time; raises WrongValueError with the reason of RE2.

    With a `name` nothing of the pattern is shown: it may hold what it is to hide.
    """
    if len(text) > LONGEST_PATTERN:
        raise WrongValueError(f"{name or 'It'} is longer than {LONGEST_PATTERN} characters")
    import re2  # noqa: PLC0415  # only a run with a pattern pays

    options = re2.Options()
    options.log_errors = False
    try:
        return re2.compile(text, options)
    except (re2.error, UnicodeError) as error:
        cause = error.args[0] if error.args else ""
        cause = cause.decode("utf-8", "replace") if isinstance(cause, bytes) else str(cause)
        reason = cause if name is None else cause.partition(":")[0]  # RE2 quotes the pattern after it (O).
        raise WrongValueError(
            f"{name or shown(text)} is not a pattern of RE2: {shown(reason)[1:-1]}",
            "Lookaround and backreferences are not supported, because patterns run in bounded time.",
        ) from None


def hiding(text: str, number: int) -> str:
    """Return a pattern whose finds are replaced; raises WrongValueError, also for one that finds the empty text."""
    name = f"Pattern {number}"
    if pattern(text, name).search("") is not None:
        raise WrongValueError(
            f"{name} also finds the empty text, so `***` would stand between all characters",
            "Write `+` for `*`, or drop the empty alternative.",
        )
    return text


PAGE: Final = "{page-id}"
_HOST: Final = lazy(r"[a-z0-9._-]+|[0-9a-f:.]+")
_FORBIDDEN: Final = lazy(r"[^\x21-\x7e]|[\\<>\"^`|]")
_VENDOR_HOSTS: Final = ("atlassian.net", "jira.com", "getxray.app", "radbeeapps.com")


def base(text: str) -> str:
    """Return a base URL without trailing slash, its context path kept; raises WrongValueError."""
    parts = _split(text)
    if parts.query or parts.fragment or "?" in text or "#" in text:
        raise WrongValueError(
            "The URL has a query or a fragment", "Give the base URL alone: https://jira.example.org/jira"
        )
    host = f"[{parts.hostname}]" if ":" in (parts.hostname or "") else parts.hostname
    port = "" if parts.port is None else f":{parts.port}"
    return f"{parts.scheme}://{host}{port}{parts.path.rstrip('/')}"


def opaque(text: str) -> str:
    """Return a URL to be used exactly as it is, such as the web request URL of a macro; raises WrongValueError."""
    if _split(text).fragment:
        raise WrongValueError("The URL has a fragment (`#…`)")
    return text


def template(text: str) -> str:
    """Return a URL template with `{page-id}` in its path, once; raises WrongValueError."""
    for name in re.findall(r"\{([^{}]*)\}", text):
        if name != "page-id":
            near = nearest(name, ["page-id"])
            raise WrongValueError(
                f"There is no placeholder {shown('{' + name + '}')}",
                f"{'Did you mean' if near else 'There is only'} `{PAGE}`.",
            )
    if text.count(PAGE) != 1 or PAGE not in _split(text.replace(PAGE, "page-id")).path.replace("page-id", PAGE):
        raise WrongValueError(f"The URL must have `{PAGE}` once, in its path")
    return text


def _split(text: str) -> SplitResult:
    if _FORBIDDEN.search(text):
        raise WrongValueError("The URL has a blank or a character that no URL has")
    try:
        parts = urlsplit(text)
        port = parts.port
    except ValueError:
        raise WrongValueError("It is not a URL", "It looks like https://jira.example.org/jira") from None
    if parts.scheme not in ("https", "http"):
        raise WrongValueError("The URL does not begin with https://", "It looks like https://jira.example.org/jira")
    if "@" in parts.netloc:
        raise WrongValueError("The URL holds credentials", "Take them out of it, and set them by their own settings.")
    if port == 0 or not _HOST.fullmatch(parts.hostname or ""):
        raise WrongValueError("The URL has no valid host", "It looks like https://jira.example.org/jira")
    return parts


def plain_abroad(url: str) -> bool:
    """Say whether a URL is plain http to another host than loopback."""
    return urlsplit(url).scheme == "http" and not loopback(urlsplit(url).hostname or "")


def of_cloud(url: str) -> bool:
    """Say whether the host belongs to a vendor's cloud, where plain http is never right."""
    host = urlsplit(url).hostname or ""
    return any(host == known or host.endswith(f".{known}") for known in _VENDOR_HOSTS)


def loopback(host: str) -> bool:
    """Say whether a host is this machine, so that what is sent to it stays here."""
    if host == "localhost" or host.endswith(".localhost"):
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


PLACEHOLDERS: Final = (
    "workflow",
    "run_number",
    "run_id",
    "attempt",
    "branch",
    "commit",
    "short_commit",
    "job",
    "repository",
    "actor",
    "tag",
    "pull_request",
    "matrix",
    "run_url",
    "date",
    "month",
    "time",
    "reports",
    "tests",
    "environment",
    "report",
)
"""Of summary and description, besides `matrix.NAME`.

`environment` and `report` are empty unless `executions` makes several Test Executions.
"""
MATRIX: Final = "matrix."
"""Begins a placeholder for one value of the job's matrix."""
SCOPE_PLACEHOLDERS: Final = (
    "workflow",
    "run_number",
    "run_id",
    "attempt",
    "branch",
    "commit",
    "short_commit",
    "job",
    "repository",
    "actor",
    "tag",
    "pull_request",
    "matrix",
)
"""Of `execution-scope`: facts of the CI system alone, so that another job can know them before it reads a report."""
_BRACES: Final = lazy(r"\{\{|\}\}|\{([^{}]*)\}|[{}]")
_CONTROLS: Final = lazy(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069]")
_BLANKS: Final = lazy(r"[ \t\n\u00a0]+")


def check(template: str, placeholders: tuple[str, ...] = PLACEHOLDERS) -> str:
    """Return the template as it is; raises WrongValueError for a placeholder that does not exist. `{{` is a brace."""
    for match in _BRACES.finditer(template):
        name = match[1]
        if name is not None and of_matrix(name) and "matrix" in placeholders:
            continue
        if match[0] in ("{", "}"):
            raise WrongValueError("A brace stands alone", "Write `{{` or `}}` for a brace that is no placeholder.")
        if name is not None and name not in placeholders:
            near = nearest(name, placeholders)
            raise WrongValueError(
                f"There is no placeholder {shown('{' + name + '}')}",
                (f"Did you mean {{{near}}}? " if near else "")
                + "There are: "
                + ", ".join(f"{{{known}}}" for known in placeholders)
                + ".",
            )
    return template


def of_matrix(name: str) -> bool:
    """Say whether a placeholder means one value of the job's matrix: `matrix.browser`."""
    return name.startswith(MATRIX) and bool(name.removeprefix(MATRIX).strip())


def names(template: str) -> tuple[str, ...]:
    """Return the placeholders a template names, in order."""
    return tuple(match[1] for match in _BRACES.finditer(template) if match[1] is not None)


def expand(template: str, values: Mapping[str, str]) -> str:
    """Return one line: placeholders filled, unknown values left out, blanks collapsed, no control characters."""
    filled = fill(template, {name: _CONTROLS.sub("", text) for name, text in values.items()})
    return _BLANKS.sub(" ", _CONTROLS.sub("", filled)).strip()


def expand_lines(template: str, values: Mapping[str, str]) -> str:
    """Return the same with the line breaks of the template kept; those of a value become blanks."""
    lines = template.replace("\r\n", "\n").split("\n")
    return "\n".join(expand(line, values) for line in lines).strip("\n")


def fill(template: str, values: Mapping[str, str]) -> str:
    """Return the template with its placeholders replaced and nothing else done.

    Values must be safe where the text goes.
    """

    def replacement(match: re.Match[str]) -> str:
        return match[0][0] if match[1] is None else values.get(match[1], "")

    return _BRACES.sub(replacement, template)
