"""Every slug in the code has its paragraph in docs/errors.md, and every paragraph its slug."""

import ast
import io
import re
import tomllib
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest
from source_trees import nodes, product, tree

from xray_ci import __version__
from xray_ci.cli import execute
from xray_ci.errors import explained_at
from xray_ci.model import Process

CHECKOUT = Path(__file__).resolve().parents[2]
PAGE = CHECKOUT / "docs" / "errors.md"
SLUG = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")


@cache
def _modules() -> tuple[Path, ...]:
    """Return every module of the product but the emulator's."""
    return tuple(path for path in product() if "emulator" not in path.relative_to(CHECKOUT).parts)


@cache
def _constants() -> dict[str, str]:
    """Return names of the tree that stand for one text."""
    found = {}
    for path in _modules():
        for node in tree(path).body:
            targets = (
                node.targets
                if isinstance(node, ast.Assign)
                else [node.target]
                if isinstance(node, ast.AnnAssign)
                else []
            )
            value = getattr(node, "value", None)
            if isinstance(value, ast.Constant) and isinstance(value.value, str):
                found |= {target.id: value.value for target in targets if isinstance(target, ast.Name)}
    return found


@cache
def _takers_of(path: Path) -> dict[str, int]:
    """Return functions, methods and classes of a module that take a slug by position, and at which one."""
    found = {}
    for outer in nodes(path):
        for node in outer.body if isinstance(outer, ast.Module | ast.ClassDef) else ():
            if isinstance(node, ast.FunctionDef):
                names = [
                    argument.arg
                    for argument in (*node.args.posonlyargs, *node.args.args)
                    if argument.arg not in ("self", "cls")
                ]
                if "slug" in names:
                    name = outer.name if node.name == "__init__" and isinstance(outer, ast.ClassDef) else node.name
                    found[name] = names.index("slug")
    return found


@cache
def _anywhere() -> dict[str, int]:
    """Return what takes a slug by position in any module."""
    return {name: at for path in _modules() for name, at in _takers_of(path).items()}


@cache
def _imported(path: Path) -> set[str]:
    """Return the names that a module imports from others."""
    return {name.asname or name.name for node in nodes(path) if isinstance(node, ast.ImportFrom) for name in node.names}


def _by_position(call: ast.Call, path: Path) -> list[ast.expr]:
    """Return the argument of a call that is a slug by its position."""
    match call.func:
        case ast.Name(id=name):
            at = _takers_of(path).get(name, _anywhere().get(name) if name in _imported(path) else None)
        case ast.Attribute(value=ast.Name(id="self"), attr=name):
            at = _takers_of(path).get(name)
        case ast.Attribute(attr=name):
            # Another object's method may only share the name: what looks like no slug there is none of ours.
            at = _anywhere().get(name)
            said = [text for arg in call.args[at : at + 1] for text in _texts(arg)] if at is not None else []
            at = at if all(text is not None and SLUG.fullmatch(text) for text in said) else None
        case _:
            at = None
    return [] if at is None else call.args[at : at + 1]


def _texts(node: ast.expr) -> Iterator[str | None]:
    """Yield the texts an expression can be; None for one that cannot be told. What is passed on is told elsewhere."""
    match node:
        case ast.Constant(value=str(text)):
            yield text
        case ast.IfExp():
            yield from _texts(node.body)
            yield from _texts(node.orelse)
        case ast.Name(id=name) | ast.Attribute(attr=name):
            if name.lstrip("_") != "slug":
                yield _constants().get(name)
        case ast.Constant(value=None):
            return
        case _:
            yield None


@cache
def _all_slugs() -> list[tuple[str | None, str]]:
    """Return every slug with where it stands."""
    return list(_slugs())


def _slugs() -> Iterator[tuple[str | None, str]]:
    """Yield every slug with where it stands."""
    for path in _modules():
        for node in nodes(path):
            values: list[ast.expr] = []
            match node:
                case ast.ClassDef():
                    values = [
                        line.value
                        for line in node.body
                        if isinstance(line, ast.Assign | ast.AnnAssign)
                        and line.value is not None
                        and "slug" in ast.unparse(line).partition("=")[0].partition(":")[0]
                    ]
                case ast.Call():
                    values = [keyword.value for keyword in node.keywords if keyword.arg == "slug"] + _by_position(
                        node, path
                    )
                case ast.AnnAssign(target=ast.Name(id="SENTENCES"), value=ast.Call(args=[ast.Dict(keys=keys)])):
                    values = [key for key in keys if key is not None]
                case ast.FunctionDef():
                    names = [argument.arg for argument in (*node.args.posonlyargs, *node.args.args)]
                    given = dict(zip(reversed(names), reversed(node.args.defaults), strict=False))
                    values = [given["slug"]] if "slug" in given else []
            for value in values:
                for text in _texts(value):
                    yield text, f"{path.relative_to(CHECKOUT)}:{value.lineno}"


def _headings() -> list[str]:
    return re.findall(r"^## (.+)$", PAGE.read_text("utf-8"), re.MULTILINE)


def test_every_slug_can_be_told():
    """A slug is written out or a constant, so that this page, and whoever searches for it, can find it."""
    assert [where for text, where in _all_slugs() if text is None or not SLUG.fullmatch(text)] == []


def test_every_slug_has_a_paragraph_and_every_paragraph_a_slug():
    """The address that a message shows leads somewhere, and nothing old is left on the page."""
    told = {text: where for text, where in _all_slugs() if text is not None}
    headings = _headings()
    assert {slug: where for slug, where in told.items() if slug not in headings} == {}
    assert [heading for heading in headings if heading not in told] == []


def test_headings_are_in_order_and_once():
    """A heading's address is its slug, because it is there once; the order is that of the alphabet."""
    assert sorted(set(_headings())) == _headings()


@pytest.mark.parametrize("slug", _headings() if PAGE.exists() else [])
def test_each_paragraph_says_something(slug):
    """A paragraph says what happened and what to do, in some words of its own."""
    body = PAGE.read_text("utf-8").partition(f"\n## {slug}\n")[2].partition("\n## ")[0]
    assert len(body.split()) > 12


def test_every_message_leads_to_its_paragraph():
    """A message ends in the address of its paragraph, in the repository at this version; `explain` prints it."""
    project = tomllib.loads((CHECKOUT / "pyproject.toml").read_text("utf-8"))["project"]

    assert explained_at("no-reports") == f"{project['urls']['Source']}/blob/v{__version__}/docs/errors.md#no-reports"
    for slug in re.findall(r"^## (\S+)$", PAGE.read_text("utf-8"), re.MULTILINE):
        out = io.StringIO()
        assert execute(Process(("explain", slug), {}, str(CHECKOUT), out, io.StringIO())) == 0
        assert out.getvalue().startswith(f"{slug}\n\n")


def test_the_wheel_carries_what_explain_prints():
    """A pip installation has the page beside the package."""
    built = tomllib.loads((CHECKOUT / "pyproject.toml").read_text("utf-8"))["tool"]["hatch"]["build"]["targets"]

    assert built["wheel"]["force-include"] == {"docs/errors.md": "xray_ci/errors.md"}
