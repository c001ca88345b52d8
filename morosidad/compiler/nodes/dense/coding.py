"""Dense steps that write a record anew: as a few of some atoms, or as a sketch of its products."""

from __future__ import annotations

from functools import cached_property

import numpy as np

from morosidad.compiler.nodes.base import Floats, Ints
from morosidad.compiler.nodes.dense.step import DenseStep


class SparseCode(DenseStep, frozen=True, eq=False, dict=True):
    """Coefficients of a few atoms whose sum is near the record: orthogonal matching pursuit.

    Rubinstein, Zibulevsky & Elad (2008), *Efficient implementation of the K-SVD algorithm using batch
    orthogonal matching pursuit*. One atom after the other is chosen, that which has the largest product
    with what is left, and the coefficients of all chosen ones are those of least squares.

    Attributes
    ----------
    atoms : ndarray of float64, shape (size, width)
    n_chosen : int
        So many atoms have a coefficient other than 0.
    """

    atoms: Floats
    n_chosen: int

    @property
    def width(self) -> int:
        return int(self.atoms.shape[1])

    @property
    def size(self) -> int:
        return int(self.atoms.shape[0])

    @property
    def fits(self) -> bool:
        return self.atoms.ndim == 2 and 0 < self.n_chosen <= self.size

    def apply(self, x: Floats) -> Floats:
        return np.array([self._code(row)[0] for row in x]).reshape(len(x), self.size)

    def pull_back(self, x: Floats, slopes: Floats) -> Floats:
        found = np.zeros_like(x)
        for place, row in enumerate(x):
            chosen = self._code(row)[1]
            if chosen:
                some = self.atoms[chosen]
                found[place] = np.linalg.solve(some @ some.T, slopes[place, chosen]) @ some
        return found

    @cached_property
    def _gram(self) -> Floats:
        return self.atoms @ self.atoms.T

    def _code(self, row: Floats) -> tuple[Floats, list[int]]:
        gram, products = self._gram, self.atoms @ row
        code, left = np.zeros(self.size), products
        order = list(range(self.size))  # of two equal products the first in this order is chosen
        least = np.finfo(np.float64).eps
        for n_chosen in range(self.n_chosen):
            chosen = order[:n_chosen]
            at = int(np.argmax(np.abs(left[order])))
            best = order[at]
            if at < n_chosen or left[best] ** 2 < least:
                return code, chosen
            shared = gram[best, chosen]
            if n_chosen:
                rest = gram[best, best] - shared @ np.linalg.solve(gram[np.ix_(chosen, chosen)], shared)
                if rest <= least:  # it depends on those that are chosen
                    return code, chosen
            order[n_chosen], order[at] = order[at], order[n_chosen]
            chosen = order[: n_chosen + 1]
            code[chosen] = np.linalg.solve(gram[np.ix_(chosen, chosen)], products[chosen])
            left = products - gram[:, chosen] @ code[chosen]
        return code, order[: self.n_chosen]


class Threshold(DenseStep, frozen=True, eq=False):
    """Products with some atoms, each made smaller by a limit and 0 below it.

    Attributes
    ----------
    n_numbers : int
    limit : float
    """

    n_numbers: int
    limit: float

    @property
    def width(self) -> int:
        return self.n_numbers

    @property
    def size(self) -> int:
        return self.n_numbers

    @property
    def fits(self) -> bool:
        return self.n_numbers > 0

    def apply(self, x: Floats) -> Floats:
        return np.sign(x) * np.maximum(np.abs(x) - self.limit, 0.0)

    def pull_back(self, x: Floats, slopes: Floats) -> Floats:
        return np.where(np.abs(x) > self.limit, slopes, 0.0)


class Sketch(DenseStep, frozen=True, eq=False):
    """Sums of signed columns, several of them convolved: a sketch of a polynomial's products.

    Pham & Pagh (2013), *Fast and scalable polynomial kernels via explicit feature maps*,
    DOI 10.1145/2487575.2487591.

    Attributes
    ----------
    places : ndarray of int32, shape (degree, width)
        Where each column is added, in each of the sums.
    signs : ndarray of float64, shape (degree, width)
        What it is multiplied by.
    n_places : int
        How many numbers a sketch has.
    """

    places: Ints
    signs: Floats
    n_places: int

    @property
    def width(self) -> int:
        return int(self.places.shape[1])

    @property
    def size(self) -> int:
        return self.n_places

    @property
    def fits(self) -> bool:
        if self.places.ndim != 2 or self.places.shape != self.signs.shape or not self.places.size:
            return False
        return bool(((self.places >= 0) & (self.places < self.n_places)).all())

    def apply(self, x: Floats) -> Floats:
        found: Floats = np.fft.ifft(np.prod(np.fft.fft(self._sums(x), axis=2), axis=1)).real
        return found

    def pull_back(self, x: Floats, slopes: Floats) -> Floats:
        waves, back = np.fft.fft(self._sums(x), axis=2), np.fft.fft(slopes)
        found = np.zeros_like(x)
        for degree, (places, signs) in enumerate(zip(self.places, self.signs, strict=True)):
            others = np.delete(waves, degree, axis=1).prod(axis=1)
            found += np.fft.ifft(back * others.conj()).real[:, places] * signs
        return found

    def _sums(self, x: Floats) -> Floats:
        sums = np.zeros((len(x), len(self.places), self.n_places))
        for column in range(x.shape[1]):
            for degree, place in enumerate(self.places[:, column].tolist()):
                sums[:, degree, place] += self.signs[degree, column] * x[:, column]
        return sums


class Harmonics(DenseStep, frozen=True, eq=False):
    """A number's root, times waves of its logarithm: what additive kernels are approximated by.

    Vedaldi & Zisserman (2012), *Efficient additive kernels via explicit feature maps*,
    DOI 10.1109/TPAMI.2011.153.

    Attributes
    ----------
    n_steps : int
        It gives ``2 * n_steps - 1`` numbers: the root, then a cosine and a sine for each step after it.
    interval : float
        What the logarithm is multiplied by.
    """

    n_steps: int
    interval: float

    @property
    def width(self) -> int:
        return 1

    @property
    def size(self) -> int:
        return 2 * self.n_steps - 1

    @property
    def fits(self) -> bool:
        return 0 < self.n_steps < 100 and self.interval > 0.0

    def apply(self, x: Floats) -> Floats:
        return self._values(x, derived=False)

    def pull_back(self, x: Floats, slopes: Floats) -> Floats:
        found: Floats = (self._values(x, derived=True) * slopes).sum(axis=1, keepdims=True)
        return found

    def _values(self, x: Floats, *, derived: bool) -> Floats:
        number, found = x[:, 0], np.zeros((len(x), self.size))
        given = number > 0.0
        kept = number[given]
        log, twice = self.interval * np.log(kept), 2 * kept * self.interval
        root = np.sqrt(kept * self.interval)
        found[given, 0] = root / (2.0 * kept) if derived else root
        for step in range(1, self.n_steps):
            size = np.sqrt(twice / np.cosh(np.pi * step * self.interval))
            cosine, sine = size * np.cos(step * log), size * np.sin(step * log)
            if derived:
                turn = step * self.interval
                cosine, sine = (cosine / 2 - turn * sine) / kept, (sine / 2 + turn * cosine) / kept
            found[given, 2 * step - 1], found[given, 2 * step] = cosine, sine
        return found
