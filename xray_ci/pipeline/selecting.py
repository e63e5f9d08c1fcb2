"""The command `select`: reads which Tests were chosen in Xray, and prints what makes a runner run just these."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final, TextIO

from xray_ci.ci.text import one_line
from xray_ci.errors import NothingSelected, NotTheService, WrongRegion, many
from xray_ci.patterns import lazy
from xray_ci.pipeline import connecting, planning
from xray_ci.pipeline.offline import json_line
from xray_ci.pipeline.runners import RUNNERS, Circumstances, as_json, render
from xray_ci.services.store import EXECUTION, KEY, PAGE, PLAN, TEST_SET, unknown
from xray_ci.settings import problems

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from xray_ci.pipeline.connecting import Site
    from xray_ci.pipeline.job import Job
    from xray_ci.services.store import ExistingTest

NAMES: Final = (*RUNNERS, "json")
"""Words of `--for`."""
_CHOOSING: Final = ("test-set", "jql", "keys")
_NAMED: Final = 20
"""Tests that are named in the log for one reason."""
_SHOWN: Final = 120
_PREFIX: Final = lazy(r"[\w.:=-]+", re.ASCII)


def select(job: Job, out: TextIO, options: Mapping[str, str]) -> int:
    """Print the filter and return the exit code; prints nothing unless it is whole.

    Raises ConfigurationError, NothingSelected, UnknownIssue, and what a call raises.
    """
    name = _runner(options)
    _one_source(job, options)
    site = connecting.site_of(job)
    try:
        site.confirm()
        job = job if any(each in options for each in _CHOOSING) else planning.triggered(job, site)
        source, listed = _listed(job, site, options)
        tests = tuple({test.key: test for test in listed}.values())
    except WrongRegion as failure:
        site.locate_region(failure)
        raise
    finally:
        site.close()
    if not tests:
        raise NothingSelected(f"there is no Test in {source}", where=source)
    if not all(KEY.fullmatch(test.key) for test in tests):
        raise NotTheService(f"what was answered for {source} lists a Test without a key", where=source, service="Xray")
    _print(out, job.redactor(_written(job, name, tests, source)))
    return 0


def _print(out: TextIO, text: str) -> None:
    """Write all of it, or say so: half a filter runs too little, and looks as if it were all."""
    try:
        out.write(text + "\n")
        out.flush()
    except BrokenPipeError:
        raise
    except OSError as error:
        raise problems.problem(
            f"the filter cannot be written: {error.strerror}", "standard output", problems.USAGE, "Make room for it."
        ) from error


def _runner(options: Mapping[str, str]) -> str:
    name = options.get("for", "")
    if not name:
        raise problems.problem("`--for` is not set", "--for", problems.MISSING, f"Name the runner: {', '.join(NAMES)}.")
    if name not in NAMES:
        raise problems.unknown(name, name, NAMES, thing="runner", where="--for")
    return name


def _one_source(job: Job, options: Mapping[str, str]) -> None:
    """Raise ConfigurationError unless something says which Tests are meant, and no two options do."""
    chosen, settings = [name for name in _CHOOSING if name in options], job.settings
    if len(chosen) > 1:
        raise problems.problem(
            f"`--{chosen[0]}` and `--{chosen[1]}` cannot be used together", f"--{chosen[1]}", problems.CONFLICT
        )
    if not (chosen or settings.triggered_from or settings.test_execution or settings.test_plan):
        raise problems.problem(
            "Nothing says which Tests are meant",
            "command line",
            problems.MISSING,
            "Set `test-plan`, `test-execution` or `triggered-from`, or give `--test-set`, `--jql` or `--keys`.",
        )


def _listed(job: Job, site: Site, options: Mapping[str, str]) -> tuple[str, Iterator[ExistingTest]]:
    """Return what was asked, in words, and its Tests: of an option, else of the Test Execution, else of Test Plans."""
    store, settings = site.store, job.settings
    if "test-set" in options:
        sets = _keys(options["test-set"], "test-set")
        return f"{TEST_SET} {', '.join(sets)}", (test for key in sets for test in store.held(key, TEST_SET))
    if "jql" in options:
        return "what `--jql` finds", store.found(options["jql"])
    if "keys" in options:
        return "`--keys`", _by_key(site, _keys(options["keys"], "keys") if options["keys"].strip() else ())
    if settings.test_execution is not None:
        return f"{EXECUTION} {settings.test_execution}", store.held(settings.test_execution, EXECUTION)
    plans = settings.test_plan
    return f"{PLAN} {', '.join(plans)}", (test for plan in plans for test in store.held(plan, PLAN))


def _keys(text: str, name: str) -> tuple[str, ...]:
    keys = tuple(dict.fromkeys(re.split(r"[\s,;]+", text.strip(" \t\r\n,;"))))
    wrong = next((key for key in keys if not KEY.fullmatch(key)), None)
    if wrong is not None:
        what = f"{problems.shown(wrong)} is not an issue key"
        raise problems.problem(what, f"--{name}", advice="For example: SHOP-12.")
    return keys


def _by_key(site: Site, keys: Sequence[str]) -> Iterator[ExistingTest]:
    for start in range(0, len(keys), PAGE):
        some = keys[start : start + PAGE]
        found = {test.key: test for test in site.store.tests_named(some)}
        for key in some:
            if key not in found:
                raise unknown(key, "Test")
            yield found[key]


def _written(job: Job, name: str, tests: Sequence[ExistingTest], source: str) -> str:
    """Return what is printed, and tell what of it the runner cannot be told; raises NothingSelected."""
    if name == "json":
        return json_line(as_json(tests))
    runner = RUNNERS[name]
    prefixes = tuple(each for each in job.settings.mapping.test_prefixes if _PREFIX.fullmatch(each))
    found = render(runner, tests, Circumstances(folder=job.settings.workspace, prefixes=("TEST_", *prefixes)))
    _tell(job, found.untold, f"{name} cannot be told to run")
    _tell(job, found.wide, f"{name} runs all rows of")
    if not found.text:
        raise NothingSelected(f"{name} can be told no Test in {source}", where=source)
    job.console.info(f"{len(found.told):,} of {many(len(tests), 'Test')} in {source} for {name}: {runner.how}")
    size = len(found.text.encode("utf-8", "surrogatepass"))
    if runner.limit is not None and size > runner.limit:
        job.console.warning(
            f"the filter has {size:,} bytes, and Linux takes {runner.limit:,} in one argument: choose fewer Tests"
        )
    return found.text


def _tell(job: Job, tests: Sequence[ExistingTest], what: str) -> None:
    """Name Tests, each with its definition or why it has none."""
    for test in tests[:_NAMED]:
        known = (
            f"`{one_line(test.definition, _SHOWN)}`"
            if test.definition
            else f"a {f'{test.test_type} Test'.strip()} without definition"
        )
        job.console.warning(f"{what} {test.key}: {known}")
    if len(tests) > _NAMED:
        job.console.warning(f"{what} {len(tests) - _NAMED:,} more Tests")
