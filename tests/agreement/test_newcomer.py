"""What a newcomer met: each finding has its test or its answer, and what the pages say is so.

The README's example file is one, and statements that were wrong once are true or gone.
"""

import ast
import re
from pathlib import Path

import jsonschema_rs
import pytest
import yaml
from source_trees import nodes, product

from xray_ci.ci.result import ReportCounts
from xray_ci.settings import config, configfile, documents
from xray_ci.settings.commands import COMMANDS
from xray_ci.settings.flags import usage

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text("utf-8")
(EXAMPLE,) = re.findall(r"^```yaml\n(# yaml-language-server: .*?)^```$", README, re.DOTALL | re.MULTILINE)
GONE = (
    "There is no switch to look away",
    "hear nothing of it",
    "may change unseen",
    "A fact that the CI system does not say",
    "counts only when its end was reached",
    "Costs nothing.",
    "the very identity",
    "fails it always",
    "see trust",
    "who xray-ci is there",
    "Most bytes of one request",
    "one object a line",
    "one item a line",
    "the Test Execution links to the build",
    "recipes for every other CI system",
    "Plain http to another host than loopback",
    "each failed test with the key of its Test",
    "Every message ends",
    "Failure (4), or a notice where",
)
"""What people did not understand, or what was not so."""
PAGES = {
    str(path.relative_to(ROOT)): path.read_text("utf-8")
    for path in (ROOT / "README.md", ROOT / "xray_ci/settings/help.txt", *sorted((ROOT / "docs").rglob("*.md")))
}
HELD = """\
A1   agreement/test_house_lock.py::test_the_lock_holds_what_its_packages_ask_for
A2   unit/test_settings_kinds.py::test_the_state_folder_is_nowhere_else
A2   unit/test_delivery_expected.py::test_what_is_no_test_is_a_failure_that_names_the_file
A3   main_job/test_surfaces.py::test_on_a_terminal_the_demo_waits_for_enter
A3   main_job/test_surfaces.py::test_the_demo_leaves_no_dead_address
A4   agreement/test_errors_docs.py::test_every_message_leads_to_its_paragraph
A4   agreement/test_newcomer.py::test_a_page_in_a_message_is_an_address
A4   unit/test_ci_console.py::test_a_key_is_a_link_where_a_terminal_shows_links
A5   main_job/test_plan.py::test_what_the_site_does_not_know_is_a_problem
A5   main_job/test_plan.py::test_the_page_of_a_pull_request_tells_it
A6   main_job/test_afterwards.py::test_the_description_says_which_run_it_was
A7   main_job/test_surfaces.py::test_a_red_step_says_why
B1   unit/test_ci_summary.py::test_the_headline_is_the_verdict_of_the_tests
B2   main_job/test_state.py::test_on_a_laptop_wrong_secret_right_secret_resume
B2   main_job/test_state.py::test_what_is_left_is_listed_and_dropped
B3   main_job/test_state.py::test_git_ignores_the_state_folder
B4   main_job/test_snapshots_job.py::test_a_page_that_was_refused_is_not_triggered
B5   main_job/test_field_imports.py::test_advice_fits_a_run_of_several_test_executions
B5   main_job/test_state.py::test_where_the_folder_goes_with_the_job_the_advice_is_what_keeps_it
B6   unit/test_reports_places.py::test_the_line_of_a_result_moves_with_it
B7   main_job/test_failures.py::test_three_wrong_keys_cost_three_results_of_two_thousand
B8   main_job/test_surfaces.py::test_a_reader_that_went_away_is_no_defect
B9   main_job/test_surfaces.py::test_notices_of_settings_are_in_the_log
B10  agreement/test_newcomer.py::test_a_word_of_another_tool_leads_to_ours
B10  agreement/test_newcomer.py::test_a_misspelt_key_of_the_config_file_is_told
B10  agreement/test_newcomer.py::test_a_port_without_tls_is_told_as_one
B10  main_job/test_surfaces.py::test_inspect_says_each_thing_once
B11  main_job/test_surfaces.py::test_a_word_without_a_flag_is_explained
B11  main_job/test_field_imports.py::test_no_environment_is_made_of_a_comma
B12  agreement/test_newcomer.py::test_credentials_that_are_missing_name_their_variables
B13  unit/test_xray_identities.py::test_results_of_different_reports_that_are_one_test_are_told
C1   main_job/test_waiting.py::test_no_wait_is_silent
C1   main_job/test_waiting.py::test_two_busy_answers_in_a_row
C1   main_job/test_waiting.py::test_many_requests_say_how_far_they_are
C2   main_job/test_surfaces.py::test_colours_are_for_terminals
C3   main_job/test_surfaces.py::test_failed_tests_are_named_in_a_log_without_a_page
C4   main_job/test_surfaces.py::test_inspect_says_each_thing_once
C5   main_job/test_plan.py::test_groups_are_aligned_and_cut
C6   unit/test_delivery_isolating.py::test_a_new_test_is_not_left_out_with_a_wrong_key
C6   agreement/test_newcomer.py::test_one_is_not_many
C6   main_job/test_surfaces.py::test_a_file_is_named_as_it_can_be_found
C7   main_job/test_surfaces.py::test_a_wrong_setting_is_on_the_page_too
C8   browser/test_emulator_pages.py::test_status_bars_and_durations_are_seen_at_every_size
C8   browser/test_emulator_pages.py::test_failures_come_first_and_are_open
C8   browser/test_emulator_pages.py::test_a_list_is_filtered_searched_and_ordered_by_keyboard
D1   unit/test_migrate_golden.py::test_a_printed_step_of_github_is_one
D1   unit/test_migrate_golden.py::test_every_input_of_an_old_step_is_named
D2   unit/test_migrate_golden.py::test_an_old_pipeline_becomes_its_golden_step
D3   unit/test_migrate_golden.py::test_a_printed_line_of_shell_is_one
D4   unit/test_migrate_cli.py::test_a_line_that_yaml_takes_for_a_mapping_is_named
D5   unit/test_migrate_golden.py::test_a_printed_step_is_what_its_ci_system_takes
D5   unit/test_migrate_cli.py::test_where_nothing_is_found_the_page_with_the_step_is_named
D6   unit/test_migrate_golden.py::test_the_settings_of_every_printed_step_are_taken
E1   container/test_image_ways.py::test_github_runs_it
E2   agreement/test_newcomer.py::test_the_readme_says_what_is_not_there_yet
E3   agreement/test_newcomer.py::test_recipes_have_what_was_missing
E4   agreement/test_recipes_github.py::test_github_takes_the_workflow
E4   agreement/test_newcomer.py::test_recipes_have_what_was_missing
E5   container/test_gitlab.py::test_the_recipe_for_shards
E5   agreement/test_newcomer.py::test_recipes_have_what_was_missing
E6   agreement/test_recipes.py::test_every_page_is_in_the_index
E7   agreement/test_newcomer.py::test_the_example_file_is_taken_where_the_pipeline_names_it
E8   unit/test_settings_usage.py::test_the_short_help_of_a_command_has_the_most_used_settings
E8   agreement/test_newcomer.py::test_help_names_reports_only_where_they_are_read
S1   agreement/test_house_lock.py::test_the_lock_holds_what_its_packages_ask_for
S2   main_job/test_afterwards.py::test_the_description_says_which_run_it_was
S3   agreement/test_newcomer.py::test_pages_and_help_are_in_plain_english
S4   agreement/test_newcomer.py::test_an_alias_is_told_in_the_log
S5   agreement/test_newcomer.py::test_pages_and_help_are_in_plain_english
S5   agreement/test_errors_docs.py::test_every_message_leads_to_its_paragraph
S6   agreement/test_newcomer.py::test_credentials_that_are_missing_name_their_variables
S7   main_job/test_plan.py::test_an_import_does_what_was_announced
S8   agreement/test_newcomer.py::test_pages_and_help_are_in_plain_english
S9   unit/test_migrate_golden.py::test_every_input_of_an_old_step_is_named
S10  agreement/test_newcomer.py::test_pages_and_help_are_in_plain_english
S11  main_job/test_state.py::test_on_a_laptop_wrong_secret_right_secret_resume
R1-9 agreement/test_newcomer.py::test_pages_and_help_are_in_plain_english
R10  agreement/test_newcomer.py::test_what_was_never_sent_is_called_so
R11  unit/test_reports_discover.py::test_a_misspelt_folder_is_told_with_the_one_that_is_there
R12  main_job/test_waiting.py::test_no_wait_is_silent
R13  agreement/test_newcomer.py::test_a_report_that_is_cut_off_is_called_so
R14  main_job/test_created_tests.py::test_new_tests_are_counted
R15  main_job/test_surfaces.py::test_a_word_without_a_flag_is_explained
R16-20 agreement/test_newcomer.py::test_pages_and_help_are_in_plain_english
R21  main_job/test_surfaces.py::test_a_red_step_says_why
R22  unit/test_xray_identities.py::test_a_plan_tells_of_keys_in_names
M1   agreement/test_house_lock.py::test_the_lock_holds_what_its_packages_ask_for
M1   main_job/test_surfaces.py::test_on_a_terminal_the_demo_waits_for_enter
M2   main_job/test_afterwards.py::test_the_description_says_which_run_it_was
M3   unit/test_ci_summary.py::test_how_long_it_took_and_what_passed_at_last
M3   unit/test_ci_summary.py::test_a_trace_can_be_opened
M3   main_job/test_comparing.py::test_the_previous_execution_of_job_and_branch_is_found
M3   main_job/test_failure_keys.py::test_found_made_and_named
M4   main_job/test_check.py::test_people_read_one_line_each
M4   main_job/test_plan.py::test_without_credentials_it_is_planned_offline
M5   main_job/test_surfaces.py::test_a_red_step_says_why
M5   main_job/test_surfaces.py::test_failed_tests_are_named_in_a_log_without_a_page
M6   agreement/test_errors_docs.py::test_every_message_leads_to_its_paragraph
M6   main_job/test_surfaces.py::test_colours_are_for_terminals
M6   unit/test_ci_console.py::test_links_are_for_terminals_that_take_them
M7   main_job/test_waiting.py::test_no_wait_is_silent
M7   unit/test_ci_console.py::test_long_work_has_a_bar_where_somebody_looks_on
M7   main_job/test_waiting.py::test_many_requests_say_how_far_they_are
M8   main_job/test_state.py::test_git_ignores_the_state_folder
M8   main_job/test_state.py::test_what_is_left_is_listed_and_dropped
M9   unit/test_migrate_golden.py::test_a_printed_step_is_what_its_ci_system_takes
M10  agreement/test_newcomer.py::test_the_readme_names_every_command
M10  agreement/test_newcomer.py::test_the_example_file_is_what_its_schema_takes
"""
"""What a newcomer found, and the test that holds it: findings A to D, E by its paragraphs, S the statements of the
pages, R the rewritten sentences, M the ten changes that were asked for."""
ANSWERED = {
    "B4": "exit code 9 stays what `fail-on: snapshots` asks for; the word and the page no longer say triggered",
    "B11": "a word that is no file may be a secret, so it is not shown",
}
"""What stays as it is, and why."""
FINDINGS = {"A": 7, "B": 13, "C": 8, "D": 6, "E": 8, "S": 11, "R": 22, "M": 10}
KEY = {"XRAY_CI_CLIENT_ID": "an-id", "XRAY_CI_CLIENT_SECRET": "a-secret"}


def test_the_example_file_is_what_its_schema_takes():
    """Its first line names that schema, for editors."""
    schema = configfile.document()

    assert EXAMPLE.splitlines()[0].endswith(f"$schema={schema['$id']}")
    assert list(jsonschema_rs.validator_for(schema).iter_errors(yaml.safe_load(EXAMPLE))) == []


def test_the_example_file_is_taken_where_the_pipeline_names_it(workspace):
    """`--config .xray-ci.yml`, with nothing else but a key."""
    (workspace / ".xray-ci.yml").write_text(EXAMPLE, "utf-8")
    env = {**KEY, "XRAY_CI_SNAPSHOT_API_KEY": "a-key"}
    settings = config.load({"config": ".xray-ci.yml"}, env, workspace, command="plan", github=False)

    assert (settings.project, settings.region) == ("SHOP", "eu")


def test_the_first_part_of_the_example_file_is_taken_where_it_is_found(workspace):
    """Above the comment that says so; what stands below it is no setting of such a file."""
    found, named = EXAMPLE.split("# From here on")
    (workspace / ".xray-ci.yml").write_text(found, "utf-8")
    below = yaml.safe_load(named.partition("\n")[2])

    assert config.load({}, KEY, workspace, command="plan", github=False).project == "SHOP"
    assert {row.name for row in documents.ROWS if row.ws} & {*below} == set()


def test_the_readme_names_every_command():
    """In its table of commands, and no other."""
    (table,) = re.findall(r"## Commands\n(.*?)\n## ", README, re.DOTALL)

    assert {re.split(r" (?=--|[A-Z])", name)[0] for name in re.findall(r"^\| `([^`]+)`", table, re.MULTILINE)} == {
        *COMMANDS
    }


def test_pages_and_help_are_in_plain_english():
    """No sentence that people had to read twice comes back; words are what `make lint` looks at."""
    assert [(name, text) for name, page in PAGES.items() for text in GONE if text in page] == []


def test_credentials_that_are_missing_name_their_variables(run):
    """As errors.md says of `missing-setting`."""
    done = run("import", "--reports", "*.xml", "--project", "SHOP")

    assert "client-id (XRAY_CI_CLIENT_ID), client-secret (XRAY_CI_CLIENT_SECRET)" in done.err


def test_an_alias_is_told_in_the_log(run, workspace):
    """As settings.md and migrate.md say."""
    (workspace / "TEST-a.xml").write_text('<testsuite name="a"><testcase classname="a" name="b"/></testsuite>')
    done = run("inspect", env={"INPUT_TESTPATHS": "TEST-*.xml"})

    assert "INPUT_TESTPATHS is read as `reports`." in done.err


def test_every_finding_has_its_test_or_its_answer():
    """And each test that is named is there."""
    held = set()
    for line in HELD.splitlines():
        finding, node = line.split()
        path, name = node.split("::")
        first, _, last = finding[1:].partition("-")
        held |= {f"{finding[0]}{number}" for number in range(int(first), int(last or first) + 1)}
        assert f"\ndef {name}(" in (ROOT / "tests" / path).read_text("utf-8"), line

    assert held == {f"{letter}{number}" for letter, count in FINDINGS.items() for number in range(1, count + 1)}
    assert {*ANSWERED} <= held


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("--verison", "`--version`"),
        ("--verbose", "`--log-level`"),
        ("-v", "`--log-level`"),
        ("--env", "`--test-environments`"),
        ("--token", "`XRAY_CI_JIRA_TOKEN` (a variable: secrets have no flag)"),
        ("--password", "`XRAY_CI_JIRA_PASSWORD` (a variable: secrets have no flag)"),
    ],
)
def test_a_word_of_another_tool_leads_to_ours(run, written, meant):
    """A misspelling, and what the same is called elsewhere."""
    assert f"Did you mean {meant}?" in run("import", written).err


def test_a_misspelt_key_of_the_config_file_is_told(run, workspace):
    """By the setting that was meant, also where a file that was only found may not set it."""
    (workspace / ".xray-ci.yml").write_text("test-pln: SHOP-2\n")

    assert "Did you mean `test-plan`?" in run("plan", "--reports", "*.xml").err


def test_a_port_without_tls_is_told_as_one(inside, reports, emulator):
    """No certificate would help: it is another port, or no TLS at all."""
    done = inside("import", reports="*.xml", xray_url=emulator.url.replace("http:", "https:"), time_budget="1")

    assert "The other side speaks no TLS at this port" in done.out
    assert "ca-bundle" not in done.out


def test_what_was_never_sent_is_called_so(inside, reports, emulator):
    """Nobody has to wonder what may have arrived, and the way on is named."""
    emulator.fault("POST", "*/authenticate", status=502, times=-1)
    done = inside("import", reports="*.xml", time_budget="1")

    assert re.search(r"^nothing was sent; all of it is kept in \S+: `xray-ci resume` sends it$", done.out, re.MULTILINE)


def test_a_report_that_is_cut_off_is_called_so(run, workspace):
    """With its line, and that nothing of it was imported."""
    (workspace / "a.xml").write_text('<testsuite name="a">\n<testcase name="b"/>\n<testc')
    said = run("inspect", "--reports", "a.xml").err

    assert "✗ the report is cut off" in said
    assert "nothing of it is imported" in said
    assert "where   a.xml:3:" in said


def test_a_page_in_a_message_is_an_address():
    """Who has no checkout cannot open a path; the tables of settings are read beside the pages."""
    found = []
    for path in product():
        docs = {id(node.value) for node in nodes(path) if isinstance(node, ast.Expr)}
        found += [
            path.name
            for node in nodes(path)
            if isinstance(node, ast.Constant) and id(node) not in docs and re.search(r"(?<!/)\bdocs/", str(node.value))
        ]

    assert {*found} <= {"table.py", "commands.py", "documents.py", "cli.py"}


def test_one_is_not_many():
    """In the counts of a report."""
    one, many = ReportCounts(passed=11, errors=1), ReportCounts(failed=60_000, errors=11)

    assert (one.words, many.words) == ("11 passed, 1 error", "60,000 failed, 11 errors")


def test_the_readme_says_what_is_not_there_yet():
    """Names of images and packages stand there before they are published."""
    assert "**Not published yet.**" in README.split("## See it work")[0]


@pytest.mark.parametrize(
    ("page", "words"),
    [
        ("github", "keys.md, server.md, monorepo.md, comment-file, Stopped half way"),
        ("shards", "npm ci, --reporter=json, actions/checkout, fail-on: test-failures"),
        ("gitlab", "image: registry.example.com/shop/build"),
        ("azure", "artifacts, stageDependencies"),
        ("server", "ca-bundle, -e HTTPS_PROXY, context path, ## Versions"),
        ("README", "bamboo.md, travis.md"),
    ],
)
def test_recipes_have_what_was_missing(page, words):
    """What people looked for there."""
    assert [word for word in words.split(", ") if word not in PAGES[f"docs/recipes/{page}.md"]] == []


def test_help_names_reports_only_where_they_are_read():
    """`resume` sends what was read before."""
    assert {name for name in COMMANDS if "--reports GLOB" in usage(name)} == {
        name for name, row in COMMANDS.items() if "reports" in row.needs
    }
