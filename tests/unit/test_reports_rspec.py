"""RSpec's JSON: what examples and errors outside of them become."""

import json

import pytest
from format_reading import case_of, problems_of, slug_of

from xray_ci.model import Attachment, Outcome
from xray_ci.reports.rspec import read
from xray_ci.xray.mapping import native_identity


def report(*examples, outside=0, messages=()):
    return json.dumps(
        {
            "version": "3.12.0",
            "messages": list(messages),
            "examples": list(examples),
            "summary": {"errors_outside_of_examples_count": outside},
            "summary_line": "x",
        }
    )


def example(status="passed", **rest):
    return {
        "description": "adds",
        "full_description": "Cart inner adds",
        "status": status,
        "file_path": "./spec/cart_spec.rb",
        "run_time": 0.25,
        **rest,
    }


@pytest.mark.parametrize(
    ("status", "outcome"),
    [("passed", Outcome.PASSED), ("failed", Outcome.FAILED), ("pending", Outcome.SKIPPED), ("new", Outcome.OTHER)],
)
def test_pending_is_skipped(status, outcome):
    """RSpec knows three outcomes; the duration is in seconds."""
    case = case_of(read, report(example(status)))

    assert (outcome, 0.25) == (case.outcome, case.seconds)


@pytest.mark.parametrize(
    ("extra", "identity"),
    [
        ({}, "Cart inner.adds"),
        ({"full_description": "adds"}, "cart_spec.rb.adds"),
        ({"full_description": "other"}, "other.adds"),
    ],
)
def test_identity_is_the_descriptions(extra, identity):
    """Those of the groups, and the example's own; an example without groups is named by its file."""
    assert identity == native_identity(case_of(read, report(example(**extra))))


def test_a_failure_has_kind_message_and_trace():
    """A pending example has the reason."""
    error = {"class": "ArgumentError", "message": "\nexpected 1\n     got 2\n", "backtrace": ["a.rb:1", "b.rb:2"]}
    case = case_of(read, report(example("failed", exception=error)))

    assert (case.kind, case.message, case.trace) == ("ArgumentError", "expected 1\n     got 2", "a.rb:1\nb.rb:2")
    assert case_of(read, report(example("pending", pending_message="later"))).message == "later"


def test_screenshots_are_attachments():
    """As capybara-screenshot writes them."""
    assert (Attachment(name="a.png", path="tmp/a.png"),) == case_of(
        read, report(example(screenshot={"image": "tmp/a.png", "html": None}))
    ).attachments


def test_errors_outside_of_examples_are_told():
    """A file that cannot be loaded has no examples, and the run is no success."""
    problems = problems_of(read, report(outside=1, messages=["\nAn error occurred while loading ./bad_spec.rb."]))

    assert [problem.slug for problem in problems] == ["outside-case", "no-cases"]
    assert "bad_spec.rb" in problems[0].cause


def test_messages_alone_are_no_errors():
    """RSpec also says there what it was asked to run."""
    assert not problems_of(read, report(example(), messages=["Run options: include {:focus=>true}"]))


@pytest.mark.parametrize(
    ("text", "slug"),
    [
        (report(example())[:-30], "truncated-report"),
        (report({"status": "passed"}), "unreadable-report"),
        ("[]", "unreadable-report"),
    ],
)
def test_half_a_document_or_another_is_refused(text, slug):
    """An example needs its description and status."""
    assert slug == slug_of(read, text)
