"""A plan as a journal holds it, and back: everything that is needed to go on, and nothing that was not ours."""

from __future__ import annotations

from random import Random

import msgspec
import pytest
from memory_xray import defined, keyed, planned

from xray_ci.delivery import plan as record
from xray_ci.delivery.plan import ImportTarget, Plan
from xray_ci.delivery.planners import NativeFile, native
from xray_ci.delivery.progress import Ended, Entry, ExecutionFound
from xray_ci.delivery.send import upload
from xray_ci.deployments import CLOUD, DEPLOYMENTS, SERVER
from xray_ci.safefiles import JournalFault
from xray_ci.services.body import Slice

LONG = b"<testsuite>" + b" " * 500 + b"</testsuite>"


def kept(plan: Plan, folder) -> tuple[record.RecordedRun, dict[str, int]]:
    """Return what the journal would hold, having been written and read, and the sizes of the files beside it."""
    run = record.recorded(plan, folder, host="https://xray.example", made_by="xray-ci 0.1")
    sizes = {path.name: path.stat().st_size for path in folder.iterdir()}
    return msgspec.json.decode(msgspec.json.encode(run), type=record.RecordedRun), sizes


def back(run: record.RecordedRun, folder, sizes, deployment=CLOUD) -> Plan:
    """Return the plan that was recorded."""
    return record.restored(run, deployment, folder, sizes)


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
    run, sizes = kept(plan, tmp_path)
    again = back(run, tmp_path, sizes)

    assert bodies(plan) == bodies(again)
    assert [(each.id, each.key, each.marker, each.project, each.test_plan, each.blank) for each in plan.executions] == [
        (each.id, each.key, each.marker, each.project, each.test_plan, each.blank) for each in again.executions
    ]
    assert [
        (
            call.id,
            call.endpoint,
            call.query,
            call.execution,
            call.tests,
            call.reports,
            call.label,
            call.tests_at,
            call.describe(),
        )
        for call in plan.calls
    ] == [
        (
            call.id,
            call.endpoint,
            call.query,
            call.execution,
            call.tests,
            call.reports,
            call.label,
            call.tests_at,
            call.describe(),
        )
        for call in again.calls
    ]


def test_long_texts_lie_beside_the_first_line(tmp_path):
    """However many batches and environments a run has, its first line stays short."""
    plan = planned(tmp_path, defined(400), size=1)
    run, _ = kept(plan, tmp_path)

    assert len(msgspec.json.encode(run)) < 1_000_000
    assert (tmp_path / record.TEXTS).exists()


def test_only_files_beside_the_journal_can_be_recorded(tmp_path):
    """What lies elsewhere could be another file by then."""
    plan = planned(tmp_path, keyed(1))
    folder = tmp_path / "state"
    folder.mkdir()

    with pytest.raises(ValueError, match="beside"):
        record.recorded(plan, folder, host="h", made_by="m")


def first(run: record.RecordedRun) -> record.Request:
    return run.executions[0].calls[0]


def with_call(run: record.RecordedRun, **changes) -> record.RecordedRun:
    """Return the record with another first request."""
    execution = run.executions[0]
    call = msgspec.structs.replace(execution.calls[0], **changes)
    return msgspec.structs.replace(
        run, executions=(msgspec.structs.replace(execution, calls=(call, *execution.calls[1:])),)
    )


def with_execution(run: record.RecordedRun, **changes) -> record.RecordedRun:
    """Return the record with another first Test Execution."""
    return msgspec.structs.replace(run, executions=(msgspec.structs.replace(run.executions[0], **changes),))


@pytest.mark.parametrize(
    "hostile",
    [
        lambda run: with_call(run, tests_at=record.Stretch(name="spool", offset=1, length=10**6)),
        lambda run: with_call(run, tests_at=record.Stretch(name="spool", offset=10**6, length=0)),
        lambda run: with_call(run, tests_at=record.Stretch(name="../../etc/passwd", offset=0, length=1)),
        lambda run: with_call(
            run,
            bodies=(record.RecordedBody(content_type="x", pieces=(record.Stretch(name="other", offset=0, length=1),)),),
        ),
        lambda run: with_call(run, bodies=()),
        lambda run: with_call(run, format="nonsense"),
        lambda run: with_call(run, format="junit", multipart=True, adding=first(with_call(run, format="bundle"))),
        lambda run: with_call(run, adding=first(with_call(run, adding=first(run)))),
        lambda run: with_execution(run, key="SHOP-1 OR key = X-1"),
        lambda run: with_execution(run, key="../SHOP-1"),
        lambda run: with_execution(run, test_plan='SHOP-2"'),
        lambda run: with_execution(run, token="xrayci"),
        lambda run: with_execution(run, token='xrayci" OR labels is not EMPTY'),
        lambda run: msgspec.structs.replace(run, version=99),
    ],
    ids=[
        "longer",
        "behind",
        "elsewhere",
        "unsealed",
        "no body",
        "no endpoint",
        "foreign endpoint",
        "nested",
        "key",
        "path",
        "plan",
        "token",
        "jql",
        "version",
    ],
)
def test_what_was_never_written_is_refused(tmp_path, hostile):
    """A state folder may come from anywhere: stretches, endpoints, keys and marks are those that we write."""
    run, sizes = kept(planned(tmp_path, keyed(2)), tmp_path)

    with pytest.raises(JournalFault):
        back(hostile(run), tmp_path, sizes)


@pytest.mark.parametrize(
    "changes",
    [
        {"deployment": 1},
        {"executions": [{"id": "x"}]},
        {"executions": [{"id": "x", "calls": [], "host": "https://evil.example"}]},
        {
            "executions": [
                {
                    "id": "x",
                    "calls": [
                        {
                            "id": "i",
                            "format": "junit",
                            "multipart": False,
                            "bodies": [{"content_type": "text/xml\r\nX-Evil: 1", "pieces": []}],
                        }
                    ],
                }
            ]
        },
        {
            "executions": [
                {
                    "id": "x",
                    "calls": [
                        {
                            "id": "i",
                            "format": "junit",
                            "multipart": False,
                            "bodies": [
                                {
                                    "content_type": "x",
                                    "pieces": [{"type": "file", "name": "spool", "offset": -1, "length": 3}],
                                }
                            ],
                        }
                    ],
                }
            ]
        },
        {"host": "h" * 3000},
        {"extra": 1},
    ],
    ids=["type", "missing", "unknown", "header", "negative", "long", "more"],
)
def test_what_is_of_another_shape_is_not_even_read(changes):
    """Types, bounds and names are closed; nothing is passed over."""
    whole = {"version": 1, "made_by": "m", "deployment": "cloud", "host": "h", "executions": []}
    assert msgspec.json.decode(msgspec.json.encode(whole), type=record.RecordedRun)

    with pytest.raises(msgspec.ValidationError):
        msgspec.json.decode(msgspec.json.encode(whole | changes), type=record.RecordedRun)


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
    run, sizes = kept(native(ImportTarget(deployment=SERVER, project="SHOP"), [bundle]), tmp_path)

    assert back(run, tmp_path, sizes, SERVER).calls
    with pytest.raises(JournalFault):
        back(run, tmp_path, sizes, DEPLOYMENTS["cloud"])
