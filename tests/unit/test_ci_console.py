"""The log: what is written at which level, and how each CI system is spoken to."""

import io
import sys
from types import SimpleNamespace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from xray_ci.ci.console import ANNOTATION_LIMIT, ANSWER_LIMIT, Console, Level, linking
from xray_ci.ci.syntax import PLAIN, AnnotationKind, Annotations, LogGroups, Masks, Syntax
from xray_ci.ci.systems import PROVIDERS
from xray_ci.errors import ConfigurationError, Refused
from xray_ci.secret import Redactor

GITHUB = Syntax(groups=LogGroups.GITHUB, annotations=Annotations.GITHUB, masks=Masks.GITHUB)
AZURE = Syntax(groups=LogGroups.AZURE, annotations=Annotations.AZURE, masks=Masks.AZURE)


@pytest.fixture
def log():
    """Make consoles that all write into one text."""
    stream, redactor = io.StringIO(), Redactor()

    def make(syntax=PLAIN, level=Level.INFO, **more):
        return Console(
            stream,
            level=level,
            surroundings=SimpleNamespace(syntax=syntax),
            redactor=redactor,
            clock=lambda: 1700000000.9,
            **more,
        )

    return SimpleNamespace(make=make, text=stream.getvalue, redactor=redactor)


def test_a_failure_is_told_as_documented(log):
    """What, where, the service's answer, what to do next and where to read on: in this form and order."""
    failure = Refused(
        "Test Plan SHOP-5 is not a Test Plan (it is a Story)",
        where="test-plan, from INPUT_TEST-PLAN",
        service="Xray",
        answer="400: issue with key SHOP-5 does not exist or is not of issue type Test Plan!",
        advice="set test-plan to a Test Plan's key, or leave it out. Nothing was imported.",
    )
    failure.slug = "not-a-test-plan"

    log.make().failure(failure)

    assert (
        log.text()
        == """\
✗ Test Plan SHOP-5 is not a Test Plan (it is a Story)
  where   test-plan, from INPUT_TEST-PLAN
  Xray    400: issue with key SHOP-5 does not exist or is not of issue type Test Plan!
  next    set test-plan to a Test Plan's key, or leave it out. Nothing was imported.
          https://github.com/org/xray-ci/blob/v0.1.0/docs/errors.md#not-a-test-plan
"""
    )


def test_a_failure_shows_only_what_it_has(log):
    """Without place and answer there are no empty lines for them; an answer of nobody in particular says so."""
    console = log.make()
    console.failure(Refused("No.", advice="Ask."))
    console.failure(Refused("No.", answer=" 500: \n\n<html>\r\nno ", advice="Ask\ntwice."))

    assert (
        log.text()
        == """\
✗ No.
  next    Ask.
          https://github.com/org/xray-ci/blob/v0.1.0/docs/errors.md#refused
✗ No.
  answer  500:

          <html>
          no
  next    Ask
          twice.
          https://github.com/org/xray-ci/blob/v0.1.0/docs/errors.md#refused
"""
    )


def test_all_problems_of_a_configuration_are_told(log):
    """Every problem has its own place and advice; the sum comes last."""
    problems = (
        ConfigurationError(
            "There is no setting `reprots`",
            where="INPUT_REPROTS",
            advice="Did you mean reports?",
            slug="unknown-setting",
        ),
        ConfigurationError("timeout is no number", where=".xray-ci.yml:7"),
    )

    log.make().failure(ConfigurationError("2 settings are wrong", problems=problems))

    lines = log.text().splitlines()
    assert [line for line in lines if line.startswith("✗")] == [
        "✗ There is no setting `reprots`",
        "✗ timeout is no number",
        "✗ 2 settings are wrong",
    ]
    assert "  where   INPUT_REPROTS" in lines
    assert "  where   .xray-ci.yml:7" in lines
    assert "          https://github.com/org/xray-ci/blob/v0.1.0/docs/errors.md#unknown-setting" in lines
    assert lines[-1] == "  next    Correct the settings above; nothing was sent."


def test_a_long_answer_is_cut_after_it_was_redacted(log):
    """An answer shows 500 characters, and a secret across the cut shows none of its own."""
    log.redactor.register("hunter2-hunter2-hunter2")

    log.make().failure(Refused("No.", answer="x" * (ANSWER_LIMIT - 8) + "hunter2-hunter2-hunter2" + "y" * 999))

    line = next(line for line in log.text().splitlines() if "xxx" in line).removeprefix("  answer  ")
    assert len(line) == ANSWER_LIMIT
    assert line.endswith("x***yyyy…")
    assert "hunter" not in log.text()


@pytest.mark.parametrize(
    ("level", "seen"),
    [(Level.ERROR, "e"), (Level.WARNING, "ew"), (Level.NOTICE, "ewn"), (Level.INFO, "ewni"), (Level.DEBUG, "ewnid")],
)
def test_levels(level, seen, log):
    """Each level shows itself and what is worse."""
    console = log.make(level=level)
    console.error("e")
    console.warning("w")
    console.notice("n")
    console.info("i")
    console.debug("d")
    assert list(seen) == [line[-1] for line in log.text().splitlines()]


@pytest.mark.parametrize(("terminal", "told"), [(True, ["3", "5", "7"]), (False, [])])
def test_long_work_says_how_far_it_is(log, monkeypatch, clock, terminal, told):
    """Every 2 s where somebody looks on, every 20 s in a log, never of what is done or was quick."""
    console = log.make()
    monkeypatch.setattr(console._stream, "isatty", lambda: terminal, raising=False)
    pace = console.pace("requests sent", clock.monotonic)
    pace(1, 8)
    for done in range(2, 9):
        clock.sleep(1)
        pace(done, 8)

    assert [line.split()[0] for line in log.text().splitlines()] == told


def test_long_work_has_a_bar_where_somebody_looks_on(log, clock):
    """After 2 s; every line of the log stands alone, and nothing of the bar is left, though the work broke off."""
    console = log.make(bars=True)
    pace = console.pace("requests sent", clock.monotonic)
    for done in range(1, 7):
        clock.sleep(1)
        pace(done, 8)
        if done == 4:
            console.info("429: next try in 2 s")
    console.error("it broke off")
    console.close()
    drawn = log.text()

    assert [f"  {done} of 8 requests sent |" in drawn for done in range(1, 7)] == [False, True, True, True, True, True]
    assert [line.rpartition("\r")[2] for line in drawn.split("\n")] == ["429: next try in 2 s", "✗ it broke off", ""]
    assert all(len(part) < 80 for line in drawn.split("\n") for part in line.split("\r"))


def test_a_quick_work_loads_no_library(log, clock, monkeypatch):
    """Nothing is drawn before 2 s, nor where only warnings are wanted."""
    monkeypatch.setitem(sys.modules, "tqdm", None)
    log.make(bars=True).pace("requests sent", clock.monotonic)(1, 8)
    silent = log.make(bars=True, level=Level.WARNING).pace("requests sent", clock.monotonic)
    clock.sleep(30)
    silent(1, 8)

    assert log.text() == ""


def test_levels_have_the_names_of_the_setting(log):
    """The words of `log-level` are levels."""
    assert [Level.named(word) for word in ("error", "warning", "info", "Debug")] == [
        Level.ERROR,
        Level.WARNING,
        Level.INFO,
        Level.DEBUG,
    ]


def test_lines_of_one_message_stay_together(log):
    """Further lines of a message are indented under the first."""
    log.make().warning("one\r\ntwo\n\nthree")
    assert log.text() == "! one\n  two\n\n  three\n"


@pytest.mark.parametrize(
    ("syntax", "expected"),
    [
        (Syntax(), ["title", "inside", "after"]),
        (GITHUB, ["::group::title", "inside", "::endgroup::", "after"]),
        (AZURE, ["##[group]title", "inside", "##[endgroup]", "after"]),
        (Syntax(groups=LogGroups.BUILDKITE), ["--- title", "inside", "after"]),
        (
            Syntax(groups=LogGroups.TEAMCITY),
            ["##teamcity[blockOpened name='title']", "inside", "##teamcity[blockClosed name='title']", "after"],
        ),
        (
            Syntax(groups=LogGroups.GITLAB),
            [
                "\x1b[0Ksection_start:1700000000:xray_ci_1\r\x1b[0Ktitle",
                "inside",
                "\x1b[0Ksection_end:1700000000:xray_ci_1\r\x1b[0K",
                "after",
            ],
        ),
    ],
)
def test_groups(syntax, expected, log):
    """Each system gets groups in its own words, elsewhere the title is a line."""
    console = log.make(syntax)
    with console.group("title"):
        console.info("inside")
    console.info("after")
    assert expected == log.text().removesuffix("\n").split("\n")


def test_a_group_in_a_group_is_a_heading(log):
    """GitHub does not nest groups: only the outer one folds, and closes when it is over."""
    console = log.make(GITHUB)
    with console.group("a"), console.group("b"):
        console.info("c")
    assert log.text().splitlines() == ["::group::a", "b", "c", "::endgroup::"]


def test_a_failure_is_never_hidden_in_a_group(log):
    """What is open is closed before a failure is told, and not a second time afterwards."""
    console = log.make(GITHUB)
    with console.group("a"):
        console.failure(Refused("No."))
    assert log.text().splitlines()[:3] == ["::group::a", "::endgroup::", "✗ No."]
    assert log.text().count("::endgroup::") == 1


def test_groups_below_their_level_are_silent(log):
    """A quiet log has no folds of nothing."""
    console = log.make(GITHUB, level=Level.WARNING)
    with console.group("a"):
        console.info("b")
    assert log.text() == ""


def test_masks_come_before_any_line(log):
    """GitHub is told each secret, line by line and escaped, before anything else; later ones before the next line.

    Once.
    """
    log.redactor.register("hunter%22")
    log.redactor.register("first-line\nsecond-line")
    console = log.make(GITHUB, level=Level.ERROR)
    console.info("quiet")
    console.error("a")
    log.redactor.register("minted-later")
    console.error("b")
    console.error("c")
    assert log.text().splitlines() == [
        "::add-mask::hunter%2522",
        "::add-mask::first-line",
        "::add-mask::second-line",
        "✗ a",
        "::add-mask::minted-later",
        "✗ b",
        "✗ c",
    ]


def test_masks_for_azure(log):
    """Azure learns a secret with a percent sign in both spellings that its agents know."""
    log.redactor.register("hunter%22")
    log.make(AZURE).info("a")
    assert log.text().splitlines() == ["##vso[task.setsecret]hunter%AZP2522", "##vso[task.setsecret]hunter%22", "a"]


@pytest.mark.parametrize("row", PROVIDERS, ids=lambda row: row.key)
def test_secrets_are_written_only_where_they_mask(row, log):
    """A system that cannot mask never gets to see a secret."""
    log.redactor.register("hunter22")
    log.make(row.syntax).info("hunter22")
    shown = [line for line in log.text().splitlines() if "hunter22" in line]
    assert all(line.startswith(("::add-mask::", "##vso[task.setsecret]")) for line in shown)
    assert bool(shown) == (row.syntax.masks is not Masks.NONE)
    assert log.text().splitlines()[-1] == "***"


def test_annotations_of_github(log):
    """Properties and message are escaped as GitHub unescapes them; strange text in them commands nothing."""
    assert log.make(GITHUB).annotate(AnnotationKind.WARNING, "100%\n::error::x", title="a:b,c", file="r,1.xml", line=3)
    assert log.text() == "::warning file=r%2C1.xml,line=3,title=a%3Ab%2Cc::100%25%0A:\\:error::x\n"


def test_annotations_of_azure(log):
    """A message cannot end Azure's command early; a notice is its mildest kind."""
    assert log.make(AZURE).annotate(AnnotationKind.NOTICE, "a]b;c\nd", title="t", file="r.xml", line=3)
    assert log.text() == "##vso[task.logissue type=warning;sourcepath=r.xml;linenumber=3]t: a%5Db%3Bc%0Ad\n"


@pytest.mark.parametrize(("syntax", "more"), [(Syntax(), {}), (GITHUB, {"annotations": False})])
def test_no_annotations_where_they_are_not_wanted(syntax, more, log):
    """Where there is no such thing, or `annotations` is off, nothing is written and the caller is told."""
    console = log.make(syntax, **more)
    assert not console.annotate(AnnotationKind.ERROR, "a")
    console.close()
    assert log.text() == ""


def test_only_ten_annotations_of_a_kind(log):
    """GitHub keeps ten of a kind: the rest is counted and said once at the end."""
    console = log.make(GITHUB)
    shown = [console.annotate(AnnotationKind.ERROR, f"{number}") for number in range(13)]
    assert console.annotate(AnnotationKind.NOTICE, "x")
    console.close()
    console.close()
    assert shown == [True] * ANNOTATION_LIMIT + [False] * 3
    assert log.text().count("::error ") == ANNOTATION_LIMIT
    assert log.text().splitlines()[-1:] == ["- 3 more annotations of kind error are in the log only."]


def unforeseen(text):
    """Return an exception as it is caught, with where it was raised."""
    with pytest.raises(ValueError) as caught:
        raise ValueError(text)
    return caught.value


def test_a_defect_is_one_line_without_its_text(log):
    """An exception nobody foresaw is named by type and place; its message may hold anything and is not shown."""
    log.redactor.register("hunter22")
    log.make().defect(unforeseen("Bearer hunter22 \n::error::x"))
    assert log.text().splitlines()[0].startswith("✗ A defect of xray-ci: ValueError at test_ci_console.py:")
    assert "Bearer" not in log.text()
    assert "docs/errors.md#defect" in log.text()


def test_a_defect_at_debug_level_has_its_traceback_redacted(log):
    """At debug level the traceback is there, without secrets and commands."""
    log.redactor.register("hunter22")
    log.make(level=Level.DEBUG).defect(unforeseen("Bearer hunter22 \n::error::x"))
    assert "ValueError: Bearer ***" in log.text()
    assert "hunter22" not in log.text()
    assert not [line for line in log.text().splitlines() if line.lstrip().startswith("::")]


def test_color_marks_only_the_sign(log):
    """Where colours are wanted the sign has one, never the text, which keeps its own out."""
    log.make(color=True).error("a\x1b[32mb")
    assert log.text() == "\x1b[31m✗ \x1b[0mab\n"


def test_a_log_in_another_encoding(tmp_path):
    """A stream that cannot hold our signs or the text's characters loses no line."""
    with (tmp_path / "log").open("w", encoding="ascii") as stream:
        Console(stream, level=Level.INFO, surroundings=SimpleNamespace(syntax=Syntax()), redactor=Redactor()).error(
            "grün \udcff"
        )
    assert (tmp_path / "log").read_text() == "\\u2717 gr\\xfcn \\udcff\n"


@pytest.mark.parametrize("hidden", ["hun\x00ter22", "hun\x1b[0mter22", "hunter22\u202e"])
def test_a_secret_that_cleaning_completes_is_redacted(hidden, log):
    """Control characters in a secret do not carry it past the redactor."""
    log.redactor.register("hunter22")
    log.make().info(hidden)
    assert "hunter22" not in log.text()


def test_a_secret_over_several_lines_is_redacted_before_lines_are_made(log):
    """A secret whose lines are each too short to be looked for is still seen as a whole."""
    log.redactor.register("ab\ncd\nef")
    log.make().warning("x ab\r\ncd\nef y")
    assert log.text() == "! x *** y\n"


PLACE = "https://jira.example/browse/SHOP-1"
LINK = f"\x1b]8;;{PLACE}\x1b\\SHOP-1\x1b]8;;\x1b\\"


def test_a_key_is_a_link_where_a_terminal_shows_links(log):
    """Elsewhere the address follows; without one there is the text alone."""
    log.make(links=True).linked("  failed: SHOP-1 pays", "SHOP-1", PLACE)
    log.make().linked("  failed: SHOP-1 pays", "SHOP-1", PLACE)
    log.make(links=True).linked("  failed: SHOP-1 pays", "SHOP-1", None)

    assert log.text().splitlines() == [
        f"  failed: {LINK} pays",
        f"  failed: SHOP-1 pays  {PLACE}",
        "  failed: SHOP-1 pays",
    ]


def test_a_secret_in_an_address_is_no_link(log):
    """It is shown redacted, as all text is; so is the text beside a link."""
    log.redactor.register("hunter2-hunter2")
    log.make(links=True).linked("SHOP-1 hunter2-hunter2", "SHOP-1", "https://jira.example/hunter2-hunter2")
    log.make(links=True).linked("SHOP-1 hunter2-hunter2", "SHOP-1", PLACE)

    assert log.text().splitlines() == ["SHOP-1 ***  https://jira.example/***", f"{LINK} ***"]


@given(
    name=st.text() | st.sampled_from(["\x1b]8;;https://evil\x1b\\", "\x9d8;;x\x9c", "\a", "::error::x"]), url=st.text()
)
def test_nothing_of_a_report_becomes_or_ends_a_link(name, url):
    """Whatever a name or an address holds, sequences are ours alone: the two of one link, around the key."""
    stream = io.StringIO()
    console = Console(
        stream, level=Level.INFO, surroundings=SimpleNamespace(syntax=PLAIN), redactor=Redactor(), links=True
    )
    console.linked(f"SHOP-1 {name}", "SHOP-1", PLACE)
    console.linked(f"SHOP-1 {name}", "SHOP-1", f"https://x/{url}")
    first, rest = stream.getvalue()[: len(LINK)], stream.getvalue()[len(LINK) :]

    assert first == LINK
    assert rest.count("\x1b") in (0, 4)
    assert not set("\x07\x9c\x9d") & set(rest)


@pytest.mark.parametrize(
    ("env", "shown"),
    [
        ({"TERM_PROGRAM": "vscode"}, True),
        ({"TERM": "xterm-kitty"}, True),
        ({"VTE_VERSION": "6003"}, True),
        ({"WT_SESSION": "x"}, True),
        ({"VTE_VERSION": "5000"}, False),
        ({"VTE_VERSION": "new"}, False),
        ({"TERM": "xterm-256color"}, False),
        ({"TERM_PROGRAM": "vscode", "CI": "true"}, False),
        ({"TERM_PROGRAM": "vscode", "NO_COLOR": "1"}, False),
        ({"TERM_PROGRAM": "vscode", "TERM": "dumb"}, False),
        ({"WT_SESSION": "x", "TMUX": "/tmp/tmux"}, False),
    ],
    ids=str,
)
def test_links_are_for_terminals_that_take_them(env, shown):
    """Those that say so; never in CI, in what shows another terminal, or where no colours are."""
    terminal = SimpleNamespace(isatty=lambda: True)

    assert linking(terminal, env) == shown
    assert not linking(io.StringIO(), {**env, "FORCE_COLOR": "1"})
