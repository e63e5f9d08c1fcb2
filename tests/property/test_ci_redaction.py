"""Laws of redaction: whatever the secret and the text around it."""

import base64
import html
import json
from urllib.parse import quote, quote_plus

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from xray_ci.secret import SHORTEST, Redactor, Spotter


def _written_in(coding):
    return st.text(st.characters(codec=coding), min_size=SHORTEST, max_size=40).filter(
        lambda text: len(text.strip()) >= SHORTEST
    )


SECRETS = _written_in("utf-8")
TOKENS = st.text("abcXYZ019-_.~+/=%&<>\"'\\ :*\n", min_size=SHORTEST, max_size=60).filter(
    lambda text: len(text.strip()) >= SHORTEST
)
ANY_SECRET = SECRETS | TOKENS
AROUND = st.text(max_size=30) | st.text("abcXYZ019+/=*%\\&;", max_size=30)


def _json_inside(text, *, ascii_only):
    return json.dumps(text, ensure_ascii=ascii_only)[1:-1]


FORMS = {
    "plain": lambda secret: secret,
    "quote": lambda secret: quote(secret, safe=""),
    "quote but slash": quote,
    "quote_plus": quote_plus,
    "lower case quote": lambda secret: quote(secret, safe="").replace("%2F", "%2f").replace("%3D", "%3d"),
    "quoted twice": lambda secret: quote(quote(secret)),
    "json": lambda secret: _json_inside(secret, ascii_only=False),
    "json ascii": lambda secret: _json_inside(secret, ascii_only=True),
    "json html-safe": lambda secret: (
        _json_inside(secret, ascii_only=True).replace("<", "\\u003c").replace("&", "\\u0026")
    ),
    "html": html.escape,
    "html but quotes": lambda secret: html.escape(secret, quote=False),
}


def _middle(coded, raw_length, before):
    """Return the part of base64 text that does not depend on what stands before and after the secret."""
    return coded[-(-before * 8 // 6) : (before + raw_length) * 8 // 6]


@pytest.mark.parametrize("form", FORMS)
@given(secret=ANY_SECRET, before=AROUND, after=AROUND)
@example(secret="****", before="*", after="**")
@example(secret="a\\\\\\b", before="\\", after="\\")
def test_no_form_of_a_secret_is_left(form, secret, before, after):
    """Between any texts, a secret in any form is gone, and redacting again changes nothing."""
    redact = Redactor()
    redact.register(secret)
    shown = FORMS[form](secret.strip())

    text = redact(before + shown + after)

    assert shown not in text
    assert secret.strip() not in text
    assert text == redact(text)


@given(
    secret=ANY_SECRET, before=st.binary(max_size=7), after=st.binary(max_size=7), coding=st.sampled_from(["std", "url"])
)
def test_base64_at_every_alignment(secret, before, after, coding):
    """In base64, whatever surrounds the secret's bytes, what depends on the secret alone is gone."""
    redact = Redactor()
    redact.register(secret)
    raw = secret.strip().encode()
    encode = base64.b64encode if coding == "std" else base64.urlsafe_b64encode
    coded = encode(before + raw + after).decode()

    text = redact(coded)

    assert _middle(coded, len(raw), len(before)) not in text
    assert text == redact(text)


@given(
    coding_and_secret=st.sampled_from(["utf-8", "latin-1"]).flatmap(
        lambda coding: st.tuples(st.just(coding), _written_in(coding))
    ),
    user=st.text(st.characters(codec="ascii"), max_size=20),
)
def test_basic_header(coding_and_secret, user):
    """A Basic header with any user name before the secret does not show the secret."""
    coding, secret = coding_and_secret[0], coding_and_secret[1].strip()
    redact = Redactor()
    redact.register(secret)
    before, raw = f"{user}:".encode(coding), secret.encode(coding)
    coded = base64.b64encode(before + raw).decode()

    text = redact(f"Authorization: Basic {coded}")

    assert _middle(coded, len(raw), len(before)) not in text


@given(secrets=st.lists(ANY_SECRET, min_size=1, max_size=4), glue=st.lists(AROUND, min_size=5, max_size=5))
def test_several_secrets_at_once(secrets, glue):
    """Of several secrets side by side, overlapping or one in another, none is left."""
    redact = Redactor()
    for secret in secrets:
        redact.register(secret)
    text = redact("".join(part + secret for part, secret in zip(glue, secrets, strict=False)) + glue[-1])
    for secret in secrets:
        assert secret.strip() not in text
    assert text == redact(text)


@given(lines=st.lists(ANY_SECRET, min_size=2, max_size=4), separator=st.sampled_from(["\n", "\r\n"]))
def test_lines_of_a_secret_vanish_one_by_one(lines, separator):
    """A secret of several lines is not shown by printing its lines apart."""
    redact = Redactor()
    redact.register(separator.join(lines))
    shown = [line.strip() for secret in lines for line in secret.splitlines() if len(line.strip()) >= SHORTEST]
    text = redact("\n".join(f"> {line}" for line in shown))
    for line in shown:
        assert line not in text


@given(text=st.text("xyz ./:;,-_()äöü\n"), secret=st.text("ABC0189", min_size=SHORTEST))
def test_text_without_the_secret_is_not_touched(text, secret):
    """Whatever is cut out was a secret: other text comes out as it was."""
    redact = Redactor()
    redact.register(secret)
    assert text == redact(text)


@pytest.mark.parametrize("form", [*FORMS, "base64"])
@pytest.mark.parametrize("coding", ["utf-8", "utf-16"])
# No variable holds a NUL, and bytes are looked at without them.
@given(secret=ANY_SECRET.filter(lambda text: "\0" not in text), before=AROUND, after=AROUND, cut=st.integers(0, 200))
@example(secret="пароль-секрет", before="", after="", cut=3)
@example(secret="!§$%&/()=?!§$%&", before="", after="", cut=9)
def test_a_spotter_sees_every_form(form, coding, secret, before, after, cut):
    """However the bytes of a report are cut, a secret in them is seen, and found where it stands as UTF-8."""
    redactor = Redactor()
    redactor.register(secret)
    value = secret.strip()
    shown = base64.b64encode(f"ab{value}cd".encode()).decode() if form == "base64" else FORMS[form](value)
    content = f"{before}{shown}{after}".encode(coding, "replace")
    spotter = Spotter(redactor, exact=True)

    spotter.look(content[:cut])
    spotter.look(content[cut:])

    assert spotter.seen
    assert spotter.found or coding == "utf-16"
