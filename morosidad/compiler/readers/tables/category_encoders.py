"""Reader of category_encoders: what each category becomes, asked of the fitted encoder."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from morosidad.compiler.nodes.base import Expr
from morosidad.compiler.readers.tables.asking import asked
from morosidad.compiler.readers.tables.holdings import held_by_column
from morosidad.compiler.registry import Compiler, compiles

ENCODERS = (
    "BackwardDifferenceEncoder",
    "BaseNEncoder",
    "BinaryEncoder",
    "CatBoostEncoder",
    "CountEncoder",
    "CountTargetEncoder",
    "GLMMEncoder",
    "GrayEncoder",
    "HelmertEncoder",
    "JamesSteinEncoder",
    "LeaveOneOutEncoder",
    "MEstimateEncoder",
    "OneHotEncoder",
    "OrdinalEncoder",
    "PolynomialEncoder",
    "QuantileEncoder",
    "RankHotEncoder",
    "SumEncoder",
    "SummaryEncoder",
    "TargetEncoder",
    "WOEEncoder",
)


@compiles(*(f"category_encoders.{name}" for name in ENCODERS))
def category_encoder(estimator: Any, columns: Sequence[Expr], compiler: Compiler) -> list[Expr]:
    """Compile the columns of each category; what is no category is passed on."""
    names = list(estimator.feature_names_in_)
    return asked(estimator.transform, columns, compiler, held_by_column(estimator, names), names)
