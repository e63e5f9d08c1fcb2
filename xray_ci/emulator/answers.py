"""How an answer is made and how a refusal travels. Every answer says in a header how well it is known.

Knows HTTP and the words of the vendors' error bodies; nothing of the world.
"""

from __future__ import annotations

import enum
import json
from typing import TYPE_CHECKING, Any, Final

from werkzeug.wrappers import Response

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

BASIS: Final = "X-Emulator-Basis"


class Basis(enum.Enum):
    """Where an answer's shape comes from; a test that leans on an assumed one tests a design choice."""

    DOCUMENTED = "documented"
    OBSERVED = "observed"
    RECALLED = "recalled"
    ASSUMED = "assumed"


class Refusal(Exception):
    """Ends the work on a request; nothing of it was done. Holds the answer."""

    def __init__(self, response: Response) -> None:
        super().__init__(response.status)
        self.response = response


def answer(
    body: bytes | str = b"",
    *,
    status: int = 200,
    kind: str | None = None,
    basis: Basis = Basis.OBSERVED,
    headers: Mapping[str, str] | None = None,
) -> Response:
    """Make an answer from ready text."""
    response = Response(body, status=status, content_type=kind)
    if kind is None:
        del response.headers["Content-Type"]
    response.headers[BASIS] = basis.value
    response.headers["Cache-Control"] = "no-store"
    for name, value in (headers or {}).items():
        response.headers[name] = value
    return response


def as_json(
    value: Any,
    *,
    status: int = 200,
    basis: Basis = Basis.OBSERVED,
    headers: Mapping[str, str] | None = None,
    default: Callable[[Any], Any] | None = None,
) -> Response:
    """Make a JSON answer; `default` turns what JSON does not know into what it knows."""
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"), default=default)
    return answer(text, status=status, kind="application/json; charset=utf-8", basis=basis, headers=headers)


def as_text(
    text: str, *, status: int = 200, basis: Basis = Basis.ASSUMED, headers: Mapping[str, str] | None = None
) -> Response:
    """Make a plain text answer."""
    return answer(text, status=status, kind="text/plain; charset=utf-8", basis=basis, headers=headers)


def as_html(
    text: str, *, status: int = 200, basis: Basis = Basis.ASSUMED, headers: Mapping[str, str] | None = None
) -> Response:
    """Make an HTML answer from ready, escaped markup."""
    return answer(text, status=status, kind="text/html; charset=utf-8", basis=basis, headers=headers)


def refusal(text: str, *, status: int = 400, basis: Basis = Basis.OBSERVED) -> Refusal:
    """Make Xray's usual refusal, `{"error": text}`; both products answer so."""
    return Refusal(as_json({"error": text}, status=status, basis=basis))


def jira_refusal(
    *messages: str, status: int, errors: Mapping[str, str] | None = None, basis: Basis = Basis.RECALLED
) -> Refusal:
    """Make Jira's usual refusal, `{"errorMessages": […], "errors": {field: text}}`."""
    return Refusal(as_json({"errorMessages": list(messages), "errors": dict(errors or {})}, status=status, basis=basis))
