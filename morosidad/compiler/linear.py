"""Logistic regression and its kin, as sums of terms."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from morosidad.compiler.additive import Additive
from morosidad.compiler.expressions import Arith, Constant, Expr, Floats, Lookup, Table, fields_of
from morosidad.compiler.registry import Compiler, NotCompilable, compiles


@compiles("sklearn.LogisticRegression", "sklearn.LogisticRegressionCV")
def logistic_regression(estimator: Any, columns: Sequence[Expr], compiler: Compiler) -> Additive:
    """Compile a binary logistic regression."""
    if getattr(estimator, "multi_class", "auto") == "multinomial":
        raise NotCompilable("LogisticRegression(multi_class='multinomial') has no compiled form")
    return linear(estimator.coef_[0], estimator.intercept_[0], columns, compiler)


def linear(coef: Floats, intercept: float, columns: Sequence[Expr], compiler: Compiler) -> Additive:
    """Make the sum ``intercept + coef @ columns``, the table columns of one field in one table."""
    terms: list[Expr] = []
    tables: dict[tuple[Expr, Table], Floats] = {}
    for expr, weight in zip(columns, np.asarray(coef, dtype=np.float64).tolist(), strict=True):
        compiler.require(expr)
        if isinstance(expr, Lookup):
            key = expr.of, expr.table
            tables[key] = tables.get(key, 0.0) + weight * expr.table.rows[:, expr.place]
        elif len(fields_of(expr)) > 1:
            raise NotCompilable("a column mixes fields, so that no field has a share of its own")
        elif isinstance(expr, Constant):
            intercept += weight * expr.value
        else:
            terms.append(Arith(expr, "*", weight))
    terms += [Lookup(of, Table(table.keys, rows[:, None])) for (of, table), rows in tables.items()]
    return Additive(float(intercept), tuple(terms), len(compiler.schema))
