"""What the author of a test attached to it in JUnit XML: Xray's properties and named files. Knows names, not elements."""

from __future__ import annotations

import re
from typing import Final

from xray_ci.model import TEXT_LIMIT, Attachment, Mark, MarkKind
from xray_ci.reports import texts

EVIDENCE: Final = "testrun_evidence"
CUSTOM_FIELDS: Final = "testrun_customfields"
_CUSTOM_FIELD: Final = "testrun_customfield:"

_ONE: Final = {"test_key": MarkKind.TEST_KEY, "test_id": MarkKind.TEST_ID, "test_summary": MarkKind.SUMMARY,
               "test_description": MarkKind.DESCRIPTION, "testrun_comment": MarkKind.COMMENT}
_COMMA_LISTS: Final = {"requirements": MarkKind.REQUIREMENT, "requirement": MarkKind.REQUIREMENT, "tags": MarkKind.TAG}
_FILES: Final = frozenset({"attachment", "attachments", "testrail_attachment"})
_NAMES: Final = frozenset({*_ONE, *_COMMA_LISTS, *_FILES, EVIDENCE, CUSTOM_FIELDS})

# Possessive, so that scanning is linear whatever the text.
_OPTION: Final = re.compile(r"((?:\\[\\;]|;(?=\s)|[^;])*+)(?:;|\Z)")
_ESCAPED: Final = re.compile(r"\\([\\;])")


def known(name: str) -> bool:
    """Say whether a property means anything here; all others are dropped unread."""
    return name in _NAMES or name.startswith(_CUSTOM_FIELD)


def marks(name: str, value: str) -> list[Mark]:
    """Return what a property of a case says; its key may be no key at all, nobody has looked. The value is stripped."""
    if len(value) > TEXT_LIMIT:
        value = texts.cut(value)
    if kind := _ONE.get(name):
        return [Mark(kind=kind, value=value)]
    if kind := _COMMA_LISTS.get(name):
        if "," not in value:
            return [Mark(kind=kind, value=value)]
        return [Mark(kind=kind, value=part) for part in map(str.strip, value.split(",")) if part]
    if name.startswith(_CUSTOM_FIELD):
        return custom_field(name[len(_CUSTOM_FIELD):], value)
    return []


def custom_field(name: str, value: str) -> list[Mark]:
    r"""Return a custom field, one mark for each of its options.

    Options are joined with `;`, and xray-junit-extensions escapes `;` and `\` in each with a backslash (O: its `XrayTestReporterImpl`), but
    only where there are several: a value without `;` is taken as it is. A `;` before a blank is punctuation, as in a browser's name (A).
    """
    if ";" not in value:
        return [Mark(kind=MarkKind.CUSTOM_FIELD, name=name, value=value)]
    options = [option for option in map(str.strip, _OPTION.findall(value)) if option]
    return [Mark(kind=MarkKind.CUSTOM_FIELD, name=name, value=_ESCAPED.sub(r"\1", option)) for option in options]


def files(name: str, value: str, number: int) -> list[Attachment]:
    """Return the files that a property of a case names or holds; `number` counts the case's files."""
    if name in _FILES:
        return [texts.named_file(line) for line in map(str.strip, value.splitlines()) if line]
    if name == EVIDENCE and (base64 := texts.packed(value)):
        return [Attachment(name=texts.nameless(number, base64), base64=base64)]
    return []


def evidence(name: str, value: str, number: int) -> Attachment | None:
    """Return the file in base64 that an `item` holds; None for an empty one. `number` counts the case's files."""
    base64 = texts.packed(value)
    return Attachment(name=name or texts.nameless(number, base64), base64=base64) if base64 else None


def from_output(text: str) -> tuple[list[Attachment], list[Mark]]:
    """Return the files and properties that a case's output names."""
    paths, properties = texts.markers(text)
    return ([texts.named_file(path) for path in paths],
            [mark for name, value in properties if value.strip() for mark in marks(name.strip(), value.strip())])
