"""The job's page: what a person sees first, and what strangers' text cannot do to it."""

import pytest
from msgspec.structs import replace

from xray_ci.ci.provider import Surroundings
from xray_ci.ci.result import (
    Balance,
    ExecutionResult,
    FailureRow,
    Notice,
    Report,
    ReportCounts,
    RunOutcome,
    RunResult,
    SnapshotRow,
    Trouble,
)
from xray_ci.ci.summary import FAILURES_SHOWN, LIMIT, bar, headline, markdown, publish
from xray_ci.ci.systems import PROVIDERS
from xray_ci.errors import WrongRegion
from xray_ci.model import Outcome, Problem, Severity
from xray_ci.secret import Redactor

RESULT = RunResult(
    command="import",
    outcome=RunOutcome.IMPORTED,
    exit_code=0,
    counts=ReportCounts(passed=90, failed=6, errors=2, skipped=1, other=1),
    sent=98,
    executions=(ExecutionResult(key="SHOP-41", url="https://jira.example.com/browse/SHOP-41"),),
    merged=2,
    requests=3,
    seconds=4.21,
    failures=(FailureRow(name="shop.cart.pay", message="\nexpected 3\nbut was 4", report="a.xml", line=7),),
    reports=(
        Report(path="a.xml", format="junit", counts=ReportCounts(passed=90, failed=6, errors=2, skipped=1, other=1)),
    ),
)


def test_the_first_line_says_it_all():
    """The headline has the verdict, how many, and a link to the Test Execution."""
    assert (
        markdown(RESULT).splitlines()[0]
        == "## ❌ 8 of 100 tests failed, sent into [SHOP-41](<https://jira.example.com/browse/SHOP-41>)"
    )
    assert "## ❌ 8 of 100 tests failed, imported into " in markdown(replace(RESULT, imported=97))
    assert " (7 new Tests)\n" in markdown(replace(RESULT, created_tests=7))
    assert "2 repeats merged · 3 requests in 4.2 s" in markdown(RESULT)


@pytest.mark.parametrize(
    ("outcome", "words"),
    [
        (RunOutcome.IMPORTED, "8 of 100 tests failed, sent"),
        (RunOutcome.PARTLY, "Only partly"),
        (RunOutcome.UNKNOWN, "not known"),
        (RunOutcome.PLANNED, "98 results would be sent"),
        (RunOutcome.NOTHING, "nothing to import"),
        (RunOutcome.TRIGGERED, "1 snapshot triggered"),
        (RunOutcome.FAILED, "Nothing was imported"),
        (RunOutcome.SKIPPED, "gets no secrets"),
    ],
)
def test_every_outcome_has_its_sentence(outcome, words):
    """No two outcomes read alike, and only what is known is claimed."""
    assert (
        words
        in headline(
            replace(
                RESULT, outcome=outcome, snapshots=(SnapshotRow(name="7", ok=True), SnapshotRow(name="8", ok=False))
            )
        )[1]
    )


@pytest.mark.parametrize(
    ("counts", "told"),
    [
        (ReportCounts(passed=3), ("✅", "All 3 tests passed, imported")),
        (ReportCounts(passed=1), ("✅", "1 test passed, imported")),
        (ReportCounts(passed=2, skipped=1), ("✅", "2 of 3 tests passed, none failed, imported")),
        (ReportCounts(errors=1), ("❌", "1 of 1 test failed, imported")),
        (ReportCounts(), ("✅", "9 results imported")),
    ],
)
def test_the_headline_is_the_verdict_of_the_tests(counts, told):
    """Whoever reads the first sign reads what the tests say; a resumed run knows only what was imported."""
    assert headline(replace(RESULT, counts=counts, imported=9)) == told


def test_a_run_that_fails_is_not_marked_as_good():
    """An imported run with failed tests that were to fail the job has no green sign."""
    assert headline(replace(RESULT, exit_code=1))[0] == "❌"
    assert "exit code 1" in markdown(replace(RESULT, exit_code=1))


@pytest.mark.parametrize(
    "counts",
    [
        ReportCounts(passed=1),
        ReportCounts(passed=100000, failed=1),
        ReportCounts(failed=1, errors=1, skipped=1, other=1),
        ReportCounts(other=3),
    ],
)
def test_the_bar_shows_every_outcome_that_happened(counts):
    """One failure among a hundred thousand is still a block, and the bar is always as long."""
    shown = bar(replace(RESULT, counts=counts))
    assert len(shown) == 24
    assert sum(bool(counts.of(outcome)) for outcome in Outcome) == len(set(shown))


def test_failed_tests_are_listed_with_their_place():
    """A failed test has its name, the first line of its message that says something, and where it stands."""
    text = markdown(RESULT)
    assert "| 🟥 | <code>shop.cart.pay</code> | expected 3 | <code>a.xml&#58;7</code> |" in text
    assert "and 7 more." in text


def test_only_the_first_failed_tests_are_listed():
    """Fifty are shown, and the count of the others is that of the run, also beyond what the result names."""
    failures = tuple(FailureRow(name=f"t{number}") for number in range(200))
    text = markdown(replace(RESULT, counts=ReportCounts(failed=1234), failures=failures))
    assert text.count("<code>t") == FAILURES_SHOWN
    assert "and 1,184 more." in text


def test_refused_reports_come_first_with_their_cause():
    """A report that was refused is never the one that is left out, and says why and where."""
    bad = Report(
        path="bad.xml",
        problems=(
            Problem(severity=Severity.ERROR, slug="x", cause="no end", line=3),
            Problem(severity=Severity.NOTICE, slug="y", cause="z"),
        ),
    )
    text = markdown(replace(RESULT, reports=(*RESULT.reports * 300, bad)))
    assert "Reports: 300 read, 1 refused" in text
    assert "| <code>bad.xml</code> | &#63; | - | - | - | - | - | line 3&#58; no end &#40;and 1 more&#41; |" in text
    assert "and 101 more." in text


def test_a_failure_says_what_to_do_next():
    """What went wrong, where, what the service said and the remedy are on the page."""
    failure = WrongRegion("The data is elsewhere", where="region", answer="401 | no", service="Xray")
    text = markdown(replace(RESULT, outcome=RunOutcome.FAILED, exit_code=5, troubles=Trouble.of(failure)))
    assert "### What to do next" in text
    assert "Xray answered&#58;" not in text
    assert "Xray answered: <code>401 &#124; no</code>" in text
    assert "Next: Set &#96;region&#96; to the host that holds your data&#58; us, eu or au." in text


def test_snapshots_and_notices():
    """Each snapshot has its row, each notice its count."""
    text = markdown(
        replace(
            RESULT,
            snapshots=(SnapshotRow(name="page 7", ok=False, status=403, message="no"),),
            notices=(Notice(text="a", count=3), Notice(text="b")),
        )
    )
    assert "| ❌ | <code>page 7</code> | 403 | no |" in text
    assert "- a (3 times)\n- b\n" in text


def test_an_empty_result_is_one_line():
    """A run that failed before it read anything shows no empty sections."""
    assert (
        markdown(RunResult(command="import", outcome=RunOutcome.FAILED, exit_code=0)) == "## ❌ Nothing was imported\n"
    )


@pytest.mark.parametrize("url", [None, "javascript:alert(1)", "file:///etc"])
def test_only_addresses_of_the_web_are_links(url):
    """A key without an address, or with an odd one, is text."""
    assert "## ❌ 8 of 100 tests failed, sent into SHOP-41\n" in markdown(
        replace(RESULT, executions=(ExecutionResult(key="SHOP-41", url=url),))
    )


def test_an_address_cannot_leave_its_link():
    """Whatever is in the address of Jira stays inside of the link."""
    (line, *_) = markdown(
        replace(RESULT, executions=(ExecutionResult(key="A]-1", url="https://x/> <img src=y> (a|b)\n"),))
    ).splitlines()
    assert line.endswith("[A&#93;-1](<https://x/%3E%20%3Cimg%20src=y%3E%20%28a%7Cb%29%0A>)")


def test_a_large_summary_is_cut_at_whole_lines():
    """What does not fit is left out by whole lines, with a note, and what is open is closed."""
    notices = tuple(Notice(text="x" * 250) for _ in range(150))
    text = markdown(replace(RESULT, notices=notices), limit=20_000)
    assert len(text.encode()) <= 20_000
    assert "The rest is left out" in text.splitlines()[-1]
    assert text.count("<details>") == text.count("</details>")
    whole = markdown(replace(RESULT, notices=notices)).splitlines()
    assert set(text.splitlines()) - set(whole) == {text.splitlines()[-1]}


def test_the_largest_result_fits():
    """With every list full of the longest unsafe texts the page is still within GitHub's limit."""
    long = "|`<🟥&" * 9999
    result = replace(
        RESULT,
        failures=tuple(FailureRow(name=long, message=long, report=long) for _ in range(200)),
        reports=tuple(
            Report(path=long, problems=(Problem(severity=Severity.ERROR, slug="x", cause=long),)) for _ in range(500)
        ),
        notices=tuple(Notice(text=long) for _ in range(500)),
        snapshots=tuple(SnapshotRow(name=long, ok=False, message=long) for _ in range(500)),
        troubles=Trouble.of(WrongRegion(long, where=long, answer=long)) * 500,
    )
    assert len(markdown(result).encode()) <= LIMIT


def test_the_summary_is_added_to_the_file_of_the_step(tmp_path):
    """It is added to what is there, redacted before anything is escaped; without a file nothing happens."""
    redact = Redactor()
    redact.register("p@ss|word")
    file = tmp_path / "summary"
    file.write_text("theirs\n")
    result = replace(RESULT, failures=(FailureRow(name="a p@ss|word b"),))

    assert publish(result, summary_file=str(file), redact=redact) == ()

    text = file.read_text()
    assert text.startswith("theirs\n## ❌")
    assert "<code>a &#42;&#42;&#42; b</code>" in text
    assert "word" not in text
    assert publish(result, summary_file=None, redact=redact) == ()


def test_a_summary_that_cannot_be_written_is_a_warning(tmp_path):
    """A summary file in a folder that is not there does not fail the run."""
    (warning,) = publish(RESULT, summary_file=str(tmp_path / "none" / "summary"), redact=Redactor())
    assert "job summary" in warning


AROUND = Surroundings(
    provider=PROVIDERS[0],
    commit="89abcdef0123456789abcdef0123456789abcdef",
    branch="fix/<cart>",
    pull_request="31",
    pull_request_title="a | [b](x)",
    workflow="ci",
    run_number="3",
    run_url="https://git.example.com/shop/web/actions/runs/77",
)


def test_a_failed_test_leads_to_its_test_and_its_line():
    """The key leads to Jira, the place to the file at the commit; without addresses both are text."""
    row = FailureRow(
        name="pays", message="boom", report="a.xml", line=7, key="SHOP-3", file="tests/a b#.py", file_line=12
    )
    text = markdown(replace(RESULT, failures=(row,), surroundings=AROUND))
    assert "| [SHOP-3](<https://jira.example.com/browse/SHOP-3>) <code>pays</code> | boom | " in text
    assert f"(<https://git.example.com/shop/web/blob/{AROUND.commit}/tests/a%20b%23.py#L12>) |" in text
    plain = markdown(
        replace(
            RESULT,
            failures=(row,),
            executions=(ExecutionResult(key="SHOP-41"),),
            surroundings=replace(AROUND, run_url="https://jenkins.example.com/job/7/"),
        )
    )
    assert "| SHOP-3 <code>pays</code> | boom | <code>tests&#47;a b&#35;.py&#58;12</code> |" in plain
    assert "| <code>tests&#47;a b&#35;.py</code> |" in markdown(
        replace(RESULT, failures=(replace(row, file_line=None),))
    )


def test_the_page_says_where_every_result_went():
    """The sum of the log stands under the counts, marked when it does not come out."""
    even = Balance(in_reports=100, merged=2, sent=98, stored=98)
    assert "\n\n100 in reports - 2 merged = 98 sent = 98 stored\n" in markdown(replace(RESULT, balance=even))
    assert "\n\n⚠️ 100 in reports - 2 merged = 98 sent ≠ 97 stored\n" in markdown(
        replace(RESULT, balance=replace(even, stored=97))
    )


def test_the_page_says_what_was_tested():
    """Pull request with its title, branch, commit and run, for a page that hangs on another run.

    Strangers' text stays text.
    """
    text = markdown(replace(RESULT, surroundings=AROUND))
    assert (
        "[pull request &#35;31](<https://git.example.com/shop/web/pull/31>) a &#124; &#91;b&#93;&#40;x&#41; · "
        "<code>fix&#47;&#60;cart&#62;</code> · "
        "<code>89abcdef</code> · [ci &#35;3](<https://git.example.com/shop/web/actions/runs/77>)"
    ) in text
    assert "pull request &#35;31 a" in markdown(replace(RESULT, surroundings=replace(AROUND, run_url=None)))
    assert markdown(RESULT) == markdown(replace(RESULT, surroundings=Surroundings(provider=PROVIDERS[0])))


def test_failures_of_one_cause_are_told_as_one():
    """Where not all are listed, the messages that many share come first; few or different ones do not."""
    failures = tuple(
        FailureRow(name=f"t{number}", message="no\nconnection" if number % 2 else f"other {number}")
        for number in range(120)
    )
    text = markdown(replace(RESULT, counts=ReportCounts(failed=120), failures=failures))
    assert "The same message, in the first 120:\n\n- 60 times: no\n\n|" in text
    assert "The same message" not in markdown(replace(RESULT, failures=failures[:FAILURES_SHOWN]))
    assert "The same message" not in markdown(
        replace(RESULT, failures=tuple(FailureRow(name="t", message=str(number)) for number in range(60)))
    )


def test_a_run_without_secrets_is_told_with_its_remedy():
    """Who it is for, that nothing was sent, and what to do about it."""
    text = markdown(
        replace(
            RESULT, outcome=RunOutcome.SKIPPED, executions=(), surroundings=replace(AROUND, outsider="the fork a/<b>")
        )
    )
    assert text.startswith("## ⏭️ Not imported&#58; the fork a&#47;&#60;b&#62; gets no secrets here\n")
    assert "nothing was sent. To import such runs too" in text


def test_a_trace_can_be_opened():
    """Its lines and their indentation are kept, on one line of Markdown, and nothing in it is markup."""
    row = FailureRow(name="pays", message="boom", trace="Error: <b>boom</b>\n\n  at @pay (a.js:3)\n")
    text = markdown(replace(RESULT, failures=(row,)))

    assert (
        "<details><summary><code>pays</code></summary><pre>"
        "Error&#58; &#60;b&#62;boom&#60;&#47;b&#62;&#10;&#10;  at &#64;"
    ) in text.replace("\u200b", "")
    assert "</pre></details>" in text


def test_how_long_it_took_and_what_passed_at_last():
    """The sum of all durations, and tests that passed after another attempt."""
    counts = ReportCounts(passed=2, flaky=1, seconds=3_725.0)

    assert "tests took 1 h 2 min · 1 passed after another attempt" in markdown(replace(RESULT, counts=counts))
    assert "tests took 2 min 5 s" in markdown(replace(RESULT, counts=replace(counts, seconds=125.0)))
    assert "tests took 0.5 s" in markdown(replace(RESULT, counts=replace(counts, seconds=0.5)))
