"""JUnit XML: what each element and attribute of its dialects becomes."""

from datetime import UTC, datetime, timedelta, timezone

import pytest
from format_reading import slug_of
from report_reading import case, cases, seen

from xray_ci.model import CUT, TEXT_LIMIT, Attachment, MarkKind, Outcome
from xray_ci.reports import junit
from xray_ci.reports.notices import UNSAFE
from xray_ci.reports.texts import CUT_BEFORE, OUTPUT_LIMIT


def marks(read):
    return [(mark.kind, mark.name, mark.value) for mark in read.marks]


@pytest.mark.parametrize(
    ("inner", "outcome"),
    [
        ("", Outcome.PASSED),
        ("<failure/>", Outcome.FAILED),
        ("<error/>", Outcome.ERROR),
        ("<skipped/>", Outcome.SKIPPED),
        ("<failure/><error/>", Outcome.ERROR),
        ("<skipped/><failure/>", Outcome.FAILED),
        ("<error/><skipped/>", Outcome.ERROR),
        ("<flakyFailure/>", Outcome.PASSED),
        ("<failure/><rerunError/>", Outcome.FAILED),
    ],
)
def test_the_worst_element_decides(inner, outcome):
    """Error before failure before skipped; earlier attempts do not count."""
    assert outcome is case(inner).outcome


@pytest.mark.parametrize(
    ("attributes", "outcome"),
    [
        ('status="run"', Outcome.PASSED),
        ('status="notrun"', Outcome.SKIPPED),
        ('status="DISABLED"', Outcome.SKIPPED),
        ('status="failed"', Outcome.FAILED),
        ('status="run" result="suppressed"', Outcome.SKIPPED),
        ('result="errored"', Outcome.ERROR),
        ('status="undefined"', Outcome.OTHER),
        ('status="whatever"', Outcome.OTHER),
        ('status="run" result="typo"', Outcome.OTHER),
        ('status="INCOMPLETE"', Outcome.OTHER),
        ('status="timedout"', Outcome.ERROR),
        ('status="run" result="completed"', Outcome.PASSED),
    ],
)
def test_attributes_decide_where_no_element_speaks(attributes, outcome):
    """`status` comes first, then `result`."""
    assert outcome is case("", f'name="n" {attributes}').outcome


def test_an_element_wins_over_an_attribute():
    """A case that says passed and has a failure has failed."""
    assert Outcome.FAILED is case("<failure/>", 'name="n" status="passed"').outcome


def test_several_failures_make_one_result_with_all_their_texts():
    """Type and message are of the first of the worst, the trace is of all of that outcome."""
    read = case(
        '<skipped message="s">no</skipped><failure type="T1" message="one">at one</failure><failure '
        'message="two">stack of it</failure>'
    )

    assert (read.kind, read.message, read.trace) == ("T1", "one", "at one\n\ntwo\nstack of it")


def test_names_come_as_they_are():
    """Missing names are empty, a missing or empty class name is None, blanks stay."""
    first, second = cases(
        "<testsuites><testcase/><testsuite><testsuite name='in'><testcase name='  ' "
        "classname=''/></testsuite></testsuite></testsuites>"
    )

    assert (first.name, first.classname, first.suite) == ("", None, ())
    assert (second.name, second.classname, second.suite) == ("  ", None, ("", "in"))


def test_prefixes_do_not_matter():
    """Elements are known by their local names, declared prefix or not."""
    (read,) = cases(
        "<ju:testsuite xmlns:ju='urn:x'><ju:testcase name='n'><p:failure message='m'/></ju:testcase></ju:testsuite>"
    )

    assert (read.outcome, read.message) == (Outcome.FAILED, "m")


def test_a_testcase_in_a_testcase_is_one_of_its_own():
    """Every testcase element counts once, at any depth; each keeps what is its own."""
    inner, outer = cases(
        "<testsuite><testcase name='a'><testcase name='b'><failure/></testcase><skipped/></testcase></testsuite>"
    )

    assert [(inner.name, inner.outcome), (outer.name, outer.outcome)] == [("b", Outcome.FAILED), ("a", Outcome.SKIPPED)]


def test_lines_are_those_of_the_start_tags():
    """A case knows where it stands in its file."""
    assert [read.line for read in cases("<testsuite>\n<testcase/>\n<x>\n<testcase\n/></x></testsuite>")] == [2, 4]


def test_earlier_attempts_are_kept():
    """Surefire's flaky and rerun elements become attempts, with the text or the stackTrace element as trace."""
    read = case(
        '<flakyError message="m1"><stackTrace>at '
        "x</stackTrace><system-out>[[ATTACHMENT|a.png]]</system-out></flakyError>"
        "<rerunFailure>old style</rerunFailure>"
    )

    assert [(attempt.outcome, attempt.message, attempt.trace) for attempt in read.attempts] == [
        (Outcome.ERROR, "m1", "at x"),
        (Outcome.FAILED, None, "old style"),
    ]
    assert read.attachments == ()


@pytest.mark.parametrize(
    "inner",
    [
        "<stackTrace>at x</stackTrace><system-out>theirs</system-out>",
        "<system-out>theirs</system-out><stackTrace>at x</stackTrace>",
        "at x<system-err>theirs</system-err>\n",
    ],
)
def test_the_output_of_an_attempt_is_not_the_cases(inner):
    """What an earlier attempt printed is neither shown as printed by the last one, nor part of the attempt's trace."""
    read = case(f"<failure/><rerunFailure>{inner}</rerunFailure><system-out>its own</system-out>")

    assert (read.output, [attempt.trace for attempt in read.attempts]) == ("its own", ["at x"])


def test_a_trace_keeps_the_indentation_of_its_first_line():
    """Blank lines around a text are left out, blanks in front of what pytest shows are not."""
    assert case("<failure>\n  \n    def test():\n>       1/0\n  </failure>").trace == "    def test():\n>       1/0"
    assert None is case("<failure> \n </failure>").trace


def test_xray_properties_become_marks():
    """Values and element texts are the same; lists are split at commas; blank ones are nothing."""
    read = case("""<properties>
      <property name="test_key" value=" CALC-1 "/><property name="test_key">not a key</property><property \
name="test_id" value="55"/>
      <property name="requirements" value="CALC-2, CALC-3,,"/><property name="requirement" value="CALC-4"/>
      <property name="tags" value="smoke,core"/><property name="test_summary" value="Sum"/>
      <property name="test_description"><![CDATA[h3. <two>
lines]]></property>
      <property name="testrun_comment" value="fine"/><property name="testrun_customfield:Browser" value="firefox"/>
      <property name="testrun_customfields"><item name="Load"><![CDATA[ 3.5 ]]></item><item name="Empty"/></property>
      <property name="tags" value=" "/><property name="owner" value="ann"/></properties>""")

    assert marks(read) == [
        (MarkKind.TEST_KEY, None, "CALC-1"),
        (MarkKind.TEST_KEY, None, "not a key"),
        (MarkKind.TEST_ID, None, "55"),
        (MarkKind.REQUIREMENT, None, "CALC-2"),
        (MarkKind.REQUIREMENT, None, "CALC-3"),
        (MarkKind.REQUIREMENT, None, "CALC-4"),
        (MarkKind.TAG, None, "smoke"),
        (MarkKind.TAG, None, "core"),
        (MarkKind.SUMMARY, None, "Sum"),
        (MarkKind.DESCRIPTION, None, "h3. <two>\nlines"),
        (MarkKind.COMMENT, None, "fine"),
        (MarkKind.CUSTOM_FIELD, "Browser", "firefox"),
        (MarkKind.CUSTOM_FIELD, "Load", "3.5"),
    ]


@pytest.mark.parametrize(
    ("value", "options"),
    [
        ("eu;us", ["eu", "us"]),
        (r"a\;b;c:\\d;;", ["a;b", r"c:\d"]),
        (r"\\;x", ["\\", "x"]),
        (r"C:\\temp\x", [r"C:\\temp\x"]),
        (";", []),
        ("Mozilla/5.0 (X11; Linux)", ["Mozilla/5.0 (X11; Linux)"]),
    ],
)
def test_several_options_of_a_custom_field_are_several_marks(value, options):
    """They are joined with `;`, which a backslash escapes; punctuation and the backslashes of a single value stay."""
    expected = [(MarkKind.CUSTOM_FIELD, "Load", option) for option in options]

    assert expected == marks(
        case(f'<properties><property name="testrun_customfield:Load" value="{value}"/></properties>')
    )
    assert expected == marks(
        case(
            '<properties><property name="testrun_customfields"><item '
            f'name="Load">{value}</item></property></properties>'
        )
    )


def test_properties_of_a_suite_are_not_its_cases():
    """A key on a suite names no Test."""
    (read,) = cases(
        "<testsuite><properties><property name='test_key' value='A-1'/></properties><testcase name='n'/></testsuite>"
    )

    assert read.marks == ()


def test_evidence_is_kept_as_base64():
    """Items have names or get them from their first bytes; white space goes, empty ones too.

    A value is evidence as well.
    """
    read = case("""<properties><property name="testrun_evidence"><item name="a.txt"> aGVs
      bG8= </item><item name="empty"> </item><item>iVBORw0KGgo=</item></property>
      <property name="testrun_evidence" value="JVBERi0="/></properties>""")

    assert [(attachment.name, attachment.base64) for attachment in read.attachments] == [
        ("a.txt", "aGVsbG8="),
        ("evidence-2.png", "iVBORw0KGgo="),
        ("evidence-3.pdf", "JVBERi0="),
    ]


def test_files_named_in_the_output_are_attached():
    """Jenkins' marker in either output of any case, passed or not; each path once; properties by marker too."""
    read = case(
        "<system-out>x [[ATTACHMENT|/ws/one.png]] "
        "y\n[[ATTACHMENT|rel\\two.log]]\n[[PROPERTY|test_key=CALC-9]]</system-out>"
        "<system-err>[[ATTACHMENT|/ws/one.png]] [[ATTACHMENT:three.txt]] [[ATTACHMENT|]] [[ATTACHMENT|open</system-err>"
    )

    assert [
        Attachment(name="one.png", path="/ws/one.png"),
        Attachment(name="two.log", path="rel\\two.log"),
        Attachment(name="three.txt", path="three.txt"),
    ] == list(read.attachments)
    assert marks(read) == [(MarkKind.TEST_KEY, None, "CALC-9")]


def test_files_named_by_properties_are_attached():
    """`attachment` and its relatives, one path a line."""
    read = case(
        '<properties><property name="attachment" value="a.txt"/><property '
        'name="attachments">b.txt\nc.txt</property></properties>'
    )

    assert [attachment.path for attachment in read.attachments] == ["a.txt", "b.txt", "c.txt"]


def test_output_is_kept_only_of_what_did_not_pass():
    """A passed case has no output, whichever comes first, the output or the verdict."""
    assert None is case("<system-out>hello</system-out>").output
    assert case("<system-out>hello\n</system-out><failure/><system-err>oops</system-err>").output == "hello\noops"


def test_of_a_long_output_the_end_is_kept():
    """What was printed last says most; the cut is marked."""
    output = case(f"<failure/><system-out>{'a' * 10_000}end</system-out>").output

    assert len(output) == OUTPUT_LIMIT
    assert output.startswith(CUT_BEFORE)
    assert output.endswith("aend")


def test_of_a_long_text_the_beginning_is_kept():
    """Messages and traces are cut at one limit, with a mark."""
    read = case(f'<failure message="{"m" * 40_000}">{"t" * 1_000_000}</failure>')

    for text in (read.message, read.trace):
        assert len(text) == TEXT_LIMIT
        assert text.endswith(CUT)


def test_a_marker_between_two_pieces_is_not_lost():
    """An output that streams by in many pieces is scanned whole, each marker once."""
    lines = "".join(f"[[ATTACHMENT|shot-{number}.png]] {'.' * 997}\n" for number in range(900))

    read = case(f"<system-out>{lines}</system-out>")

    assert [f"shot-{number}.png" for number in range(900)] == [attachment.path for attachment in read.attachments]


def test_a_case_takes_the_time_of_its_suite():
    """Its own timestamp comes first, then the innermost suite that has one, and none is none."""
    first, second, third = cases(
        "<testsuites><testsuite timestamp='2024-03-10T02:30:00'><testsuite><testcase/>"
        "<testcase timestamp='2024-03-10T02:30:05+01:00' time='1.5'/></testsuite></testsuite><testcase/></testsuites>"
    )

    assert datetime(2024, 3, 10, 2, 30) == first.started  # noqa: DTZ001 - the report gives no offset
    assert datetime(2024, 3, 10, 2, 30, 5, tzinfo=timezone(timedelta(hours=1))) == second.started
    assert (second.seconds, third.started, third.seconds) == (1.5, None, None)


def test_started_and_finished_are_utc():
    """Xray's own two attributes are UTC without saying so."""
    read = case("", 'name="n" started-at="2024-03-10T02:30:00" finished-at="2024-03-10T02:30:07"')

    assert (datetime(2024, 3, 10, 2, 30, tzinfo=UTC), datetime(2024, 3, 10, 2, 30, 7, tzinfo=UTC)) == (
        read.started,
        read.finished,
    )


def test_errors_outside_of_cases_are_told(tmp_path):
    """They are no test, and never lost silently; beyond fifty they are counted."""
    path = tmp_path / "r.xml"
    path.write_text(
        "<testsuite name='s'>" + "<error message='no setup'/>" * 60 + "<testcase/></testsuite>", encoding="utf-8"
    )

    report = seen(path)

    assert report.totals["tests"] == 1
    assert report.slugs().count("outside-case") == 51
    assert report.problems[0].cause == "an error stands in suite 's' outside of any test: no setup"
    assert report.problems[50].cause.startswith("10 more")


def test_a_report_without_cases_is_told(tmp_path):
    """Zero tests are a valid report, and a notice says what its attributes promised."""
    path = tmp_path / "r.xml"
    path.write_text("<testsuites><testsuite tests='5'/></testsuites>", encoding="utf-8")

    report = seen(path)

    assert report.totals["tests"] == 0
    assert report.problems[0].cause == "it holds no test, although its attributes promise 5"


def test_unknown_elements_do_not_hide_what_is_in_them():
    """An element that nobody knows is ignored, the cases in it are not."""
    assert len(cases("<testsuite><x><testcase/><y><testcase/></y></x></testsuite>")) == 2


OF_SUITES = ("testsuites", "testsuite", "testcase", "properties", "property", "item")
OF_CASES = ("failure", "error", "skipped", "system-out", "system-err", "stackTrace", "flakyFailure", "rerunError")


@pytest.mark.parametrize("tag", (*OF_SUITES, *OF_CASES, "any"))
@pytest.mark.parametrize("around", ["", "<testcase name='a'>", "<testcase name='a'><rerunFailure>"])
def test_no_element_nests_without_a_bound(tag, around):
    """Whichever it is and wherever it stands: at once, and not only once a piece of the document was read."""
    head = f"<testsuite>{around}"
    each = f"<{tag} name='testrun_evidence' value='{'x' * (tag == 'property')}'>"

    assert slug_of(junit.read, head + each * 600) == UNSAFE
    assert slug_of(junit.read, f"{head}<{tag} name='testrun_evidence'>" + each * 600 + "</no>") == UNSAFE
