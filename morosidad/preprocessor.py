"""A scikit-learn transformer built from a schema: imputation, scaling, encoding."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Any, Literal, Self

import numpy as np
import numpy.typing as npt
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.compose import ColumnTransformer
from sklearn.impute import MissingIndicator, SimpleImputer
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import OneHotEncoder, OrdinalEncoder, StandardScaler
from sklearn.utils import validation

from morosidad._dataframes import select
from morosidad.errors import InvalidFrame, SettingsError
from morosidad.frames.columns import levels_of, read_columns
from morosidad.frames.compatibility import Tagged, validate_data
from morosidad.schema.schema import Record, Schema

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["Preprocessor"]

if TYPE_CHECKING:

    class _Transformer(Tagged):
        """What scikit-learn's bases give a transformer: they have no types themselves."""

        def fit_transform(self, X: Any, y: object = None, **fit_params: Any) -> npt.NDArray[np.float64]: ...
        def set_output(self, *, transform: Literal["default", "pandas", "polars"] | None = None) -> Self: ...
        def get_params(self, deep: bool = True) -> dict[str, Any]: ...
        def set_params(self, **params: Any) -> Self: ...
        def __getstate__(self) -> dict[str, Any]: ...
        def __setstate__(self, state: dict[str, Any]) -> None: ...

else:

    class _Transformer(Tagged, TransformerMixin, BaseEstimator):
        pass


class Preprocessor(_Transformer):
    """Turn records of a schema into numbers for a model.

    Numbers are imputed and scaled, booleans become 0 and 1, categories are imputed with the most
    frequent one and encoded; a column of its own says where a value was missing. A category that the
    encoder does not know is no error: its one-hot columns are all 0 (or the infrequent one is 1), its
    ordinal code is -1.

    It is an ordinary scikit-learn transformer, made of scikit-learn's own parts: use it in a
    `Pipeline`, clone it, tune it.

    Parameters
    ----------
    schema : Schema, optional
        The fields. Frames are read by name, so that other columns and their order do not matter;
        arrays are read by position. Without a schema, `fit` infers one from its data, and columns
        of arrays are called ``x0``, ``x1``, …
    missing : {'indicator', 'keep', 'impute'}, default='indicator'
        What becomes of a missing value. ``'indicator'``: it is imputed, and a further column is 1 where
        it was missing, for each field that has missing values in the data of `fit`. ``'keep'``: a
        missing number or boolean stays NaN, for models that take it, such as boosted trees; a missing
        category is NaN as an ordinal code, and has a column of its own among one-hot columns; a field
        without a single value has no column.
        ``'impute'``: it is imputed, and nothing tells it from a value. On two public data sets that cost
        .02 to .05 of AUC where values were missing because of what they were, and at most .006 where they
        were missing at random; ``benchmarks/preprocessor/bench_missing.py`` repeats it.
    strategy : {'median', 'mean', 'most_frequent'}, default='median'
        What stands in for a missing number.
    add_indicator : bool or sequence of str, optional
        In place of what `missing` says: whether there are columns for missing values, or the names of
        the fields that have one.
    scale : bool, default=True
        Whether numbers are brought to mean 0 and variance 1. Trees do not need it.
    encoding : {'onehot', 'ordinal'}, default='onehot'
        How categories become numbers. The columns, or the codes, are in the schema's order; a
        declared category has its place even if no row of `fit` holds it.
    min_frequency : int or float, optional
        Categories with fewer rows than this (or a smaller share of the rows) are taken as one.

    Attributes
    ----------
    schema_ : Schema
        The schema used: the one given, or the one inferred.
    transformer_ : ColumnTransformer
        The fitted parts, all of them scikit-learn's.
    n_features_in_ : int
        Number of columns.
    feature_names_in_ : ndarray of str
        Names of the columns, if they had names.

    See Also
    --------
    morosidad.Scorer : Compiles a pipeline with this as its first step.

    Examples
    --------
    >>> import pandas as pd
    >>> from morosidad import Field, Schema
    >>> schema = Schema([Field("edad", "integer"), Field("zona", "category", categories=["urbana", "rural"])])
    >>> frame = pd.DataFrame({"edad": [30, 50], "zona": ["rural", None]})
    >>> Preprocessor(schema).fit_transform(frame)
    array([[-1.,  0.,  1.,  0.],
           [ 1.,  0.,  1.,  1.]])
    """

    _input_tags = frozenset({"allow_nan", "categorical", "string"})

    def __init__(
        self,
        schema: Schema | None = None,
        *,
        missing: Literal["indicator", "keep", "impute"] = "indicator",
        strategy: Literal["median", "mean", "most_frequent"] = "median",
        add_indicator: bool | Sequence[str] | None = None,
        scale: bool = True,
        encoding: Literal["onehot", "ordinal"] = "onehot",
        min_frequency: int | float | None = None,
    ) -> None:
        self.schema = schema
        self.missing = missing
        self.strategy = strategy
        self.add_indicator = add_indicator
        self.scale = scale
        self.encoding = encoding
        self.min_frequency = min_frequency

    def fit(self, X: Any, y: object = None) -> Self:  # noqa: ARG002 - scikit-learn's signature
        """Learn what stands in for missing values, the scales and the categories.

        Parameters
        ----------
        X : DataFrame or array of shape (n_rows, n_fields)
            Training data. Missing is None, NaN or pandas' NA.
        y : object, optional
            Ignored.

        Returns
        -------
        Preprocessor
            Itself.

        Raises
        ------
        InvalidFrame
            If columns are missing, or hold what their field can't be.
        SettingsError
            If parameters are wrong.
        """
        self._learn(X, lambda parts, columns: parts.fit(columns))
        return self

    def transform(self, X: Any) -> npt.NDArray[np.float64]:
        """Turn rows into numbers.

        Declared limits are not enforced here: `Schema.validate` does that.

        Parameters
        ----------
        X : DataFrame or array of shape (n_rows, n_fields)
            Rows like those of `fit`.

        Returns
        -------
        ndarray of shape (n_rows, n_columns)
            In float64; a DataFrame after ``set_output(transform="pandas")``.

        Raises
        ------
        InvalidFrame
            If columns are missing, or hold what their field can't be.
        """
        validation.check_is_fitted(self, "transformer_")
        columns = read_columns(self.schema_, self._as_frame(X, reset=False))
        return np.asarray(self.transformer_.transform(columns), dtype=np.float64)

    def transform_one(self, record: Record) -> list[float]:
        """Turn one record into numbers, without a data frame.

        Parameters
        ----------
        record : mapping, JSON as bytes or text, or object with attributes
            As in `Schema.validate`; aliases are resolved and limits enforced.

        Returns
        -------
        list of float
            Bit for bit the numbers of `transform` on a frame of this one row.

        Raises
        ------
        InvalidRecord
            With every wrong field at once.
        """
        row = self._row
        return row(self.schema_.read(record)[0])

    def get_feature_names_out(self, input_features: Sequence[str] | None = None) -> npt.NDArray[np.object_]:
        """Give the names of the columns that `transform` returns.

        Parameters
        ----------
        input_features : sequence of str, optional
            Only checked against the columns of `fit`: the names come from the schema.

        Returns
        -------
        ndarray of str
            A field's own name, ``field_category`` for one-hot columns, and
            ``missingindicator_field``.
        """
        validation.check_is_fitted(self, "transformer_")
        validation._check_feature_names_in(self, input_features)
        names: npt.NDArray[np.object_] = self.transformer_.get_feature_names_out()
        return names

    @cached_property
    def _row(self) -> Callable[[tuple[Any, ...]], list[float]]:
        """The single-row function, compiled once for each fit."""
        validation.check_is_fitted(self, "transformer_")
        from morosidad.compiler import compile_transformer

        return compile_transformer(self.transformer_, self.schema_).row

    def __getstate__(self) -> dict[str, Any]:
        return {name: value for name, value in super().__getstate__().items() if name != "_row"}

    def __setstate__(self, state: dict[str, Any]) -> None:
        super().__setstate__({"missing": "impute", **state})  # all that there was before `missing`

    # -- parts ---------------------------------------------------------------------------------

    def _learn(self, X: Any, fitted: Callable[[Any, pd.DataFrame], Any]) -> Any:
        """Fit the parts to the columns of X by a function of both; give what it gives."""
        frame = self._as_frame(X, reset=True)
        schema = Schema.infer(frame) if self.schema is None else self.schema
        columns = read_columns(schema, frame)
        self._check(schema)
        parts: Any = self._parts(schema, columns).set_output(transform="default")
        out = fitted(parts, columns)
        parts.verbose_feature_names_out = _has_doubles(parts)
        self.transformer_: Any = parts
        self.schema_: Schema = schema
        self.__dict__.pop("_row", None)
        return out

    def _as_frame(self, X: Any, *, reset: bool) -> pd.DataFrame:
        """Give X as a frame with the schema's names, checked as scikit-learn does."""
        import pandas as pd

        if not isinstance(X, pd.DataFrame) and hasattr(X, "to_pandas"):
            X = X.to_pandas()
        if isinstance(X, pd.DataFrame):
            if self.schema is not None and any(isinstance(name, str) for name in X.columns):
                X = select(X, self.schema.names)
            validate_data(self, X, reset=reset, skip_check_array=True)
        else:
            X = validate_data(self, X, reset=reset, dtype=None, allow_nan=True)
            X = pd.DataFrame(X)
        names: Sequence[str] = [f"x{i}" for i in range(X.shape[1])]
        names = self.schema.names if self.schema else getattr(self, "feature_names_in_", names)
        if len(names) != X.shape[1]:
            raise InvalidFrame(f"X has {X.shape[1]} columns, but the schema has {len(names)} fields")
        frame: pd.DataFrame = X.set_axis(list(names), axis=1)
        return frame

    def _check(self, schema: Schema) -> None:
        choices = {
            "missing": ("indicator", "keep", "impute"),
            "strategy": ("median", "mean", "most_frequent"),
            "encoding": ("onehot", "ordinal"),
        }
        problems = [
            f"{name}: one of {', '.join(words)} was expected"
            for name, words in choices.items()
            if getattr(self, name) not in words
        ]
        if not isinstance(self.add_indicator, bool | None):
            strangers = [name for name in self.add_indicator if name not in schema.names]
            problems += [f"add_indicator: {name!r} is no field of the schema" for name in strangers]
        if problems:
            raise SettingsError(problems)

    def _parts(self, schema: Schema, columns: pd.DataFrame) -> ColumnTransformer:
        """Put scikit-learn's parts together, one for each kind of field."""
        kinds = {field.name: field.kind for field in schema.fields}
        if self.missing == "keep":  # of a field without a value there is nothing to learn
            kinds = {name: kind for name, kind in kinds.items() if columns[name].notna().any()}
        levels = {
            field.name: levels_of(field, columns[field.name])
            for field in schema.fields
            if field.kind == "category" and field.name in kinds
        }
        numbers = [name for name, kind in kinds.items() if kind in ("number", "integer")]
        booleans = [name for name, kind in kinds.items() if kind == "boolean"]
        categories = {name: levels[name] for name in levels if levels[name]}
        frequent = SimpleImputer(strategy="most_frequent", keep_empty_features=True)
        parts = [
            ("numbers", self._number_part(), numbers),
            ("booleans", "passthrough" if self.missing == "keep" else frequent, booleans),
            *self._category_parts(categories, columns),
            ("missing", MissingIndicator(features="all"), self._indicated(columns)),
        ]
        return ColumnTransformer(
            [part for part in parts if part[2]], sparse_threshold=0, verbose_feature_names_out=False
        )

    def _number_part(self) -> Any:
        impute = SimpleImputer(strategy=self.strategy, keep_empty_features=True)
        steps = [] if self.missing == "keep" else [("impute", impute)]
        steps += [("scale", StandardScaler())] if self.scale else []
        return Pipeline(steps) if steps else "passthrough"

    def _category_parts(self, levels: dict[str, list[Any]], columns: pd.DataFrame) -> list[Any]:
        """Give what encodes categories: name, transformer, columns; `levels` are each column's, in order."""
        encode = self._encoder([self._known(found, columns[name]) for name, found in levels.items()])
        if self.missing != "keep":
            impute = SimpleImputer(strategy="most_frequent", keep_empty_features=True)
            encode = Pipeline([("impute", impute), ("encode", encode)])
        return [("categories", encode, list(levels))]

    def _known(self, levels: list[Any], column: pd.Series[Any]) -> npt.NDArray[Any]:
        """Give what an encoder of one column knows: a missing value too, where it is kept."""
        kept = self.missing == "keep" and (self.encoding == "ordinal" or bool(column.isna().any()))
        return np.array([*levels, np.nan] if kept else levels, dtype=object)

    def _encoder(self, categories: Any) -> Any:
        encode: Any
        if self.encoding == "onehot":
            encode = OneHotEncoder(
                categories=categories,
                handle_unknown="ignore" if self.min_frequency is None else "infrequent_if_exist",
                min_frequency=self.min_frequency,
                sparse_output=False,
            )
        else:
            encode = OrdinalEncoder(
                categories=categories,
                handle_unknown="use_encoded_value",
                unknown_value=-1,
                min_frequency=self.min_frequency,
            )
        return encode

    def _indicated(self, columns: pd.DataFrame) -> list[str]:
        asked = self.missing == "indicator" if self.add_indicator is None else self.add_indicator
        if isinstance(asked, bool):
            return list(columns.columns[columns.isna().any()]) if asked else []
        return list(asked)


def _has_doubles(transformer: ColumnTransformer) -> bool:
    """Say whether two columns would bear the same name: a number ``a_b``, and ``a`` with level ``b``."""
    try:
        transformer.get_feature_names_out()
    except ValueError:
        return True
    return False
