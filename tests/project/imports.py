"""The graph of imports of a package: who imports whom, at the top, for types alone, or inside functions."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Mapping
from pathlib import Path

Graph = dict[str, set[str]]


def modules(package: Path) -> dict[str, Path]:
    """Give the modules of a package by their full name; a package stands under its own."""
    found = {}
    for path in sorted(package.rglob("*.py")):
        parts = [package.name, *path.relative_to(package).with_suffix("").parts]
        found[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = path
    return found


def names_imported(path: Path, name: str) -> set[str]:
    """Name all that a module imports, anywhere in its text; each name with its module before it."""
    found: set[str] = set()
    package = name if path.name == "__init__.py" else name.rpartition(".")[0]
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            above = package.split(".")[: len(package.split(".")) - node.level + 1] if node.level else []
            home = ".".join([*above, *([node.module] if node.module else [])])
            found |= {f"{home}.{alias.name}" for alias in node.names}
        elif isinstance(node, ast.Call) and "import_module" in ast.unparse(node.func):
            found |= {str(arg.value) for arg in node.args if isinstance(arg, ast.Constant)}
    return found


def import_graph(package: Path) -> Graph:
    """Say for each module which modules of the same package it imports."""
    known = modules(package)
    graph: Graph = {}
    for name, path in known.items():
        graph[name] = set()
        for imported in names_imported(path, name):
            module = imported if imported in known else imported.rpartition(".")[0]
            if module in known:
                graph[name].add(module)
        graph[name].discard(name)
    return graph


def contracted(graph: Mapping[str, Iterable[str]], units: Mapping[str, str]) -> Graph:
    """Draw the modules of each unit together into one node."""
    drawn: Graph = {unit: set() for unit in units.values()}
    for module, imported in graph.items():
        drawn[units[module]] |= {units[other] for other in imported} - {units[module]}
    return drawn


def circles(graph: Mapping[str, Iterable[str]]) -> list[list[str]]:
    """Give the strongly connected components of more than one node (Tarjan, doi 10.1137/0201010)."""
    index: dict[str, int] = {}
    low: dict[str, int] = {}
    stack: list[str] = []
    found: list[list[str]] = []

    def visit(node: str) -> None:
        index[node] = low[node] = len(index)
        stack.append(node)
        for other in graph[node]:
            if other not in index:
                visit(other)
                low[node] = min(low[node], low[other])
            elif other in stack:
                low[node] = min(low[node], index[other])
        if low[node] == index[node]:
            place = stack.index(node)
            component, stack[place:] = stack[place:], []
            if len(component) > 1:
                found.append(sorted(component))

    for node in graph:
        if node not in index:
            visit(node)
    return sorted(found)


def edges_within(graph: Mapping[str, Iterable[str]], component: Iterable[str]) -> list[str]:
    """Write the imports between the nodes of one component, one a line."""
    inside = set(component)
    return [f"  {node} → {other}" for node in sorted(inside) for other in sorted(set(graph[node]) & inside)]
