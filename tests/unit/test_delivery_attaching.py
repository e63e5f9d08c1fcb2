"""Evidence that makes a request too big follows the results: each file once, whatever happens on the way."""

from __future__ import annotations

import base64

import pytest
from memory_xray import Died, Kept, MemoryXray, context, keyed, planned

from xray_ci.delivery import reconcile
from xray_ci.delivery.progress import Ended, Lightened, Progress
from xray_ci.delivery.send import send
from xray_ci.delivery.splitting import lightened
from xray_ci.errors import EvidenceRefused, UnknownDelivery, UnreadableReport
from xray_ci.services.body import PIECE, Slice


def data(size: int, letter: str = "x") -> str:
    """Return so many bytes in base64."""
    return base64.b64encode(letter.encode() * size).decode()


def file(name: str, size: int = 600) -> dict[str, str]:
    """Return a file of evidence as the product writes it."""
    return {"filename": name, "contentType": "text/plain", "data": data(size, name[0])}


def heavy(test, *names: str, size: int = 600):
    """Return a test with files of evidence."""
    return {**test, "evidence": [file(name, size) for name in names]}


def three(*names: str):
    """Return three keyed results, the second of them with evidence."""
    one, two, last = keyed(3)
    return [one, heavy(two, *names), last]


@pytest.fixture
def xray(clock):
    """Return Xray in memory."""
    return MemoryXray(clock)


def evidence(xray) -> dict[str, list[str]]:
    """Return the names of all files by Test key."""
    return {
        test: [name for name, _ in files] for issue in xray.issues.values() for test, files in issue.evidence.items()
    }


def test_a_request_that_is_too_large_goes_without_the_evidence_that_follows(tmp_path, xray):
    """One refusal, one import of all three results, two files added with what was in them."""
    xray.most = 1_000
    done = send(planned(tmp_path, three("a.txt", "b.txt")), context(xray, log=Kept()))

    assert done.failures == []
    assert done.sent == 3
    assert [issue.runs for issue in xray.issues.values()] == [
        {"SHOP-1": "PASSED", "SHOP-2": "PASSED", "SHOP-3": "PASSED"}
    ]
    assert xray.count("import") == 2
    assert {"SHOP-2": [("a.txt", data(600, "a")), ("b.txt", data(600, "b"))]} == next(
        iter(xray.issues.values())
    ).evidence


def test_what_is_known_to_be_too_large_is_not_tried(tmp_path, xray):
    """A test that is larger alone than a request may be goes light at once."""
    xray.most = 1_000
    send(planned(tmp_path, three("a.txt", "b.txt"), size=1), context(xray, most=1_000))

    assert xray.count("import") == 3
    assert evidence(xray) == {"SHOP-2": ["a.txt", "b.txt"]}


@pytest.mark.parametrize(("least", "uploads"), [(600, 1), (601, 0)])
def test_a_file_of_just_the_size_is_uploaded(tmp_path, xray, least, uploads):
    """The size from which files are uploaded counts among them."""
    xray.upload_from = least
    send(planned(tmp_path, three("a.txt")), context(xray, log=Kept()))

    assert (len(xray.uploads), evidence(xray)) == (uploads, {"SHOP-2": ["a.txt"]})


def test_a_death_between_two_decisions_costs_no_evidence(tmp_path, xray):
    """The evidence of one test was to follow when the process died: that of the others follows, too, once each."""
    xray.upload_from = 600
    plan = planned(tmp_path, [heavy(test, "a.txt") for test in keyed(3)])
    log = Kept()
    log.record(Lightened(call=plan.calls[0].id, index=1, files=1))
    done = send(plan, context(xray, log=log, progress=Progress(log)))

    assert done.failures == []
    assert evidence(xray) == {f"SHOP-{number}": ["a.txt"] for number in (1, 2, 3)}
    assert (xray.count("import"), len(xray.uploads)) == (1, 3)


@pytest.mark.parametrize("size", [PIECE // 2, PIECE, 3 * PIECE])
@pytest.mark.parametrize("names", [(), ("a.txt",)])
def test_evidence_is_seen_wherever_it_begins_in_a_large_request(tmp_path, xray, size, names):
    """A request is read piece by piece for it, and what names evidence may lie in two of them; most have none."""
    xray.upload_from = 600
    for more in range(12):
        folder = tmp_path / str(more)
        folder.mkdir()
        xray.issues.clear()
        first, second = keyed(2)
        # The comment moves the beginning of the evidence across the end of a piece, a byte at a time.
        comment = "c" * (size - len('{"testKey":"SHOP-1","status":"PASSED","comment":""') - more)
        send(planned(folder, [heavy({**first, "comment": comment}, *names), second]), context(xray, log=Kept()))

        assert evidence(xray) == ({"SHOP-1": [*names]} if names else {})
    assert len(xray.uploads) == 12 * len(names)


def test_small_evidence_goes_with_its_test(tmp_path, xray):
    """Many small files make a request too large: it is divided, and none of them follows."""
    xray.most = 2_000
    send(planned(tmp_path, [heavy(test, "a.txt", size=100) for test in keyed(20)]), context(xray))

    assert xray.count("attach") == 0
    assert len(evidence(xray)) == 20


def test_evidence_of_steps_follows_too(tmp_path, xray):
    """It is added to the Test Run, in the order in which the test has it."""
    xray.most = 1_000
    steps = [
        {"status": "PASSED", "actualResult": '\\",\\"evidence\\":[', "evidence": [file("s.txt")]},
        {"status": "FAILED"},
    ]
    send(planned(tmp_path, [heavy({**keyed(1)[0], "steps": steps}, "a.txt")]), context(xray))

    assert evidence(xray) == {"SHOP-1": ["s.txt", "a.txt"]}


def test_a_test_without_key_is_found_by_what_identifies_it(tmp_path, xray):
    """The Test that the import made gets the file."""
    xray.most = 1_000
    info = {"summary": "adds", "projectKey": "SHOP", "definition": "cart.adds"}
    send(planned(tmp_path, [*keyed(1), heavy({"status": "FAILED", "testInfo": info}, "a.txt")]), context(xray))

    assert {xray.created["cart.adds"]: ["a.txt"]} == evidence(xray)


@pytest.mark.parametrize("fault", ["lost", "dropped"])
def test_a_lost_answer_is_looked_for_before_the_file_goes_again(tmp_path, xray, fault):
    """Whether it had arrived or not: it is there once, also beside an older file of that name."""
    xray.most = 1_000
    plan = planned(tmp_path, three("a.txt", "b.txt"), test_execution="SHOP-77", token=None)
    xray._issue(None, "").key = "SHOP-77"
    xray.issues["SHOP-77"] = next(iter(xray.issues.values()))
    xray.issues["SHOP-77"].evidence["SHOP-2"] = [("a.txt", "old")]
    xray.faults = {5: fault}
    done = send(plan, context(xray))

    assert xray.calls[5][0] == "attach"
    assert done.failures == []
    assert sorted(name for name, _ in xray.issues["SHOP-77"].evidence["SHOP-2"]) == ["a.txt", "a.txt", "b.txt"]


def test_that_a_lost_file_is_looked_for_is_said(tmp_path, xray):
    """Whoever watches the log knows what is waited for, and how long at most."""
    xray.most, xray.faults, said = 1_000, {5: "lost"}, []
    send(planned(tmp_path, three("a.txt")), context(xray, log=Kept(), say=said.append))

    assert [each for each in said if each.startswith("a.txt: ")] == [
        "a.txt: the answer was lost: looking whether it arrived, up to 60 s"
    ]


@pytest.mark.parametrize("fault", ["died", "killed"])
@pytest.mark.parametrize("upload_from", [None, 500])
def test_a_run_that_is_killed_anywhere_is_completed(tmp_path, clock, fault, upload_from):
    """After each call in turn: resumed from what was recorded, every file is there once."""
    plan, deaths = planned(tmp_path, three("a.txt", "b.txt")), 0
    for instant in range(14):
        xray, log = MemoryXray(clock, most=1_000), Kept()
        xray.faults, xray.upload_from = {instant: fault}, upload_from
        try:
            send(plan, context(xray, log=log))
        except Died:
            xray.faults, deaths = {}, deaths + 1
            done = send(plan, context(xray, log=log, progress=Progress(log)))
            assert done.failures == []
        assert [len(issue.runs) for issue in xray.issues.values()] == [3]
        assert evidence(xray) == {"SHOP-2": ["a.txt", "b.txt"]}
        assert not Progress(log).owes
        assert len(xray.uploads) <= (3 if upload_from else 0), "only one whose answer nobody heard goes twice"

    assert deaths >= 3


def test_a_large_file_is_uploaded_and_added_by_its_id(tmp_path, xray):
    """The import goes without it at once, a small file of that test follows as before, and other tests keep theirs."""
    xray.upload_from = 500
    tests = [heavy(keyed(1)[0], "a.txt", size=100), {**keyed(2)[1], "evidence": [file("b.txt"), file("c.txt", 90)]}]
    done = send(planned(tmp_path, tests), context(xray, log=Kept()))

    assert done.failures == []
    assert [kind for kind, _ in xray.calls if kind in ("import", "upload", "attach")] == [
        "import",
        "upload",
        "attach",
        "attach",
    ]
    assert {"SHOP-1": [("a.txt", data(100, "a"))], "SHOP-2": [("b.txt", data(600, "b")), ("c.txt", data(90, "c"))]} == (
        next(iter(xray.issues.values())).evidence
    )


@pytest.mark.parametrize("fault", ["lost", "dropped"])
def test_an_uploaded_file_whose_adding_got_lost_is_not_uploaded_again(tmp_path, xray, fault):
    """It is looked for, and added by the id that is known."""
    plan, before = planned(tmp_path, three("a.txt")), MemoryXray(xray.clock)
    xray.upload_from = before.upload_from = 500
    send(plan, context(before))
    xray.faults = {[kind for kind, _ in before.calls].index("attach"): fault}
    done = send(plan, context(xray, log=Kept()))

    assert done.failures == []
    assert (evidence(xray), len(xray.uploads)) == ({"SHOP-2": ["a.txt"]}, 1)


def test_what_was_uploaded_and_then_refused_is_uploaded_anew(tmp_path, xray):
    """An id that Xray does not know any more would be refused for ever."""
    xray.upload_from, xray.bad, log = 500, {"a.txt"}, Kept()
    plan = planned(tmp_path, three("a.txt"))
    (failure,) = send(plan, context(xray, log=log)).failures
    assert isinstance(failure, EvidenceRefused)

    xray.bad = set()
    assert send(plan, context(xray, progress=Progress(log))).failures == []
    assert (evidence(xray), len(xray.uploads)) == ({"SHOP-2": ["a.txt"]}, 2)


def test_a_refused_file_is_named_and_can_follow_later(tmp_path, xray):
    """All results and the other file are stored; what was refused is still owed, and added once it is taken."""
    xray.most, xray.bad, log = 1_000, {"a.txt"}, Kept()
    plan = planned(tmp_path, three("a.txt", "b.txt"))
    done = send(plan, context(xray, log=log))
    (failure,) = done.failures

    assert isinstance(failure, EvidenceRefused)
    assert failure.exit_code == 8
    assert failure.answer == "a.txt of SHOP-2: 400: a.txt is no evidence"
    assert failure.what == f"all results are in {failure.where}, and 1 file of evidence is not"
    assert evidence(xray) == {"SHOP-2": ["b.txt"]}
    assert Progress(log).owes

    xray.bad, before = set(), xray.clock.passed
    again = send(plan, context(xray, progress=Progress(log)))
    assert again.failures == []
    assert before == xray.clock.passed, "a refused file is not looked for"
    assert evidence(xray) == {"SHOP-2": ["b.txt", "a.txt"]}


def test_a_file_as_large_as_one_that_was_too_large_is_not_tried(tmp_path, xray):
    """One refusal for its size is enough for all that are not smaller."""
    xray.most, xray.most_evidence = 2_000, 700
    (failure,) = send(planned(tmp_path, [heavy(keyed(1)[0], "a.txt", "b.txt", "c.txt")]), context(xray)).failures

    assert xray.count("attach") == 1
    assert len((failure.answer or "").splitlines()) == 3


def test_a_file_that_is_never_answered_is_left_for_resume(tmp_path, xray):
    """The results are said to be there, the doubt is raised, nothing is doubled."""
    xray.most, log = 1_000, Kept()
    plan = planned(tmp_path, three("a.txt"))
    xray.faults = dict.fromkeys(range(4, 400), "dropped")
    done = send(plan, context(xray, log=log))

    assert [UnknownDelivery] == [type(failure) for failure in done.failures]
    assert done.sent == 3
    assert any(isinstance(entry, Ended) for entry in log)
    assert Progress(log).owes


@pytest.mark.parametrize(
    ("text", "files"),
    [
        ('{"status":"P","evidence":[{"filename":"a\\q","contentType":"b","data":"eA=="}]}', None),
        ('{"status":"P","evidence":[{"filename":"a","contentType":"b","data":"eA=="},{"data":"eA=="}]}', 0),
        ('{"status":"P","evidence":[{"filename":"a","contentType":"b","data":"eA=="}', 0),
        ('{"status":"P","comment":",\\"evidence\\":[{\\"filename\\":\\"a\\"","evidence":[]}', 0),
        (
            (
                '{"evidence":[{"filename":"a","contentType":"b","data":"eA=="}],"status":"P",'
                '"evidence":[{"filename":"c","contentType":"b","data":""}]}'
            ),
            1,
        ),
    ],
)
def test_what_our_writer_never_wrote_is_left_as_it_is(tmp_path, text, files):
    """A state folder may hold anything: other shapes of evidence stay in the test, and what is no text is refused."""
    (tmp_path / "spool").write_text(text)
    test = reconcile.ExpectedTest(
        0, Slice(path=tmp_path / "spool", offset=0, length=len(text)), reconcile.TestHead(status="P")
    )
    if files is None:
        with pytest.raises(UnreadableReport):
            lightened(test)
        return
    light, found = lightened(test)

    assert files == len(found)
    assert files or light is test


def test_what_is_refused_without_its_evidence_too_is_refused_for_that(tmp_path, xray):
    """The size was not all that is wrong: what the service says of the key is told, as a later run would tell it."""
    xray.most, xray.bad, log = 1_000, {"SHOP-1"}, Kept()
    plan = planned(tmp_path, [heavy(keyed(1)[0], "a.txt", "b.txt")])
    first = send(plan, context(xray, log=log)).failures
    second = send(plan, context(xray, progress=Progress(log))).failures

    assert [failure.answer for failure in (*first, *second)] == ["400: SHOP-1: no Test"] * 2
