"""How each test runner is told to run just some tests: THE table of runners, and how one Test is written for each.

Pure: Tests in, text out; knows no service. What a Test is called was written by strangers: where a shell or a pattern
could act on it, nothing of it but letters and digits is printed as it is. Definitions are those that reports of the
runner make (docs/mapping.md).
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Final, NamedTuple

from msgspec import Struct

from xray_ci.ci.text import clean, harmless
from xray_ci.patterns import lazy

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from xray_ci.services.store import ExistingTest

ONE_ARGUMENT: Final = 131_071
"""Bytes that Linux takes as one argument of a command (D: MAX_ARG_STRLEN)."""


_LONGEST: Final = 4_000
"""Characters of a definition that is taken apart."""


class Written(NamedTuple):
    """What selects one Test."""

    text: str
    wide: bool = False
    """Whether it selects more than the Test: all rows of a test whose rows no filter tells apart."""


class Circumstances(Struct, frozen=True, kw_only=True):
    """What is known besides a Test."""

    folder: Path
    """Where the runner will be started."""
    prefixes: tuple[str, ...] = ("TEST_",)
    """What may stand before a key in a tag, `@` left out; a bare key is always looked for."""


class Runner(Struct, frozen=True, kw_only=True):
    """One runner: how one Test is written, and what stands between and around all of them."""

    name: str
    write: Callable[[ExistingTest, Circumstances], Written | None]
    """None for a Test that this runner cannot be told."""
    separator: str = "\n"
    before: str = ""
    after: str = ""
    tag: Callable[[ExistingTest, Circumstances], Written | None] | None = None
    """How a Test is written by its key where none of the selection can be written otherwise: Robot wants a test to have
    the name and the tag where it is given both (O)."""
    keyed: bool = False
    """Whether its pattern also finds the keys of Tests in titles and tags."""
    limit: int | None = ONE_ARGUMENT
    """Bytes that can be handed over; None where the text is a file of arguments, or many of them."""
    how: str
    """How what is printed is handed over."""


class Selection(Struct, frozen=True, kw_only=True):
    """What a runner is told, and what it cannot be told."""

    text: str
    """Empty when there is nothing that it could be told."""
    told: tuple[ExistingTest, ...] = ()
    wide: tuple[ExistingTest, ...] = ()
    untold: tuple[ExistingTest, ...] = ()


def render(runner: Runner, tests: Sequence[ExistingTest], around: Circumstances) -> Selection:
    """Return the filter for these Tests."""
    write = runner.write
    found = [(test, write(test, around)) for test in tests]
    if runner.tag is not None and not any(written for _, written in found):
        found = [(test, runner.tag(test, around)) for test in tests]
    told = tuple(test for test, written in found if written)
    words = dict.fromkeys(written.text for _, written in found if written and written.text)
    text = f"{runner.before}{runner.separator.join(words)}{runner.after}" if words else ""
    if runner.keyed and told:
        text = "|".join(filter(None, (rf"(?:\b|_)(?:{'|'.join(test.key for test in told)})\b", text)))
    return Selection(
        text=text,
        told=told,
        wide=tuple(test for test, written in found if written and written.wide),
        untold=tuple(test for test, written in found if not written),
    )


def _definition(test: ExistingTest) -> str:
    """Return the definition; of one that is too long to be a name, nothing."""
    text = test.definition or ""
    return text if len(text) <= _LONGEST else ""


def _plain(text: str) -> Written | None:
    """Return a line that is printed as it is, None where a runner's log or a reader of lines would take it for more."""
    return Written(text) if text.isprintable() and harmless(clean(text)) == text else None


# Names in Python


_MODULE: Final = lazy(r"\w[\w-]*")


def _pytest(test: ExistingTest, around: Circumstances) -> Written | None:
    """Turn `tests.test_cart.CartTest.test_adds[1]` back into a node id: pytest's own JUnit XML joins it so (D)."""
    whole, bracket, row = _definition(test).partition("[")
    *names, function = whole.split(".")
    if not names or not all(_MODULE.fullmatch(name) for name in (*names, function)) or (bracket and row[-1:] != "]"):
        return None
    there = (n for n in range(len(names), 0, -1) if around.folder.joinpath(*names[:n]).with_suffix(".py").is_file())
    guess = next((n for n, name in enumerate(names) if n and name[:1].isupper()), len(names))
    at = next(there, guess)
    return _plain("::".join(("/".join(names[:at]) + ".py", *names[at:], function + bracket + row)))


_ROBOT_SIGNS: Final = lazy(r"[*?\[]")


def _robot(test: ExistingTest, _: Circumstances) -> Written | None:
    """Name a test with its suites; its pattern has `*`, `?` and `[…]` (D)."""
    name = _ROBOT_SIGNS.sub(r"[\g<0>]", _definition(test))
    return _plain(f"--test {name}") if name.strip() else None


def _robot_tags(test: ExistingTest, around: Circumstances) -> Written:
    """Include tags, in lower case: `STORE-1` would be `ST` or `E-1`, and case is no matter (D)."""
    return Written("\n".join(f"--include {name.lower()}" for name in _tags(test, around, "")))


def _tags(test: ExistingTest, around: Circumstances, sign: str) -> list[str]:
    return [f"{sign}{prefix}{test.key}" for prefix in ("", *around.prefixes)]


# Names of the JVM and of .NET


_OWNED: Final = lazy(r"(?P<owner>(?:\w[\w$]*\.)*?[^\W\d_a-z][\w$]*(?:\.[^\W\d_a-z][\w$]*)*)\.(?P<method>.+)")
"""A class begins with a capital letter, a package does not."""
_LAST: Final = lazy(r"(?P<owner>\w[\w$+]*(?:\.\w[\w$+]*)*)\.(?P<method>[^.(\[{]+.*)")
_ROW: Final = lazy(r"(?P<name>[^(\[{]*)(?P<row>.*)")
_OTHER: Final = lazy(r"\W")
_WORD: Final = lazy(r"\w")


def _method(test: ExistingTest) -> tuple[str, str, bool] | None:
    """Return class and method of a Test, and whether it is one row of that method."""
    found = _OWNED.fullmatch(text := _definition(test)) or _LAST.fullmatch(text)
    if found is None or (method := _ROW.fullmatch(found["method"])) is None or not _WORD.search(method["name"]):
        return None
    return found["owner"], method["name"].rstrip(), method["row"] not in ("", "()")


def _maven(test: ExistingTest, _: Circumstances) -> Written | None:
    """Write `Class#method`; `?` is any one sign (D: Surefire), and stands for all that is neither letter nor digit."""
    found = _method(test)
    return found and Written(f"{found[0].replace('$', '?')}#{_OTHER.sub('?', found[1])}", wide=found[2])


def _gradle(test: ExistingTest, _: Circumstances) -> Written | None:
    """Write `--tests Class.method`; `*` is any text (D)."""
    found = _method(test)
    return found and Written(f"--tests {found[0].replace('$', '*')}.{_OTHER.sub('*', found[1])}", wide=found[2])


_DOTNET: Final = lazy(r"(?P<owner>\w[\w+]*(?:\.\w[\w+]*)*)\.(?P<method>\w+)(?P<row>\(.*)?")


def _dotnet(test: ExistingTest, _: Circumstances) -> Written | None:
    r"""Write the full name; rows stand in parentheses, which a backslash escapes (D: `dotnet test --filter`)."""
    found = _DOTNET.fullmatch(_definition(test))
    if found is None:
        return None
    name = f"FullyQualifiedName={found['owner']}.{found['method']}"
    return Written(rf"{name}|{name.replace('=', '~')}\(", wide=True) if found["row"] else Written(name)


# Patterns


def _code(sign: str, form: str) -> str:
    """Return a sign as its number, which no pattern, shell or CI system takes for anything else."""
    return rf"\x{ord(sign):02x}" if ord(sign) <= 0xFF else form % ord(sign)  # noqa: PLR2004


_GO: Final = lazy(r"(?:.*?\.)??(?P<name>(?:Test|Example|Fuzz|Benchmark)\w*(?:/.*)?)")
_NOT_PLAIN: Final = lazy(r"[^A-Za-z0-9_]")


def _go(test: ExistingTest, _: Circumstances) -> Written | None:
    """Write one pattern for each level, which `/` divides; Go's own filter knows no packages (D)."""
    found = _GO.fullmatch(_definition(test))
    levels = found["name"].split("/") if found else []
    plain = [_NOT_PLAIN.sub(lambda sign: _code(sign[0], r"\x{%x}"), each) for each in levels]
    return Written("/".join(f"^{each}$" for each in plain)) if plain else None


_JOINED: Final = lazy(r" [>\u203a] |[^A-Za-z0-9]")
_FILE: Final = lazy(r"(?P<file>\S+?\.[cm]?[jt]sx?(?: [>\u203a] |\.))(?P<title>.+)")


def _sign(sign: str) -> str:
    """Return what finds one sign of a title, or what joins two: with a blank in runners, otherwise in reports (O).

    Units of UTF-16, as JavaScript counts.
    """
    if len(sign) > 1:
        return r"(?:\x20[>\u203a])?\x20"
    if sign == ".":
        return r"[.\x20]"
    halves = sign.encode("utf-16-be", "surrogatepass")
    return "".join(_code(chr(int.from_bytes(halves[at : at + 2])), r"\u%04x") for at in range(0, len(halves), 2))


def _pattern(text: str) -> str:
    return _JOINED.sub(lambda found: _sign(found[0]), text)


def _titles(test: ExistingTest, *, file: bool) -> tuple[str, str]:
    """Return what may stand before the titles of a test, and the titles.

    That is a file, and what jest-junit and Mocha write twice (O): `adds.Cart adds`, `Cart adds.Cart adds`.
    """
    text = _definition(test).strip()
    for at, sign in enumerate(text):
        if sign == "." and f" {text[at + 1 :].strip()}".endswith(f" {text[:at]}"):
            return text[: at + 1], text[at + 1 :].strip()
    found = _FILE.fullmatch(text) if file else None
    return (found["file"], found["title"]) if found else ("", text)


def _playwright(test: ExistingTest, _: Circumstances) -> Written:
    """Write file and titles: what `--grep` looks at has them, after the project and before tags (O)."""
    return _found(*_titles(test, file=False))


def _jest(test: ExistingTest, _: Circumstances) -> Written:
    """Write titles: what `-t` looks at has no file (O), which reports may name."""
    return _found(*_titles(test, file=True))


def _found(before: str, titles: str) -> Written:
    return Written((f"(?:{_pattern(before)})?" if before else "") + _pattern(titles))


def _cypress(test: ExistingTest, _: Circumstances) -> Written | None:
    """Write titles for @cypress/grep, which looks for a text anywhere in a title, and knows `;` and a first `-` (D)."""
    title = _titles(test, file=True)[1].replace(" > ", " ").replace(" \u203a ", " ")
    if not title or ";" in title or title.startswith("-"):
        return None
    return Written("".join(sign if sign.isascii() and sign.isalnum() else _unicode(sign) for sign in title))


def _unicode(sign: str) -> str:
    """Return a sign in a JSON text; few stand there as they are."""
    return sign if sign in " ._/:-" else json.dumps(sign)[1:-1] if not sign.isascii() else rf"\u{ord(sign):04x}"


def _names(test: ExistingTest, _: Circumstances) -> Written | None:
    return Written(harmless(" ".join(clean(test.definition or test.summary).split())))


def as_json(tests: Sequence[ExistingTest]) -> list[dict[str, str | None]]:
    """Return the Tests as programs read them."""
    return [{"key": test.key, "name": test.summary, "definition": test.definition} for test in tests]


RUNNERS: Final = {
    runner.name: runner
    for runner in (
        Runner(name="pytest", write=_pytest, limit=None, how="pytest @tests.txt"),
        Runner(name="maven", write=_maven, separator=",", how='mvn test -Dtest="$FILTER"'),
        Runner(name="gradle", write=_gradle, separator=" ", limit=None, how="gradle test $FILTER"),
        Runner(
            name="playwright",
            write=_playwright,
            separator="|",
            before=r"(?:^|\x20)(?:",
            after=r")(?:\x20@\S+)*$",
            keyed=True,
            how='npx playwright test --grep "$FILTER"',
        ),
        Runner(
            name="cypress",
            write=_cypress,
            separator="; ",
            before='{"grep":"',
            after='"}',
            how='npx cypress run --expose "$FILTER"',
        ),
        Runner(
            name="jest",
            write=_jest,
            separator="|",
            before=r"^\x20?(?:",
            after=")$",
            keyed=True,
            how='npx jest -t "$FILTER"',
        ),
        Runner(
            name="vitest",
            write=_jest,
            separator="|",
            before=r"^\x20?(?:",
            after=")$",
            keyed=True,
            how='npx vitest run -t "$FILTER"',
        ),
        Runner(name="robot", write=_robot, tag=_robot_tags, limit=None, how="robot -A tests.args tests"),
        Runner(
            name="cucumber",
            write=lambda test, around: Written(" or ".join(_tags(test, around, "@"))),
            separator=" or ",
            how='npx cucumber-js --tags "$FILTER"',
        ),
        Runner(
            name="behave",
            write=lambda test, around: Written(",".join(_tags(test, around, "@"))),
            separator=",",
            how='behave --tags="$FILTER"',
        ),
        Runner(name="dotnet", write=_dotnet, separator="|", how='dotnet test --filter "$FILTER"'),
        Runner(name="go", write=_go, separator="|", how='go test -run "$FILTER" ./...'),
        Runner(name="names", write=_names, limit=None, how="a name on each line"),
    )
}
