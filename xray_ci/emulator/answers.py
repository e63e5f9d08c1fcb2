"""Bodies of requests, spooled to disk and split into parts, and answers and refusals.

A body of 100 MB costs disk, not memory. Every answer says in a header which fact it rests on, and how well that is
known: ids and marks stand in the table of facts beside the package.

Knows HTTP and the words of the vendors' error bodies; nothing of the world.
"""

from __future__ import annotations

import functools
import hashlib
import json
import re
import tempfile
import tomllib
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, Final

from werkzeug.formparser import FormDataParser
from werkzeug.http import parse_options_header
from werkzeug.wrappers import Response
from werkzeug.wsgi import get_input_stream

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from _typeshed.wsgi import WSGIEnvironment


_CHUNK: Final = 256 * 1024
_IN_MEMORY: Final = 512 * 1024
KEPT: Final = 5_000_000
"""Largest import body that is kept for tests to look at, in bytes."""


@dataclass(slots=True, kw_only=True)
class Part:
    """One part of a multipart body."""

    name: str
    filename: str | None
    content_type: str
    size: int
    stream: IO[bytes]

    def json(self) -> Any:
        """Return the part as JSON; raises ValueError."""
        self.stream.seek(0)
        return json.load(self.stream)


@dataclass(slots=True, kw_only=True)
class Body:
    """One received body."""

    stream: IO[bytes]
    size: int
    digest: str
    content_type: str
    options: dict[str, str]
    needed: bool = False
    """Whether it outlives its request."""

    @property
    def multipart(self) -> bool:
        """Say whether it claims to be multipart/form-data."""
        return self.content_type == "multipart/form-data"

    def json(self) -> Any:
        """Return the body as JSON; raises ValueError."""
        self.stream.seek(0)
        return json.load(self.stream)

    def start(self, size: int) -> bytes:
        """Return its first bytes."""
        self.stream.seek(0)
        return self.stream.read(size)

    def bytes(self) -> bytes:
        """Return the body as received."""
        self.stream.seek(0)
        return self.stream.read()

    def parts(self) -> list[Part]:
        """Split a multipart body, large parts on disk; raises ValueError when it is malformed."""
        self.stream.seek(0)
        parser = FormDataParser(max_form_memory_size=_IN_MEMORY, silent=False)
        _, fields, files = parser.parse(self.stream, self.content_type, self.size, self.options)
        found = [
            Part(
                name=name,
                filename=each.filename,
                content_type=each.content_type or "",
                size=_size(each.stream),
                stream=each.stream,
            )
            for name, each in files.items(multi=True)
        ]
        for name, value in fields.items(multi=True):
            data = value.encode()
            stream = tempfile.TemporaryFile()  # noqa: SIM115 - lives as long as the request
            stream.write(data)
            found.append(Part(name=name, filename=None, content_type="text/plain", size=len(data), stream=stream))
        return found


def receive(environ: WSGIEnvironment) -> Body:
    """Read what the client sends, to its end; raises what reading raises when the client goes away before."""
    stream: IO[bytes] = tempfile.SpooledTemporaryFile(max_size=_IN_MEMORY)  # noqa: SIM115 - closed with the request
    digest = hashlib.sha256()
    size = 0
    source = get_input_stream(environ)
    try:
        while chunk := source.read(_CHUNK):
            digest.update(chunk)
            size += len(chunk)
            stream.write(chunk)
    except BaseException:
        stream.close()
        raise
    content_type, options = parse_options_header(environ.get("CONTENT_TYPE", ""))
    return Body(stream=stream, size=size, digest=digest.hexdigest(), content_type=content_type.lower(), options=options)


def _size(stream: IO[bytes]) -> int:
    stream.seek(0, 2)
    size = stream.tell()
    stream.seek(0)
    return size


BASIS: Final = "X-Emulator-Basis"


_FACTS: Final = Path(__file__).parent.parent / "facts"
_MARKS: Final = {"D": "documented", "O": "observed", "R": "recalled", "A": "assumed"}
_VARIABLE: Final = re.compile("<[^>]*>")


@functools.cache
def facts() -> Mapping[str, Mapping[str, Any]]:
    """Return the rows of the table of facts by id, as they stand there."""
    found: dict[str, Mapping[str, Any]] = {}
    for path in sorted(_FACTS.glob("*.toml")):
        rows = tomllib.loads(path.read_text(encoding="utf-8"))
        rows.pop("defaults")
        found |= rows
    return found


@functools.cache
def fact_of(method: str, rule: str) -> str:
    """Return the id of the fact that a route rests on, by the closest pattern of the table; raises KeyError."""
    path = _VARIABLE.sub("*", rule)
    if path.startswith("/jira/rest/raven/*/api/"):
        path = path.replace("/api/", "/", 1)
    asked = f"{'GET' if method == 'HEAD' else method} {path}"
    fitting = [
        (len(pattern), name)
        for name, row in facts().items()
        for pattern in row.get("routes", ())
        if fnmatchcase(asked, pattern)
    ]
    if not fitting:
        raise KeyError(asked)
    return max(fitting)[1]


def found_on(response: Response, fact: str) -> None:
    """Say on an answer which fact it rests on, unless it says so itself, and how well that is known.

    A test that leans on an assumed one tests a design choice.
    """
    named = response.headers.get(BASIS) or fact
    row = facts().get(named)
    response.headers[BASIS] = named if row is None else f"{_MARKS[row['mark']]}; {named}"


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
    fact: str = "",
    headers: Mapping[str, str] | None = None,
) -> Response:
    """Make an answer from ready text. `fact` is the id of the one it rests on; unless told, it is that of its route."""
    response = Response(body, status=status, content_type=kind)
    if kind is None:
        del response.headers["Content-Type"]
    if fact:
        response.headers[BASIS] = fact
    response.headers["Cache-Control"] = "no-store"
    for name, value in (headers or {}).items():
        response.headers[name] = value
    return response


def as_json(
    value: Any,
    *,
    status: int = 200,
    fact: str = "",
    headers: Mapping[str, str] | None = None,
    default: Callable[[Any], Any] | None = None,
) -> Response:
    """Make a JSON answer; `default` turns what JSON does not know into what it knows."""
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"), default=default)
    return answer(text, status=status, kind="application/json; charset=utf-8", fact=fact, headers=headers)


def as_text(text: str, *, status: int = 200, fact: str = "", headers: Mapping[str, str] | None = None) -> Response:
    """Make a plain text answer."""
    return answer(text, status=status, kind="text/plain; charset=utf-8", fact=fact, headers=headers)


def as_html(text: str, *, status: int = 200, fact: str = "", headers: Mapping[str, str] | None = None) -> Response:
    """Make an HTML answer from ready, escaped markup."""
    return answer(text, status=status, kind="text/html; charset=utf-8", fact=fact, headers=headers)


def refusal(text: str, *, fact: str, status: int = 400) -> Refusal:
    """Make Xray's usual refusal, `{"error": text}`; both products answer so."""
    return Refusal(as_json({"error": text}, status=status, fact=fact))


def jira_refusal(*messages: str, status: int, errors: Mapping[str, str] | None = None, fact: str) -> Refusal:
    """Make Jira's usual refusal, `{"errorMessages": […], "errors": {field: text}}`."""
    return Refusal(as_json({"errorMessages": list(messages), "errors": dict(errors or {})}, status=status, fact=fact))
