"""The choice of a backend: machine code where numba is installed, else plain Python."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from morosidad.compiler.backends import python_tables
from morosidad.compiler.backends.python_source import FunctionSource
from morosidad.compiler.backends.python_trees import PythonWalker, Walker
from morosidad.compiler.nodes.terms import Term
from morosidad.compiler.nodes.trees import Trees

TableWriter = Callable[[FunctionSource, float, Sequence[Term], int, bool], tuple[str, list[str]]]


def numba_installed() -> bool:
    """Whether numba can be used. Only its absence counts: any other error of an import is raised."""
    try:
        import numba  # noqa: F401
    except ModuleNotFoundError as error:
        if error.name != "numba":
            raise
        return False
    return True


def walker_of(trees: Trees) -> Walker:
    """Make the walker of trees.

    Parameters
    ----------
    trees : Trees
        What it evaluates.

    Returns
    -------
    Walker
        A `NumbaWalker` where numba is installed, else a `PythonWalker`.
    """
    if not numba_installed():
        return PythonWalker(trees)
    from morosidad.compiler.backends.numba.walker import NumbaWalker

    return NumbaWalker(trees)


def table_writer(terms: Sequence[Term]) -> tuple[str, TableWriter]:
    """Choose what writes a sum of terms.

    Parameters
    ----------
    terms : sequence of Term
        What is added up.

    Returns
    -------
    name : str
        ``numba`` or ``Python``.
    write : callable
        See `python_tables.write`.
    """
    paired = all(term.at for term in terms) and any(len(term.at) == 2 for term in terms)
    paired = paired and all(len(term.fields) <= len(term.at) for term in terms)
    if not (paired and numba_installed()):
        return "Python", python_tables.write
    from morosidad.compiler.backends.numba import tables

    return "numba", tables.write
