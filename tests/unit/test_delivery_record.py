"""A plan as a journal holds it, and back: everything that is needed to go on, and nothing that was not ours."""

from __future__ import annotations

from pathlib import Path
from random import Random

import msgspec
import pytest
from memory_xray import defined, keyed, planned

from xray_ci.delivery.journal import LINE_LIMIT
from xray_ci.delivery.marker import Marker, jql
from xray_ci.delivery.plan import (
    VERSION,
    ImportTarget,
    KeptPlan,
    Plan,
    PlannedBody,
    PlannedForm,
    PlannedImport,
    PlannedPart,
    kept_plan,
)
from xray_ci.delivery.planners import NativeFile, native
from xray_ci.delivery.progress import Ended, Entry, ExecutionFound
from xray_ci.delivery.send import upload
from xray_ci.deployments import CLOUD, DEPLOYMENTS, SERVER, Endpoint
from xray_ci.model import Place
from xray_ci.safefiles import JournalFault
from xray_ci.services.body import Slice

PLACE = Place(path=Path("/etc/passwd"), shown="passwd")
LONG = b"<testsuite>" + b" " * 500 + b"</testsuite>"


def kept(plan: Plan, folder) -> tuple[KeptPlan, dict[str, Slice]]:
    """Return what the journal would hold, having been written and read, and the files beside it."""
    made = KeptPlan(
        version=VERSION,
        made_by="xray-ci 0.1",
        deployment=plan.deployment.key,
        host="https://xray.example",
        executions=plan.executions,
    )
    files = {path.name: Slice(path=path, offset=0, length=path.stat().st_size) for path in folder.iterdir()}
    return kept_plan(folder).decode(made.written(folder)), files


def bodies(plan: Plan) -> list[bytes]:
    """Return what each request would send, also to an existing Test Execution."""
    calls = [each for call in plan.calls for each in (call, call.adding) if each is not None]
    return [b"".join(upload(call, "SHOP-41", Random(1)).body) for call in calls]


def native_form(folder) -> Plan:
    """Return a plan of reports with fields, a long text and a stretch of a file among its pieces."""
    (folder / "spool").write_bytes(b"abc")
    pieces = (LONG, Slice(path=folder / "spool", offset=0, length=3))
    files = [NativeFile(format=name, shown=("a.xml", "b.xml"), pieces=pieces, tests=4) for name in ("junit", "robot")]
    return native(
        ImportTarget(deployment=CLOUD, project="SHOP", labels=("ci",), test_plan="SHOP-2"),
        files,
        form_info={"fields": {"labels": ["ci"], "summary": "x" * 300}},
        label="chrome",
    )


@pytest.mark.parametrize(
    "made",
    [
        lambda folder: planned(folder, keyed(2) + defined(3), size=2),
        lambda folder: planned(folder, keyed(2), race=True, test_plan="SHOP-2"),
        lambda folder: planned(folder, keyed(2), test_execution="SHOP-7"),
        lambda folder: planned(folder, keyed(2), token=None),
        native_form,
    ],
    ids=["batches", "shards", "existing", "unmarked", "native form"],
)
def test_what_was_recorded_is_the_plan_that_was_made(tmp_path, made):
    """Ids, keys, marks, holes, fields of an empty one, and every byte of every request."""
    plan = made(tmp_path)
    run, files = kept(plan, tmp_path)
    again = run.plan(CLOUD, files)

    assert bodies(plan) == bodies(again)
    assert plan.executions == again.executions


@pytest.mark.parametrize("recent", [True, False])
@pytest.mark.parametrize("race", [True, False])
def test_the_age_limit_of_a_mark_is_recorded(tmp_path, recent, race):
    """Where a number may come again, `resume` takes no older Test Execution either: it asks what the run asked."""
    plan = planned(tmp_path, keyed(2), race=race)
    (execution,) = plan.executions
    assert execution.marker is not None
    marker = msgspec.structs.replace(execution.marker, recent=recent)
    plan = msgspec.structs.replace(plan, executions=(msgspec.structs.replace(execution, marker=marker),))
    run, files = kept(plan, tmp_path)

    (again,) = run.plan(CLOUD, files).executions

    assert again.marker == marker
    assert ("created >= -30d" in jql(again.marker, "SHOP")) == recent


def test_a_plan_of_many_requests_fits_into_its_line(tmp_path):
    """However many batches and environments a run has: 10,000 requests take less than a line may have."""
    plan = planned(tmp_path, defined(400), size=1)

    assert len(kept(plan, tmp_path)[0].written(tmp_path)) < LINE_LIMIT * 400 / 10_000


def test_only_files_beside_the_journal_can_be_recorded(tmp_path):
    """What lies elsewhere could be another file by then."""
    plan = planned(tmp_path, keyed(1))
    folder = tmp_path / "state"
    folder.mkdir()

    with pytest.raises(ValueError, match="beside"):
        kept(plan, tmp_path)[0].written(folder)


def test_nothing_of_a_body_is_shown():
    """What is sent may hold a secret; it is not in the words of an object either."""
    body = PlannedBody(content_type="text/plain", pieces=(b"s3cret",))

    assert "s3cret" not in repr(body) + str((PlannedForm(parts=()), body))


def first(run: KeptPlan) -> PlannedImport:
    return run.executions[0].calls[0]


def endpoint(**changes) -> Endpoint:
    """Return an endpoint that is none of ours."""
    return msgspec.structs.replace(CLOUD.endpoints[0], **changes)


def with_call(run: KeptPlan, **changes) -> KeptPlan:
    """Return the record with another first request."""
    execution = run.executions[0]
    call = msgspec.structs.replace(execution.calls[0], **changes)
    return msgspec.structs.replace(
        run, executions=(msgspec.structs.replace(execution, calls=(call, *execution.calls[1:])),)
    )


def with_execution(run: KeptPlan, **changes) -> KeptPlan:
    """Return the record with another first Test Execution."""
    return msgspec.structs.replace(run, executions=(msgspec.structs.replace(run.executions[0], **changes),))


@pytest.mark.parametrize(
    "unsafe",
    [
        lambda run: with_call(run, tests_at=Slice(path=Path("spool"), offset=1, length=10**6)),
        lambda run: with_call(run, tests_at=Slice(path=Path("spool"), offset=10**6, length=0)),
        lambda run: with_call(run, tests_at=Slice(path=Path("../../etc/passwd"), offset=0, length=1)),
        lambda run: with_call(
            run, body=PlannedBody(content_type="x", pieces=(Slice(path=Path("other"), offset=0, length=1),))
        ),
        lambda run: with_call(
            run,
            body=PlannedForm(
                parts=(
                    PlannedPart(
                        name="x",
                        filename="x",
                        content_type="x",
                        pieces=(Slice(path=Path("spool"), offset=1, length=10**6),),
                    ),
                )
            ),
        ),
        lambda run: with_call(run, tests_at=Slice(path=Path("spool"), offset=0, length=1, place=PLACE)),
        lambda run: with_call(run, endpoint=endpoint(path="/evil")),
        lambda run: with_call(run, adding=first(with_call(run, endpoint=endpoint(format="bundle")))),
        lambda run: with_call(run, adding=first(with_call(run, adding=first(run)))),
        lambda run: with_execution(run, key="SHOP-1 OR key = X-1"),
        lambda run: with_execution(run, key="../SHOP-1"),
        lambda run: with_execution(run, test_plan='SHOP-2"'),
        lambda run: msgspec.structs.replace(run, covered=(("SHOP-3", "../SHOP-5"),)),
        lambda run: with_execution(run, marker=Marker(token="xrayci", look=False, race=False)),
        lambda run: with_execution(
            run, marker=Marker(token="xrayci" + "a" * 24, line='x" OR labels is not EMPTY', look=False, race=False)
        ),
        lambda run: with_execution(run, marker=Marker(token='xrayci" OR labels is not EMPTY', look=False, race=False)),
        lambda run: msgspec.structs.replace(run, executions=run.executions * 3),
        lambda run: msgspec.structs.replace(
            run, executions=(msgspec.structs.replace(run.executions[0], calls=run.executions[0].calls * 2),)
        ),
        lambda run: msgspec.structs.replace(run, version=99),
    ],
    ids=[
        "longer",
        "behind",
        "elsewhere",
        "unsealed",
        "longer in a form",
        "a report",
        "no endpoint",
        "other endpoint",
        "nested",
        "key",
        "path",
        "plan",
        "covered",
        "token",
        "second mark",
        "jql",
        "one Test Execution three times",
        "one request twice",
        "version",
    ],
)
def test_what_was_never_written_is_refused(tmp_path, unsafe):
    """A state folder may come from anywhere: stretches, endpoints, keys and marks are those that we write."""
    run, files = kept(planned(tmp_path, keyed(2)), tmp_path)

    with pytest.raises(JournalFault):
        unsafe(run).plan(CLOUD, files)


REQUEST = {
    "id": "i",
    "endpoint": {"format": "junit", "multipart": False, "path": "/junit", "body": "application/xml"},
    "body": {"type": "body", "content_type": "text/xml", "pieces": []},
    "execution": None,
}


@pytest.mark.parametrize(
    "changes",
    [
        {"deployment": 1},
        {"executions": [{"id": "x"}]},
        {"executions": [{"id": "x", "calls": [], "host": "https://evil.example"}]},
        {"executions": [{"id": "x", "calls": [REQUEST | {"body": {"type": "body"}}]}]},
        {
            "executions": [
                {
                    "id": "x",
                    "calls": [
                        REQUEST | {"body": {"type": "body", "content_type": "text/xml\r\nX-Evil: 1", "pieces": []}}
                    ],
                }
            ]
        },
        {
            "executions": [
                {
                    "id": "x",
                    "calls": [REQUEST | {"tests_at": {"type": "file", "path": "spool", "offset": -1, "length": 3}}],
                }
            ]
        },
        {"failed": -1},
        {"extra": 1},
    ],
    ids=["type", "missing", "unknown", "no body", "header", "negative", "fewer than none", "more"],
)
def test_what_is_of_another_shape_is_not_even_read(tmp_path, changes):
    """Types, bounds and names are closed; nothing is ignored."""
    whole = {
        "version": 2,
        "made_by": "m",
        "deployment": "cloud",
        "host": "h",
        "executions": [{"id": "x", "calls": [REQUEST]}],
    }
    assert kept_plan(tmp_path).decode(msgspec.json.encode(whole))

    with pytest.raises(msgspec.ValidationError):
        kept_plan(tmp_path).decode(msgspec.json.encode(whole | changes))


@pytest.mark.parametrize("key", ["SHOP-1/../../x", "shop-1", "SHOP-1 ", "SHOP-1\n", '"', "", "SHOP-" + "1" * 19])
def test_an_entry_names_issues_by_keys_only(key):
    """What an entry brings goes into paths and queries."""
    for entry in (ExecutionFound(execution="e", key=key), Ended(call="c", key=key, tests=1)):
        with pytest.raises(msgspec.ValidationError):
            msgspec.json.decode(msgspec.json.encode(entry), type=Entry)
    with pytest.raises(msgspec.ValidationError):
        msgspec.json.decode(
            msgspec.json.encode(ExecutionFound(execution="e", key="SHOP-1", number=f"{key}x")), type=Entry
        )


def test_another_product_takes_other_endpoints(tmp_path):
    """A plan for one is not a plan for the other, which the caller compares.

    An endpoint that the other lacks is refused here already.
    """
    bundle = NativeFile(format="bundle", shown=("b.zip",), pieces=(b"PK",))
    run, files = kept(native(ImportTarget(deployment=SERVER, project="SHOP"), [bundle]), tmp_path)

    assert run.plan(SERVER, files).calls
    with pytest.raises(JournalFault):
        run.plan(DEPLOYMENTS["cloud"], files)
