"""Preprocessors of the candidates: what linear models and what trees are given."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Self

import numpy as np
from sklearn.model_selection import StratifiedKFold
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import TargetEncoder

from morosidad._typing import Floats
from morosidad.preprocessor import Preprocessor
from morosidad.schema.schema import Schema
from morosidad.training.candidates.ramps import Ramps

if TYPE_CHECKING:
    import pandas as pd

MANY_LEVELS = 40
"""A field of more categories than this is encoded by the share of defaults of each."""


class CandidatePreprocessor(Preprocessor):
    """A `Preprocessor` that encodes a field of very many categories by each one's share of defaults.

    The share is drawn towards that of all applicants, and in training is that of other rows
    (scikit-learn's `TargetEncoder`), so that a rare category is not learnt by heart.
    """

    def fit(self, X: Any, y: Any = None) -> Self:
        """Learn from applicants and their answers; see `Preprocessor.fit`."""
        self._learn(X, lambda parts, columns: parts.fit(columns, y))
        return self

    def fit_transform(self, X: Any, y: Any = None, **fit_params: Any) -> Floats:  # noqa: ARG002
        """Learn, and give the training rows as numbers, none of which holds its own row's answer."""
        out = self._learn(X, lambda parts, columns: parts.fit_transform(columns, y))
        return np.asarray(out, dtype=np.float64)

    def _category_parts(self, levels: dict[str, list[Any]], columns: pd.DataFrame) -> list[Any]:
        many = [name for name, found in levels.items() if len(found) > MANY_LEVELS]
        few = {name: found for name, found in levels.items() if name not in many}
        return [*super()._category_parts(few, columns), ("shares", _share_encoder(), many)]


class SplinePreprocessor(CandidatePreprocessor):
    """What a linear model is given: ramps of the numbers, columns of the categories, what was missing.

    Parameters
    ----------
    schema : Schema, optional
        As in `Preprocessor`.
    quantiles : int, default=9
        As in `Ramps`.
    min_frequency : int or float, optional
        As in `Preprocessor`.
    """

    def __init__(
        self,
        schema: Schema | None = None,
        *,
        quantiles: int = 9,
        min_frequency: int | float | None = None,
    ) -> None:
        super().__init__(schema, min_frequency=min_frequency)
        self.quantiles = quantiles

    def _number_part(self) -> Any:
        return Ramps(self.quantiles)

    def _category_parts(self, levels: dict[str, list[Any]], columns: pd.DataFrame) -> list[Any]:
        *parts, (name, encode, many) = super()._category_parts(levels, columns)
        return [*parts, (name, Pipeline([("encode", encode), ("ramps", Ramps(self.quantiles))]), many)]


def _share_encoder() -> Any:
    """Make the encoder of shares, drawing the same folds each time."""
    folds = StratifiedKFold(5, shuffle=True, random_state=0)
    make: Any = TargetEncoder
    try:
        make(cv=folds)._validate_params()
    except ValueError:  # before scikit-learn 1.9
        return make(target_type="binary", random_state=0)
    return make(target_type="binary", cv=folds)
