"""Faults that were ordered for coming requests. Knows methods, paths and texts; nothing of what the requests mean."""

from __future__ import annotations

import fnmatch
import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Mapping

_MEMBERS: Final = frozenset(
    {"match", "times", "status", "headers", "body", "delay_s", "drop", "skip", "work", "later_s"}
)

LOOKED_AT: Final = 65_536


@dataclass(slots=True, kw_only=True)
class InjectedFault:
    """One ordered fault: which requests it meets, how often, and what happens to them."""

    method: str = "*"
    path: str = "*"
    """A prefix, or a glob when it holds `*`, `?` or `[`; the query is not looked at."""
    contains: bytes = b""
    """A text in the first 64 KiB of the body: tells apart what goes to one address, as all of GraphQL does."""
    times: int = 1
    """Requests it meets; below 0 = all."""
    skip: int = 0
    """Requests it lets pass first."""
    status: int | None = None
    """Answered instead of the real answer."""
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""
    content_type: str = "text/plain; charset=utf-8"
    delay_s: float = 0.0
    """Real seconds before the answer leaves; work has been done by then."""
    drop: str | None = None
    """`before`: the connection is cut and nothing was done. `after`: the work is done, its answer is lost."""
    work: bool = False
    """With `status`: the work is done all the same, as behind a gateway that gave up waiting."""
    later_s: float = 0.0
    """With `status` or `drop`: the work is done so many seconds later by the emulator's clock, as Xray goes on after a
    timeout (O)."""

    def meets(self, method: str, path: str, start: bytes) -> bool:
        """Say whether a request is of the kind this fault waits for."""
        if self.method not in ("*", method) or (self.contains and self.contains not in start):
            return False
        if any(sign in self.path for sign in "*?["):
            return fnmatch.fnmatchcase(path, self.path)
        return path.startswith(self.path)


class Faults:
    """The queue; the first fault that meets a request is the one."""

    def __init__(self) -> None:
        self._queue: list[InjectedFault] = []

    def __len__(self) -> int:
        return len(self._queue)

    def add(self, order: Any) -> None:
        """Queue one order as the control interface takes it; raises ValueError when it makes no sense."""
        self._queue.append(read(order))

    def clear(self) -> None:
        """Forget all."""
        self._queue.clear()

    def take(self, method: str, path: str, start: bytes = b"") -> InjectedFault | None:
        """Return the fault for one request, of whose body the first LOOKED_AT bytes are given, and count it."""
        for fault in self._queue:
            if not fault.meets(method, path, start):
                continue
            if fault.skip > 0:
                fault.skip -= 1
                continue
            if fault.times > 0:
                fault.times -= 1
                if fault.times == 0:
                    self._queue.remove(fault)
            return fault
        return None


def read(order: Any) -> InjectedFault:
    """Return the fault of `{match:{method,path,contains}, times, status, headers, body, delay_s, drop, …}`."""
    if not isinstance(order, dict) or not set(order) <= _MEMBERS:
        raise ValueError(f"a fault is an object with {', '.join(sorted(_MEMBERS))}")
    match = order.get("match", {})
    if not isinstance(match, dict) or not set(match) <= {"method", "path", "contains"}:
        raise ValueError("match takes method, path and contains")
    if order.get("drop") not in (None, "before", "after"):
        raise ValueError("drop is before or after")
    if order.get("status") is None and order.get("drop") is None and not order.get("delay_s"):
        raise ValueError("a fault needs status, drop or delay_s")
    if order.get("later_s") and order.get("status") is None and order.get("drop") is None:
        raise ValueError("later_s needs status or drop: there is no answer yet")
    body, content_type = _body(order.get("body", ""))
    headers = {str(name): str(value) for name, value in order.get("headers", {}).items()}
    return InjectedFault(
        method=str(match.get("method", "*")).upper(),
        path=str(match.get("path", "*")),
        contains=str(match.get("contains", "")).encode(),
        times=int(order.get("times", 1)),
        skip=int(order.get("skip", 0)),
        status=order.get("status"),
        headers=headers,
        body=body,
        content_type=content_type,
        delay_s=float(order.get("delay_s", 0)),
        drop=order.get("drop"),
        work=bool(order.get("work", False)),
        later_s=float(order.get("later_s", 0)),
    )


def _body(value: Any) -> tuple[bytes, str]:
    if not isinstance(value, str):
        return json.dumps(value).encode(), "application/json"
    if value.lstrip().startswith("<"):
        return value.encode(), "text/html; charset=utf-8"
    return value.encode(), "text/plain; charset=utf-8"
