"""Secrets as values, and what the redactor is told."""

import copy
import json
import pickle
import time
import traceback
from dataclasses import asdict, dataclass

import pytest

from xray_ci.secret import MASK, Redactor, Secret, Spotter


def test_a_secret_never_shows_itself():
    """No way of printing, formatting or describing an object shows its secret."""
    secret = Secret("hunter22")

    for shown in (
        str(secret),
        repr(secret),
        f"{secret}",
        f"{secret:>20}",
        f"{secret!r}",
        str([secret]),
        str({"a": secret}),
    ):
        assert "hunter22" not in shown
        assert MASK in shown
    assert secret.reveal() == "hunter22"


def test_a_secret_inside_of_a_value_stays_hidden():
    """A dataclass that holds a secret can be printed, and cannot be turned into plain data."""

    @dataclass(frozen=True)
    class Settings:
        token: Secret

    settings = Settings(Secret("hunter22"))

    assert "hunter22" not in repr(settings)
    with pytest.raises(TypeError):
        asdict(settings)
    with pytest.raises(TypeError):
        json.dumps({"token": settings.token})


@pytest.mark.parametrize("action", [pickle.dumps, copy.copy, copy.deepcopy, lambda secret: secret.__getstate__()])
def test_a_secret_is_not_copied_anywhere(action):
    """Copying and pickling fail, and their error does not tell the text."""
    secret = Secret("hunter22")
    with pytest.raises(TypeError) as error:
        action(secret)
    assert "hunter22" not in "".join(traceback.format_exception(error.value))


def test_a_secret_never_changes():
    """Nobody puts another text into a secret, or anything onto it."""
    secret = Secret("hunter22")
    for name in ("_text", "other"):
        with pytest.raises(AttributeError):
            setattr(secret, name, "x")
    assert secret.reveal() == "hunter22"


def test_secrets_compare_by_text_and_know_whether_there_is_one():
    """Two secrets of one text are one; an empty one is false."""
    assert Secret("hunter22") == Secret("hunter22") != Secret("hunter23")
    assert len({Secret("hunter22"), Secret("hunter22")}) == 1
    assert Secret("x")
    assert not Secret("")
    assert Secret("x") != "x"


@pytest.mark.parametrize("short", ["", "abc", "  abc  ", "\n\n", "a\nb"])
def test_a_very_short_value_is_not_looked_for(short):
    """A value of fewer than four characters would cut ordinary words; the caller is told that it is not covered."""
    redact = Redactor()
    assert not redact.register(short)
    assert redact("the abc of it") == "the abc of it"
    assert redact.masked == []


def test_each_line_of_a_key_file_is_a_secret():
    """A private key vanishes as a whole and line by line; masks are single lines."""
    redact = Redactor()
    assert redact.register(Secret("-----BEGIN KEY-----\nMIIEpAIBAAKCAQEA\nq+/xyz12==\n-----END KEY-----\n"))

    assert redact("a MIIEpAIBAAKCAQEA.") == "a ***."
    assert redact("-----BEGIN KEY-----\r\nMIIEpAIBAAKCAQEA\r\nq+/xyz12==\r\n-----END KEY-----") == "***"
    assert (
        redact(json.dumps({"key": "-----BEGIN KEY-----\nMIIEpAIBAAKCAQEA\nq+/xyz12==\n-----END KEY-----\n"}))
        == '{"key": "***\\n"}'
    )
    assert redact.masked == ["-----BEGIN KEY-----", "MIIEpAIBAAKCAQEA", "q+/xyz12==", "-----END KEY-----"]


def test_secrets_that_overlap_vanish_together():
    """What is left of one secret after another is no piece of either."""
    redact = Redactor()
    for secret in ("abcdefgh", "efghijkl", "ijkl-mnop"):
        redact.register(secret)
    assert redact("x abcdefghijkl-mnop y") == "x *** y"


def test_a_token_is_known_from_the_moment_it_is_registered():
    """What is registered later is cut out from then on, and twice is once."""
    redact = Redactor()
    assert redact("token-1") == "token-1"
    redact.register("token-1")
    redact.register(Secret("token-1"))
    assert redact("token-1") == MASK
    assert redact.masked == ["token-1"]


@pytest.mark.parametrize(
    ("secret", "text"),
    [
        ("p@ss/w=rd", "p%40ss%2Fw%3Drd"),
        ("p@ss/w=rd", "p%40ss/w%3drd"),
        ("p@ss/w=rd", "p%2540ss%252Fw%253Drd"),
        ("a b&c<d>", "a+b%26c%3Cd%3E"),
        ("a b&c<d>", "a b&amp;c&lt;d&gt;"),
        ("a b&c<d>", "a b\\u0026c\\u003cd\\u003E"),
        ("a b&c<d>", "a b&amp;amp;c&amp;lt;d&#62;"),
        ('it\'s "so"', 'it\\\'s \\"so\\"'),
        ('it\'s "so"', "it&#x27;s &quot;so&quot;"),
        ("tab\there", "tab\\there"),
        ("back\\slash", "back\\\\slash"),
        ("back\\slash", "back%5Cslash"),
        ("grün-€-😀", "gr\\u00fcn-\\u20ac-\\ud83d\\ude00"),
        ("grün-€-😀", "gr%C3%BCn-%e2%82%ac-%F0%9F%98%80"),
        ("grün-€-😀", "gr\\xfcn-&#8364;-&#x1F600;"),
        ("*****", "******"),
    ],
)
def test_forms_a_secret_travels_in(secret, text):
    """Encodings of logs, addresses, documents and pages are seen, in upper and lower case and one in another."""
    redact = Redactor()
    redact.register(secret)
    assert {"*"} == set(redact(text))


def test_ordinary_text_stays():
    """Redaction cuts nothing but secrets."""
    redact = Redactor()
    redact.register("0123456789abcdef0123456789abcdef")
    text = (
        "TEST-a.xml: 12 tests, 3 failed; SHOP-41 https://jira.example.com/browse/SHOP-41?x=1&y=%20 0123456789abcdef\n"
    )
    assert text == redact(text)


def test_bytes_of_the_environment_that_are_no_text():
    """A secret with bytes that are no UTF-8 is known too, raw and encoded."""
    redact = Redactor()
    redact.register("key-\udcff\udc80-key")
    assert MASK == redact("key-\udcff\udc80-key") == redact("key-%FF%80-key")
    redact.register("odd-\ud800-one")
    assert redact("odd-\ud800-one") == MASK


@pytest.mark.parametrize(
    "secret", ["$ecret-value-1", '"quoted-value-1', "<angle-value-1", "\\back-value-1", "plain-value-1"]
)
@pytest.mark.parametrize("text", ["\\", "$", "\\$", "&amp;", "%25", "a", "$ecret", "\\u0024"])
def test_redacting_takes_time_in_proportion_to_the_text(secret, text):
    """Four times a run of what an encoding repeats takes about four times as long, whatever a secret begins with."""
    redact = Redactor()
    redact.register(secret)
    redact("x")

    def took(size):
        """Return the least of three: seconds of this process."""
        times = []
        for _ in range(3):
            begun = time.process_time()
            redact(text * size)
            times.append(time.process_time() - begun)
        return min(times)

    small = took(20_000)
    assert took(80_000) < max(6 * small, 0.5)


@pytest.mark.parametrize("value", ["correct horse battery", "my$cart$shop$now", "a-word/that+is-long"])
def test_a_spotter_tells_a_word_of_a_secret_from_the_secret(value):
    """Words alone may be a secret, and when it is looked at closely they are none."""
    redactor = Redactor()
    redactor.register(value)
    spotter = Spotter(redactor, exact=True)

    spotter.look(b"the correct cart is a word")

    assert not spotter.found


def test_a_spotter_of_other_texts():
    """An ordinary report costs no second look; without plain bytes every text gets one."""
    redactor = Redactor()
    redactor.register("plainsecretvalue1")
    spotter = Spotter(redactor)

    spotter.look(b"an ordinary report " * 100)
    assert not spotter.seen
    spotter.look(b"\0")
    assert spotter.seen
