"""Places in source files, as traces of each language write them."""

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from xray_ci.pipeline.failures import FRAMES_LIMIT, frames

PYTHON = """Traceback (most recent call last):
  File "/w/tests/test_cart.py", line 12, in test_removes
    cart.remove("x")
  File "/w/src/shop/cart.py", line 7, in remove
    raise KeyError(name)
KeyError: 'x'
"""
PYTEST = """def test_removes():
>       assert 1 == 2
E       assert 1 == 2

tests/test_cart.py:12: AssertionError"""
JAVA = """org.opentest4j.AssertionFailedError: expected: <1> but was: <2>
\tat java.base/java.lang.Thread.run(Thread.java:840)
\tat app//com.shop.CartTest.removes(CartTest.java:42)
\tat com.shop.CartTest$Inner.lambda$x$0(CartTest.kt:9)"""
JEST = """Error: expect(received).toBe(expected)
    at Object.<anonymous> (/w/test/cart.test.js:12:5)
    at file:///w/node_modules/jest/build/index.js:3:1
    at async w:\\src\\b.ts:4:2"""


@pytest.mark.parametrize(
    ("text", "places"),
    [
        (PYTHON, [(("w", "src", "shop", "cart.py"), 7), (("w", "tests", "test_cart.py"), 12)]),
        (PYTEST, [(("tests", "test_cart.py"), 12)]),
        (
            JAVA,
            [
                (("java", "lang", "Thread.java"), 840),
                (("com", "shop", "CartTest.java"), 42),
                (("com", "shop", "CartTest.kt"), 9),
            ],
        ),
        (
            JEST,
            [
                (("w", "test", "cart.test.js"), 12),
                (("w", "node_modules", "jest", "build", "index.js"), 3),
                (("src", "b.ts"), 4),
            ],
        ),
        (r"   at Shop.CartTests.Removes() in C:\src\web\CartTests.cs:line 42", [(("src", "web", "CartTests.cs"), 42)]),
        ("   at Shop.CartTests.Removes() in /src/a b/CartTests.cs:line 42", [(("src", "a b", "CartTests.cs"), 42)]),
        ("    cart_test.go:12: expected 1", [(("cart_test.go",), 12)]),
        ("# ./spec/cart_spec.rb:12:in 'block (2 levels) in <top (required)>'", [(("spec", "cart_spec.rb"), 12)]),
        ("/app/tests/CartTest.php:12", [(("app", "tests", "CartTest.php"), 12)]),
        ("thread 'it' panicked at src/lib.rs:12:5:", [(("src", "lib.rs"), 12)]),
        ("tests/cart.cpp:12: Failure", [(("tests", "cart.cpp"), 12)]),
        ("[chromium] › tests/cart.spec.ts:12:5 › removes", [(("tests", "cart.spec.ts"), 12)]),
        ("webpack://web/./src/cart.ts:12:5", [(("src", "cart.ts"), 12)]),
        ("http://localhost:8080/x took 12:30", []),
        ("a ratio of 3.5:1, at 10:30", []),
        ("../../etc/passwd.txt:1", []),
        ("x.py:0", []),
        ("", []),
    ],
)
def test_places_of_each_language(text, places):
    """Path and line are read, the call that failed first; what only looks alike is none."""
    assert places == [(frame.parts, frame.line) for frame in frames(text)]


@pytest.mark.parametrize(
    "text",
    [
        ":" * 50_000,
        "a.b:1 " * 9_000,
        " in " * 20_000,
        'File "' * 9_000,
        "x" * 60_000 + ".py:1",
        "\n".join(["a.py:1"] * 9_000),
    ],
)
def test_an_unsafe_trace_costs_no_time(text):
    """However odd the text, looking through it takes a fraction of a second and finds a bounded number of places."""
    begun = time.perf_counter()
    assert len(frames(text)) <= FRAMES_LIMIT
    assert time.perf_counter() - begun < 1


@given(st.text(max_size=300))
def test_no_text_breaks_it(text):
    """Any text gives places with positive lines and paths that stay below where they begin."""
    for frame in frames(text):
        assert frame.line > 0
        assert not {"", ".", ".."} & set(frame.parts)
