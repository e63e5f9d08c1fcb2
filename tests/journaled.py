"""Entries of a pretended delivery, a journal full of them, and a process that writes one until it is killed."""

from __future__ import annotations

import sys
import time
from pathlib import Path

import msgspec

from xray_ci.delivery.journal import Journal
from xray_ci.safefiles import make_folder


class Head(msgspec.Struct, frozen=True, kw_only=True):
    host: str
    batches: int


class Asked(msgspec.Struct, frozen=True, kw_only=True, tag="asked"):
    batch: int
    note: str = ""


class Answered(msgspec.Struct, frozen=True, kw_only=True, tag="answered"):
    batch: int
    key: str


def key_of(salt: bytes) -> bytes:
    """Return the key of the pretended delivery."""
    return b"ours" + salt


HEAD = Head(host="https://xray.example", batches=2)
STEP = Asked | Answered
HEADS = msgspec.json.Decoder(Head)
READER: msgspec.json.Decoder[Asked | Answered] = msgspec.json.Decoder(STEP)
WORDS = msgspec.json.encode(HEAD)
STEPS: tuple[Asked | Answered, ...] = (
    Asked(batch=1),
    Answered(batch=1, key="SHOP-7"),
    Asked(batch=2, note="line\nbreak \u2028 ü"),
)


def begun(
    state: Path, spool: bytes | None = b"results", at: float | None = None
) -> tuple[Path, Journal[Asked | Answered]]:
    """Return a new folder and the journal that was begun in it, with one spool file."""
    folder = make_folder(state)
    files = []
    if spool is not None:
        files = [folder / "batch-1.json"]
        files[0].write_bytes(spool)
    clock = time.time if at is None else lambda: at
    return folder, Journal[Asked | Answered].begin(folder, WORDS, key_of, files=files, clock=clock)


def written(state: Path, steps: tuple[Asked | Answered, ...] = STEPS, **more) -> Path:
    """Return the folder of a journal that holds the steps and was left."""
    folder, journal = begun(state, **more)
    with journal:
        for step in steps:
            journal.record(step)
    return folder


def read(folder: Path) -> tuple[Asked | Answered, ...]:
    """Return what a journal holds."""
    journal, head, steps = Journal.reopen(folder, HEADS, READER, key_of)
    journal.close()
    assert head == HEAD
    return steps


def write_until_killed(folder: Path) -> None:
    """Record numbers, and say each one only after it was recorded."""
    journal = Journal[Asked | Answered].begin(folder, WORDS, key_of)
    number = 0
    while True:
        journal.record(Asked(batch=number, note="x" * (number * 37 % 5000)))
        sys.stdout.write(f"{number}\n")
        sys.stdout.flush()
        number += 1


def deliver_until_killed(state: Path) -> None:
    """Begin, record and finish one journal after the other, and say each thing once it is done."""
    while True:
        folder, journal = begun(state)
        sys.stdout.write(f"begun {folder.name}\n")
        for number, step in enumerate(STEPS):
            journal.record(step)
            sys.stdout.write(f"{number + 1} {folder.name}\n")
            sys.stdout.flush()
        journal.finish()
        sys.stdout.write(f"finished {folder.name}\n")
        sys.stdout.flush()


if __name__ == "__main__":
    {"write": write_until_killed, "deliver": deliver_until_killed}[sys.argv[1]](Path(sys.argv[2]))
