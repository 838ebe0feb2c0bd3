"""One wrong version of one function or table of a module that is loaded, and how to put it in force.

Nothing is written to disk: a function gets other code, a table is bound anew wherever its name is, so every
module that imported it has the wrong version as well. This cannot be undone: do it in a process of its own.

Not guaranteed: that what was computed from a table while other modules were imported changes too.
"""

from __future__ import annotations

import ast
import inspect
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from types import CodeType, FunctionType, ModuleType

from tests.mutants.changes import parts, replacements


@dataclass(frozen=True, slots=True)
class Mutant:
    """`change` reads "before → after"; `function` is "Class.name", or "" for the module's tables."""

    module: ModuleType
    file: str
    line: int
    function: str
    change: str
    code: CodeType = field(repr=False)

    def apply(self) -> None:
        """Put the wrong version in force in this process, for good."""
        if self.function:
            function_of(self.module, self.function).__code__ = _code_of(self.code, self.function)
        else:
            self._bind_tables()

    def _bind_tables(self) -> None:
        before = dict(vars(self.module))
        names = dict(before)
        exec(self.code, names)
        changed = {name: old for name, old in before.items() if name.isidentifier() and names[name] != old}
        for module in list(sys.modules.values()):
            for name, old in changed.items():
                if vars(module).get(name) is old:
                    setattr(module, name, names[name])


@dataclass(frozen=True, slots=True)
class _Place:
    """A node of the tree and where it hangs."""

    function: str
    line: int
    parent: ast.AST
    field: str
    index: int | None
    node: ast.AST

    def put(self, node: ast.AST) -> None:
        if self.index is None:
            setattr(self.parent, self.field, node)
        else:
            getattr(self.parent, self.field)[self.index] = node


def mutants(module: ModuleType, root: Path) -> Iterator[Mutant]:
    """Return all mutants of a module; its file is named relative to `root`."""
    path = Path(inspect.getfile(module))
    file = str(path.relative_to(root))
    tree = ast.parse(path.read_text())
    tables = ast.Module([item for item in tree.body if isinstance(item, ast.Assign | ast.AnnAssign)], [])
    for part, within in ((tree, True), (tables, False)):
        for place in list(_places(part, "", 0)):
            if bool(place.function) is not within:
                continue
            for other in replacements(place.node):
                place.put(ast.copy_location(other, place.node))
                code = compile(ast.fix_missing_locations(part), str(path), "exec")
                place.put(place.node)
                change = f"{_text(place.node)} → {_text(other)}"
                yield Mutant(module, file, place.line, place.function, change, code)


def function_of(module: ModuleType, qualified_name: str) -> FunctionType:
    """Return the plain function behind a function, method or property."""
    found: object = module
    for name in qualified_name.split("."):
        found = inspect.getattr_static(found, name)
    if isinstance(found, property):
        found = found.fget
    if not isinstance(found, FunctionType):
        raise TypeError(f"{qualified_name} is no plain function")
    return found


def _code_of(code: CodeType, qualified_name: str) -> CodeType:
    for name in qualified_name.split("."):
        code = next(item for item in code.co_consts if isinstance(item, CodeType) and item.co_name == name)
    return code


def _places(parent: ast.AST, within: str, line: int) -> Iterator[_Place]:
    for name, index, node in parts(parent):
        here = getattr(node, "lineno", line)
        match node:
            case ast.ClassDef(name=inner):
                methods = [item for item in node.body if isinstance(item, ast.FunctionDef)]
                yield from _places(ast.Module(list(methods), []), inner + ".", here)
            case ast.FunctionDef(name=inner):
                yield from _places(node, within + inner, here)
            case _:
                yield _Place(within, here, parent, name, index, node)
                yield from _places(node, within, here)


def _text(node: ast.AST) -> str:
    match node:
        case ast.If(test=test):
            return f"if {ast.unparse(test)}"
        case ast.comprehension():
            return ast.unparse(node).strip()
    return ast.unparse(node)
