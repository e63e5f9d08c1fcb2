"""What holds for any bytes in a state folder: it is read as ours, or a Failure says why it is not.

An input is tried twice: as the journal itself, and as what its lines say, sealed with the right key, so that what lies
behind the seal is reached as well. Beside it lies one file of tests.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from random import Random

import msgspec

from xray_ci.delivery.journal import NAME, Chain, Journal, line_after, pending, sweep
from xray_ci.delivery.plan import PlannedImport, kept_plan
from xray_ci.delivery.progress import Entry, Progress
from xray_ci.delivery.send import upload
from xray_ci.delivery.splitting import to_send
from xray_ci.deployments import CLOUD, SERVER, Deployment
from xray_ci.errors import Failure
from xray_ci.services.body import Slice

TESTS = b'{"testKey":"SHOP-1","status":"PASSED"},{"status":"FAILED","testInfo":{"summary":"t","definition":"a.t"}}'
_SALT = b"s" * 16
_READER: msgspec.json.Decoder[Entry] = msgspec.json.Decoder(Entry)


def key_of(salt: bytes) -> bytes:
    """Return the key of every folder here."""
    return b"ours" + salt


def folder(content: bytes) -> None:
    """Hold a journal of these bytes, and one that says what their lines say, against the laws."""
    for journal in (content, sealed(content.split(b"\n"))):
        with _written(journal) as state:
            (made,) = state.iterdir()
            for deployment in (CLOUD, SERVER):
                with suppress(Failure):
                    _read(made, deployment)
            assert all(each == made for each in pending(state))
            sweep(state)
            assert {path.name for path in state.parent.iterdir()} == {"state", "outside"}


def sealed(says: list[bytes]) -> bytes:
    """Return the journal that says so, each line with its digest."""
    chain, lines = Chain.begin(_SALT, key_of), b""
    for payload in says:
        line, chain = line_after(chain, payload)
        lines += line
    return lines


@contextmanager
def _written(journal: bytes) -> Iterator[Path]:
    with tempfile.TemporaryDirectory() as base:
        state = Path(base) / "state"
        (state / "run-0").mkdir(parents=True)
        (Path(base) / "outside").write_bytes(b"not ours")
        (state / "run-0" / "tests").write_bytes(TESTS)
        (state / "run-0" / NAME).write_bytes(journal)
        yield state


def _read(made: Path, deployment: Deployment) -> None:
    """Read a folder as far as sending would; raises Failure."""
    held, kept, entries = Journal.reopen(made, kept_plan(made), _READER, key_of)
    with held:
        plan, progress = kept.plan(deployment, held.files), Progress(entries)
        assert all(isinstance(call.describe(), str) for call in plan.calls)
        assert progress.owes in (True, False)
        assert progress.touched in (True, False)
        assert isinstance(progress.surplus, dict)
        for call in plan.calls:
            for each in (call, call.adding):
                if each is not None:
                    _sent(each, made, progress)


def _sent(call: PlannedImport, made: Path, progress: Progress) -> None:
    body = upload(call, "SHOP-41", Random(1)).body
    assert len(body) == sum(map(len, body))
    assert b"not ours" not in b"".join(body)
    for test in to_send(call, progress):
        assert all(isinstance(piece, Slice) and piece.path.parent == made for piece in test.pieces)
