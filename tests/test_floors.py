"""The house has floors: a module imports from its own floor and from those below, never from above."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent / "s2sad"

# From the bottom up. A module belongs to the top-level package or module under s2sad/ that it stands in.
FLOORS = (
    ("errors", "runtime"),
    ("ir", "rules", "frontend"),
    ("analysis",),
    ("differentiate", "optimise"),
    ("registering",),
    ("registration",),
    ("declared",),
    ("backend",),
    ("engines", "study"),
    ("pipeline",),
    ("composition", "recipe"),
    ("derivative",),
    ("transforms", "checking"),
    ("cli",),
    ("__init__", "__main__"),
)
FLOOR = {part: number for number, floor in enumerate(FLOORS) for part in floor}

EMPTY_NAMES = {"util", "utils", "helper", "helpers", "common", "misc", "manager", "managers"}

HEAVY = ("scipy", "numba", "jax", "matplotlib", "pytest", "hypothesis", "IPython")


def module_name(path):
    """s2sad/ir/nodes.py is s2sad.ir.nodes, s2sad/ir/__init__.py is s2sad.ir."""
    parts = path.relative_to(ROOT.parent).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


MODULES = {module_name(path): path for path in sorted(ROOT.rglob("*.py"))}


def part_of(module):
    """The top-level part of s2sad that a module stands in."""
    parts = module.split(".")
    return parts[1] if len(parts) > 1 else "__init__"


def is_type_checking(test):
    return (isinstance(test, ast.Name) and test.id == "TYPE_CHECKING") or (
        isinstance(test, ast.Attribute) and test.attr == "TYPE_CHECKING"
    )


def import_statements(node, at_import_time):
    """Import statements under node: all of them, or those that run when the module is imported."""
    for child in ast.iter_child_nodes(node):
        if isinstance(child, (ast.Import, ast.ImportFrom)):
            yield child
        elif at_import_time and isinstance(child, (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda)):
            continue
        elif at_import_time and isinstance(child, ast.If) and is_type_checking(child.test):
            for statement in child.orelse:
                yield from import_statements(ast.Module([statement], []), at_import_time)
        else:
            yield from import_statements(child, at_import_time)


def targets(statement, module, is_package, modules):
    """Names of the modules of s2sad that an import statement names."""
    if isinstance(statement, ast.Import):
        found = [alias.name for alias in statement.names]
    else:
        base = statement.module or ""
        if statement.level:
            parts = module.split(".")
            parts = parts[: len(parts) - statement.level + is_package]
            base = ".".join([*parts, base] if base else parts)
        # `from s2sad.ir import nodes` names a module, `from s2sad.ir import Var` a name in s2sad.ir.
        inside = [f"{base}.{alias.name}" for alias in statement.names]
        found = [name if name in modules else base for name in inside]
    return [name for name in found if name.split(".")[0] == "s2sad"]


def edges(at_import_time):
    """(line, importing module, imported module) for each import in the package."""
    for module, path in MODULES.items():
        tree = ast.parse(path.read_text(encoding="utf-8"), str(path))
        for statement in import_statements(tree, at_import_time):
            for target in targets(statement, module, path.name == "__init__.py", MODULES):
                yield f"{path.relative_to(ROOT.parent)}:{statement.lineno}", module, target


def find_cycle(graph):
    """A cycle of a graph given as {node: successors}, as a list of nodes, or None."""
    done = set()
    for start in graph:
        trail = []
        pending = [(start, iter(graph.get(start, ())))] if start not in done else []
        if pending:
            trail.append(start)
        while pending:
            node, successors = pending[-1]
            successor = next(successors, None)
            if successor is None:
                pending.pop()
                trail.pop()
                done.add(node)
            elif successor in trail:
                return [*trail[trail.index(successor) :], successor]
            elif successor not in done:
                pending.append((successor, iter(graph.get(successor, ()))))
                trail.append(successor)
    return None


def test_every_module_has_a_floor():
    assert MODULES
    homeless = sorted({part_of(module) for module in MODULES} - set(FLOOR))
    assert not homeless, f"say in FLOORS where these stand: {homeless}"


def test_imports_go_down():
    upward = [
        f"{place}: {module} imports {target}, which stands above it"
        for place, module, target in edges(at_import_time=False)
        if FLOOR[part_of(target)] > FLOOR[part_of(module)]
    ]
    assert not upward, "\n".join(upward)


def test_no_module_imports_itself_round_a_circle():
    graph = {module: [] for module in MODULES}
    for _, module, target in edges(at_import_time=True):
        graph[module].append(target)
    cycle = find_cycle(graph)
    assert cycle is None, " imports ".join(cycle)


def test_names_say_what_is_inside():
    for module in MODULES:
        words = {word for part in module.split(".") for word in part.split("_")}
        assert not words & EMPTY_NAMES, module


def test_import_is_light():
    program = "import sys, s2sad; print(*sys.modules)"
    process = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert process.returncode == 0, process.stderr
    loaded = set(process.stdout.split())
    assert "s2sad" in loaded
    assert not loaded & set(HEAVY)


# The checks above, checked.


@pytest.mark.parametrize(
    ("text", "at_import_time", "everywhere"),
    [
        ("import s2sad.ir.nodes", ["s2sad.ir.nodes"], ["s2sad.ir.nodes"]),
        ("from s2sad.ir import nodes, Var", ["s2sad.ir.nodes", "s2sad.ir"], ["s2sad.ir.nodes", "s2sad.ir"]),
        ("from .nodes import Var", ["s2sad.ir.nodes"], ["s2sad.ir.nodes"]),
        ("from . import nodes", ["s2sad.ir.nodes"], ["s2sad.ir.nodes"]),
        ("from ..errors import Refusal", ["s2sad.errors"], ["s2sad.errors"]),
        ("from .. import errors", ["s2sad.errors"], ["s2sad.errors"]),
        ("def f():\n    import s2sad.errors", [], ["s2sad.errors"]),
        ("class C:\n    def f(self):\n        from s2sad import errors", [], ["s2sad.errors"]),
        ("if TYPE_CHECKING:\n    import s2sad.errors", [], ["s2sad.errors"]),
        ("if typing.TYPE_CHECKING:\n    pass\nelse:\n    import s2sad.errors", ["s2sad.errors"], ["s2sad.errors"]),
        ("try:\n    import s2sad.errors\nexcept ImportError:\n    pass", ["s2sad.errors"], ["s2sad.errors"]),
        ("import numpy\nfrom s2sadder import x", [], []),
    ],
)
def test_imports_are_found(text, at_import_time, everywhere):
    modules = {"s2sad", "s2sad.errors", "s2sad.ir", "s2sad.ir.nodes"}
    for flag, expected in ((True, at_import_time), (False, everywhere)):
        # Inside s2sad/ir/verify.py, and with the same meaning inside s2sad/ir/__init__.py.
        for module, is_package in (("s2sad.ir.verify", False), ("s2sad.ir", True)):
            statements = import_statements(ast.parse(text), flag)
            found = [name for s in statements for name in targets(s, module, is_package, modules)]
            assert found == expected


def test_cycles_are_found():
    assert find_cycle({"a": ["b", "c"], "b": ["c"], "c": []}) is None
    assert find_cycle({"a": ["b"], "b": ["c"], "c": ["b"]}) == ["b", "c", "b"]
    assert find_cycle({"a": ["a"]}) == ["a", "a"]
