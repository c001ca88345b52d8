"""Named functions of one number, each in a scalar and in an array version.

The scalar version answers where `math` would raise: with NaN where there is no value and with
infinity beyond the largest float, as numpy does.
"""

from __future__ import annotations

import math
import operator
from collections.abc import Callable
from datetime import datetime, timedelta
from functools import cache, wraps
from typing import TYPE_CHECKING, Any

import numpy as np

from morosidad.compiler.nodes.base import Floats, SourceWriter
from morosidad.compiler.nodes.expressions import Elementwise

if TYPE_CHECKING:
    from statistics import NormalDist

Scalar = Callable[..., float]


class NamedFunction(Elementwise, frozen=True):
    """A function from the list below, by name, with its parameters."""

    name: str
    parameters: tuple[float, ...] = ()

    @property
    def alike(self) -> bool:
        return False  # numpy's functions round otherwise than those of `math`

    def emit(self, code: SourceWriter) -> str:
        function = code.constant(FUNCTIONS[self.name][0])
        return f"{function}({', '.join([code.value(self.of), *map(code.constant, self.parameters)])})"

    def compute(self, x: Floats) -> Floats:
        with np.errstate(all="ignore"):
            result: Floats = FUNCTIONS[self.name][1](x, *self.parameters)
        return result


class Function(NamedFunction, frozen=True):
    """A named function of numbers that it has a value of."""


DOMAINS: dict[str, tuple[float, bool]] = {
    "log": (0.0, True),
    "log2": (0.0, True),
    "log10": (0.0, True),
    "log1p": (-1.0, True),
    "sqrt": (0.0, False),
    "box_cox": (0.0, True),
}
"""What the number must be above, and whether strictly, for a function to have a value."""


_POLES = {"log": 0.0, "log2": 0.0, "log10": 0.0, "log1p": -1.0}
"""Where a function is minus infinity."""


def _total(function: Scalar) -> Scalar:
    """Make a function of `math` answer where it raises."""
    pole = _POLES.get(function.__name__)

    @wraps(function)
    def answer(*x: float) -> float:
        try:
            return function(*x)
        except OverflowError:
            return math.inf
        except ValueError:
            return -math.inf if x[0] == pole else math.nan

    return answer


def _yeo_johnson(x: float, power: float) -> float:
    if x >= 0.0:
        return _power(math.log1p(x), power)
    return -_power(math.log1p(-x), 2.0 - power)


def _box_cox(x: float, power: float) -> float:
    return _power(math.log(x), power)


def _power(log: float, power: float) -> float:
    return math.expm1(power * log) / power if power else log


def _yeo_johnsons(x: Floats, power: float) -> Floats:
    logs = np.log1p(np.abs(x))
    return np.where(x >= 0.0, _powers(logs, power), -_powers(logs, 2.0 - power))


def _powers(logs: Floats, power: float) -> Floats:
    return np.expm1(power * logs) / power if power else logs


@cache
def _standard() -> NormalDist:
    from statistics import NormalDist  # it brings in fractions and random numbers: for those who need it

    return NormalDist()


def _normal_quantile(p: float, low: float, high: float) -> float:
    if not 0.0 < p < 1.0:
        return low if p <= 0.0 else high if p >= 1.0 else p
    return min(max(_standard().inv_cdf(p), low), high)


def _normal_quantiles(p: Floats, low: float, high: float) -> Floats:
    from scipy.special import ndtri

    clipped: Floats = np.clip(ndtri(p), low, high)
    return clipped


def _sign(x: float) -> float:
    return float((x > 0.0) - (x < 0.0)) if x == x else x


def _rounded(x: float, factor: float) -> float:
    scaled = x * factor
    return round(scaled) / factor if math.isfinite(scaled) else scaled / factor


def _squashed(x: float, limit: float) -> float:
    share = x / limit
    return x / math.sqrt(1.0 + share * share)


# -- parts of a date that is microseconds since 1970 ----------------------------------------------

DAY = 86_400_000_000
"""Microseconds of a day."""

_EPOCH = datetime(1970, 1, 1)
_LIMIT = 2.0**53


def _moment(x: float) -> datetime:
    return _EPOCH + timedelta(microseconds=x)


def _scalar(part: Callable[[datetime], float]) -> Callable[[float], float]:
    def read(x: float) -> float:
        return float(part(_moment(x))) if -_LIMIT < x < _LIMIT else math.nan

    return read


def _array(part: Callable[[Any], Any]) -> Callable[[Floats], Floats]:
    def read(x: Floats) -> Floats:
        known = np.abs(x) < _LIMIT
        found = np.full(len(x), np.nan)
        found[known] = part(x[known].astype(np.int64).astype("datetime64[us]"))
        return found

    return read


def _months(moments: Any) -> Any:
    return moments.astype("datetime64[M]").astype(np.int64)


def _days(moments: Any) -> Any:
    return moments.astype("datetime64[D]").astype(np.int64)


def _year_days(moments: Any) -> Any:
    return _days(moments) - moments.astype("datetime64[Y]").astype("datetime64[D]").astype(np.int64) + 1


_PARTS: dict[str, tuple[Callable[[datetime], float], Callable[[Any], Any]]] = {
    "year": (lambda at: at.year, lambda at: at.astype("datetime64[Y]").astype(np.int64) + 1970),
    "month": (lambda at: at.month, lambda at: _months(at) % 12 + 1),
    "quarter": (lambda at: (at.month - 1) // 3 + 1, lambda at: _months(at) % 12 // 3 + 1),
    "day": (
        lambda at: at.day,
        lambda at: _days(at) - at.astype("datetime64[M]").astype("datetime64[D]").astype(np.int64) + 1,
    ),
    "dayofweek": (lambda at: at.weekday(), lambda at: (_days(at) + 3) % 7),
    "dayofyear": (lambda at: at.timetuple().tm_yday, _year_days),
    "hour": (lambda at: at.hour, lambda at: at.astype("datetime64[h]").astype(np.int64) % 24),
}

DATE_FUNCTIONS: dict[str, tuple[Callable[[float], float], Any]] = {
    f"date {name}": (_scalar(one), _array(many)) for name, (one, many) in _PARTS.items()
}
"""The parts of a date that is microseconds since 1970, for one number and for many."""


# -- the list --------------------------------------------------------------------------------------

FUNCTIONS: dict[str, tuple[Callable[..., Any], Any]] = {
    "yeo_johnson": (_total(_yeo_johnson), _yeo_johnsons),
    "box_cox": (_total(_box_cox), lambda x, power: _powers(np.log(x), power)),
    "normal_quantile": (_normal_quantile, _normal_quantiles),
    "remainder": (lambda x, period: x % period, np.mod),
    "square": (lambda x: x * x, np.square),
    "sign": (_sign, np.sign),
    "absolute": (abs, np.absolute),
    "fabs": (abs, np.absolute),
    "negative": (operator.neg, np.negative),
    "floor": (lambda x: float(math.floor(x)) if math.isfinite(x) else x, np.floor),
    "ceil": (lambda x: float(math.ceil(x)) if math.isfinite(x) else x, np.ceil),
    "rint": (lambda x: float(round(x)) if math.isfinite(x) else x, np.rint),
    "trunc": (lambda x: float(math.trunc(x)) if math.isfinite(x) else x, np.trunc),
    "round": (_rounded, lambda x, factor: np.rint(x * factor) / factor),
    "squash": (_squashed, lambda x, limit: x / np.sqrt(1.0 + (x / limit) ** 2)),
    "finite": (lambda x: float(math.isfinite(x)), lambda x: np.isfinite(x).astype(np.float64)),
    "infinite": (lambda x: float(math.isinf(x)), lambda x: np.isinf(x).astype(np.float64)),
    **DATE_FUNCTIONS,
}
for _name in (
    "log", "log2", "log10", "log1p", "exp", "exp2", "expm1", "sqrt", "cbrt", "tanh", "arcsin", "arccos",
    "arctan", "arcsinh", "sin", "cos",
):  # fmt: skip
    FUNCTIONS[_name] = (_total(getattr(math, _name.replace("arc", "a"))), getattr(np, _name))

UFUNCS = {
    name: getattr(np, name)
    for name in FUNCTIONS
    if isinstance(getattr(np, name, None), np.ufunc) and name not in ("arcsin", "arccos")
}
"""The numpy functions that `FunctionTransformer` may be made with and that have no upper limit."""


def prior_corrected(probability: Floats, factor: float) -> Floats:
    """Compute ``factor * p / (factor * p + 1 - p)``: probabilities for another default rate.

    Parameters
    ----------
    probability : ndarray of float64
        From 0 to 1, or NaN.
    factor : float
        Of the odds.

    Returns
    -------
    ndarray of float64
    """
    top = factor * probability
    moved: Floats = top / (top + (1.0 - probability))
    return moved
