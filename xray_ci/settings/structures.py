"""Settings of more than one word: headers, Jira fields, statuses, Snapshots targets.

Never shows a value of a secret one.
"""

from __future__ import annotations

import base64
import re
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final

from xray_ci.patterns import lazy
from xray_ci.secret import Secret
from xray_ci.settings import texts, yamltext
from xray_ci.settings.problems import WrongValueError, nearest, shown
from xray_ci.settings.table import OUTCOMES
from xray_ci.settings.values import SnapshotTarget

if TYPE_CHECKING:
    from collections.abc import Mapping

    from xray_ci.settings.problems import Raw
    from xray_ci.settings.yamltext import YamlNode

_HEADER_NAME: Final = lazy(r"[A-Za-z0-9!#$%&'*+.^_`|~-]{1,100}")
_HEADER_VALUE: Final = lazy(r"[\x20-\x7e]{1,8000}")
_OURS: Final = frozenset(
    {
        "authorization",
        "host",
        "connection",
        "content-type",
        "content-length",
        "content-encoding",
        "transfer-encoding",
        "te",
        "trailer",
        "upgrade",
        "expect",
        "jira-snapshots-api-key",
    }
)
"""Headers that xray-ci sets itself, or that change how a message is cut."""
_VARIABLE: Final = lazy(r"[A-Za-z_][A-Za-z0-9_]*")
_STATUS: Final = lazy(r"[^\x00-\x1f\x7f]{1,100}")
_PAGE: Final = lazy(r"[0-9]{1,20}")
ITEM_KEYS_IN_FILE: Final = ("url", "page-id", "api-key-env", "bearer-token-env")
_ITEM_KEYS: Final = (*ITEM_KEYS_IN_FILE, "api-key", "bearer-token")


_PEM: Final = lazy(r"-----BEGIN ((?:[A-Z0-9]+ )*)PRIVATE KEY-----(.*?)-----END \1PRIVATE KEY-----", re.DOTALL)
_BASE64: Final = lazy(r"[A-Za-z0-9+/\s]+={0,2}\s*", re.ASCII)
_LINE: Final = 64
"""Characters of a line of PEM."""


def private_key(raw: Raw) -> Secret:
    r"""Return an RSA key as PEM with lines of 64 characters, from PEM or base64 of it.

    Stores of secrets keep one line: `\n` and blanks stand for line breaks. What is in it is looked at when it is used.
    """
    text = raw.text().replace("\\n", "\n")
    if "-----" not in text and _BASE64.fullmatch(text):
        try:
            text = base64.b64decode(text).decode("ascii")
        except ValueError:
            text = ""
    found = _PEM.search(text)
    if found is None:
        raise WrongValueError("It holds no private key", "Give the PEM text from BEGIN to END, or base64 of it.")
    kind, inner = found[1], "".join(found[2].split())
    if kind == "OPENSSH ":
        raise WrongValueError("It is a key of OpenSSH", "Convert a copy of it: ssh-keygen -p -m PEM -N '' -f COPY.")
    if kind == "ENCRYPTED " or "Proc-Type" in inner:
        raise WrongValueError("The key is encrypted", "Decrypt a copy of it: openssl pkey -in KEY -out COPY.")
    if kind not in ("", "RSA ") or not _BASE64.fullmatch(inner):
        raise WrongValueError("It is no RSA key in PEM", "Jira's application links have RSA keys.")
    lines = [inner[at : at + _LINE] for at in range(0, len(inner), _LINE)]
    return Secret("\n".join([f"-----BEGIN {kind}PRIVATE KEY-----", *lines, f"-----END {kind}PRIVATE KEY-----", ""]))


def headers(raw: Raw) -> tuple[tuple[str, Secret], ...]:
    """Read `Name: value` lines; a name stands once, and none is a header that xray-ci makes itself."""
    found: dict[str, tuple[str, Secret]] = {}
    for number, line in enumerate(raw.lines(), 1):
        name, colon, value = line.partition(":")
        if not colon or not _HEADER_NAME.fullmatch(name) or not _HEADER_VALUE.fullmatch(value.strip()):
            raise WrongValueError(
                f"Line {number} is not `Name: value`", "One header a line, printable ASCII, no quotes around."
            )
        if name.lower() in _OURS:
            raise WrongValueError(
                f"Header {name} is made by xray-ci itself", "Gateways use headers of their own names."
            )
        if name.lower() in found:
            raise WrongValueError(f"Header {name} stands twice")
        found[name.lower()] = (name, Secret(value.strip()))
    return tuple(found.values())


def fields(raw: Raw) -> Mapping[str, object]:
    """Read a mapping of Jira field names or ids to JSON values."""
    value = _structure(raw)
    if not isinstance(value, dict):
        raise WrongValueError(
            "It is not a mapping of field names to values", "Write `customfield_10010: value`, one per line."
        )
    return MappingProxyType(value)


def statuses(raw: Raw) -> Mapping[str, str]:
    """Read outcome → Xray status; the outcomes are the words of the counts, `error` is `errors`."""
    value = _structure(raw)
    if not isinstance(value, dict):
        raise WrongValueError("It is not a mapping of outcomes to statuses", "Write `skipped: ABORTED`, one per line.")
    found: dict[str, str] = {}
    for written, status in value.items():
        outcome = "errors" if written == "error" else written
        if outcome not in OUTCOMES:
            near = nearest(written, OUTCOMES)
            raise WrongValueError(
                f"There is no outcome {shown(written)}",
                f"Did you mean `{near}`?" if near else f"There are {', '.join(OUTCOMES)}.",
            )
        if outcome in found:
            raise WrongValueError(f"Outcome `{outcome}` stands twice")
        if not isinstance(status, str) or not _STATUS.fullmatch(status) or status != status.strip():
            raise WrongValueError(f"The status of `{outcome}` is not one text", "Write the name of an Xray status.")
        found[outcome] = status
    return MappingProxyType(found)


def _structure(raw: Raw) -> Any:
    if not isinstance(raw.value, (str, tuple)):
        return raw.value.json() if raw.value.text is None else _yaml(raw.value.text)
    return _yaml(raw.verbatim())


def _yaml(text: str) -> Any:
    try:
        return yamltext.value(text)
    except yamltext.NotYamlError as error:
        raise WrongValueError(f"It {error.what}", at=(error.line, error.column)) from None


def snapshots(raw: Raw, env: Mapping[str, str]) -> tuple[SnapshotTarget, ...]:
    """Read the items of `snapshots`; keys as text in a variable, by the name of a variable in a config file."""
    in_file = not isinstance(raw.value, (str, tuple))
    root: YamlNode | None
    if isinstance(raw.value, (str, tuple)):
        try:
            root = yamltext.read(raw.verbatim())
        except yamltext.NotYamlError as error:  # Its words may quote the text, which is secret.
            raise WrongValueError("It is not YAML", at=(error.line, error.column)) from None
    else:
        root = raw.value
    if root is None or root.items is None:
        raise WrongValueError(
            "It is not a list", "Write items `- {url: …, api-key: …}` or `- {page-id: …, api-key: …}`."
        )
    targets = []
    for number, item in enumerate(root.items, 1):
        try:
            targets.append(_target(number, item, env, in_file=in_file))
        except WrongValueError as wrong:
            wrong.at = (item.line, item.column)
            raise
    return tuple(targets)


def _target(number: int, item: YamlNode, env: Mapping[str, str], *, in_file: bool) -> SnapshotTarget:
    entries = {key: node.text.strip() for key, node in (item.entries or {}).items() if node.text is not None}
    if item.entries is None or len(entries) != len(item.entries):
        raise WrongValueError(f"Item {number} is not a mapping of texts")
    for key in entries:
        if key not in _ITEM_KEYS:
            near = nearest(key, _ITEM_KEYS)
            raise WrongValueError(
                f"Item {number} has an unknown key",
                f"Did you mean `{near}`?" if near else f"There are {', '.join(_ITEM_KEYS)}.",
            )
        if in_file and key in ("api-key", "bearer-token"):
            raise WrongValueError(
                f"Item {number} holds a secret, and a config file must not",
                f"Name the variable that holds it: `{key}-env: NAME`.",
            )
    if ("url" in entries) is ("page-id" in entries):
        raise WrongValueError(f"Item {number} needs either `url` or `page-id`")
    if not _PAGE.fullmatch(entries.get("page-id", "0")):  # Not shown: a key may have been pasted there.
        raise WrongValueError(f"`page-id` of item {number} is not a number")
    key_text = _key(number, "api-key", entries, env)
    if key_text is None:
        raise WrongValueError(f"Item {number} has no API key", "Add `api-key`, or `api-key-env: NAME`.")
    token = _key(number, "bearer-token", entries, env)
    return SnapshotTarget(
        url=Secret(texts.opaque(entries["url"])) if "url" in entries else None,
        page_id=entries.get("page-id"),
        api_key=Secret(key_text),
        bearer_token=Secret(token) if token else None,
    )


def _key(number: int, name: str, entries: Mapping[str, str], env: Mapping[str, str]) -> str | None:
    text = entries.get(name)
    variable = entries.get(f"{name}-env")
    if text and variable:
        raise WrongValueError(f"Item {number} has both `{name}` and `{name}-env`")
    if variable is not None:
        if not _VARIABLE.fullmatch(variable):
            raise WrongValueError(
                f"`{name}-env` of item {number} is not the name of a variable", "Write its name alone, without `$`."
            )
        text = env.get(variable, "").strip()
        if not text:
            raise WrongValueError(f"`{name}-env` of item {number} names a variable that is not set")
    if text and not _HEADER_VALUE.fullmatch(text):
        raise WrongValueError(f"`{name}` of item {number} has a character that no header can hold")
    return text or None
