"""Readers of optbinning: binning processes, and scorecards with their points.

Navas-Palencia 2020, *Optimal binning: mathematical programming formulation*,
DOI 10.48550/arXiv.2001.08025.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any

from morosidad.compiler.forms.form import Form
from morosidad.compiler.nodes.base import Expr
from morosidad.compiler.nodes.expressions import Narrow, Raw
from morosidad.compiler.readers.tables.asking import Transform, asked
from morosidad.compiler.readers.tables.holdings import values_held
from morosidad.compiler.registry import Compiler, NotCompilable, compiles
from morosidad.frames.compatibility import points_of
from morosidad.frames.layout import FrameLayout
from morosidad.schema.schema import Schema


@compiles("optbinning.BinningProcess")
def binning_process(estimator: Any, columns: Sequence[Expr], compiler: Compiler) -> list[Expr]:
    """Compile each variable's bin as its weight of evidence, event rate, number or name."""
    return _binned(estimator, estimator.transform, columns, estimator.variable_names, compiler)


@compiles("optbinning.Scorecard", of_default=True)
def scorecard(estimator: Any, columns: Sequence[Expr], compiler: Compiler) -> Form:
    """Compile the linear model over the weights of evidence."""
    process = estimator.binning_process_

    def transform(frame: Any) -> Any:
        return estimator._transform(
            X=frame,
            metric=None,
            metric_special=estimator._metric_special,
            metric_missing=estimator._metric_missing,
        )

    names = list(process.variable_names)
    binned = _binned(process, transform, _chosen(columns, names, compiler), names, compiler)
    return compiler.form(estimator.estimator_, binned)


def scorecard_points(estimator: Any, columns: Sequence[Expr], compiler: Compiler) -> list[Expr]:
    """Give the points of each selected variable of a fitted ``Scorecard``.

    Parameters
    ----------
    estimator : optbinning.Scorecard
        Fitted.
    columns : sequence of Expr
        Its input columns.
    compiler : Compiler
        The compilation.

    Returns
    -------
    list of Expr
        Their sum and the scorecard's intercept is its score.
    """
    process = estimator.binning_process_
    names = list(process.variable_names)
    points = partial(points_of, estimator)
    return _binned(process, points, _chosen(columns, names, compiler), names, compiler)


def input_columns(schema: Schema, layout: FrameLayout) -> list[Expr]:
    """Give the columns of the user's own frame as a scorecard takes them."""
    return [
        Raw(schema.names.index(column.field))
        if column.narrow is None
        else Narrow(Raw(schema.names.index(column.field)), column.narrow)
        for column in layout.columns
    ]


def _chosen(columns: Sequence[Expr], names: Sequence[Any], compiler: Compiler) -> list[Expr]:
    """Give the columns of a scorecard's variables, which it takes by name from the frame."""
    named: dict[Any, Expr] = {}
    for column in columns:
        source = column.of if isinstance(column, Narrow) else column
        field = compiler.schema.fields[source.field].name if isinstance(source, Raw) else None
        if field is not None:
            layout = compiler.layouts.get(field)
            named[field if layout is None else layout.name] = column
    if all(name in named for name in names):
        return [named[name] for name in names]
    if len(columns) != len(names):
        raise NotCompilable("a scorecard behind steps that give it further columns has no compiled form")
    return list(columns)


def _binned(
    process: Any, transform: Transform, columns: Sequence[Expr], names: Sequence[Any], compiler: Compiler
) -> list[Expr]:
    """Ask about the variables that are kept; the others are never looked at."""
    variables = process._binned_variables
    held = [values_held(variables[name]) if name in variables else {} for name in names]
    kept = set(process.get_support(names=True))
    empty = [name for name in names if name not in kept]
    held = [values if name not in empty else {} for name, values in zip(names, held, strict=True)]
    return asked(transform, columns, compiler, held, names)
