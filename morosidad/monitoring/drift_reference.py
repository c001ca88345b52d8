"""The reference of a drift monitor: binned distributions of the fields and of the score."""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any

import msgspec
import numpy as np
from numpy.typing import NDArray

from morosidad._typing import Floats

Category = str | int | float | bool

SCORE = "probabilidad"


class FieldReference(msgspec.Struct, frozen=True):
    """The distribution of a field's values.

    The cells are, in order: for a measured number, up to each cut and beyond the last; for a category, or a
    number with few values, each value and then all others; and, last of all, missing values.

    Attributes
    ----------
    field : str
        The field's name.
    counts : tuple of int
        Records in each cell.
    cuts : tuple of float
        Upper edges of a number's cells, but for the last cell; empty for a category.
    categories : tuple
        The values with cells of their own; empty for a measured number.
    """

    field: str = msgspec.field(name="campo")
    counts: tuple[int, ...] = msgspec.field(name="registros")
    cuts: tuple[float, ...] = msgspec.field(name="cortes", default=())
    categories: tuple[Category, ...] = msgspec.field(name="categorias", default=())

    @property
    def labels(self) -> tuple[str, ...]:
        """What each cell holds, in Spanish."""
        if self.cuts:
            return (*(f"≤ {cut:g}" for cut in self.cuts), f"> {self.cuts[-1]:g}", "sin dato")
        return (*map(str, self.categories), "otros", "sin dato")


class DriftReference(msgspec.Struct, frozen=True):
    """The distributions of the fields and of the score; their JSON is kept in the model file.

    Attributes
    ----------
    fields : tuple of FieldReference
        In the order of the values that are observed.
    score : FieldReference
        The probability of default.
    """

    fields: tuple[FieldReference, ...] = msgspec.field(name="campos")
    score: FieldReference = msgspec.field(name="puntaje")

    @classmethod
    def measure(
        cls,
        columns: Mapping[str, Iterable[Any]],
        scores: Iterable[float],
        *,
        categorical: Iterable[str] = (),
        bins: int = 10,
        min_share: float = 0.01,
    ) -> DriftReference:
        """Measure the records that the model was made from.

        Parameters
        ----------
        columns : mapping of str to iterable
            Values of each field, as lists, arrays or a data frame; None or NaN where one is missing.
        scores : iterable of float
            Probability of default of each record.
        categorical : iterable of str, optional
            Fields whose numbers stand for categories. Fields with other values than numbers, or with no
            more than `bins` of them, are cut by value anyway.
        bins : int, default=10
            Cells of a measured number, of about equal share.
        min_share : float, default=0.01
            Share below which a value is counted among the others.

        Returns
        -------
        DriftReference

        Raises
        ------
        ValueError
            There are no scores, or that of a record is missing.
        """
        by_value = set(categorical)
        fields = tuple(
            _measure(name, column, bins, min_share, by_value=name in by_value)
            for name, column in columns.items()
        )
        score = _measure(SCORE, scores, bins, 0.0, by_value=False)
        if score.counts[-1]:
            raise ValueError("a record has no score")
        return cls(fields, score)


def is_missing(value: Any) -> bool:
    """Tell whether a value is missing.

    Parameters
    ----------
    value : object
        Of any kind.

    Returns
    -------
    bool
        True for None, NaN, and what else does not equal itself.
    """
    return value is None or (value == value) is not True


def _measure(
    name: str, column: Iterable[Any], bins: int, min_share: float, *, by_value: bool
) -> FieldReference:
    if not by_value and isinstance(column, np.ndarray) and column.dtype == np.float64:
        found = _measured(name, column, bins)
        if found is not None:
            return found
    values = list(getattr(column, "tolist", column.__iter__)())  # plain Python values, of any kind of column
    known = [value for value in values if not is_missing(value)]
    if not values:
        raise ValueError(f"{name}: there are no values to measure")
    missing = len(values) - len(known)
    shares = Counter(known)
    if by_value or len(shares) <= bins or not all(map(_is_number, shares)):
        kept = [value for value, count in shares.most_common() if count >= min_share * len(values)]
        counts = [shares[value] for value in kept]
        others = len(known) - sum(counts)
        return FieldReference(name, (*counts, others, missing), categories=tuple(kept))
    cuts = _cuts(np.array(known), bins)
    places = Counter(bisect_left(cuts, value) for value in known)
    return FieldReference(name, (*(places[cell] for cell in range(len(cuts) + 1)), missing), cuts=cuts)


def _measured(name: str, column: Floats, bins: int) -> FieldReference | None:
    """Measure a column of numbers at once; None where it has few of them."""
    known = column[~np.isnan(column)]
    if len(np.unique(known)) <= bins:
        return None
    cuts = _cuts(known, bins)
    counts = np.bincount(np.searchsorted(cuts, known), minlength=len(cuts) + 1).tolist()
    return FieldReference(name, (*counts, len(column) - len(known)), cuts=cuts)


def _cuts(known: NDArray[Any], bins: int) -> tuple[float, ...]:
    quantiles = np.quantile(known, np.arange(1, bins) / bins, method="inverted_cdf")
    highest = known.max()
    return tuple(float(cut) for cut in dict.fromkeys(quantiles.tolist()) if cut < highest)


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)
