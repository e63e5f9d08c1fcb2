"""Xray's REST API, both deployments: one import is one call, and it succeeded when the answer holds the key.

Knows deployment rows, endpoints and answers. Knows nothing of cases, batches, repeating or settings.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final
from urllib.parse import urlencode

from msgspec import Struct
from msgspec.structs import replace

from xray_ci.services.verdict import Asked, failure
from xray_ci.services.wire import Answered, Authorization, Call, Caller, CallKind

if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import BinaryIO

    from xray_ci.deployments import Deployment, Endpoint
    from xray_ci.errors import Failure
    from xray_ci.services.body import Upload
    from xray_ci.services.wire import Outcome

_LONGEST_KEY: Final = 255
_HEAD: Final = 1024
"""Bytes of a file that came by which a web page is known."""


class Unstored(Struct, frozen=True, kw_only=True):
    """A Test whose result Xray Server/DC did not store, though it answered 200."""

    test: str
    messages: tuple[str, ...]


class ImportAnswer(Struct, frozen=True, kw_only=True):
    """What a successful import says."""

    key: str
    id: str | None
    url: str | None
    """`self` of the Test Execution: an API address, not one for people."""
    tests_ok: tuple[str, ...] | None
    """Keys of the Tests stored; None where the deployment does not report them."""
    tests_failed: tuple[Unstored, ...] = ()
    messages: tuple[str, ...] = ()


class Licence(Struct, frozen=True, kw_only=True):
    """State of Xray's licence on Server/DC."""

    active: bool
    kind: str


class Xray:
    """One Xray at one base URL."""

    def __init__(
        self, *, caller: Caller, deployment: Deployment, base_url: str, version: str, auth: Authorization
    ) -> None:
        self.deployment = deployment
        self._caller = caller
        self._base = base_url.rstrip("/")
        self._root = self._base + deployment.import_root.format(version=version)
        self._auth = auth
        self._cloud = deployment.key == "cloud"

    def url(self, endpoint: Endpoint, query: Sequence[tuple[str, str]] = ()) -> str:
        """Return the address of an import, its query URL-encoded."""
        return f"{self._root}{endpoint.path}" + (f"?{urlencode(query)}" if query else "")

    def import_report(
        self, endpoint: Endpoint, *, query: Sequence[tuple[str, str]] = (), upload: Upload
    ) -> ImportAnswer:
        """Import one body and return what Xray says; raises the failure that the outcome is."""
        url = self.url(endpoint, query)
        # Jira's XSRF check refuses forms of what it takes for a browser unless it is told not to (A).
        headers = () if self._cloud else (("X-Atlassian-Token", "no-check"),)
        call = Call(kind=CallKind.IMPORT, method="POST", url=url, headers=headers, auth=self._auth, upload=upload)
        outcome = self._caller.call(call)
        if isinstance(outcome, Answered) and (answer := _answer(outcome.json, self.deployment)):
            return answer
        raise self._failure(outcome, CallKind.IMPORT, url, len(upload.body))

    def send(
        self,
        method: str,
        path: str,
        upload: Upload | None = None,
        *,
        query: Sequence[tuple[str, str]] = (),
        doubt: str = "",
        into: BinaryIO | None = None,
    ) -> Answered:
        """Return the answer of another call below Xray's root; raises the failure that the outcome is.

        `doubt` says in words what may have been done when the answer is lost: such a call is never repeated blindly,
        and raises MayHaveBeenDone then. `into` takes the body of the answer, whatever its size;
        the answer holds its begin.
        """
        url = f"{self._root}{path}" + (f"?{urlencode(query)}" if query else "")
        kind = CallKind.IMPORT if doubt else CallKind.READ
        headers = (("X-Atlassian-Token", "no-check"),) if doubt and not self._cloud else ()
        outcome = self._caller.call(
            Call(kind=kind, method=method, url=url, headers=headers, auth=self._auth, upload=upload, into=into)
        )
        if isinstance(outcome, Answered) and into is not None:
            into.seek(0)
            outcome = replace(outcome, body=into.read(_HEAD))
        if isinstance(outcome, Answered) and not outcome.is_page:
            return outcome
        raise self._failure(outcome, kind, url, len(upload.body) if upload else 0, doubt)

    def unlike(self, answer: Answered, path: str, doubt: str = "") -> Failure:
        """Return the failure that an answer of `send` is which lacks what it should say."""
        return self._failure(answer, CallKind.IMPORT if doubt else CallKind.READ, f"{self._root}{path}", 0, doubt)

    def licence(self) -> Licence:
        """Return the licence of Server/DC; proves address, credentials and licence in one call (O)."""
        url = f"{self._base}/rest/raven/latest/api/xraylicense"
        outcome = self._caller.call(Call(kind=CallKind.READ, method="GET", url=url, auth=self._auth))
        if (
            isinstance(outcome, Answered)
            and isinstance(outcome.json, dict)
            and isinstance(outcome.json.get("active"), bool)
        ):
            return Licence(active=outcome.json["active"], kind=str(outcome.json.get("licenseType") or ""))
        raise self._failure(outcome, CallKind.READ, url, 0)

    def _failure(self, outcome: Outcome, kind: CallKind, url: str, size: int, doubt: str = "") -> Failure:
        setting = "xray-url" if self._cloud else "jira-url"
        service, login = self.deployment.title, self._auth.login
        asked = Asked(kind=kind, service=service, setting=setting, url=url, login=login, size=size, doubt=doubt)
        return failure(outcome, asked)


def _answer(document: object, deployment: Deployment) -> ImportAnswer | None:
    """Return the answer read at the deployment's key path, or None when there is no key."""
    *way, last = deployment.key_path
    issue = document
    for name in way:
        issue = issue.get(name) if isinstance(issue, dict) else None
    if not isinstance(issue, dict) or not _is_key(key := issue.get(last)):
        return None
    tests = document.get("testIssues") if isinstance(document, dict) else None
    messages = document.get("infoMessages") if isinstance(document, dict) else None
    return ImportAnswer(
        key=str(key),
        id=_text(issue.get("id")),
        url=_text(issue.get("self")),
        tests_ok=_stored(tests),
        tests_failed=_unstored(tests),
        messages=tuple(str(each) for each in messages) if isinstance(messages, list) else (),
    )


def _is_key(key: object) -> bool:
    return (
        isinstance(key, str) and 0 < len(key) <= _LONGEST_KEY and key.isprintable() and not any(map(str.isspace, key))
    )


def _text(value: object) -> str | None:
    return None if value is None else str(value)


def _stored(tests: object) -> tuple[str, ...] | None:
    listed = tests.get("success") if isinstance(tests, dict) else None
    if not isinstance(listed, list):
        return None
    return tuple(str(each["key"]) for each in listed if isinstance(each, dict) and each.get("key"))


def _unstored(tests: object) -> tuple[Unstored, ...]:
    listed = tests.get("error") if isinstance(tests, dict) else None
    if not isinstance(listed, list):
        return ()
    return tuple(_one_unstored(each) for each in listed)


def _one_unstored(entry: object) -> Unstored:
    if not isinstance(entry, dict):
        return Unstored(test="(not named)", messages=(str(entry),))
    messages = entry.get("messages")
    named = entry.get("testKey") or entry.get("key") or "(not named)"
    return Unstored(
        test=str(named), messages=tuple(str(each) for each in messages) if isinstance(messages, list) else ()
    )
