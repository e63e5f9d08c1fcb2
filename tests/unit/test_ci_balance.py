"""The sum of a run names every station between the reports and Xray."""

from __future__ import annotations

import pytest

from xray_ci.ci.result import Balance


@pytest.mark.parametrize(
    ("balance", "line", "holds"),
    [
        (Balance(in_reports=10, sent=10, stored=10), "10 in reports = 10 sent = 10 stored", True),
        (
            Balance(in_reports=2000, merged=12, left_out=1, not_sent=3, sent=1984, stored=1984),
            "2,000 in reports - 12 merged - 1 left out - 3 not sent = 1,984 sent = 1,984 stored",
            False,
        ),
        (
            Balance(in_reports=3, further=2, sent=5, stored=4),
            "3 in reports + 2 of further keys = 5 sent ≠ 4 stored",
            False,
        ),
        (Balance(sent=6, stored=6), "6 sent = 6 stored", True),
        (Balance(in_reports=1, sent=1), "1 in reports = 1 sent", True),
    ],
)
def test_the_sum_is_printed_with_its_terms(balance, line, holds):
    """What is zero is not named, what nobody counted is not claimed, and an inequality shows."""
    assert line == balance.line()
    assert holds is balance.holds
