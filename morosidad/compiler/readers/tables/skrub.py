"""Readers of skrub: table vectorizers whose columns become numbers and tables."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from morosidad.compiler.nodes.base import Expr
from morosidad.compiler.readers.tables.asking import asked
from morosidad.compiler.readers.tables.holdings import values_held
from morosidad.compiler.registry import Compiler, compiles


@compiles("skrub.Cleaner", "skrub.DropCols", "skrub.SelectCols", "skrub.TableVectorizer")
def vectorizer(estimator: Any, columns: Sequence[Expr], compiler: Compiler) -> list[Expr]:
    """Compile what becomes of each column, asked of the fitted transformer."""
    names = list(getattr(estimator, "feature_names_in_", []) or estimator.all_inputs_)
    parts = getattr(estimator, "transformers_", {})
    held = [values_held(parts.get(name)) for name in names]
    return asked(estimator.transform, columns, compiler, held, names)
