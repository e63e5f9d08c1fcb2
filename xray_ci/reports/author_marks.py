"""What the author of a test said of it: tags, annotations with a type and a description, properties, named files.

`@SHOP-12`, `@TEST_SHOP-12` and `@TestName:SHOP-12` name a Test (O), `@REQ_SHOP-7` and `@Requirement:SHOP-7` a
requirement (A); the at sign may be missing. A tag that begins like one of these and goes on otherwise is a label.
Annotations and properties have the names of Xray's properties in JUnit XML (`test_key`, `requirements`, `tags`,
`test_description`, `testrun_comment` …); an `issue` is a defect where it is, or links to, the key of one. Annotations
of other types are notes for readers.

Knows spellings and names; knows no format of reports.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from xray_ci.model import TEXT_LIMIT, Attachment, Mark, MarkKind
from xray_ci.patterns import lazy, remembered
from xray_ci.reports import texts

if TYPE_CHECKING:
    from collections.abc import Iterable

    from xray_ci.reports.members import Members


KEY: Final = lazy(r"[A-Z][A-Z0-9_]{1,40}-[1-9][0-9]{0,9}")
"""What looks like the key of a Jira issue."""
TAG_LIMIT: Final = 255
"""Characters of a label (D, Jira); a longer tag is cut."""
TAGS_LIMIT: Final = 500
"""Tags kept of one test."""
_TAG: Final = lazy(rf"(?:(?P<test>TEST_|TestName:)|(?P<requirement>REQ_|Requirement:))?(?P<key>{KEY.pattern})")


@remembered
def of_tag(tag: str) -> Mark | None:
    """Return what one tag says, None for an empty one."""
    bare = tag.strip().removeprefix("@")
    if not bare:
        return None
    found = _TAG.fullmatch(bare) if len(bare) <= TAG_LIMIT else None
    if found is None:
        return Mark(kind=MarkKind.TAG, value=bare[:TAG_LIMIT])
    return Mark(kind=MarkKind.REQUIREMENT if found["requirement"] else MarkKind.TEST_KEY, value=found["key"])


def of_tags(names: Iterable[str]) -> tuple[Mark, ...]:
    """Return what the tags of a test say, each once, in order."""
    found = dict.fromkeys(map(of_tag, names))
    return tuple([mark for mark in found if mark is not None])[:TAGS_LIMIT]


def key_in(text: str) -> str | None:
    """Return the key that a text is, or that a link ends in (`https://jira.example.org/browse/SHOP-12`)."""
    last = text.strip().rstrip("/").rpartition("/")[2]
    return last if KEY.fullmatch(last) else None


def has_key(found: Iterable[Mark]) -> bool:
    """Say whether a Test is named by its key or its id."""
    return any(each.kind in {MarkKind.TEST_KEY, MarkKind.TEST_ID} for each in found)


ANNOTATIONS_LIMIT: Final = 1_000
"""Annotations looked at of one test."""
_ISSUES: Final = frozenset({"issue", "bug", "defect"})


def of_annotations(annotations: Iterable[Members]) -> tuple[Mark, ...]:
    """Return what annotations say, each thing once, in order."""
    found: dict[Mark, None] = {}
    for number, annotation in enumerate(annotations):
        if number >= ANNOTATIONS_LIMIT:
            break
        for mark in of_annotation(annotation.text("type") or "", annotation.text("description") or ""):
            found[mark] = None
    return tuple(found)


def of_annotation(name: str, value: str) -> list[Mark]:
    """Return what one annotation says; its key may be no key at all, nobody has looked."""
    value = value.strip()
    if not value:
        return []
    if name.lower() in _ISSUES:
        key = key_in(value)
        return [Mark(kind=MarkKind.DEFECT, value=key)] if key is not None else []
    return of_property(name, value)


EVIDENCE: Final = "testrun_evidence"
CUSTOM_FIELDS: Final = "testrun_customfields"
_CUSTOM_FIELD: Final = "testrun_customfield:"

_ONE: Final = {
    "test_key": MarkKind.TEST_KEY,
    "test_id": MarkKind.TEST_ID,
    "test_summary": MarkKind.SUMMARY,
    "test_description": MarkKind.DESCRIPTION,
    "testrun_comment": MarkKind.COMMENT,
}
_COMMA_LISTS: Final = {"requirements": MarkKind.REQUIREMENT, "requirement": MarkKind.REQUIREMENT, "tags": MarkKind.TAG}
_FILES: Final = frozenset({"attachment", "attachments", "testrail_attachment"})
_NAMES: Final = frozenset({*_ONE, *_COMMA_LISTS, *_FILES, EVIDENCE, CUSTOM_FIELDS})

# Possessive, so that scanning is linear whatever the text.
_OPTION: Final = lazy(r"((?:\\[\\;]|;(?=\s)|[^;])*+)(?:;|\Z)")
_ESCAPED: Final = lazy(r"\\([\\;])")


def is_property(name: str) -> bool:
    """Say whether a property means anything here; all others are dropped unread."""
    return name in _NAMES or name.startswith(_CUSTOM_FIELD)


def of_property(name: str, value: str) -> list[Mark]:
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
        return custom_field(name[len(_CUSTOM_FIELD) :], value)
    return []


def custom_field(name: str, value: str) -> list[Mark]:
    r"""Return a custom field, one mark for each of its options.

    Options are joined with `;`, and xray-junit-extensions escapes `;` and `\` in each with a backslash (O: its
    `XrayTestReporterImpl`), but only where there are several: a value without `;` is taken as it is. A `;` before a
    blank is punctuation, as in a browser's name (A).
    """
    if ";" not in value:
        return [Mark(kind=MarkKind.CUSTOM_FIELD, name=name, value=value)]
    options = [option for option in map(str.strip, _OPTION.findall(value)) if option]
    return [Mark(kind=MarkKind.CUSTOM_FIELD, name=name, value=_ESCAPED.sub(r"\1", option)) for option in options]


def files_of(name: str, value: str, number: int) -> list[Attachment]:
    """Return the files that a property of a case names or holds; `number` counts the case's files."""
    if name in _FILES:
        return [texts.named_file(line) for line in map(str.strip, value.splitlines()) if line]
    if name == EVIDENCE and (base64 := texts.without_blanks(value)):
        return [Attachment(name=texts.nameless(number, base64), base64=base64)]
    return []


def evidence_of(name: str, value: str, number: int) -> Attachment | None:
    """Return the file in base64 that an `item` holds; None for an empty one. `number` counts the case's files."""
    base64 = texts.without_blanks(value)
    return Attachment(name=name or texts.nameless(number, base64), base64=base64) if base64 else None


def from_output(text: str) -> tuple[list[Attachment], list[Mark]]:
    """Return the files and properties that a case's output names."""
    paths, properties = texts.markers(text)
    return (
        [texts.named_file(path) for path in paths],
        [mark for name, value in properties if value.strip() for mark in of_property(name.strip(), value.strip())],
    )
