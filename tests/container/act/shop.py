"""A suite of which one test fails: what a run with `if: always()` is for.

Run by workflows, on purpose not collected with our tests.
"""


def test_adds_item():
    """A test that passes."""
    assert 3 == 1 + 2


def test_refuses_coupon():
    """A test that fails."""
    assert "accepted" == "refused"  # noqa: PLR0133 - it shall fail
