"""Laws of the recorded plan.

What was ours comes back whole, and whatever is changed in it leads out of the folder never.
"""

from __future__ import annotations

import json
from random import Random

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from memory_xray import defined, keyed, planned

from xray_ci.delivery.marker import TOKEN
from xray_ci.delivery.plan import VERSION, KeptPlan, PlannedForm, PlannedImport, kept_plan
from xray_ci.delivery.send import upload
from xray_ci.deployments import CLOUD
from xray_ci.safefiles import JournalFault
from xray_ci.services.body import Slice
from xray_ci.services.store import KEY

LEAVES = (
    st.none()
    | st.booleans()
    | st.integers(-10, 2**60)
    | st.text(max_size=8)
    | st.sampled_from(
        [
            "../spool",
            "texts",
            "junit",
            "bundle",
            "SHOP-1",
            "file",
            "text",
            "key",
            "AAAA",
            "\r\n",
            [],
            {},
            [{}],
            {"type": "key", "call": "import-9"},
        ]
    )
)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Return a folder with a spool."""
    return tmp_path_factory.mktemp("state")


@pytest.fixture(scope="module")
def ours(folder):
    """Return a record as JSON data."""
    plan = planned(folder, keyed(2) + defined(2), size=2, race=True, test_plan="SHOP-2")
    return json.loads(written(plan, folder))


def written(plan, folder):
    """Return a plan as a journal holds it."""
    return KeptPlan(
        version=VERSION, made_by="m", deployment="cloud", host="https://xray.example", executions=plan.executions
    ).written(folder)


def files(folder):
    """Return the files of a folder as if they were sealed."""
    return {path.name: Slice(path=path, offset=0, length=path.stat().st_size) for path in folder.iterdir()}


def places(value, at=()):
    """Yield the path of everything in JSON data."""
    yield at
    for name, inner in (
        value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    ):
        yield from places(inner, (*at, name))


def changed(value, at, new):
    """Return JSON data with something else at one place."""
    if not at:
        return new
    copy = dict(value) if isinstance(value, dict) else list(value)
    copy[at[0]] = changed(value[at[0]], at[1:], new)
    return copy


def slices(call: PlannedImport):
    """Yield every stretch that a request would read."""
    parts = call.body.parts if isinstance(call.body, PlannedForm) else (call.body,)
    yield from (piece for part in parts for piece in part.pieces if isinstance(piece, Slice))
    if call.tests_at is not None:
        yield call.tests_at
    if call.adding is not None:
        yield from slices(call.adding)


@given(st.data(), LEAVES)
def test_whatever_is_changed_nothing_leads_out_of_the_folder(folder, ours, data, leaf):
    """A record is refused, or all its stretches lie in sealed files, its marks and keys are such.

    Its endpoints are of our table.
    """
    unsafe = changed(ours, data.draw(st.sampled_from(list(places(ours)))), leaf)
    try:
        plan = kept_plan(folder).decode(json.dumps(unsafe)).plan(CLOUD, files(folder))
    except (msgspec.ValidationError, JournalFault):
        return

    for piece in (piece for call in plan.calls for piece in slices(call)):
        assert folder == piece.path.parent
        assert 0 <= piece.offset <= piece.offset + piece.length <= piece.path.stat().st_size
    assert all(call.endpoint in CLOUD.endpoints for call in plan.calls)
    assert len({call.id for call in plan.calls}) == len(plan.calls)
    assert all(each.marker is None or TOKEN.fullmatch(each.marker.token) for each in plan.executions)
    assert all(key is None or KEY.fullmatch(key) for each in plan.executions for key in (each.key, each.test_plan))


@given(st.integers(1, 6), st.integers(1, 3), st.booleans())
def test_what_is_recorded_comes_back_whole(tmp_path_factory, count, size, race):
    """Any number of batches, with and without others that may make the same Test Execution."""
    folder = tmp_path_factory.mktemp("state")
    plan = planned(folder, defined(count), size=size, race=race)
    again = kept_plan(folder).decode(written(plan, folder)).plan(CLOUD, files(folder))

    assert [call.describe() for call in plan.calls] == [call.describe() for call in again.calls]
    assert [b"".join(upload(call, "SHOP-1", Random(1)).body) for call in plan.calls] == [
        b"".join(upload(call, "SHOP-1", Random(1)).body) for call in again.calls
    ]
    assert plan.executions[0].marker == again.executions[0].marker
