"""A quantile sketch with a bounded relative error (DDSketch), whose counts add up across sketches.

The buckets' edges grow by a constant factor, so a bucket stands for its values with the same *relative*
error everywhere (Masson, Rim and Lee, *DDSketch: A Fast and Fully-Mergeable Quantile Sketch with
Relative-Error Guarantees*, PVLDB 12(12), 2019, https://doi.org/10.14778/3352063.3352135). The factor here is
a whole root of two: every octave holds the same number of buckets, and the octaves' edges (1 µs, 2 µs, 4 µs,
…) are exact bounds for a histogram.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import ceil, inf, log, log2, nan

import numpy as np
from numpy.typing import NDArray

CountArray = NDArray[np.float64]


class LogBuckets:
    """Logarithmic buckets: a value's index among buckets that grow by a constant factor.

    Parameters
    ----------
    relative_error : float
        Largest relative error of the value that stands for a bucket, above 0 and below 1.
    low, high : float
        The range that is covered, in the unit of the values. `high` is raised to a whole number of octaves
        above `low`.

    Attributes
    ----------
    low, high : float
        The range really covered.
    per_octave, octaves, size : int
        Buckets in each octave, octaves, and buckets in all. The last bucket is for `high` and above.
    scale, shift : float
        ``int(log2(value) * scale + shift)`` is the bucket of a value inside the range.
    middles : numpy.ndarray of float64, shape (size,)
        The value that stands for each bucket.

    Raises
    ------
    ValueError
        The error or the range makes no sense.
    """

    __slots__ = ("high", "low", "middles", "octaves", "per_octave", "scale", "shift", "size")

    def __init__(self, relative_error: float = 0.01, low: float = 1e-6, high: float = 60.0) -> None:
        if not 0 < relative_error < 1:
            raise ValueError("relative_error must lie between 0 and 1")
        if not 0 < low < high < inf:
            raise ValueError("low must be positive and high above it")
        self.per_octave: int = ceil(log(2) / log((1 + relative_error) / (1 - relative_error)))
        self.octaves: int = ceil(log2(high / low))
        self.low: float = low
        self.high: float = low * 2.0**self.octaves
        self.size: int = self.octaves * self.per_octave + 1
        self.scale: float = float(self.per_octave)
        self.shift: float = -log2(low) * self.scale
        factor = 2 ** (1 / self.per_octave)
        lower_edges = low * factor ** np.arange(self.size)
        self.middles: CountArray = np.asarray(lower_edges * (2 * factor / (1 + factor)), dtype=np.float64)
        self.middles[-1] = self.high

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, LogBuckets):
            return NotImplemented
        return (self.low, self.octaves, self.per_octave) == (other.low, other.octaves, other.per_octave)

    def __hash__(self) -> int:
        return hash((self.low, self.octaves, self.per_octave))

    def index(self, value: float) -> int:
        """Return the bucket of `value`, clamped to the range; NaN counts as lowest.

        Parameters
        ----------
        value : float
            The value.

        Returns
        -------
        int
        """
        if value >= self.high:
            return self.size - 1
        return int(log2(value) * self.scale + self.shift) if value >= self.low else 0

    def quantiles(self, counts: CountArray, qs: Sequence[float]) -> list[float]:
        """Return quantiles of the counted values, interpolated as `numpy.quantile` does.

        Parameters
        ----------
        counts : numpy.ndarray of float64, shape (size,)
            Values in each bucket.
        qs : sequence of float
            From 0 to 1.

        Returns
        -------
        list of float
            One for each of `qs`; NaN when nothing was counted.

        Raises
        ------
        ValueError
            A quantile outside 0 to 1.
        """
        if any(not 0 <= q <= 1 for q in qs):
            raise ValueError("a quantile lies between 0 and 1")
        reached = np.cumsum(counts)
        if reached[-1] < 1:
            return [nan] * len(qs)
        ranks = np.asarray(qs, dtype=np.float64) * (reached[-1] - 1)
        below = self.middles[np.searchsorted(reached, np.floor(ranks), side="right")]
        above = self.middles[np.searchsorted(reached, np.ceil(ranks), side="right")]
        values: list[float] = (below + (above - below) * (ranks - np.floor(ranks))).tolist()
        return values

    def cumulative(self, counts: CountArray) -> list[tuple[float, float]]:
        """Return ``(upper edge, values up to it)`` of each octave; the last edge is infinity.

        Parameters
        ----------
        counts : numpy.ndarray of float64, shape (size,)
            Values in each bucket.

        Returns
        -------
        list of tuple of float
        """
        octaves = counts[:-1].reshape(self.octaves, self.per_octave).sum(axis=1).cumsum().tolist()
        edges = [self.low * 2.0 ** (octave + 1) for octave in range(self.octaves)]
        return [*zip(edges, octaves, strict=True), (inf, float(counts.sum()))]


class QuantileSketch:
    """Quantiles of a stream of positive numbers in constant memory.

    Values outside the range are clamped to it, and counted in `below` and `above`.

    Parameters
    ----------
    relative_error : float, default=0.01
        Largest relative error of a quantile, as against `numpy.quantile` of the same values.
    low, high : float, optional
        The range in which that error holds.

    Attributes
    ----------
    buckets : LogBuckets
        The buckets that are counted.
    counts : numpy.ndarray of float64, shape (size,)
        How many values fell in each bucket.
    below, above : int
        Values that were clamped.
    sum : float
        Sum of the values, after clamping.

    Examples
    --------
    >>> sketch = QuantileSketch()
    >>> for milliseconds in range(1, 1001):
    ...     sketch.add(milliseconds / 1000)
    >>> round(sketch.quantile(0.5), 1)
    0.5
    """

    __slots__ = ("above", "below", "buckets", "counts", "sum")

    def __init__(self, relative_error: float = 0.01, low: float = 1e-6, high: float = 60.0) -> None:
        self.buckets: LogBuckets = LogBuckets(relative_error, low, high)
        self.counts: CountArray = np.zeros(self.buckets.size)
        self.below: int = 0
        self.above: int = 0
        self.sum: float = 0.0

    @classmethod
    def of(
        cls, buckets: LogBuckets, counts: CountArray, sum: float, below: int = 0, above: int = 0
    ) -> QuantileSketch:
        """Return a sketch of what was counted elsewhere; it keeps `counts` itself, not a copy.

        Parameters
        ----------
        buckets : LogBuckets
            The buckets.
        counts : numpy.ndarray of float64, shape (size,)
            Values in each bucket.
        sum : float
            Sum of the values, after clamping.
        below, above : int, default=0
            Values that were clamped.

        Returns
        -------
        QuantileSketch
        """
        sketch = cls.__new__(cls)
        sketch.buckets, sketch.counts, sketch.sum = buckets, counts, sum
        sketch.below, sketch.above = below, above
        return sketch

    def __repr__(self) -> str:
        return f"QuantileSketch(count={self.count}, below={self.below}, above={self.above})"

    @property
    def count(self) -> int:
        """How many values were added."""
        return int(self.counts.sum())

    @property
    def mean(self) -> float:
        """Mean of the values, after clamping; NaN with none."""
        return self.sum / self.count if self.count else nan

    def add(self, value: float, count: int = 1) -> None:
        """Add `value`, `count` times over.

        Parameters
        ----------
        value : float
            The value.
        count : int, default=1
            How many times.

        Returns
        -------
        None
        """
        low, high = self.buckets.low, self.buckets.high
        if value > high:
            self.above += count
            value = high
        elif not value >= low:
            self.below += count
            value = low
        self.counts[self.buckets.index(value)] += count
        self.sum += value * count

    def merge(self, other: QuantileSketch) -> None:
        """Add everything that `other` holds.

        Parameters
        ----------
        other : QuantileSketch
            A sketch with the same buckets, which stays as it is.

        Returns
        -------
        None

        Raises
        ------
        ValueError
            The two lie on different buckets.
        """
        if other.buckets != self.buckets:
            raise ValueError("only sketches with the same buckets can be merged")
        self.counts += other.counts
        self.below += other.below
        self.above += other.above
        self.sum += other.sum

    def quantile(self, q: float) -> float:
        """Return one quantile.

        Parameters
        ----------
        q : float
            From 0 to 1.

        Returns
        -------
        float
            NaN when nothing was added.

        Raises
        ------
        ValueError
            `q` lies outside 0 to 1.
        """
        return self.quantiles([q])[0]

    def quantiles(self, qs: Sequence[float]) -> list[float]:
        """Return several quantiles in one pass.

        Parameters
        ----------
        qs : sequence of float
            From 0 to 1.

        Returns
        -------
        list of float
            One for each of `qs`; NaN when nothing was added.

        Raises
        ------
        ValueError
            A quantile outside 0 to 1.
        """
        return self.buckets.quantiles(self.counts, qs)
