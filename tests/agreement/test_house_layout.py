"""The layout: files and functions stay small, layers hold, and every module says what it knows."""

from __future__ import annotations

import ast
import re
import tomllib
from collections import defaultdict
from functools import cache
from itertools import pairwise
from pathlib import Path

from source_trees import nodes, product, tree

from xray_ci.formats import FORMATS

CHECKOUT = Path(__file__).resolve().parents[2]
MODULES = product()
OURS = sorted([*MODULES, *(CHECKOUT / "tests").rglob("*.py"), CHECKOUT / "entrypoint.py"])
CONTRACTS = tomllib.loads((CHECKOUT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["importlinter"][
    "contracts"
]
VAGUE = {"utils", "util", "helpers", "helper", "manager", "managers", "handler", "handlers", "common", "misc"}


def lines(path: Path) -> int:
    return len(path.read_text(encoding="utf-8").splitlines())


def named(path: Path) -> str:
    return str(path.relative_to(CHECKOUT))


def dotted(path: Path) -> str:
    return str(path.relative_to(CHECKOUT).with_suffix("")).replace("/", ".").removesuffix(".__init__")


DOTTED = {dotted(path): path for path in MODULES}


@cache
def functions(path: Path) -> list[ast.FunctionDef | ast.AsyncFunctionDef]:
    return [node for node in nodes(path) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)]


def test_no_file_is_over_550_lines():
    """A file that knows too much is split by what it knows."""
    assert {named(path): size for path in OURS if (size := lines(path)) > 550} == {}


def test_no_function_is_over_70_lines():
    """A function fits on a screen."""
    assert {
        f"{named(path)}: {node.name}": size
        for path in MODULES
        for node in functions(path)
        if (size := (node.end_lineno or 0) - node.lineno + 1) > 70
    } == {}


def test_most_functions_are_under_30_lines():
    """Nine functions in ten are short."""
    sizes = sorted((node.end_lineno or 0) - node.lineno + 1 for path in MODULES for node in functions(path))

    assert sizes[len(sizes) * 9 // 10] < 30


def test_every_module_says_what_it_knows():
    """Each file begins with a docstring, unless it is empty."""
    assert [named(path) for path in OURS if tree(path).body and not ast.get_docstring(tree(path))] == []


def test_a_module_says_once_what_it_knows():
    """Two descriptions in one docstring were two modules once; what it names is there."""
    said = {path: ast.get_docstring(tree(path)) or "" for path in MODULES}
    stems = {path.stem for path in MODULES}
    everything, alone = "".join(path.read_text(encoding="utf-8") for path in MODULES), "".join(said.values())

    assert [named(path) for path, text in said.items() if len(re.findall(r"\bKnows (?!no)", text)) > 1] == []
    assert [
        (named(path), name)
        for path, text in said.items()
        for name in re.findall(r"`([a-z]+(?:_[a-z]+)+)`", text)
        if name not in stems and everything.count(name) == alone.count(name)
    ] == []


def test_no_text_says_a_line_twice():
    """A docstring, or the text below a name, that repeats itself was made by a slip of the hand."""
    found = [
        f"{named(path)}:{node.lineno}"
        for path in MODULES
        for node in nodes(path)
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str)
        if any(one.strip() == other.strip() != "" for one, other in pairwise(node.value.value.splitlines()))
    ]

    assert found == []


def test_what_a_report_says_is_remembered_by_its_length():
    """A cache whose keys are texts of reports grows with the report: only `remembered` keeps them, and short ones."""
    ours = {"_text": "names of our schemas"}
    kept = [
        f"{named(path)}: {node.name}"
        for path in MODULES
        if path.relative_to(CHECKOUT).parts[1] in {"reports", "xray"}
        for node in functions(path)
        if node.args.args and node.name not in ours
        if any("cache" in ast.unparse(each) and "property" not in ast.unparse(each) for each in node.decorator_list)
    ]

    assert kept == []


def test_modules_are_named_by_what_they_know():
    """No module, class or folder has a name that says nothing."""
    classes = [
        f"{named(path)}: {node.name}" for path in MODULES for node in nodes(path) if isinstance(node, ast.ClassDef)
    ]

    assert [
        named(path)
        for path in MODULES
        if {part.removesuffix(".py") for part in path.relative_to(CHECKOUT).parts} & VAGUE
    ] == []
    assert [name for name in classes if name.lower().endswith(("utils", "helper", "manager", "handler"))] == []


def test_the_layers_hold(monkeypatch, capsys):
    """No lower room imports a higher one, and the emulator imports nothing of the product."""
    from importlinter.cli import lint_imports

    monkeypatch.chdir(CHECKOUT)

    assert lint_imports(config_filename="pyproject.toml", no_cache=True) == 0, capsys.readouterr().out


def test_the_layers_have_no_exceptions():
    """A contract holds for every import, or it is no contract."""
    assert {"acyclic_siblings", "forbidden", "layers"} == {contract["type"] for contract in CONTRACTS}
    assert not [contract["name"] for contract in CONTRACTS if contract.get("ignore_imports")]


def modules_below(package: str) -> set[str]:
    folder = CHECKOUT.joinpath(*package.split("."))
    there = {path.stem for path in folder.iterdir() if path.suffix == ".py" or (path / "__init__.py").exists()}
    return {f"{package}.{name}" for name in there - {"__init__"}}


def test_every_room_has_its_layer():
    """A new room of the product is placed in the layers by whoever adds it."""
    layers = next(contract["layers"] for contract in CONTRACTS if contract["type"] == "layers")
    placed = {name.strip() for layer in layers for part in layer.split("|") for name in part.split(":")}
    rooms = modules_below("xray_ci") | modules_below("xray_ci.ci")

    assert rooms - {"xray_ci.emulator", "xray_ci.ci"} == placed


def test_a_small_module_with_one_importer_is_part_of_it():
    """A file is an idea, not a portion; only rows of tables (readers, routes) stand alone."""
    readers = {f"xray_ci.reports.{row.reader.partition('.')[0]}" for row in FORMATS if row.reader}
    readers |= {name for name, path in DOTTED.items() if any(each.name == "rules" for each in functions(path))}
    importers = defaultdict(set)
    for path in MODULES:
        for node in nodes(path):
            if isinstance(node, ast.ImportFrom) and node.module:
                for alias in node.names:
                    whole = f"{node.module}.{alias.name}"
                    importers[whole if whole in DOTTED else node.module].add(dotted(path))
    small = [
        name
        for name, path in DOTTED.items()
        if name.count(".") > 1 and lines(path) < 120 and path.stem not in {"__init__", "__main__"}
    ]

    assert [
        f"{name} < {only}"
        for name in small
        if name not in readers
        and len(importers[name]) == 1
        and (only := next(iter(importers[name]))).rpartition(".")[0] == name.rpartition(".")[0]
    ] == []


def test_no_public_class_name_is_defined_twice():
    """One name is one thing, over the whole package, nested classes included."""
    found = defaultdict(list)
    for path in MODULES:
        for node in nodes(path):
            if isinstance(node, ast.ClassDef) and not node.name.startswith("_"):
                found[node.name].append(named(path))

    assert {name: places for name, places in found.items() if len(places) > 1} == {}
