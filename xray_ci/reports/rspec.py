"""RSpec's JSON. Knows its members.

Identity: the descriptions of the groups around an example, which are its full description without its own, are the
class name; its own description is the name. Errors outside of examples, which a file that cannot be loaded makes, are
notices.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from xray_ci.model import Attachment, Case, Outcome, Problem
from xray_ci.reports import members, texts
from xray_ci.reports.json_stream import Window
from xray_ci.reports.lines import AfterLog
from xray_ci.reports.notices import BROKEN, Fault, Outside, Stated, no_cases

if TYPE_CHECKING:
    from collections.abc import Iterator

    from xray_ci.reports.json_stream import Source

_OUTCOMES: Final = {"passed": Outcome.PASSED, "failed": Outcome.FAILED, "pending": Outcome.SKIPPED}
_MESSAGES: Final = 50
_SAYING: Final = 2_000


def read(source: Source) -> Iterator[Case | Problem]:
    """Yield each example in order, then notices.

    Durations are seconds; there are no times. Raises Fault where the document is broken or cut off, or an example lacks
    its description or status.
    """
    clean = AfterLog(source)
    window = Window(clean)
    outside, stated = Outside(), Stated()
    count = 0
    said: list[str] = []
    errors = 0.0
    if window.peek() != "{":
        raise Fault(BROKEN, "RSpec's JSON is one object with `examples`")
    for name in window.members():
        if name == "examples" and window.peek() == "[":
            for example in window.values():
                case = _case(members.fields(example, f"examples[{count}]"), f"examples[{count}]", window.line)
                stated.see(case)
                yield case
                count += 1
        elif name == "messages" and window.peek() == "[":
            for message in window.values():
                if isinstance(message, str) and len(said) < _MESSAGES:
                    said.append(message[:_SAYING])
        elif name == "summary" and window.peek() == "{":
            summary = members.fields(window.value(), name)
            stated.add(members.number(summary, "failure_count"))
            errors = members.number(summary, "errors_outside_of_examples_count") or 0
        else:
            members.scalar(window)
    window.finish()
    yield from clean.notices()
    if errors:
        for message in said or ["RSpec counts them, and says no more"]:
            yield from outside.say("the files of the specs", message)
    yield from stated.rest()
    if not count:
        yield no_cases()


def _case(example: dict[str, Any], path: str, number: int) -> Case:
    name, status = members.demanded(example, "description", path), members.demanded(example, "status", path)
    full = members.text(example, "full_description", members.NAME_LIMIT) or name
    file = members.text(example, "file_path", members.NAME_LIMIT) or ""
    around = full[: -len(name)].strip() if name and full.endswith(name) else full if full != name else ""
    outcome = _OUTCOMES.get(status) or texts.unknown(status)
    kind = message = trace = None
    if outcome is not Outcome.PASSED:
        kind, message, trace = _failure(example)
    return Case(
        suite=tuple(part for part in (file, around) if part),
        classname=around or members.file_label(file) or None,
        name=name,
        outcome=outcome,
        seconds=members.seconds(example, "run_time"),
        kind=kind,
        message=message,
        trace=trace,
        attachments=_screenshots(example),
        line=number,
    )


def _failure(example: dict[str, Any]) -> tuple[str | None, str | None, str | None]:
    error = members.inner(example, "exception")
    message = members.text(error, "message") or members.text(example, "pending_message")
    return (
        members.text(error, "class", members.NAME_LIMIT),
        message.strip("\n") if message else None,
        texts.cut("\n".join(members.long_texts(error, "backtrace"))) or None,
    )


def _screenshots(example: dict[str, Any]) -> tuple[Attachment, ...]:
    """Return the files that capybara-screenshot adds."""
    found = example.get("screenshot")
    paths = found.values() if isinstance(found, dict) else [found]
    return tuple(texts.named_file(path) for path in paths if isinstance(path, str) and path)
