"""The hardened reader: encodings, entities, depth, size."""

from io import BytesIO

import pytest
from report_reading import cases

from xray_ci.reports import junit, xml
from xray_ci.reports.notices import Fault


def refused(document):
    with pytest.raises(Fault) as caught:
        for _ in junit.read(BytesIO(document)):
            pass
    return caught.value


TEXT = '<testsuite name="Žluťoučký"><testcase name="kůň"/></testsuite>'


@pytest.mark.parametrize(
    "encoding",
    [
        "utf-8",
        "utf-8-sig",
        "utf-16",
        "utf-16-le",
        "utf-16-be",
        "utf-32",
        "utf-32-be",
        "windows-1250",
        "iso-8859-2",
        "gb18030",
    ],
)
@pytest.mark.parametrize("declared", [True, False])
def test_any_encoding_is_read(encoding, declared):
    """By byte order mark, by zero bytes, or as declared; wide encodings need no declaration."""
    if not declared and encoding in {"windows-1250", "iso-8859-2", "gb18030"}:
        pytest.skip("nobody can know")
    head = f"<?xml version='1.0' encoding='{encoding.removesuffix('-sig')}'?>" if declared else ""

    assert [case.name for case in cases((head + TEXT).encode(encoding))] == ["kůň"]


def test_a_wide_encoding_declared_over_single_bytes_is_wrong():
    """.NET declares UTF-16 in a text that is then written as UTF-8."""
    assert [case.name for case in cases(f"<?xml version='1.0' encoding='utf-16'?>{TEXT}")] == ["kůň"]


@pytest.mark.parametrize("encoding", ["klingon", "base64", "punycode", "unicode_escape", "rot13", "utf-7"])
def test_what_is_no_encoding_is_refused(encoding):
    """Names of codecs that are no character sets of files do not get to work."""
    assert "encoding" in refused(f"<?xml version='1.0' encoding='{encoding}'?>{TEXT}".encode()).cause


WRONG = {
    "utf-8": b"\xff",
    "utf-16-le": b"\x00\xd8\x20\x00",
    "utf-32-be": b"\x00\x11\x00\x00",
    "windows-1252": b"\x81",
    "shift_jis": b"\x81\xff",
    "euc-jp": b"\xff",
    "iso-2022-jp": b"\xff",
    "gb18030": b"\xff",
}
"""Bytes that are no character, for each kind of decoder."""


@pytest.mark.parametrize("encoding", WRONG)
@pytest.mark.parametrize("size", [1, 2, 3, 5, 64, 4096])
def test_what_stands_before_a_wrong_byte_is_returned_first(encoding, size):
    """It makes no difference into which pieces a stream is cut."""
    text = "<a>日本語</a>" if encoding != "windows-1252" else "<a>Žluť</a>".replace("ť", "t")
    source = BytesIO(text.encode(encoding) + WRONG[encoding] + text.encode(encoding))
    decoder, seen = xml.Decoder(encoding), ""

    with pytest.raises(Fault) as caught:
        while piece := source.read(size):
            seen += decoder.decode(piece)
        decoder.decode(b"", final=True)

    assert (seen, caught.value.mendable) == (text, True)


@pytest.mark.parametrize("encoding", [name for name in WRONG if name != "utf-8"])
def test_a_wrong_byte_does_not_hide_what_is_unsafe_before_it(encoding):
    """A report that nests too deep is told as that, though a byte behind it is wrong."""
    head = f"<?xml version='1.0' encoding='{encoding}'?>" + "<a>" * 600

    assert refused(head.encode(encoding) + WRONG[encoding]).slug == "unsafe-report"


@pytest.mark.parametrize(
    "doctype",
    [
        "<!DOCTYPE testsuites>",
        '<!DOCTYPE x SYSTEM "http://127.0.0.1:9/x.dtd">',
        '<!DOCTYPE x PUBLIC "-//X" "file:///etc/passwd" [<!ELEMENT testsuite ANY> <!ENTITY who "the cart">]>',
    ],
)
def test_a_doctype_alone_is_no_fault(doctype):
    """Real reports have one; it is never fetched."""
    assert len(cases(f"{doctype}<testsuite><testcase name='x'/></testsuite>")) == 1


def test_a_short_inner_entity_is_expanded():
    """A harmless entity means what it says."""
    (case,) = cases(
        "<!DOCTYPE x [<!ENTITY who 'the cart'>]><testsuite><testcase name='in "
        "&who;'><failure>&who;</failure></testcase></testsuite>"
    )

    assert (case.name, case.trace) == ("in the cart", "the cart")


@pytest.mark.parametrize(
    "declared",
    [
        "<!ENTITY e SYSTEM 'file:///etc/hostname'>",
        "<!ENTITY % p '<!ENTITY a \"b\">'> %p;",
        "<!ENTITY a 'b'><!ENTITY c '&a;'>",
        f"<!ENTITY a '{'b' * 1000}'>",
        "<!ENTITY e SYSTEM 'x' NDATA gif>",
        "".join(f"<!ENTITY a{number} 'b'>" for number in range(2000)),
    ],
)
def test_other_entities_are_unsafe(declared):
    """External, nested, long, parameter and countless ones are refused where they are declared, used or not."""
    assert refused(f"<!DOCTYPE x [{declared}]><testsuite><testcase/></testsuite>".encode()).slug == "unsafe-report"


def test_default_attributes_of_a_doctype_are_not_taken():
    """A DOCTYPE cannot put an outcome into each case."""
    (case,) = cases("<!DOCTYPE x [<!ATTLIST testcase status CDATA 'failed'>]><testsuite><testcase/></testsuite>")

    assert case.outcome.value == "passed"


@pytest.mark.parametrize(
    "tag", ["testsuite", "testcase", "failure", "system-out", "property", "item", "skipped", "flakyError", "x", "p:x"]
)
@pytest.mark.parametrize("around", ["", "<testcase>"])
def test_absurd_depth_is_unsafe(tag, around):
    """Nothing nests without end, whatever its name and wherever it stands."""
    assert refused(f"<testsuite>{around}{f'<{tag}>' * 100_000}".encode()).slug == "unsafe-report"


def test_countless_kinds_of_elements_are_unsafe():
    """Names are remembered, so there is a bound on them."""
    assert refused(b"<testsuite>" + b"".join(b"<a%d/>" % number for number in range(20_000))).slug == "unsafe-report"


def test_countless_attributes_are_unsafe():
    """So there is on the attributes of one element that does not end."""
    assert refused(b"<testsuite " + b"".join(b"a%d='' " % number for number in range(200_000))).slug == "unsafe-report"


def test_a_tag_without_end_is_unsafe(monkeypatch):
    """One tag or comment has a largest size."""
    monkeypatch.setattr(xml, "TAG_LIMIT", 1_000_000)

    assert refused(b"<testsuite><!--" + b"x" * 2_000_000).slug == "unsafe-report"


@pytest.mark.parametrize(
    ("document", "slug", "line"),
    [
        (b"<testsuite>\n<testcase>", "truncated-report", 2),
        (b"<testsuite>\n<testcase name='a", "truncated-report", 2),
        (b"", "truncated-report", 1),
        (b"<testsuite>\n<testcase/></x>", "unreadable-report", 2),
        (b"<testsuite a='1' a='2'/>", "unreadable-report", 1),
        (b"<html>\n</html>", "not-a-test-report", None),
    ],
)
def test_a_fault_says_what_and_where(document, slug, line):
    """Cut off, broken and other are three things; lines count from 1."""
    fault = refused(document)

    assert (slug, line) == (fault.slug, fault.line)


def test_large_evidence_is_left_out_and_told(monkeypatch):
    """Evidence beyond its bound is not kept in part; the case stays."""
    monkeypatch.setattr(junit, "EVIDENCE_LIMIT", 100_000)
    item = (
        "<property name='testrun_evidence'><item name='big'>"
        + "QUJD" * 200_000
        + "</item><item name='small'>QUJD</item></property>"
    )

    found = list(junit.read(BytesIO(f"<testsuite><testcase>{item}</testcase></testsuite>".encode())))

    assert [problem.slug for problem in found[:1]] == ["evidence-left-out"]
    assert [attachment.name for attachment in found[1].attachments] == ["small"]
