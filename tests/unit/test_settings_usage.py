"""The help: groups with their meaning, examples that are really taken, exit codes, and lines that fit."""

import shlex

import pytest

from xray_ci import errors, running
from xray_ci.settings import flags
from xray_ci.settings.commands import COMMANDS
from xray_ci.settings.flags import EXIT_CODES, MEANINGS, WIDTH, usage
from xray_ci.settings.table import GROUPS


def every_class(cls):
    """Return a class and all below it."""
    return {cls}.union(*(every_class(each) for each in cls.__subclasses__()))


def examples():
    """Return the arguments of every example in any help."""
    lines = [
        line for name in (None, *COMMANDS) for line in usage(name, 120).splitlines() if line.startswith("  xray-ci ")
    ]
    return sorted({line.removeprefix("  xray-ci ").split("  ")[0] for line in lines})


@pytest.mark.parametrize("words", examples())
def test_an_example_is_taken_as_it_stands(words):
    """Every flag and command of it exists, so that it can be copied."""
    argv, _ = running.split(shlex.split(words.split(" > ")[0]))
    assert flags.parse(argv).command in (argv[0], " ".join(argv[:2]))


def test_every_command_has_an_example():
    """The one thing everybody looks for first."""
    assert [row.name for row in COMMANDS.values() if not row.examples] == []


def test_every_group_says_what_it_means():
    """In the whole help and in that of each command that takes it."""
    assert [*GROUPS] == [*MEANINGS]
    told = " ".join(usage(None, whole=True).split())
    assert all(f"{group} {meaning}:" in told for group, meaning in MEANINGS.items())
    for row in COMMANDS.values():
        whole = usage(row.name, whole=True)
        assert [group for group in row.groups if f"\n{group}: {MEANINGS[group]}\n" not in whole] == []


def test_the_short_help_of_a_command_has_the_most_used_settings():
    """A screen or two; all of them are one word away, and every one is told there."""
    for row in COMMANDS.values():
        short, whole = usage(row.name), usage(row.name, whole=True)
        names = [each.name for group in row.groups for each in GROUPS[group] if not each.secret]
        assert len(short.splitlines()) <= 50
        assert ("--help-all" in short) == bool(row.groups)
        assert [name for name in names if name != "command" and name not in whole] == []


def test_every_exit_code_is_told():
    """Those of all failures, and of the ends that are none."""
    told = {int(code) for codes, _ in EXIT_CODES for code in codes.split(", ")}
    assert {0, 1, 130, 143} | {cls.exit_code for cls in every_class(errors.Failure)} == told


def test_what_a_command_needs_is_told():
    """Before the settings, where whoever starts looks."""
    assert "jira-token" in usage("import").split("what:")[0]
    assert "needs" not in usage("demo").split("\n")


@pytest.mark.parametrize("columns", [0, 80, 100, 9999])
def test_lines_fit_the_terminal(columns):
    """Between 80 and 120 columns; only a word without a break is longer."""
    width = min(max(columns, WIDTH), 120)
    for name in COMMANDS:
        long = [
            line
            for whole in (False, True)
            for line in usage(name, columns, whole=whole).splitlines()
            if len(line) > width and not line.startswith("  xray-ci ")
        ]
        assert [line for line in long if len(line.split()) > 1] == []


def test_the_short_help_fits_every_terminal():
    """It is made once, and shown before anybody asks how wide the terminal is."""
    assert max(map(len, usage(None, whole=True).splitlines())) <= WIDTH
    assert len(usage(None).splitlines()) <= 50
