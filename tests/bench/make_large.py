"""Writes a large, realistic report in one of five formats. Knows how such reports look; knows nothing of xray-ci.

    make_large.py FORMAT TESTS FILE

Same seed, same bytes. Nothing but one suite is ever in memory, so a million tests need only a few MB.
"""

from __future__ import annotations

import base64
import datetime as dt
import json
import random
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from xml.sax.saxutils import escape, quoteattr

START = dt.datetime(2024, 3, 10, 2, 30, 0)  # noqa: DTZ001 - reports have no offset
AREAS = ["cart", "checkout", "login", "search", "profile", "payment", "shipping", "catalog", "reports", "admin"]
VERBS = ["adds", "removes", "rejects", "accepts", "shows", "hides", "keeps", "sorts", "exports", "imports"]
THINGS = [
    "an item",
    "a coupon",
    "an empty basket",
    "two addresses",
    "a späte Lieferung",
    'a <b>tag</b> & "quotes"',
    "a price of 9,99 €",
    "日本語 names",
    "a very old order",
    "the last page",
]
LEVELS = ["DEBUG", "INFO ", "WARN ", "ERROR"]
WORDS = (
    "connect pool retry cache request response user session token order basket price stock page row commit "
    "rollback timeout header cookie body json parse render click wait found missing"
).split()
ENDS = ["", "ok", "not ok", "\u2713", "žluť", "a<b && c>d", "]]> end"]
PNG = bytes.fromhex(
    "89504e470d0a1a0a0000000d49484452000000010000000108020000009077"
    "53de0000000c4944415408d763f8cfc0000003010100c9fe92ef0000000049454e44ae426082"
)
SUITE = 50
SHOTS = "shots"
"""Folder beside the report with the files that reports name as evidence: `write_shots` makes it."""
Write = Callable[[str], object]


@dataclass(slots=True)
class Case:
    number: int
    classname: str
    area: str
    name: str
    row: int | None
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
        self.pool = [
            f"{chance.choice(LEVELS)} [{chance.choice(AREAS)}] {' '.join(chance.choice(WORDS) for _ in range(6))} "
            f"{chance.choice(ENDS)} id={chance.randrange(10**6)} took {chance.randrange(2000)} ms"
            for _ in range(997)
        ]

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
        case = Case(number, f"com.example.shop.{area}.{area.title()}Test{suite:05d}", area, name, row, seconds, state)
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
        chance, kind = (
            self.random,
            "java.lang.AssertionError" if case.state == "failed" else "java.net.SocketTimeoutException",
        )
        case.message = f"expected:<{chance.randrange(100)}> but was:<{chance.randrange(100, 200)}> for {case.name}"
        frames = [
            f"\tat com.example.shop.{case.area}.Service{n}.call{chance.randrange(9)}"
            f"(Service{n}.java:{chance.randrange(1, 900)})"
            for n in range(chance.randrange(5, 40))
        ]
        case.trace = f"{kind}: {case.message}\n" + "\n".join(frames)

    def suites(self, tests: int) -> Iterator[list[Case]]:
        for first in range(0, tests, SUITE):
            yield [self.case(number) for number in range(first, min(first + SUITE, tests))]


def stamp(seconds: float, between: str = "T") -> str:
    return (START + dt.timedelta(seconds=seconds)).strftime(f"%Y-%m-%d{between}%H:%M:%S")


def cdata(text: str) -> str:
    return "<![CDATA[" + text.replace("]]>", "]]]]><![CDATA[>") + "]]>"


def shot(case: Case) -> str:
    return f"{SHOTS}/{case.number % 100:02}.png"


def write_shots(folder: Path) -> None:
    """Write the files that reports in this folder name."""
    (folder / SHOTS).mkdir()
    for number in range(100):
        (folder / SHOTS / f"{number:02}.png").write_bytes(PNG + bytes(number) * 8)


def write_case(case: Case, write: Write) -> None:
    write(
        f'    <testcase classname={quoteattr(case.classname)} name={quoteattr(case.name)} time="{case.seconds:.3f}">\n'
    )
    if case.key or case.evidence:
        write("      <properties>\n")
        if case.key:
            write(f'        <property name="test_key" value="{case.key}"/>\n')
        if case.requirements:
            write(f'        <property name="requirements" value="{case.requirements}"/>\n')
        if case.key:
            write(f'        <property name="tags" value={quoteattr(",".join(case.tags))}/>\n')
        if case.evidence:
            write(
                f'        <property name="testrun_evidence"><item name="shot-{case.number}.png">'
                f"{base64.b64encode(case.evidence).decode()}</item></property>\n"
            )
        write("      </properties>\n")
    if case.state == "skipped":
        write('      <skipped message="not on this platform"/>\n')
    elif case.state == "failed":
        write(
            f"      <failure message={quoteattr(case.message)} "
            f'type="java.lang.AssertionError">{escape(case.trace)}</failure>\n'
        )
    elif case.state == "errors":
        write(
            f"      <error message={quoteattr(case.message)} "
            f'type="java.net.SocketTimeoutException">{escape(case.trace)}</error>\n'
        )
    if case.output:
        write(f"      <system-out>{cdata(case.output)}</system-out>\n")
    write("    </testcase>\n")


def junit(suites: Iterator[list[Case]], write: Write) -> None:
    """As Surefire writes it: files of evidence inside of the report."""
    clock = 0.0
    write('<?xml version="1.0" encoding="UTF-8"?>\n<testsuites name="large">\n')
    for cases in suites:
        count = {state: sum(case.state == state for case in cases) for state in ("failed", "errors", "skipped")}
        total = sum(case.seconds for case in cases)
        write(
            f'  <testsuite name={quoteattr(cases[0].classname)} tests="{len(cases)}" failures="{count["failed"]}" '
            f'errors="{count["errors"]}" skipped="{count["skipped"]}" time="{total:.3f}" timestamp="{stamp(clock)}" '
            'hostname="ci-runner">\n    <properties><property name="browser" value="firefox"/>'
            '<property name="revision" value="abc123"/></properties>\n'
        )
        for case in cases:
            write_case(case, write)
        write("  </testsuite>\n")
        clock += total
    write("</testsuites>\n")


def nunit3(suites: Iterator[list[Case]], write: Write) -> None:
    """As the NUnit console writes it: properties, output, and evidence in files beside the report."""
    results = {
        "passed": 'result="Passed"',
        "failed": 'result="Failed"',
        "errors": 'result="Failed" label="Error"',
        "skipped": 'result="Skipped" label="Ignored"',
    }
    clock = 0.0
    write(
        '<?xml version="1.0" encoding="utf-8" standalone="no"?>\n<test-run id="2" name="large.dll" '
        'engine-version="3.17.0">\n'
        '  <test-suite type="Assembly" id="1" name="large.dll">\n'
    )
    for cases in suites:
        owner = cases[0].classname
        write(
            f'    <test-suite type="TestFixture" name={quoteattr(owner.rpartition(".")[2])} '
            f"fullname={quoteattr(owner)}>\n"
        )
        for case in cases:
            write(
                f'      <test-case id="0-{case.number}" name={quoteattr(case.name)} '
                f"fullname={quoteattr(f'{owner}.{case.name}')} "
                f'methodname="m" classname={quoteattr(owner)} {results[case.state]} duration="{case.seconds:.6f}" '
                f'start-time="{stamp(clock, " ")}Z" end-time="{stamp(clock + case.seconds, " ")}Z" asserts="1">\n      '
                "  <properties>"
            )
            named = [
                ("TestKey", case.key),
                ("Requirement", case.requirements),
                *(("Category", tag) for tag in case.tags),
            ]
            write(
                "".join(
                    f"<property name={quoteattr(name)} value={quoteattr(value)}/>" for name, value in named if value
                )
            )
            write("</properties>\n")
            if case.trace:
                write(
                    f"        <failure><message>{cdata(case.message)}</message>"
                    f"<stack-trace>{cdata(case.trace)}</stack-trace></failure>\n"
                )
            elif case.state == "skipped":
                write("        <reason><message>not on this platform</message></reason>\n")
            if case.output:
                write(f"        <output>{cdata(case.output)}</output>\n")
            if case.evidence:
                write(
                    f"        <attachments><attachment><filePath>{shot(case)}</filePath></attachment></attachments>\n"
                )
            write("      </test-case>\n")
            clock += case.seconds
        write("    </test-suite>\n")
    write("  </test-suite>\n</test-run>\n")


def testng(suites: Iterator[list[Case]], write: Write) -> None:
    """As TestNG writes it.

    Configuration methods beside tests, attributes, parameters, and what a test printed line by line.
    """
    results = {"passed": "PASS", "failed": "FAIL", "errors": "FAIL", "skipped": "SKIP"}
    clock = 0.0
    write('<?xml version="1.0" encoding="UTF-8"?>\n<testng-results>\n  <suite name="large">\n    <test name="all">\n')
    for cases in suites:
        write(
            f"      <class name={quoteattr(cases[0].classname)}>\n"
            '        <test-method status="PASS" signature="setUp()" name="setUp" is-config="true" duration-ms="1"/>\n'
        )
        for case in cases:
            signature = f"m{case.number}(int)[pri:0, instance:{case.classname}@{case.number:x}]"
            write(
                f'        <test-method status="{results[case.state]}" signature={quoteattr(signature)} '
                f'name="m{case.number}" '
                f'description={quoteattr(case.name)} duration-ms="{case.seconds * 1000:.0f}" '
                f'started-at="{stamp(clock)}Z" '
                f'finished-at="{stamp(clock + case.seconds)}Z">\n'
            )
            if case.row is not None:
                write(f'          <params><param index="0"><value>{cdata(str(case.row))}</value></param></params>\n')
            if case.trace:
                write(
                    "          <exception "
                    f"class={quoteattr(case.trace.partition(':')[0])}><message>{cdata(case.message)}</message>"
                    f"<full-stacktrace>{cdata(case.trace)}</full-stacktrace></exception>\n"
                )
            if case.key:
                requirement = (case.requirements or "").replace(",", " ")
                write(
                    f'          <attributes><attribute name="test">{cdata(case.key)}</attribute>'
                    f'<attribute name="requirement">{cdata(requirement)}</attribute></attributes>\n'
                )
            said = "".join(f"            <line>{cdata(line)}</line>\n" for line in case.output.splitlines())
            write(f"          <reporter-output>\n{said}          </reporter-output>\n        </test-method>\n")
            clock += case.seconds
        write("      </class>\n")
    write("    </test>\n  </suite>\n</testng-results>\n")


def robot(suites: Iterator[list[Case]], write: Write) -> None:
    """As Robot Framework writes it: keywords with messages and statuses, tags, and screenshots in logged HTML."""
    results = {"passed": "PASS", "failed": "FAIL", "errors": "FAIL", "skipped": "SKIP"}
    clock, worst = 0.0, "PASS"
    write(
        '<?xml version="1.0" encoding="UTF-8"?>\n<robot generator="Robot 7.3.2" generated="2024-03-10T02:30:00.000000" '
        'rpa="false" '
        'schemaversion="5">\n<suite id="s1" name="Large" source="/workspace/app/robot">\n'
    )
    for number, cases in enumerate(suites, 1):
        verdict = "FAIL" if any(results[case.state] == "FAIL" for case in cases) else "PASS"
        worst = max(worst, verdict, key=["PASS", "FAIL"].index)
        write(
            f'<suite id="s1-s{number}" name={quoteattr(cases[0].classname.rpartition(".")[2])} '
            f'source="/workspace/{number:05}.robot">\n'
        )
        for index, case in enumerate(cases, 1):
            at, word = f"{stamp(clock)}.000000", results[case.state]
            write(
                f'<test id="s1-s{number}-t{index}" name={quoteattr(case.name)} line="{index * 5}">\n'
                f'<kw name="Open Page" owner="Browser">\n<arg>{case.area}</arg>\n'
                f'<status status="PASS" start="{at}" elapsed="0.010"/>\n</kw>\n<kw name="Check Result" owner="Shop">\n'
            )
            write("".join(f'<msg time="{at}" level="INFO">{escape(line)}</msg>\n' for line in case.output.splitlines()))
            if case.evidence:
                write(f'<msg time="{at}" level="INFO" html="true">&lt;img src="{shot(case)}" width="800px"&gt;</msg>\n')
            if case.trace:
                write(f'<msg time="{at}" level="FAIL">{escape(case.message)}</msg>\n')
            write(f'<status status="{word}" start="{at}" elapsed="{case.seconds:.6f}"/>\n</kw>\n')
            write("".join(f"<tag>{tag}</tag>\n" for tag in ([case.key] if case.key else []) + list(case.tags)))
            write(
                f'<status status="{word}" start="{at}" '
                f'elapsed="{case.seconds + 0.01:.6f}">{escape(case.message)}</status>\n</test>\n'
            )
            clock += case.seconds + 0.01
        write(f'<status status="{verdict}" start="{stamp(0)}.000000" elapsed="{clock:.6f}"/>\n</suite>\n')
    write(
        f'<status status="{worst}" start="{stamp(0)}.000000" elapsed="{clock:.6f}"/>\n</suite>\n'
        "<statistics>\n</statistics>\n<errors>\n</errors>\n</robot>\n"
    )


def scenario(case: Case, feature: int) -> dict[str, object]:
    """Return a scenario as Cucumber writes it: durations are nanoseconds, evidence and output hang on the step."""
    word = {"passed": "passed", "failed": "failed", "errors": "failed", "skipped": "skipped"}[case.state]
    when: dict[str, object] = {
        "keyword": "When ",
        "name": case.name,
        "line": 4,
        "match": {"location": "Steps.java:20"},
        "result": {"status": word, "duration": int(case.seconds * 1e9)}
        | ({"error_message": case.trace} if case.trace else {}),
    }
    if case.output:
        when["output"] = case.output.splitlines()
    if case.evidence:
        when["embeddings"] = [
            {"data": base64.b64encode(case.evidence).decode(), "mime_type": "image/png", "name": "shot"}
        ]
    before, after = "skipped" if word == "skipped" else "passed", "passed" if word == "passed" else "skipped"
    steps = [
        {
            "keyword": "Given ",
            "name": "a clean shop",
            "line": 3,
            "match": {"location": "Steps.java:10"},
            "result": {"status": before, "duration": 1_000_000},
        },
        when,
        {
            "keyword": "Then ",
            "name": "all is well",
            "line": 5,
            "match": {"location": "Steps.java:30"},
            "result": {"status": after},
        },
    ]
    tags = [f"@TEST_{case.key}"] if case.key else []
    tags += [f"@REQ_{key}" for key in (case.requirements or "").split(",") if key] + [f"@{tag}" for tag in case.tags]
    return {
        "id": f"feature-{feature};scenario-{case.number}",
        "keyword": "Scenario",
        "type": "scenario",
        "name": case.name,
        "line": 2,
        "description": "",
        "tags": [{"name": tag} for tag in tags],
        "steps": steps,
    }


def cucumber_json(suites: Iterator[list[Case]], write: Write) -> None:
    """As Cucumber for the JVM writes it."""
    for number, cases in enumerate(suites):
        feature = {
            "uri": f"features/{cases[0].area}/{number:05}.feature",
            "id": f"feature-{number}",
            "keyword": "Feature",
            "name": cases[0].classname,
            "line": 1,
            "description": "",
            "tags": [{"name": f"@{cases[0].area}", "line": 1}],
            "elements": [scenario(case, number) for case in cases],
        }
        write(("," if number else "[") + "\n" + json.dumps(feature, ensure_ascii=False))
    write("\n]\n")


WRITERS = {"robot": robot, "cucumber-json": cucumber_json, "testng": testng, "nunit3": nunit3, "junit": junit}
"""The longest to read first, so that reading two at a time ends soonest."""


def write_report(path: Path, form: str, tests: int, *, seed: int = 1, output: int = 300) -> None:
    """Write a report of `tests` tests in one of `WRITERS`; `output` is the mean of captured characters a test."""
    with path.open("w", encoding="utf-8", newline="\n", buffering=1 << 20) as file:
        WRITERS[form](Source(seed, output).suites(tests), file.write)


def write_junit(path: Path, tests: int, *, seed: int = 1, output: int = 300) -> None:
    """Write a report of `tests` tests as JUnit XML."""
    write_report(path, "junit", tests, seed=seed, output=output)


if __name__ == "__main__":
    write_report(Path(sys.argv[3]), sys.argv[1], int(sys.argv[2]))
