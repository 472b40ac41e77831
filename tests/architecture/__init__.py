"""The rules of the house, as tests."""

import ast
from functools import cache
from pathlib import Path

ROOT = Path(__file__).parents[2]


@cache
def tree(file: Path) -> ast.Module:
    return ast.parse(file.read_text("utf-8"))


def sources(*folders: str) -> list[Path]:
    """The Python files below `folders`, as paths from the root of the checkout."""
    return [
        file.relative_to(ROOT)
        for folder in folders
        for file in sorted((ROOT / folder).rglob("*.py"))
    ]


def texts(file: Path) -> set[str]:
    """Every text that stands in a file as a constant."""
    return {
        node.value
        for node in ast.walk(tree(ROOT / file))
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
    }


def imports(file: Path) -> set[str]:
    """Every module a file imports, also inside functions and for types only."""
    found: set[str] = set()
    for node in ast.walk(tree(ROOT / file)):
        if isinstance(node, ast.Import):
            found |= {one.name for one in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{file}: a relative import"
            found |= {f"{node.module}.{one.name}" for one in node.names}
    return found


def below(modules: set[str], *packages: str) -> set[str]:
    """Those of `modules` that are one of `packages` or lie in one."""
    return {
        module
        for module in modules
        if any(module == package or module.startswith(f"{package}.") for package in packages)
    }
