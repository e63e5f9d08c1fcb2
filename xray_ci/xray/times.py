"""Moments of a report as Xray's timestamps: ISO 8601, whole seconds, always with an offset.

Knows that a second is asked for far more often than it changes: formatting each once is 20 % of a conversion.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone, tzinfo
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from xray_ci.model import Case

_REMEMBERED: Final = 4096
_MINUTE: Final = timedelta(minutes=1)
LONGEST: Final = 10 * 366 * 86_400
"""Seconds a case can take; more is a broken clock or an unsafe number, and no finish is written."""


class Timestamps:
    """Writes start and finish of cases, and knows the earliest and the latest of a report."""

    def __init__(self, zone: tzinfo) -> None:
        self._zone = zone
        self._even = type(zone) is timezone and not zone.utcoffset(None) % _MINUTE
        """Whether its offset never changes, and is one of whole minutes."""
        self.earliest: float | None = None
        self.latest: float | None = None
        self._moment: datetime | None = None
        self.epoch = 0.0
        """Of the last start, seconds since 1970."""
        self._text: str | None = None
        self._tz: tzinfo = zone
        self._fixed: timezone | None = None
        """The last offset that never changes, of whole minutes."""
        self._seconds: dict[int, str | None] = {}
        """Second since 1970 → timestamp in `_tz`."""

    def begin(self) -> None:
        """Forget the span: another report begins."""
        self.earliest = self.latest = self._moment = None
        self._seconds.clear()

    def start(self, moment: datetime) -> str | None:
        """Return the timestamp of a start, or None when the calendar does not hold it."""
        if moment is self._moment or _same(moment, self._moment):
            return self._text
        self._moment = moment
        try:
            aware = self._aware(moment)
            epoch = aware.timestamp()
            if aware.tzinfo is not self._tz:
                if aware.tzinfo != self._tz:  # a report with offsets has a new object for each moment
                    self._seconds.clear()
                self._tz = aware.tzinfo or self._zone
            text = self._written(aware, epoch)
        except (OverflowError, ValueError, OSError):
            self._text = None
            return None
        self.epoch, self._text = epoch, text
        if self.earliest is None or epoch < self.earliest:
            self.earliest = epoch
        self._extend(epoch)
        return text

    def after(self, seconds: float) -> str | None:
        """Return the timestamp of a finish this long after the last start, or None when there is no such moment."""
        if self._text is None or not 0 <= seconds <= LONGEST:
            return None
        second = int(self.epoch + seconds)
        try:
            return self._seconds[second]
        except KeyError:
            return self._remember(second)

    def finish(self, moment: datetime) -> str | None:
        """Return the timestamp of a finish that the report states."""
        try:
            aware = self._aware(moment)
            epoch = aware.timestamp()
        except (OverflowError, ValueError, OSError):
            return None
        self._extend(epoch)
        return self._written(aware, epoch)

    def _written(self, aware: datetime, epoch: float) -> str:
        """Return a moment as text; with an offset that never changes each second is written once."""
        zone = aware.tzinfo
        if zone is not self._fixed or (zone is not self._tz and zone != self._tz) or epoch < 0:
            return aware.isoformat(timespec="seconds")
        seconds, second = self._seconds, int(epoch)
        text = seconds.get(second)
        if text is None:
            text = aware.isoformat(timespec="seconds")
            if len(seconds) < _REMEMBERED:
                seconds[second] = text
        return text

    def since_1970(self, moment: datetime) -> float:
        """Return a moment in seconds since the epoch, minus infinity when the calendar does not hold it."""
        try:
            return self._aware(moment).timestamp()
        except (OverflowError, ValueError, OSError):
            return float("-inf")

    def text(self, epoch: float) -> str:
        """Return a moment in the zone of naive timestamps."""
        return self._aware(datetime.fromtimestamp(int(epoch), self._zone)).isoformat(timespec="seconds")

    def _remember(self, second: int) -> str | None:
        if len(self._seconds) >= _REMEMBERED:
            self._seconds.clear()
        try:
            text = self._aware(datetime.fromtimestamp(second, self._tz)).isoformat(timespec="seconds")
        except (OverflowError, ValueError, OSError):
            return None
        self._extend(second)
        self._seconds[second] = text
        return text

    def _extend(self, epoch: float) -> None:
        if self.latest is None or epoch > self.latest:
            self.latest = epoch

    def _aware(self, moment: datetime) -> datetime:
        """Return the moment with an offset of whole minutes: older zones have seconds, which the schema refuses."""
        zone = moment.tzinfo
        if zone is self._fixed and zone is not None:
            return moment
        if zone is None and self._even:
            self._fixed = self._zone  # type: ignore[assignment]  # it is one
            return moment.replace(tzinfo=self._zone)
        offset = moment.utcoffset()
        if offset is None:
            moment = moment.replace(tzinfo=self._zone)
            offset = moment.utcoffset()
        if offset is not None and offset % _MINUTE:
            moment = moment.astimezone(UTC)
        elif type(moment.tzinfo) is timezone:
            self._fixed = moment.tzinfo
        return moment


def _same(one: datetime, other: datetime | None) -> bool:
    """Say whether two moments are written alike: equal ones may have other offsets, or be the second of an hour."""
    return one == other and one.tzinfo is other.tzinfo and one.fold == other.fold


class Spans:
    """Start and finish of cases as members of their JSON; few differ from those of the case before."""

    def __init__(self, times: Timestamps) -> None:
        self._times = times
        self._moment: datetime | None = None
        self._epoch: float | None = None
        self._start = ""
        self._spans: dict[int, str] = {}
        """Second of the finish → start and finish, of cases that started at the same moment."""

    def begin(self) -> None:
        """Forget what came before: another report begins."""
        self._moment = None

    def of(self, case: Case) -> str | None:
        """Return start and finish, each as the calendar has it; None where one of them is out of it."""
        started, seconds = case.started, case.seconds
        if case.finished is not None or started is None:
            return self._stated(started, case.finished)
        if started is not self._moment:
            self._moment, self._epoch = started, None
            self._spans.clear()
            start = self._times.start(started)
            if start is not None:
                self._start, self._epoch = f',"start":"{start}"', self._times.epoch
        if self._epoch is None:
            return None
        if seconds is None:
            return self._start
        if not 0 <= seconds <= LONGEST:
            return None
        second = int(self._epoch + seconds)
        return self._spans.get(second) or self._remember(started, seconds, second)

    def _stated(self, started: datetime | None, finished: datetime | None) -> str | None:
        """Return start and finish as the report states them; None where the calendar does not hold one of them."""
        if finished is None:
            return ""
        start = None if started is None else self._times.start(started)
        if start is None and started is not None:
            return None
        finish = self._times.finish(finished)
        if finish is None:
            return None
        return f',"finish":"{finish}"' if start is None else f',"start":"{start}","finish":"{finish}"'

    def _remember(self, started: datetime, seconds: float, second: int) -> str | None:
        self._times.start(started)  # others came in between
        finish = self._times.after(seconds)
        if finish is None:
            return None
        if len(self._spans) >= _REMEMBERED:
            self._spans.clear()
        return self._spans.setdefault(second, f'{self._start},"finish":"{finish}"')
