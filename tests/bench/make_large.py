"""Writes a large, realistic JUnit report. Knows how such reports look; knows nothing of xray-ci. Same seed, same bytes.

Nothing but one suite is ever in memory, so a million tests need only a few MB.
"""

from __future__ import annotations

import base64
import datetime as dt
import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from xml.sax.saxutils import escape, quoteattr

START = dt.datetime(2024, 3, 10, 2, 30, 0)  # noqa: DTZ001 - reports have no offset
AREAS = ["cart", "checkout", "login", "search", "profile", "payment", "shipping", "catalog", "reports", "admin"]
VERBS = ["adds", "removes", "rejects", "accepts", "shows", "hides", "keeps", "sorts", "exports", "imports"]
THINGS = ["an item", "a coupon", "an empty basket", "two addresses", "a späte Lieferung", 'a <b>tag</b> & "quotes"',
          "a price of 9,99 €", "日本語 names", "a very old order", "the last page"]
LEVELS = ["DEBUG", "INFO ", "WARN ", "ERROR"]
WORDS = ("connect pool retry cache request response user session token order basket price stock page row commit "
         "rollback timeout header cookie body json parse render click wait found missing").split()
ENDS = ["", "ok", "not ok", "\u2713", "žluť", "a<b && c>d", "]]> end"]
PNG = bytes.fromhex("89504e470d0a1a0a0000000d49484452000000010000000108020000009077"
                    "53de0000000c4944415408d763f8cfc0000003010100c9fe92ef0000000049454e44ae426082")
SUITE = 50


@dataclass(slots=True)
class Case:
    number: int
    classname: str
    area: str
    name: str
    seconds: float
    state: str
    output: str = ""
    key: str | None = None
    requirements: str | None = None
    tags: tuple[str, ...] = ()
    evidence: bytes | None = None
    message: str = ""
    trace: str = ""


class Source:
    """Draws the cases; every random choice is here, in a fixed order."""

    def __init__(self, seed: int, output: int) -> None:
        self.random = chance = random.Random(seed)
        self.output = output
        # a pool of lines keeps the writing fast and the text varied
        self.pool = [f"{chance.choice(LEVELS)} [{chance.choice(AREAS)}] {' '.join(chance.choice(WORDS) for _ in range(6))} "
                     f"{chance.choice(ENDS)} id={chance.randrange(10**6)} took {chance.randrange(2000)} ms" for _ in range(997)]

    def text(self) -> str:
        wanted = int(self.random.expovariate(1.0 / self.output)) if self.output else 0
        got, parts = 0, []
        while got < wanted:
            parts.append(self.pool[self.random.randrange(997)])
            got += len(parts[-1]) + 1
        return "\n".join(parts)

    def case(self, number: int) -> Case:
        chance, suite = self.random, number // SUITE
        area = AREAS[suite % len(AREAS)]
        row = chance.randrange(20) if chance.random() < 0.2 else None
        name = f"{chance.choice(VERBS)} {chance.choice(THINGS)} #{number}" + ("" if row is None else f"[{row}]")
        seconds = round(chance.expovariate(4.0), 3)
        drawn = chance.random() * 100
        state = "failed" if drawn < 3 else "errors" if drawn < 3.75 else "skipped" if drawn < 7.75 else "passed"
        case = Case(number, f"com.example.shop.{area}.{area.title()}Test{suite:05d}", area, name, seconds, state)
        case.output = self.text() if state != "skipped" else ""
        case.key = f"CALC-{1000 + number}" if chance.random() < 0.6 else None
        if case.key and chance.random() < 0.5:
            case.requirements = f"CALC-{chance.randrange(1, 500)},CALC-{chance.randrange(500, 999)}"
        case.tags = (area, "smoke") if chance.random() < 0.1 else (area,)
        if chance.random() * 100 < 1:
            case.evidence = PNG + bytes(chance.randrange(256) for _ in range(chance.randrange(64, 512)))
        if state in ("failed", "errors"):
            self.explain(case)
        return case

    def explain(self, case: Case) -> None:
        chance, kind = self.random, "java.lang.AssertionError" if case.state == "failed" else "java.net.SocketTimeoutException"
        case.message = f"expected:<{chance.randrange(100)}> but was:<{chance.randrange(100, 200)}> for {case.name}"
        frames = [f"\tat com.example.shop.{case.area}.Service{n}.call{chance.randrange(9)}(Service{n}.java:{chance.randrange(1, 900)})"
                  for n in range(chance.randrange(5, 40))]
        case.trace = f"{kind}: {case.message}\n" + "\n".join(frames)

    def suites(self, tests: int) -> Iterator[list[Case]]:
        for first in range(0, tests, SUITE):
            yield [self.case(number) for number in range(first, min(first + SUITE, tests))]


def write_case(case: Case, write: Callable[[str], object]) -> None:
    write(f'    <testcase classname={quoteattr(case.classname)} name={quoteattr(case.name)} time="{case.seconds:.3f}">\n')
    if case.key or case.evidence:
        write("      <properties>\n")
        if case.key:
            write(f'        <property name="test_key" value="{case.key}"/>\n')
        if case.requirements:
            write(f'        <property name="requirements" value="{case.requirements}"/>\n')
        if case.key:
            write(f'        <property name="tags" value={quoteattr(",".join(case.tags))}/>\n')
        if case.evidence:
            write(f'        <property name="testrun_evidence"><item name="shot-{case.number}.png">'
                  f"{base64.b64encode(case.evidence).decode()}</item></property>\n")
        write("      </properties>\n")
    if case.state == "skipped":
        write('      <skipped message="not on this platform"/>\n')
    elif case.state == "failed":
        write(f'      <failure message={quoteattr(case.message)} type="java.lang.AssertionError">{escape(case.trace)}</failure>\n')
    elif case.state == "errors":
        write(f'      <error message={quoteattr(case.message)} type="java.net.SocketTimeoutException">{escape(case.trace)}</error>\n')
    if case.output:
        write("      <system-out><![CDATA[" + case.output.replace("]]>", "]]]]><![CDATA[>") + "]]></system-out>\n")
    write("    </testcase>\n")


def write_junit(path: Path, tests: int, *, seed: int = 1, output: int = 300) -> None:
    """Write a report of `tests` tests; `output` is the mean of captured characters a test."""
    clock = 0.0
    with path.open("w", encoding="utf-8", newline="\n", buffering=1 << 20) as file:
        write = file.write
        write('<?xml version="1.0" encoding="UTF-8"?>\n<testsuites name="large">\n')
        for cases in Source(seed, output).suites(tests):
            count = {state: sum(case.state == state for case in cases) for state in ("failed", "errors", "skipped")}
            total = sum(case.seconds for case in cases)
            started = (START + dt.timedelta(seconds=clock)).strftime("%Y-%m-%dT%H:%M:%S")
            write(f'  <testsuite name={quoteattr(cases[0].classname)} tests="{len(cases)}" failures="{count["failed"]}" '
                  f'errors="{count["errors"]}" skipped="{count["skipped"]}" time="{total:.3f}" timestamp="{started}" '
                  'hostname="ci-runner">\n    <properties><property name="browser" value="firefox"/>'
                  '<property name="revision" value="abc123"/></properties>\n')
            for case in cases:
                write_case(case, write)
            write("  </testsuite>\n")
            clock += total
        write("</testsuites>\n")
