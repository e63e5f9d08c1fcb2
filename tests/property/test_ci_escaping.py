"""Laws of escaping: no text of a stranger commands a runner, adds an output or changes the shape of a page."""

import html
import io
import re
from types import SimpleNamespace

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from xray_ci.ci.console import Console, Level
from xray_ci.ci.outputs import dotenv, github
from xray_ci.ci.provider import surroundings
from xray_ci.ci.result import FailureRow, Report, RunOutcome, RunResult, Trouble
from xray_ci.ci.summary import markdown
from xray_ci.ci.syntax import Annotation, AnnotationKind, Annotations, annotation
from xray_ci.ci.systems import PROVIDERS
from xray_ci.ci.text import clean, code, cut, harmless, inline, one_line, row
from xray_ci.errors import ConfigurationError, Refused
from xray_ci.secret import Redactor

PIECES = st.sampled_from(
    [
        "::",
        ":",
        "#",
        "##[",
        "##vso[task.x]",
        "##teamcity[",
        "::error::",
        "::add-mask::x",
        "::stop-commands::t",
        " ",
        "\t",
        "\r",
        "\n",
        "\r\n",
        "\u2028",
        "\x85",
        "\x0b",
        "\x0c",
        "\x1b[0K",
        "\x1b]0;t\x07",
        "\x00",
        "\u200b",
        "\u200d",
        "\u202e",
        "\ufe0f",
        "\u3164",
        "\ufeff",
        "\xa0",
        "\u3000",
        "%0A",
        "|",
        "`",
        "[a](b)",
        "<img src=x>",
        "@bob",
        "\\",
        "&#124;",
        "word",
        "😀",
        "\ud800",
    ]
)
UNSAFE = st.lists(PIECES | st.text(max_size=3), max_size=12).map("".join)

IGNORED = re.compile(
    "[\xad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u2028-\u202e\u2060-\u206f\u3164\ufe00-\ufe0f\ufeff\uffa0"
    "\ufff0-\ufff8\U000e0000-\U000e0fff\x00-\x08\x0e-\x1f\x7f-\x9f]"
)


def commands(log):
    """Read a log as the strictest runner could: lines at any line break, blanks and invisible characters ignored."""
    for line in re.split("[\r\n\x0b\x0c\x85\u2028\u2029]", log):
        bare = IGNORED.sub("", line)
        if bare.lstrip().startswith("::") or re.search(r"##[\w.-]*\[", bare):
            yield line


def told(act, row_of_table, level=Level.DEBUG):
    stream = io.StringIO()
    act(
        Console(
            stream,
            level=level,
            surroundings=SimpleNamespace(syntax=row_of_table.syntax),
            redactor=Redactor(),
            clock=lambda: 1.0,
        )
    )
    return stream.getvalue()


@given(text=UNSAFE)
@example("\u200b::error::x")
@example(":\u200d:error::x")
@example(" \t::error::x")
@example("a\r::error::x")
@example(":\x1b[0m:error::x")
@example("#\ufe0f#[error]x")
@example("####[error]x")
@example("x ##vso[task.setvariable variable=PATH]y")
def test_no_text_commands_a_runner(text):
    """At every level and in every place of a failure, what a stranger wrote stays text."""
    plain = SimpleNamespace(syntax=surroundings({}).syntax)

    def act(console):
        for level in ("error", "warning", "notice", "info", "debug"):
            getattr(console, level)(text)
        moments = iter((0.0, 60.0, 120.0))
        console.pace(text, lambda: next(moments))(1, 2)
        console.failure(Refused(text, where=text, answer=text, advice=text, service=text))
        console.failure(ConfigurationError(text, problems=(ConfigurationError(text, where=text),)))
        with console.group(text):
            console.info(text)

    assert list(commands(told(act, plain))) == []


@pytest.mark.parametrize("provider", PROVIDERS, ids=lambda provider: provider.key)
@given(text=UNSAFE)
def test_groups_and_annotations_are_the_only_commands(provider, text):
    """Whatever is grouped and annotated, each line of the log is text or a command that xray-ci means."""

    def act(console):
        with console.group(text):
            console.annotate(AnnotationKind.ERROR, text, title=text, file=text, line=3)

    ours = list(commands(told(act, provider).replace("\r\x1b", "\x1b")))
    starts = {
        "github": ["::group::", "::error ", "::endgroup::"],
        "azure": ["##[group]", "##vso[task.logissue ", "##[endgroup]"],
        "teamcity": ["##teamcity[blockOpened name='", "##teamcity[blockClosed name='"],
    }.get(provider.key, [])
    assert len(starts) == len(ours)
    for start, line in zip(starts, ours, strict=True):
        assert line.startswith(start)


@given(text=UNSAFE)
def test_a_github_annotation_says_what_was_meant(text):
    """GitHub, unescaping, finds exactly our title, file and message, and no further property."""
    line = annotation(
        Annotations.GITHUB, Annotation(kind=AnnotationKind.ERROR, message=text, title=text, file=text, line=3)
    )
    assert "\n" not in line
    assert "\r" not in line
    end = line.index("::", 2)
    name, _, facts = line[2:end].partition(" ")
    found = dict(fact.split("=", 1) for fact in facts.split(",") if fact.split("=", 1)[1:])

    def unescape(value):
        for escape, char in (("%0D", "\r"), ("%0A", "\n"), ("%3A", ":"), ("%2C", ","), ("%25", "%")):
            value = value.replace(escape, char)
        return value

    assert name == "error"
    assert ({"file": text, "title": text} if text else {}) | {"line": "3"} == {
        key: unescape(value) for key, value in found.items()
    }
    data = line[end + 2 :]
    assert text == data.replace("%0D", "\r").replace("%0A", "\n").replace("%25", "%")


@given(text=UNSAFE)
def test_cleaning_is_done_once(text):
    """Clean text stays as it is, has no control characters but tab and line feed, and can be written as UTF-8."""
    once = clean(text)
    assert once == clean(once)
    assert not re.search("[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029]", once)
    once.encode()
    assert harmless(once) == harmless(harmless(once))


@given(text=st.text("abc xyz.:/,-_()äöü😀\n\t"))
def test_ordinary_text_is_left_alone(text):
    """Text without tricks comes out as it went in, unless a line starts like a command."""
    assert text == clean(text)
    if "::" not in text:
        assert text == harmless(text)


@pytest.mark.parametrize(
    "name",
    [
        "std::vector<int>::push_back",
        "crate::module::test",
        "Foo::Bar->baz()",
        "a##b [c]",
        "# heading [x]",
        "#[test]",
        "10:30:00",
    ],
)
def test_names_of_code_stay_readable(name):
    """Names of C++, Rust and PHP tests are not mangled in the log."""
    assert f"✗ {name}" == harmless(f"✗ {name}")


@given(text=UNSAFE, limit=st.integers(1, 20))
def test_cuts_keep_their_limit(text, limit):
    """A cut text has at most so many characters, and one line is one line."""
    assert len(cut(text, limit)) <= limit
    shown = one_line(text, limit)
    assert len(shown) <= limit
    assert shown.splitlines() in ([], [shown])


@given(
    values=st.dictionaries(
        st.sampled_from(["outcome", "tests", "result-file", "test-execution-key"]), UNSAFE, max_size=4
    )
)
def test_github_outputs_round_trip(values):
    """The runner reads exactly our outputs, whatever their values hold."""
    text = github(values.items())
    found, lines = {}, iter(text.split("\n")[:-1])
    for line in lines:
        name, mark = line.split("<<", 1)
        value = []
        for inner in lines:
            if inner == mark:
                break
            value.append(inner)
        found[name] = "\n".join(value)
    assert values == found


@given(
    values=st.dictionaries(
        st.sampled_from(["outcome", "tests", "result-file", "test-execution-key"]), UNSAFE, max_size=4
    )
)
def test_dotenv_lines_are_one_a_value(values):
    """Every value is one line of safe characters, as it was or empty."""
    text, left_out = dotenv(values.items())
    assert len(values) == text.count("\n") == len(text.splitlines())
    for line, (name, value) in zip(text.splitlines(), values.items(), strict=True):
        assert re.fullmatch(r"XRAY_[A-Z_]+=[\w.,:/@%+=-]*", line, re.ASCII)
        assert line.partition("=")[2] == ("" if name in left_out else value)


@given(text=UNSAFE)
def test_markdown_has_no_markup_of_strangers(text):
    """In Markdown a stranger's text has no character that could structure anything, and reads as it was."""
    shown = inline(text, 10_000)
    bare = re.sub(r"&#\d+;", "", shown)
    assert not set(bare) & set("|`*_[]()<>#@!~$\\:\n\r&\"'{}+=^/;?")
    assert "www." not in bare.lower()
    assert one_line(text, 10_000) == html.unescape(shown).replace("@\u200b", "@")
    assert not re.search(r"@\w", html.unescape(shown))


@given(text=UNSAFE)
def test_a_table_never_gets_further_columns(text):
    """Whatever a cell holds, its row has as many cells as were made."""
    cells = [inline(text), code(text), "x"]
    line = row(cells)
    assert len(line.splitlines()) == 1
    assert 4 == len(re.findall(r"(?<!\\)\|", line)) == line.count("|")


@given(name=UNSAFE, message=UNSAFE)
def test_the_shape_of_a_summary_is_ours(name, message):
    """Names, messages and answers change no line's kind: the page has the same lines with any text in them."""

    def page(name, message):
        result = RunResult(
            command="import",
            outcome=RunOutcome.FAILED,
            exit_code=6,
            failures=(FailureRow(name=name, message=message, report=name, line=1),),
            reports=(Report(path=name),),
            troubles=Trouble.of(Refused(f"x{name}", where=f"x{name}", answer=f"x{message}", advice=f"x{message}")),
        )
        return markdown(result)

    def shape(text):
        return [(line[:4], line.count("|"), re.findall(r"</?\w+>", line)) for line in text.splitlines()]

    assert shape(page("n", "m")) == shape(page(f"n{name}", f"m{message}"))
