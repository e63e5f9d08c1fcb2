"""The command line: what is read, all mistakes together, secrets never shown, and the help."""

import pytest

from xray_ci.errors import ConfigurationError
from xray_ci.settings import flags, problems
from xray_ci.settings.commands import COMMANDS
from xray_ci.settings.table import ROWS


def refused(*arguments):
    with pytest.raises(ConfigurationError) as caught:
        flags.parse(arguments)
    return caught.value.problems


def test_flags_take_values_in_both_spellings():
    """Lists repeat, switches have a negative."""
    found = flags.parse(
        ["plan", "--reports", "a", "--reports=b", "--project=SHOP", "--no-annotations", "--dry-run", "--job-summary=no"]
    )

    assert found.command == "plan"
    assert found.flags == {
        "reports": ["a", "b"],
        "project": "SHOP",
        "annotations": False,
        "dry-run": True,
        "job-summary": "no",
    }


@pytest.mark.parametrize("arguments", [["--project", "SHOP", "plan"], ["plan", "--project", "SHOP"]])
def test_the_command_stands_anywhere(arguments):
    """Before or after the flags."""
    assert (flags.parse(arguments).command, flags.parse(arguments).flags) == ("plan", {"project": "SHOP"})


def test_without_a_command_the_environment_decides():
    """Nothing is guessed here."""
    assert flags.Parsed(None, {}, {}, help=False, version=False) == flags.parse([])


@pytest.mark.parametrize(
    ("arguments", "options"),
    [
        (["inspect", "--json"], {"json": True}),
        (["convert", "--output", "-"], {"output": "-"}),
        (["emulator", "--port", "0"], {"port": "0"}),
        (["collect", "--output", "shards/1.xrayci"], {"output": "shards/1.xrayci"}),
        (["resume"], {}),
        (["demo", "--keep"], {"keep": True}),
        (["--json"], {"json": True}),
        (["features", "import", "a", "--project", "SHOP", "b.zip"], {"path": ["a", "b.zip"]}),
        (["features", "export", "--keys", "SHOP-4 SHOP-8"], {"keys": "SHOP-4 SHOP-8"}),
        (["explain", "no-reports"], {"slug": "no-reports"}),
    ],
)
def test_commands_have_options(arguments, options):
    """They are no settings: nothing but the command line has them."""
    assert options == flags.parse(arguments).options


@pytest.mark.parametrize(
    ("arguments", "slug", "words"),
    [
        (["--test-plam", "A-1"], problems.UNKNOWN, "`--test-plan`"),
        (["imprt"], problems.UNKNOWN, "`import`"),
        (["features"], problems.USAGE, "`features export` or `features import`"),
        (["features", "expert"], problems.USAGE, "`features export`"),
        (["--oauth-token", "x"], problems.OPEN_SECRET, "XRAY_CI_OAUTH_TOKEN"),
        (["import", "--json"], problems.USAGE, "other command"),
        (["resume", "--output", "x"], problems.USAGE, "other command"),
        (["--project"], problems.USAGE, "VALUE"),
        (["--project", "--dry-run"], problems.USAGE, "VALUE"),
        (["--project=A1", "--project=B1"], problems.USAGE, "one"),
        (["-x"], problems.UNKNOWN, ""),
        (["import", "plan"], problems.USAGE, "once"),
        (["--no-dry-run=yes"], problems.USAGE, ""),
        (["inspect", "--json=1"], problems.USAGE, ""),
        (["emulator", "--port", "70000"], problems.WRONG, ""),
        (["emulator", "--port", "-1"], problems.WRONG, ""),
        (["--no-project"], problems.UNKNOWN, ""),
        (["--command", "plan"], problems.UNKNOWN, ""),
        (["inspect", "--json", "--json"], problems.USAGE, "one"),
        (["--dry-run", "--no-dry-run"], problems.USAGE, "one"),
    ],
)
def test_a_mistake_is_told(arguments, slug, words):
    """With the nearest name where one is near."""
    found = refused(*arguments)

    assert slug == found[0].slug
    assert words in found[0].next


def test_all_mistakes_come_together():
    """One run tells them all."""
    assert [one.where for one in refused("import", "--projct", "A", "--reposts=b", "--json")] == [
        "--projct",
        "--reposts",
        "--json",
    ]


@pytest.mark.parametrize("row", [row for row in ROWS if row.secret], ids=lambda row: row.name)
def test_a_secret_has_no_flag_and_is_not_shown(row):
    """The error names the variable; the value is taken for no command."""
    for arguments in ([f"--{row.name}", "hunter2"], [f"--{row.name}=hunter2"], [f"--{row.name}", "hunter2", "plan"]):
        found = refused(*arguments)
        assert [one.slug for one in found] == [problems.OPEN_SECRET]
        assert row.variable in found[0].next
        assert "hunter2" not in repr([(one.what, one.where, one.next) for one in found])


def test_the_value_of_a_misspelt_secret_is_not_shown():
    """It looks like an argument without a flag."""
    assert "Hunter2" not in repr(
        [(one.what, one.where, one.next) for one in refused("--client-secrt", "Hunter2", "Hunter2x")]
    )


@pytest.mark.parametrize("arguments", [["--help"], ["-h"], ["import", "--help"], ["--projct", "--help"]])
def test_help_is_given_also_beside_mistakes(arguments):
    """Whoever asks for help needs it."""
    assert flags.parse(arguments).help


def test_help_names_every_command_and_setting():
    """The whole one names all, the one of a command explains those that mean something to it."""
    text = flags.usage(None, whole=True)

    assert all(name in text for name in [*COMMANDS, *(row.name for row in ROWS)])
    for name, command in COMMANDS.items():
        text = flags.usage(name, whole=True)
        assert command.help in text
        assert all(f"--{option.name}" in text for option in command.options)
        for row in ROWS:
            if row.group in command.groups and row.name != "command":
                assert (row.variable if row.secret else f"--{row.name}") in text.replace("--[no-]", "--")
        assert all(len(line) <= 112 for line in text.splitlines())
