"""The dependencies between files, rooms and packages, and no heavy library where answers come at once.

Imports count wherever they stand in a file: at its top, in a function, or under `TYPE_CHECKING`. The `__init__` of
a room is not a file here: importing a name from it counts as importing the file that defines the name.

`python tests/test_arrows.py` prints what breaks the two rules.
"""

import ast
import subprocess
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path

ROOT = Path(__file__).parents[1]
PACKAGES = ("space", "search", "scaling")
OURS = {*PACKAGES, "experiments", "tests"}
HEAVY = {"torch", "torchvision", "numpy", "pandas", "scipy", "optuna", "ray", "fvcore", "matplotlib"}
WITH_TORCH = {"network", "timing", "weights"}
"""The rooms of space that import torch."""

ROOMS = (
    *("space.refusal", "space.documents", "space.extension_points", "space.conv", "space.checks"),
    *("space.blocks", "space.stage", "space.stems", "space.architecture", "space.plan", "space.rescale"),
    *("space.block_strings", "space.catalog", "space.cost", "space.choices"),
    *("space.network", "space.timing", "space.weights"),
    *("search.files", "search.stats", "search.settings", "search.tables", "search.data", "search.reward"),
    *("search.samplers", "search.proxy", "search.models", "search.profiles", "search.executors"),
    *("search.trials", "search.pruners", "search.config", "search.runs", "search.proxy_check"),
    *(
        "search.engine",
        "search.training",
        "search.evaluation",
        "search.compare",
        "search.loggers",
        "search.testing",
    ),
    *("search.report", "search.api", "search.cli"),
    *("scaling", "scaling.fitting", "scaling.cli"),
)
"""Rooms, and files outside of rooms, in the order of imports: each may import itself and those before it."""


@cache
def modules() -> dict[str, Path]:
    """Dotted name -> file, for every file of the three packages but `__main__`."""
    files = {}
    for package in PACKAGES:
        for path in sorted((ROOT / package).rglob("*.py")):
            parts = path.relative_to(ROOT).with_suffix("").parts
            if parts[-1] != "__main__":
                files[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = path
    return files


@cache
def tree(module: str) -> ast.Module:
    return ast.parse(modules()[module].read_text("utf-8"))


def imports(module: str) -> Iterator[tuple[str, str]]:
    """(module, name) for everything of ours that a file imports; the name is "" for `import module`."""
    for node in ast.walk(tree(module)):
        if isinstance(node, ast.Import):
            yield from ((alias.name, "") for alias in node.names if alias.name in modules())
        elif isinstance(node, ast.ImportFrom) and node.module in modules():
            yield from ((node.module, alias.name) for alias in node.names)


def is_room(module: str) -> bool:
    return modules()[module].name == "__init__.py"


def home(module: str, name: str) -> str:
    """The file that defines what `from module import name` gives; "" if nothing but an `__init__` is imported."""
    if f"{module}.{name}" in modules():
        return home(f"{module}.{name}", "")
    if not is_room(module):
        return module
    for node in ast.walk(tree(module)):
        if isinstance(node, ast.ImportFrom) and node.module in modules():
            for alias in node.names:
                if name and (alias.asname or alias.name) == name:
                    return home(node.module, alias.name)
    return module if name in defined(module) else ""


@cache
def defined(module: str) -> frozenset[str]:
    """The names that are assigned or defined at the top of a module."""
    names: set[str] = set()
    for node in tree(module).body:
        if isinstance(node, ast.FunctionDef | ast.ClassDef):
            names.add(node.name)
        targets = node.targets if isinstance(node, ast.Assign) else [getattr(node, "target", None)]
        names |= {target.id for target in targets if isinstance(target, ast.Name)}
    return frozenset(names)


def lazy_names(room: str) -> set[str]:
    """The names that the `__init__` of a room imports only when they are used: those under `TYPE_CHECKING`."""
    guarded = [node for node in tree(room).body if isinstance(node, ast.If)]
    imported = [node for block in guarded for node in block.body if isinstance(node, ast.ImportFrom)]
    return {alias.name for node in imported for alias in node.names}


@cache
def graph() -> dict[str, frozenset[str]]:
    """File -> the files that it imports. An `__init__` is one only if others import what it defines."""
    edges = {module: {home(*pair) for pair in imports(module)} - {"", module} for module in modules()}
    used = set().union(*edges.values())
    return {module: frozenset(to) for module, to in edges.items() if not is_room(module) or module in used}


def cycles() -> list[str]:
    """Every group of files that import one another, directly or through others."""
    reached: dict[str, set[str]] = {}
    for module in graph():
        seen, ahead = set(), [module]
        while ahead:
            for after in graph()[ahead.pop()]:
                if after not in seen:
                    seen.add(after)
                    ahead.append(after)
        reached[module] = seen
    groups = {
        frozenset(other for other in reached[module] if module in reached[other])
        for module in graph()
        if module in reached[module]
    }
    return sorted(f"{len(group)} files import one another: {', '.join(sorted(group))}" for group in groups)


def place(module: str) -> int:
    """The position of a module's room in `ROOMS`."""
    parts = module.split(".")
    names = (".".join(parts[:length]) for length in range(len(parts), 0, -1))
    return next((ROOMS.index(name) for name in names if name in ROOMS), -1)


def wrong_arrows() -> list[str]:
    """Every import of a room that stands below the importing one."""
    return sorted(
        f"{module} ({ROOMS[place(module)]}) imports {to} ({ROOMS[place(to)]})"
        for module, imported in graph().items()
        for to in imported
        if place(to) > place(module)
    )


def test_every_module_has_a_room():
    assert [module for module in graph() if place(module) < 0] == []


def test_no_files_import_one_another():
    assert cycles() == []


def test_rooms_import_only_rooms_before_them():
    assert wrong_arrows() == []


def test_the_packages_import_neither_experiments_nor_tests():
    outside = {
        f"{module} imports {node.module}"
        for module in modules()
        for node in ast.walk(tree(module))
        if isinstance(node, ast.ImportFrom) and str(node.module).partition(".")[0] in ("experiments", "tests")
    }
    assert outside == set()


def test_no_room_has_the_name_of_something_that_its_package_imports_lazily():
    """Otherwise `from scaling import fit` gives the function or the module, depending on earlier imports."""
    rooms = filter(is_room, modules())
    names = {f"{room}.{name}" for room in rooms for name in lazy_names(room)}
    assert names
    assert names & modules().keys() == set()


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


def test_the_help_of_search_needs_no_space():
    """Importing space and the settings of all groups took longer than everything else that the help needs."""
    code = "import search.cli.main, sys; print(sorted({'space', 'pydantic', 'yaml'} & set(sys.modules)))"
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT, check=True)
    assert ran.stdout.strip() == "[]"


if __name__ == "__main__":
    problems = [*cycles(), *wrong_arrows()]
    print("\n".join(problems))
    sys.exit(bool(problems))
