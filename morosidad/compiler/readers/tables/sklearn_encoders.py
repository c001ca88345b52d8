"""Readers of scikit-learn's encoders, which are asked where other tables stand in front of them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from morosidad.compiler.nodes.base import Expr
from morosidad.compiler.nodes.labels import Label
from morosidad.compiler.readers import encoders
from morosidad.compiler.readers.tables.asking import asked
from morosidad.compiler.readers.tables.holdings import values_held
from morosidad.compiler.registry import Compiler, compiles

Direct = Callable[[Any, Sequence[Expr], Compiler], list[Expr]]


@compiles("sklearn.OneHotEncoder")
def one_hot_encoder(estimator: Any, columns: Sequence[Expr], compiler: Compiler) -> list[Expr]:
    """Compile the columns of zeros and ones."""
    found = _read(encoders.one_hot_encoder, estimator, columns, compiler)
    compiler.sparse = bool(estimator.sparse_output)
    return found


@compiles("sklearn.OrdinalEncoder")
def ordinal_encoder(estimator: Any, columns: Sequence[Expr], compiler: Compiler) -> list[Expr]:
    """Compile each category's number."""
    return _read(encoders.ordinal_encoder, estimator, columns, compiler)


@compiles("sklearn.TargetEncoder")
def target_encoder(estimator: Any, columns: Sequence[Expr], compiler: Compiler) -> list[Expr]:
    """Compile each category's mean target."""
    return _read(encoders.target_encoder, estimator, columns, compiler)


def _read(direct: Direct, estimator: Any, columns: Sequence[Expr], compiler: Compiler) -> list[Expr]:
    if not any(isinstance(column, Label) for column in columns):
        return direct(estimator, columns, compiler)
    held = [values_held(levels) for levels in estimator.categories_]
    return asked(estimator.transform, columns, compiler, held, getattr(estimator, "feature_names_in_", None))
