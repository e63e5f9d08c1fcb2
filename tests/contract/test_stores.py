"""What Xray holds, asked of both products in the same words over a real socket.

The two differ in nothing a caller sees.
"""

from __future__ import annotations

import base64

import pytest
from emulator_client import CLIENT_ID, CLIENT_SECRET, SERVER_TOKEN
from wire_server import Signing

from xray_ci import errors
from xray_ci.model import IssueKind
from xray_ci.secret import Redactor, Secret
from xray_ci.services.auth import ApiKeyLogin, Bearer
from xray_ci.services.body import Slice
from xray_ci.services.cloud import CloudStore
from xray_ci.services.graphql import GraphQL
from xray_ci.services.jira import Jira
from xray_ci.services.server import ServerStore
from xray_ci.services.store import EvidenceFile, ExistingTest, StoredExecution, StoredRun, empty_execution, quoted
from xray_ci.services.wire import ConnectionOptions

WORDS = {"cloud": ("PASSED", "FAILED", "TO DO"), "server": ("PASS", "FAIL", "TODO")}
LABELLED = f'project = SHOP AND issuetype = "Test Execution" AND labels = {quoted("xray-ci-0a1b")}'
DESCRIBED = f'project = SHOP AND issuetype = "Test Execution" AND description ~ {quoted("tok3n")}'
EMPTY = empty_execution(project="SHOP", summary="Empty", labels=("xray-ci-0a1b",), description="marker tok3n")


@pytest.fixture(params=["cloud", "server"])
def side(request):
    """Name the product."""
    return request.param


@pytest.fixture
def store(emulator, side):
    """Give the product's store, on the emulator."""
    redactor = Redactor()
    with Signing(ConnectionOptions(connect_timeout=5, timeout=5), redactor) as transport:
        if side == "cloud":
            key = ApiKeyLogin(
                caller=transport,
                base_url=emulator.url,
                version="v2",
                client_id=Secret(CLIENT_ID),
                client_secret=Secret(CLIENT_SECRET),
                redactor=redactor,
            )
            yield CloudStore(GraphQL(caller=transport, base_url=emulator.url + "/", auth=key))
        else:
            yield ServerStore(
                Jira(caller=transport, base_url=emulator.jira_url + "/", auth=Bearer(token=Secret(SERVER_TOKEN)))
            )


def imported(emulator, side, tests):
    """Import Generic Tests and return the Test Execution."""
    name = "type" if side == "cloud" else "testType"
    document = {
        "info": {"project": "SHOP", "summary": "Run"},
        "tests": [
            {
                "status": WORDS[side][n % 3],
                "testInfo": {"projectKey": "SHOP", "summary": f"t{n}", name: "Generic", "definition": f"d.{n}"},
            }
            for n in range(tests)
        ],
    }
    answer = getattr(emulator, side)("", document).json()
    issue = answer if side == "cloud" else answer["testExecIssue"]
    return StoredExecution(id=issue["id"], key=issue["key"])


def test_the_tests_of_a_project(store):
    """Key, type, definition of Generic Tests and summary; what is no Test is not among them."""
    found = list(store.existing_tests("SHOP"))

    assert [each.key for each in found] == ["SHOP-1", "SHOP-3", "SHOP-4", "SHOP-6", "SHOP-7", "SHOP-8"]
    assert (
        ExistingTest(key="SHOP-3", test_type="Generic", definition="shop.cart.CartTest.adds_item", summary="adds_item")
        == found[1]
    )
    assert (found[0].test_type, found[0].definition) == ("Manual", None)


def test_many_tests_come_in_few_calls(emulator, side, store):
    """Ten pages of 100 in one call after the first on Cloud, 1,000 on Server/DC; each Test comes once."""
    imported(emulator, side, 1_215)
    found = list(store.existing_tests("SHOP"))

    assert 1_221 == len({each.key for each in found}) == len(found)
    assert {"cloud": 4, "server": 3}[side] == len(
        [each for each in emulator.requests() if each["kind"] in ("read", "lookup")]
    )


def test_a_site_that_takes_one_page_in_a_call(emulator, store):
    """What is refused together is asked for page by page (A: nobody says how many lists a call may have)."""
    imported(emulator, "cloud", 315)
    emulator.fault("POST", "/api/v2/graphql", contains="p1:", status=400, body={"errors": [{"message": "too many"}]})
    found = list(store.existing_tests("SHOP"))

    assert 321 == len({each.key for each in found}) == len(found)


def test_a_project_that_is_not_there_is_no_project_without_tests(store):
    """The refusal of the service is raised with its words."""
    with pytest.raises(errors.Refused) as raised:
        list(store.existing_tests("NOPE"))

    assert "NOPE" in raised.value.answer


@pytest.mark.parametrize("language", ["en", "de"])
def test_keys_that_exist_are_told_from_those_that_do_not(emulator, store, language):
    """Whatever the language; a Story is no Test, and what is no key is not asked for."""
    emulator.settings(language=language)
    keys = ["SHOP-3", "SHOP-99", "SHOP-5", "SHOP-4", "SHOP-999", 'x" OR project = SHOP', "NOPE-1"]

    assert {"SHOP-3", "SHOP-4"} == {each.key for each in store.tests_named(keys)}
    assert store.tests_named(["SHOP-99"]) == ()
    assert store.tests_named([]) == ()


def test_a_lookup_that_fails_is_not_an_empty_answer(emulator, store):
    """Neither a gateway's page, nor a 500, nor a refusal without a key in it means that nothing is there."""
    for order in (
        {"status": 502, "body": "<html>Bad Gateway</html>"},
        {"status": 500, "body": {"error": "x"}},
        {"status": 400, "body": {"errorMessages": ["busy"], "errors": {}}},
        {"status": 200, "body": {"data": {}}},
        {"status": 200, "body": "<html></html>"},
        {"drop": "before"},
        {"status": 200, "body": []},
    ):
        emulator.fault("POST", "*", contains="SHOP", **order)
        with pytest.raises(errors.Failure):
            store.executions(LABELLED)
        emulator.fault("POST", "*", contains="SHOP", **order)
        with pytest.raises(errors.Failure):
            store.tests_named(["SHOP-3"])


def test_an_execution_is_made_found_and_deleted(emulator, store):
    """By label, by a word of its description, by key; then it is gone, and deleting again says so."""
    made = store.create_execution(EMPTY)
    queries = (LABELLED, DESCRIBED)

    assert (StoredExecution(id="10141", key="SHOP-41"), 10141) == (made, made.age)
    assert [(made,), (made,)] == [store.executions(query) for query in queries]
    assert made == store.execution("SHOP-41")
    assert list(store.runs(made)) == []
    assert [store.delete_execution(made), store.delete_execution(made)] == [True, False]
    assert [store.executions(query) for query in queries] == [(), ()]
    assert store.execution("SHOP-41") is None
    assert store.execution("SHOP-3") is None


def test_the_index_lags_behind(emulator, store):
    """What was just made is not found by JQL, and its runs can be read."""
    emulator.settings(index_lag_s=30)
    made = store.create_execution(EMPTY)
    before = store.executions(LABELLED)
    emulator.clock(advance=31)

    assert before == ()
    assert (made,) == store.executions(LABELLED)


def test_runs_come_page_by_page_in_the_words_of_the_product(emulator, side, store):
    """Each run once, with the key of its Test; only Cloud's list says ids."""
    made = imported(emulator, side, 205)
    runs = list(store.runs(made))

    assert {key: run["status"] for key, run in emulator.runs(made.key).items()} == {
        run.test: run.status for run in runs
    }
    assert len(runs) == 205
    assert all((run.id is None) is (side == "server") for run in runs)


def test_a_server_with_small_pages_is_read_to_the_end(emulator, side, store):
    """A page that is too large for the site is refused; ours is halved until it is taken."""
    emulator.settings(server_page=30)
    made = imported(emulator, side, 51)

    assert len(list(store.runs(made))) == 51


def test_runs_are_counted_and_asked_for_by_status_and_key(emulator, side, store):
    """Cloud says totals without listing; both give the runs of one status and those of some Tests."""
    made = imported(emulator, side, 205)
    words = WORDS[side]
    runs = {run.test: run.status for run in store.runs(made)}
    totals = store.totals(made, [*words, *(f"NONE {number}" for number in range(30))])
    some = [*list(runs)[:3], "SHOP-99999"]

    if side == "server":
        assert totals is None
    else:
        assert totals.runs == 205
        assert {word: totals.by_status[word] for word in words} == {
            word: list(runs.values()).count(word) for word in words
        }
    for word in words:
        listed = {run.test: run.status for run in store.some_runs(made, status=word)}
        assert listed == {key: status for key, status in runs.items() if status == word}
    assert {run.test: run.status for run in store.some_runs(made, keys=some)} == {key: runs[key] for key in some[:3]}


def test_the_runs_of_what_is_not_there_are_a_failure(store):
    """A Test Execution that was deleted is not an empty one."""
    with pytest.raises(errors.Refused):
        list(store.runs(StoredExecution(id="10199", key="SHOP-99")))


def test_evidence_is_sent_from_disk_and_read_back(emulator, side, store, tmp_path):
    """Name, type and content arrive as they are."""
    made = imported(emulator, side, 1)
    run = next(store.runs(made))
    content = bytes(range(256)) * 400
    (tmp_path / "spool").write_bytes(b"##" + base64.b64encode(content))
    size = (tmp_path / "spool").stat().st_size
    file = EvidenceFile(
        filename='a "ü"\x00.bin',
        content_type="application/x-a",
        data=(
            Slice(path=tmp_path / "spool", offset=2, length=4),
            Slice(path=tmp_path / "spool", offset=6, length=size - 6),
        ),
    )
    before = store.evidence(made, run)
    store.add_evidence(made, run, file)

    (kept,) = emulator.runs(made.key)[run.test]["evidence"]
    assert before == ()
    assert store.evidence(made, run) == ('a "ü"\x00.bin',)
    assert ("application/x-a", len(content), True) == (kept["content_type"], kept["size"], kept["readable"])


def test_an_answer_lost_after_a_change_may_have_been_done(emulator, side, store):
    """A creation whose answer is lost, or garbled, is neither done nor not done."""
    place = "/api/v2/graphql" if side == "cloud" else "/jira/rest/api/latest/issue"
    for order in (
        {"drop": "after"},
        {"status": 200, "body": {"data": {"createTestExecution": {}}}, "work": True},
        {"status": 200, "body": "OK", "work": True},
        {"status": 504, "body": "<html></html>", "work": True},
    ):
        emulator.fault("POST", place, contains="Empty", **order)
        with pytest.raises(errors.UnknownDelivery):
            store.create_execution(EMPTY)

    assert len(emulator.executions()) == 4


def test_a_refused_creation_is_a_clear_no(emulator, store):
    """What Jira refuses was not made, and its words are kept."""
    with pytest.raises(errors.Refused) as raised:
        store.create_execution({**EMPTY, "labels": ["a b"]})

    assert "labels" in raised.value.answer
    assert emulator.executions() == []


def test_a_plan_is_linked_once(emulator, store):
    """Linking again changes nothing; what is no Test Plan is refused."""
    made = store.create_execution(EMPTY)
    store.link_plan("SHOP-2", made)
    store.link_plan("SHOP-2", made)

    assert emulator.issue("SHOP-2")["plan"]["executions"] == ["SHOP-40", "SHOP-41"]
    for plan in ("SHOP-3", "SHOP-99"):
        with pytest.raises(errors.Refused):
            store.link_plan(plan, made)


@pytest.mark.parametrize("key", ["../SHOP-1", "SHOP-1?x", "shop-1", "", "SHOP-1\n"])
def test_what_is_no_key_reaches_no_address_and_no_query(emulator, store, key):
    """Keys from anywhere match one strict pattern before they are used."""
    with pytest.raises((ValueError, errors.UnknownIssue)):
        store.link_plan(key, StoredExecution(id="10140", key="SHOP-40"))
    assert store.execution(key) is None
    assert emulator.requests() == []


def test_each_version_of_server_has_its_own_yes_to_evidence(emulator):
    """200 at 1.0, 201 at 2.0 (O): the other one would be the answer of something else."""
    made = imported(emulator, "server", 1)
    with Signing(ConnectionOptions(connect_timeout=5, timeout=5), Redactor()) as transport:
        jira = Jira(caller=transport, base_url=emulator.jira_url + "/", auth=Bearer(token=Secret(SERVER_TOKEN)))
        for version in ("1.0", "2.0"):
            store = ServerStore(jira, version=version)
            (run,) = store.runs(made)
            store.add_evidence(made, run, EvidenceFile(filename=version, content_type="text/plain", data=(b"YQ==",)))

    assert sorted(store.evidence(made, run)) == ["1.0", "2.0"]


def test_evidence_on_server_needs_no_id_in_the_list(emulator, store, side):
    """Where the list of runs says no ids, the run is asked for by its Test; one that is not there is refused."""
    made = imported(emulator, side, 1)
    stranger = StoredRun(test="SHOP-1", status="x", id=None if side == "server" else "f" * 24)

    with pytest.raises(errors.Refused):
        store.add_evidence(made, stranger, EvidenceFile(filename="a", content_type="text/plain", data=(b"YQ==",)))


def test_what_issues_are_is_asked_by_their_keys(store):
    """Tests, issues that Tests cover, and others; a key that is not there is left out, and the rest is asked again."""
    keys = ["SHOP-1", "SHOP-2", "SHOP-5", "SHOP-11", "SHOP-12", "SHOP-13", "SHOP-40", "SHOP-9999", "NONE-1"]

    assert store.kinds(keys) == {
        "SHOP-1": IssueKind.TEST,
        **dict.fromkeys(("SHOP-5", "SHOP-11"), IssueKind.COVERABLE),
        **dict.fromkeys(("SHOP-2", "SHOP-12", "SHOP-13", "SHOP-40"), IssueKind.OTHER),
    }


def test_tests_are_added_to_a_plan_once(store, emulator):
    """Those that are there stay as they are; what is no Test Plan is refused, and not left out in silence."""
    for _ in range(2):
        store.plan_tests("SHOP-2", ["SHOP-3", "SHOP-6", "SHOP-7"])
    for wrong in ("SHOP-3", "SHOP-9999"):
        with pytest.raises(errors.Refused):
            store.plan_tests(wrong, ["SHOP-6"])

    tests = emulator.state()["issues"]["SHOP-2"]["plan"]["tests"]
    assert sorted(tests) == ["SHOP-1", "SHOP-3", "SHOP-4", "SHOP-6", "SHOP-7"]


def test_a_defect_is_linked_to_a_run_once(emulator, side, store):
    """By its key; a second time changes nothing, and an issue that is not there is refused."""
    made = imported(emulator, side, 1)
    (run,) = store.runs(made)

    for _ in range(2):
        store.add_defect(made, run, "SHOP-12")

    assert store.defects(made, run) == (emulator.issue("SHOP-12")["id"] if side == "cloud" else "SHOP-12",)
    with pytest.raises(errors.Refused):
        store.add_defect(made, run, "SHOP-9999")


def test_the_tests_of_a_plan_are_listed_with_what_they_are(store):
    """By the plan's key; what is no Test Plan is refused."""
    found = {each.key: (each.test_type, each.definition) for each in store.held("SHOP-2", "Test Plan")}

    assert sorted(found) == ["SHOP-1", "SHOP-3", "SHOP-4"]
    assert found["SHOP-3"] == ("Generic", "shop.cart.CartTest.adds_item")
    for wrong in ("SHOP-5", "SHOP-9999"):
        with pytest.raises(errors.UnknownIssue):
            list(store.held(wrong, "Test Plan"))


def test_the_tests_whose_runs_failed(emulator, side, store):
    """With what finds them: on Cloud in one call, without the index; on Server/DC those of the keys given."""
    execution = imported(emulator, side, 7)
    keys = [run.test for run in store.runs(execution) if run.status == WORDS[side][1]]
    before = len(emulator.requests())
    found = sorted(store.failed_tests(execution, [WORDS[side][1]], keys), key=lambda each: each.key)

    assert [(each.key, each.test_type, each.definition) for each in found] == [
        (key, "Generic", f"d.{number}") for key, number in zip(keys, (1, 4), strict=True)
    ]
    assert len(emulator.requests()) - before == {"cloud": 1, "server": 2}[side]
