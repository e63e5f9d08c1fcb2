"""Sources as syntax trees, read once by whoever looks at all of them."""

from __future__ import annotations

import ast
from functools import cache
from pathlib import Path

CHECKOUT = Path(__file__).resolve().parents[1]


@cache
def product() -> tuple[Path, ...]:
    """Return the modules of the product, in order."""
    return tuple(sorted((CHECKOUT / "xray_ci").rglob("*.py")))


@cache
def tree(path: Path) -> ast.Module:
    """Return a module's syntax."""
    return ast.parse(path.read_bytes())


@cache
def nodes(path: Path) -> tuple[ast.AST, ...]:
    """Return every node of a module."""
    return tuple(ast.walk(tree(path)))
