"""Durations and timestamps in the spellings of test tools."""

from datetime import UTC, datetime, timedelta, timezone

import pytest

from xray_ci.reports.texts import seconds, timestamp


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("0.5", 0.5),
        ("1,234.56", 1234.56),
        ("0,5", 0.5),
        ("1.234,5", 1234.5),
        ("1e-05", 1e-05),
        ("5s", 5),
        ("120ms", 0.12),
        ("2 min", 120),
        ("PT1M2.5S", 62.5),
        ("P1DT1H", 90_000),
        ("00:01:02.5", 62.5),
        ("1:02", 62),
        ("0", 0),
    ],
)
def test_durations_are_seconds(text, value):
    """Decimal commas, grouping, units, clock and ISO forms are understood."""
    assert value == pytest.approx(seconds(text))


@pytest.mark.parametrize(
    "text", [None, "", " ", "-1", "NaN", "inf", "<<computed>>", "1.2.3", "5 parsecs", "PT", "999638317000", "1" * 200]
)
def test_no_duration_is_none(text):
    """What is negative, endless, absurd or no duration is not guessed at."""
    assert None is seconds(text)


CET = timezone(timedelta(hours=1))


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("2024-03-10T02:30:00", datetime(2024, 3, 10, 2, 30)),  # noqa: DTZ001
        ("2024-03-10 02:30:00", datetime(2024, 3, 10, 2, 30)),  # noqa: DTZ001
        ("2024-03-10T 02:30:00", datetime(2024, 3, 10, 2, 30)),  # noqa: DTZ001
        ("2024-03-10T02:30:00,500", datetime(2024, 3, 10, 2, 30, 0, 500_000)),  # noqa: DTZ001
        ("20240310 02:30:00.136", datetime(2024, 3, 10, 2, 30, 0, 136_000)),  # noqa: DTZ001
        ("2024-03-10T02:30:00Z", datetime(2024, 3, 10, 2, 30, tzinfo=UTC)),
        ("2024-03-10 02:30:00 +0100", datetime(2024, 3, 10, 2, 30, tzinfo=CET)),
        ("2024-03-10T02:30:00.1234567+01:00", datetime(2024, 3, 10, 2, 30, 0, 123_456, tzinfo=CET)),
        ("10 Mar 2024 02:30:00 GMT", datetime(2024, 3, 10, 2, 30, tzinfo=UTC)),
        ("Sun, 10 Mar 2024 02:30:00 +0100", datetime(2024, 3, 10, 2, 30, tzinfo=CET)),
        ("Sun Mar 10 02:30:00 CET 2024", datetime(2024, 3, 10, 2, 30, tzinfo=CET)),
        ("1710037800", datetime(2024, 3, 10, 2, 30, tzinfo=UTC)),
        ("1710037800000", datetime(2024, 3, 10, 2, 30, tzinfo=UTC)),
        ("1710037800000000000", datetime(2024, 3, 10, 2, 30, tzinfo=UTC)),
    ],
)
def test_timestamps_keep_what_they_say(text, moment):
    """An offset, or a count since the epoch, makes the moment aware; without one it stays naive."""
    found = timestamp(text)

    assert (moment, moment.utcoffset()) == (found, found.utcoffset())


@pytest.mark.parametrize(
    "text",
    [
        "",
        "not a date",
        "2024-03-10",
        "12:30:00",
        "1970-01-01T00:00:00",
        "0001-01-01T00:00:00",
        "0",
        "Sun Mar 10 02:30:00 XYZ 2024",
        "2024-13-10T02:30:00",
        "99 Mar 2024 02:30:00",
        "1" * 60,
        "9" * 500,
    ],
)
def test_no_moment_is_none(text):
    """Half a timestamp, an unknown zone and "not set" give none; never now."""
    assert None is timestamp(text)
