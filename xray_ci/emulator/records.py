"""The log of requests, secrets cut. Tests read here what was sent; it never holds a credential."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any, Final

from xray_ci.emulator.answers import KEPT

if TYPE_CHECKING:
    from collections.abc import Iterable

    from werkzeug.wrappers import Request

    from xray_ci.emulator.answers import Body, Part


_SECRET_HEADERS: Final = frozenset({"jira-snapshots-api-key", "cookie", "proxy-authorization"})


@dataclass(slots=True, kw_only=True)
class Record:
    """One request and what became of it."""

    n: int
    time: str
    method: str
    path: str
    query: dict[str, str | list[str]]
    headers: dict[str, str]
    content_type: str
    size: int
    digest: str
    """SHA-256 of the body, hexadecimal."""
    kind: str
    """authenticate, import, lookup, read, write, graphql (not understood), snapshot, page or other."""
    operations: tuple[str, ...] = ()
    """Of GraphQL: the fields at the top of the document."""
    parts: list[dict[str, Any]] = field(default_factory=list)
    status: int | None = None
    dropped: str | None = None
    body: bytes | None = None
    """As received; imports only, and only up to 5 MB."""
    contents: dict[str, bytes] = field(default_factory=dict)
    """Of the parts, by name; under the same rule."""

    def note_body(self, body: Body, parts: Iterable[Part]) -> None:
        """Store what a body looks like, and itself when it is an import of sensible size."""
        kept = self.kind == "import" and body.size <= KEPT
        if kept:
            self.body = body.bytes()
        for part in parts:
            self.parts.append(
                {"name": part.name, "filename": part.filename, "content_type": part.content_type, "size": part.size}
            )
            if kept:
                part.stream.seek(0)
                self.contents[part.name] = part.stream.read()

    def as_dict(self) -> dict[str, Any]:
        """Return the record as the control interface shows it."""
        return {name: value for name, value in asdict(self).items() if name not in ("body", "contents")}


def cut_headers(request: Request) -> dict[str, str]:
    """Return the headers with credentials replaced by `***`; the scheme of an Authorization stays."""
    shown: dict[str, str] = {}
    for name, value in request.headers.items():
        if name.lower() == "authorization":
            scheme, blank, _ = value.partition(" ")
            shown[name] = f"{scheme} ***" if blank else "***"
        else:
            shown[name] = "***" if name.lower() in _SECRET_HEADERS else value
    return shown


def query_of(request: Request) -> dict[str, str | list[str]]:
    """Return the query: one text a name, a list where a name was sent more than once."""
    found: dict[str, str | list[str]] = {}
    for name, values in request.args.lists():
        found[name] = values[0] if len(values) == 1 else values
    return found
