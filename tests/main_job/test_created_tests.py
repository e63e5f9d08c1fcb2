"""How many Tests an import made: said where what is read back proves it, and left open everywhere else."""

import json

import pytest
from job_runs import case, keyed, suite

KNOWN = case("adds_item", classname="shop.cart.CartTest")


@pytest.fixture
def created(job, workspace):
    """Import cases; return the output `created-tests` and the log."""

    def run(*cases, **settings):
        (workspace / "r.xml").write_text(suite("s", *cases))
        result = job("import", reports="r.xml", result_file="result.json", **settings)
        assert result.code == 0, result.text
        return json.loads((workspace / "result.json").read_text())["outputs"]["created-tests"], result.out

    return run


def another(number):
    """Return what makes a job another one."""
    return {"GITHUB_JOB": f"job-{number}"}


def test_new_tests_are_counted(created, emulator):
    """In the log and in the output; those that are found or named by key are none."""
    told, out = created(KNOWN, keyed("x", "SHOP-7"), case("one"), case("two"))

    assert (told, len(emulator.created_tests())) == ("2", 2)
    assert "  2 new Tests" in out.splitlines()


def test_what_the_question_costs(created, emulator, side):
    """Nothing where Tests are named by key, or on Cloud, where totals bring it; two searches on Server/DC."""
    assert created(keyed("x", "SHOP-7"))[0] == "0"
    keyed_alone = len(emulator.requests())
    emulator.reset()
    assert created(KNOWN, **another(2))[0] == "0"
    assert len(emulator.requests()) == keyed_alone + {"cloud": 0, "server": 2}[side]


def test_an_hour_later_they_are_not_new(created, emulator):
    """The same results of another run make none."""
    created(case("one"), case("two"))
    emulator.clock(advance=3600)

    assert created(case("one"), case("two"), case("three"), **another(2))[0] == "1"


def test_two_jobs_at_once_claim_nothing(created, emulator):
    """Which of them made the Tests that both have is not known; a moment ago counts as at once."""
    created(case("one"))
    emulator.clock(advance=4)

    assert created(case("one"), case("two"), **another(2))[0] == ""


@pytest.mark.parametrize(
    "settings", [{"test_execution": "SHOP-40"}, {"execution_scope": "run"}, {"reconcile": "false"}], ids=str
)
def test_where_others_fill_it_or_nobody_reads_it_is_not_known(settings, created):
    """Nothing is claimed."""
    assert created(case("one"), **settings)[0] == ""


def test_many_are_counted_as_well(created, emulator):
    """Page by page."""
    assert created(*(case(f"t{number}") for number in range(230)))[0] == "230"


def test_what_cannot_be_asked_is_not_known(created, emulator, side):
    """The import stands; a question that is refused is no failure of it."""
    if side == "cloud":
        refusal = {"errors": [{"message": "no"}]}
        emulator.fault("POST", "/api/v2/graphql", contains="created", status=400, times=9, body=refusal)
    else:
        emulator.fault("POST", "/jira/rest/api/latest/search", contains="updated", status=403, times=9)
    assert created(case("one"))[0] == ""


def test_an_answer_that_was_lost_makes_it_unknown(created, emulator, side):
    """What it did, and when, nobody saw."""
    path = "/api/v2/import/execution" if side == "cloud" else "/jira/rest/raven/2.0/import/execution"
    emulator.fault("POST", path, status=502, work=True)
    assert created(case("one"))[0] == ""
