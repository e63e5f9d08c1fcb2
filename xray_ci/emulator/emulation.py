"""All that lives between two requests, and one request on its way. Knows the pieces, none of the interfaces."""

from __future__ import annotations

import threading
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from xray_ci.emulator.evidence import Shelf
from xray_ci.emulator.faults import Faults
from xray_ci.emulator.seed import seed
from xray_ci.emulator.switches import Switches
from xray_ci.emulator.world import Clock

if TYPE_CHECKING:
    from collections import deque
    from collections.abc import Callable
    from datetime import datetime
    from pathlib import Path
    from typing import TextIO

    from werkzeug.wrappers import Request, Response

    from xray_ci.emulator.answers import Body, Part
    from xray_ci.emulator.records import Record
    from xray_ci.emulator.world import World


LOOPBACK: Final = frozenset({"127.0.0.1", "localhost", "::1"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Late:
    """Work of a request that was answered, or cut, before it was done."""

    due: datetime
    work: Callable[[], object]
    body: Body
    """Closed when the work is done, or never will be."""


class Emulation:
    """The world, its clock, how it behaves, and what it was asked. One lock guards all of it."""

    def __init__(
        self,
        folder: Path,
        *,
        clock: Clock | None = None,
        begin: Callable[[], World] = seed,
        hosts: frozenset[str] = LOOPBACK,
        record: TextIO | None = None,
        report: bytes | None = None,
    ) -> None:
        """Begin with the world that `begin` makes; `hosts` are the names it answers, `record` gets a line each.

        `report` is one of `xray-ci probe`, which sets the switches; raises ValueError where it is none.
        """
        self.clock = clock or Clock()
        self.hosts = hosts
        self.record = record
        self._begin = begin
        self._report = report
        self.shelf = Shelf(folder / "evidence")
        self.faults = Faults()
        self.lock = threading.RLock()
        self.stopping = threading.Event()
        self.late: list[Late] = []
        self.reset()

    def reset(self) -> None:
        """Go back to the seed world, the default behaviour and the first moment; forget requests and faults."""
        self.clock.reset()
        self.shelf.clear()
        self.faults.clear()
        self.world = self._begin()
        self.switches = Switches()
        if self._report is not None:
            self.switches.as_reported(self._report)
        self.records: list[Record] = []
        self.calls: dict[str, deque[datetime]] = {}
        """Moments of each client's calls, for the rate limit."""
        self.failed_logins = 0
        for each in self.late:
            each.body.stream.close()
        self.late.clear()

    def settle(self) -> None:
        """Do what is due by the clock: work that was left for later, then snapshots. The lock is held."""
        now = self.clock.now()
        for each in sorted((each for each in self.late if each.due <= now), key=lambda each: each.due):
            self.late.remove(each)
            with each.body.stream:
                each.work()
        self.world.settle(now)


@dataclass(slots=True, kw_only=True)
class RouteCall:
    """One request with everything a route needs to answer it."""

    emulation: Emulation
    request: Request
    body: Body
    parts: tuple[Part, ...]
    record: Record

    @property
    def base(self) -> str:
        """Return the emulator's own address as the client called it, without a slash at the end."""
        return self.request.host_url.rstrip("/")

    @property
    def now(self) -> datetime:
        """Return the emulator's moment."""
        return self.emulation.clock.now()


@dataclass(frozen=True, slots=True, kw_only=True)
class Route:
    """What a URL leads to."""

    kind: str
    handle: Callable[..., Response]
    """Called with the Call and the URL's variables by name."""


def arguments(call: RouteCall) -> dict[str, Any]:
    """Return the query, last value of each name."""
    return {name: values[-1] for name, values in call.request.args.lists()}
