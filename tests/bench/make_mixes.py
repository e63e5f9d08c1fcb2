"""Writes JUnit reports of four mixes, and larger reports of formats that `make_large` does not write.

    make_mixes.py KIND TESTS FILE

Same arguments, same bytes; nothing but one test is ever in memory.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path
from xml.sax.saxutils import escape

Write = Callable[[str], object]
FRAME = "\tat shop.Cart{0}.call(Cart{0}.java:{1})\n"


def trace(number: int, lines: int) -> str:
    """A trace of a failure: about 40 bytes a line."""
    return f"java.lang.AssertionError: expected {number} but was {number + 1}\n" + "".join(
        FRAME.format(number % 89 + line, line * 7 + 1) for line in range(lines)
    )


def classname(number: int) -> str:
    return f"com.example.shop.cart.CartTest{number // 50:05d}"


def junit(fails: Callable[[int], bool], lines: int) -> Callable[[int, Write], None]:
    """Tests without properties or output; those that fail have a trace of so many lines."""

    def write_all(tests: int, write: Write) -> None:
        write('<?xml version="1.0" encoding="UTF-8"?>\n<testsuites>\n<testsuite name="cart">\n')
        for number in range(tests):
            head = (
                f'<testcase classname="{classname(number)}" name="adds an item {number}" time="0.0{number % 90 + 10}"'
            )
            if fails(number):
                write(
                    f'{head}><failure message="expected {number}" type="java.lang.AssertionError">'
                    f"{escape(trace(number, lines))}</failure></testcase>\n"
                )
            else:
                write(f"{head}/>\n")
        write("</testsuite>\n</testsuites>\n")

    return write_all


def trx(tests: int, write: Write) -> None:
    """As Visual Studio's runner writes it: results first, then the definitions that name their classes."""
    write('<TestRun id="0" name="run" xmlns="http://microsoft.com/schemas/VisualStudio/TeamTest/2010">\n<Results>\n')
    for number in range(tests):
        outcome = "Failed" if number % 10 == 0 else "Passed"
        write(
            f'<UnitTestResult executionId="e{number}" testId="t{number}" testName="adds an item {number}" '
            f'computerName="ci" duration="00:00:00.0{number % 90 + 10}0000" startTime="2024-03-10T02:30:00.000+00:00" '
            f'endTime="2024-03-10T02:30:01.000+00:00" outcome="{outcome}">'
        )
        if outcome == "Failed":
            write(
                f"<Output><ErrorInfo><Message>expected {number}</Message><StackTrace>{trace(number, 10)}</StackTrace>"
                "</ErrorInfo></Output>"
            )
        write("</UnitTestResult>\n")
    write("</Results>\n<TestDefinitions>\n")
    for number in range(tests):
        write(
            f'<UnitTest name="adds an item {number}" id="t{number}"><Execution id="e{number}"/>'
            f'<TestMethod className="{classname(number)}" name="m{number}"/></UnitTest>\n'
        )
    write("</TestDefinitions>\n</TestRun>\n")


def xunit(tests: int, write: Write) -> None:
    """As xUnit.net writes it."""
    write(
        '<assemblies><assembly name="a.dll" test-framework="xUnit.net 2.4" run-date="2024-03-10" run-time="02:30:00">'
    )
    write('<collection name="c">\n')
    for number in range(tests):
        failed = number % 10 == 0
        write(
            f'<test name="{classname(number)}.m{number}" type="{classname(number)}" method="m{number}" '
            f'time="0.0{number % 90 + 10}" result="{"Fail" if failed else "Pass"}"'
        )
        write(
            f"><failure><message>expected {number}</message><stack-trace>{trace(number, 10)}</stack-trace></failure>"
            "</test>\n"
            if failed
            else "/>\n"
        )
    write("</collection></assembly></assemblies>\n")


def ctrf(tests: int, write: Write) -> None:
    """As the Common Test Report Format says."""
    failed = len(range(0, tests, 10))
    summary = {"tests": tests, "passed": tests - failed, "failed": failed, "pending": 0, "skipped": 0, "other": 0}
    write(f'{{"results": {{"tool": {{"name": "t"}}, "summary": {json.dumps(summary | {"start": 1, "stop": 2})}, ')
    write('"tests": [\n')
    for number in range(tests):
        test = {"name": f"adds an item {number}", "suite": classname(number), "duration": number % 90 + 10}
        test |= {"status": "passed"} if number % 10 else {"status": "failed", "trace": trace(number, 10)}
        write(("," if number else "") + json.dumps(test) + "\n")
    write("]}}\n")


def playwright_json(tests: int, write: Write) -> None:
    """As Playwright's JSON reporter writes it: one file a suite."""
    write('{"config": {"version": "1.44.0", "projects": [{"id": "c", "name": "chromium"}]}, "suites": [\n')
    for first in range(0, tests, 50):
        specs = [playwright_spec(number) for number in range(first, min(first + 50, tests))]
        suite = {"title": f"cart{first}.spec.ts", "file": f"cart{first}.spec.ts", "line": 0, "column": 0}
        write(("," if first else "") + json.dumps(suite | {"specs": specs}) + "\n")
    write('], "errors": [], "stats": {"startTime": "2024-03-10T02:30:00.000Z", "duration": 1}}\n')


def playwright_spec(number: int) -> dict[str, object]:
    failed = number % 10 == 0
    result: dict[str, object] = {"workerIndex": 0, "status": "failed" if failed else "passed", "duration": 12}
    result |= {"retry": 0, "startTime": "2024-03-10T02:30:00.000Z", "stdout": [], "stderr": [], "attachments": []}
    if failed:
        result["errors"] = [{"message": trace(number, 10)}]
    test = {
        "timeout": 30000,
        "annotations": [],
        "expectedStatus": "passed",
        "projectId": "c",
        "projectName": "chromium",
    }
    test |= {"results": [result], "status": "unexpected" if failed else "expected"}
    return {"title": f"adds an item {number}", "ok": not failed, "tags": [], "tests": [test], "id": f"s{number}"} | {
        "file": "cart.spec.ts",
        "line": number + 1,
        "column": 5,
    }


def go_json(tests: int, write: Write) -> None:
    """As `go test -json` writes it: an event a line."""

    def event(action: str, number: int, **more: object) -> None:
        named = {"Time": "2024-03-10T02:30:00Z", "Action": action, "Package": f"example.com/shop/p{number // 50}"}
        write(json.dumps(named | more) + "\n")

    for number in range(tests):
        name, failed = f"TestAddsAnItem{number}", number % 10 == 0
        event("run", number, Test=name)
        event("output", number, Test=name, Output=f"=== RUN   {name}\n")
        if failed:
            event("output", number, Test=name, Output=f"    cart_test.go:{number + 1}: expected {number}\n")
        event("fail" if failed else "pass", number, Test=name, Elapsed=0.01)
        if number % 50 == 49 or number == tests - 1:
            event("fail", number, Elapsed=0.5)


def tap(tests: int, write: Write) -> None:
    """As the Test Anything Protocol says."""
    write(f"TAP version 13\n1..{tests}\n")
    for number in range(tests):
        write(f"{'not ok' if number % 10 == 0 else 'ok'} {number + 1} - adds an item {number}\n")


MIXES: dict[str, Callable[[int, Write], None]] = {
    "bare": junit(lambda _number: False, 0),
    "short": junit(lambda number: number % 10 == 0, 20),
    "failing-1kB": junit(lambda _number: True, 21),
    "text-heavy": junit(lambda _number: True, 148),
    "trx": trx,
    "xunit": xunit,
    "ctrf": ctrf,
    "playwright-json": playwright_json,
    "go-json": go_json,
    "tap": tap,
}


def write_mix(path: Path, kind: str, tests: int) -> None:
    """Write a report of `tests` tests in one of `MIXES`."""
    with path.open("w", encoding="utf-8", newline="\n", buffering=1 << 20) as file:
        MIXES[kind](tests, file.write)


if __name__ == "__main__":
    write_mix(Path(sys.argv[3]), sys.argv[1], int(sys.argv[2]))
