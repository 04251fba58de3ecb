"""The dependencies between packages: space <- search <- scaling, and no torch where answers come at once."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PERMITTED = {"space": {"space"}, "search": {"space", "search"}, "scaling": {"space", "search", "scaling"}}
OURS = {"space", "search", "scaling", "experiments", "tests"}
HEAVY = {"torch", "torchvision", "numpy", "pandas", "scipy", "optuna", "ray", "fvcore", "matplotlib"}
WITH_TORCH = {"network", "timing", "weights"}
"""The rooms of space that import torch."""


def modules(package):
    return [
        pytest.param(path, id=str(path.relative_to(ROOT))) for path in sorted((ROOT / package).rglob("*.py"))
    ]


def imported(tree: ast.AST, deep: bool = True) -> set[str]:
    """Top-level names that a module imports; without `deep` only those that importing it imports."""
    names: set[str] = set()
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, ast.Import):
            names |= {alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert not node.level, "imports are absolute here"
            names.add(str(node.module).split(".")[0])
        elif isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test):
            continue
        elif deep or not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda):
            names |= imported(node, deep)
    return names


@pytest.mark.parametrize("path", [path for package in PERMITTED for path in modules(package)])
def test_imports_point_one_way(path):
    package = path.relative_to(ROOT).parts[0]
    assert imported(ast.parse(path.read_text())) & OURS <= PERMITTED[package]


@pytest.mark.parametrize("path", modules("space"))
def test_space_imports_nothing_heavy(path):
    if path.relative_to(ROOT / "space").parts[0] not in WITH_TORCH:
        assert not imported(ast.parse(path.read_text()), deep=False) & HEAVY


def test_importing_space_imports_nothing_heavy():
    paths = sorted(path.relative_to(ROOT).with_suffix("") for path in (ROOT / "space").rglob("*.py"))
    light = [".".join(path.parts) for path in paths if path.parts[1] not in WITH_TORCH]
    code = f"import {', '.join(name.removesuffix('.__init__') for name in light)}\n"
    code += f"import sys; print(sorted({HEAVY!r} & set(sys.modules)))"
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT, check=True)
    assert ran.stdout.strip() == "[]"


def test_build_is_imported_when_it_is_asked_for():
    code = "import space, sys; print('torch' in sys.modules); space.build; print('torch' in sys.modules)"
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT, check=True)
    assert ran.stdout.split() == ["False", "True"]
