"""Request bodies: spooled to disk while they arrive, measured, split into parts. Knows HTTP bodies, no meaning.

A body of 100 MB costs disk, not memory.
"""

from __future__ import annotations

import hashlib
import json
import tempfile
from dataclasses import dataclass
from typing import IO, TYPE_CHECKING, Any, Final

from werkzeug.formparser import FormDataParser
from werkzeug.http import parse_options_header
from werkzeug.wsgi import get_input_stream

if TYPE_CHECKING:
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
