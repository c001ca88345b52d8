"""Synthetic applicants of `AHORRO_VALLE`, drawn from a process whose probabilities are known.

Nobody in them is real. They are for examples, tests and benchmarks: a model trained on them decides
on nobody.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Literal, overload

import numpy as np
from numpy.typing import NDArray

from morosidad.schema.ahorro_valle import AHORRO_VALLE

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["make_applicants"]

Array = NDArray[Any]
Columns = dict[str, Array]

TERMS = np.array([3, 6, 12, 18, 24, 36, 48, 60, 72, 84, 96, 120])  # months that a cooperative offers
TYPICAL_INCOME = 1_700_000.0  # pesos a month

# Destination → how many monthly incomes are usually asked for.
INCOMES_ASKED = {
    "consumo": 3.0,
    "comercial": 6.0,
    "agricola": 5.0,
    "vivienda": 18.0,
    "microcredito": 2.0,
    "educacion": 3.5,
    "otro": 2.5,
}
# Guarantee → its value as a share of the loan, from … to; the others have no value of their own.
GUARANTEE_SHARES = {"vehiculo": (0.8, 1.6), "inmueble": (1.3, 3.0), "aportes": (0.3, 1.0)}

# Categories → effect on the log-odds of default.
EFFECTS = {
    "tipo_empleo": {
        "dependiente": 0.0,
        "independiente": 0.25,
        "agricola": 0.3,
        "comerciante": 0.2,
        "gobierno": -0.35,
        "pensionado": -0.3,
        "otro": 0.4,
    },
    "nivel_educativo": {
        "ninguno": 0.25,
        "primaria": 0.15,
        "secundaria": 0.0,
        "tecnica": -0.1,
        "universitaria": -0.25,
        "posgrado": -0.4,
    },
    "tipo_vivienda": {"propia": -0.2, "familiar": 0.0, "alquilada": 0.2, "hipotecada": -0.05, "otra": 0.25},
    "zona": {"urbana": 0.0, "rural": 0.1},
    "destino_credito": {
        "consumo": 0.0,
        "comercial": 0.1,
        "agricola": 0.15,
        "vivienda": -0.35,
        "microcredito": 0.25,
        "educacion": -0.1,
        "otro": 0.1,
    },
    "tipo_garantia": {
        "ninguna": 0.3,
        "personal": 0.1,
        "vehiculo": -0.1,
        "inmueble": -0.2,
        "aportes": -0.4,
        "libranza": -0.6,
    },
}

# Field → share of the values that get lost for no reason; `_lose` adds those lost for a reason.
LOST = {
    "credito_score": 0.04,
    "gastos_mensuales": 0.04,
    "deuda_actual": 0.04,
    "cuota_deudas_mensual": 0.05,
    "antiguedad_laboral_meses": 0.03,
    "tipo_empleo": 0.015,
    "nivel_educativo": 0.04,
    "tipo_vivienda": 0.03,
    "zona": 0.005,
    "num_dependientes": 0.04,
    "destino_credito": 0.01,
    "tipo_garantia": 0.02,
    "valor_garantia": 0.03,
    "antiguedad_socio_meses": 0.01,
    "num_creditos_previos": 0.03,
    "dias_mora_max_12m": 0.03,
}


@overload
def make_applicants(
    n: int = ..., seed: int = ..., *, return_probability: Literal[False] = ...
) -> pd.DataFrame: ...


@overload
def make_applicants(
    n: int = ..., seed: int = ..., *, return_probability: Literal[True]
) -> tuple[pd.DataFrame, NDArray[np.float64]]: ...


def make_applicants(
    n: int = 1000, seed: int = 0, *, return_probability: bool = False
) -> pd.DataFrame | tuple[pd.DataFrame, NDArray[np.float64]]:
    """Make synthetic applicants of the schema `AHORRO_VALLE`. Nobody in them is real.

    Each applicant has a known probability of default, and defaults or not by the toss of a coin with
    that probability. It grows and falls with each number in the direction that the schema declares.
    Amounts are Colombian pesos. Incomes go with education, employment and zone; expenses with
    income; arrears with the credit score; guarantees with the size of the loan. About one in seven
    defaults. Values are missing, some by chance, some for a reason: who never had a loan often has
    no score. A few categories are rare.

    Parameters
    ----------
    n : int, default=1000
        Number of applicants.
    seed : int, default=0
        The same seed gives the same applicants.
    return_probability : bool, default=False
        Whether to give the true probabilities too.

    Returns
    -------
    frame : DataFrame of shape (n, 21)
        The schema's fields and the target ``moroso_12m`` (1 = default). Its ``attrs["synthetic"]``
        is True.
    probability : ndarray of shape (n,)
        The true probability of default, if asked for.

    Examples
    --------
    >>> frame, probability = make_applicants(5000, seed=1, return_probability=True)
    >>> abs(frame["moroso_12m"].mean() - probability.mean()) < 0.02
    True
    """
    rng = np.random.default_rng(seed)
    columns = _person(rng, n)
    columns |= _work(rng, columns)
    columns |= _household(rng, columns)
    columns |= _history(rng, columns)
    columns |= _loan(rng, columns)
    columns |= _guarantee(rng, columns)
    probability = 1 / (1 + np.exp(-log_odds(columns)))
    target = (rng.random(n) < probability).astype(np.int64)
    frame = _as_frame(_lose(rng, columns), target)
    return (frame, probability) if return_probability else frame


def log_odds(columns: Mapping[str, Array]) -> NDArray[np.float64]:
    """Give the true log-odds of default of complete records: the process behind `make_applicants`.

    Parameters
    ----------
    columns : mapping of str to ndarray
        Every field of `AHORRO_VALLE`, without missing values.

    Returns
    -------
    ndarray of float64, shape (n,)
    """
    incomes = columns["ingresos_mensuales"]
    burden = (columns["gastos_mensuales"] + columns["cuota_deudas_mensual"]) / incomes
    total: NDArray[np.float64] = (
        -1.83
        + 1.6 * np.minimum(burden - 0.6, 1.0)
        + 0.35 * np.log(columns["monto_credito"] / incomes / 3)
        + 0.008 * (columns["plazo_meses"] - 36)
        + 0.12 * np.log1p(columns["deuda_actual"] / incomes)
        - 0.15 * np.log(incomes / TYPICAL_INCOME)
        - 0.009 * (columns["credito_score"] - 640)
        + 0.28 * np.log1p(columns["dias_mora_max_12m"])
        - 0.15 * np.log1p(columns["antiguedad_laboral_meses"] / 12)
        - 0.12 * np.log1p(columns["antiguedad_socio_meses"] / 12)
        - 0.15 * np.log1p(columns["num_creditos_previos"])
        + 0.08 * columns["num_dependientes"]
        - 0.2 * np.minimum(columns["valor_garantia"] / columns["monto_credito"], 1.5)
        + 0.6 * np.exp(-(columns["edad"] - 18) / 8.0)
    )
    for name, effects in EFFECTS.items():
        total += _by_category(columns[name], effects)
    return total


# -- the parts of a record, in the order in which they depend on each other ----------------------


def _person(rng: np.random.Generator, n: int) -> Columns:
    age = np.floor(18 + 68 * rng.beta(2.0, 3.2, n))
    rural = rng.random(n) < 0.28
    schooling = rng.standard_normal(n) - 0.55 * rural - 0.014 * (age - 43)
    steps = np.searchsorted([-2.05, -0.95, 0.15, 0.85, 1.75], schooling)
    return {
        "edad": age,
        "zona": np.where(rural, "rural", "urbana").astype(object),
        "nivel_educativo": _levels("nivel_educativo")[steps],
    }


def _work(rng: np.random.Generator, c: Columns) -> Columns:
    age, rural, schooling = c["edad"], c["zona"] == "rural", _place("nivel_educativo", c)
    retired = np.where(age >= 62, 3.0, np.where(age >= 57, 1.3, -6.0))
    work = _pick(
        rng,
        "tipo_empleo",
        dependiente=1.5 + 0.1 * schooling - 0.6 * rural - 0.04 * np.maximum(age - 60, 0),
        independiente=0.7,
        agricola=-1.3 + 2.3 * rural - 0.3 * schooling,
        comerciante=0.2,
        gobierno=-1.6 + 0.45 * schooling - 0.1 * np.maximum(age - 62, 0),
        pensionado=retired,
        otro=-3.0,
    )
    pay = {"dependiente": 0.0, "gobierno": 0.3, "pensionado": -0.05, "agricola": -0.3, "otro": -0.35}
    mean = (
        np.log(1_250_000)
        + 0.22 * schooling
        + _by_category(work, pay)
        - 0.12 * rural
        - 0.0004 * (age - 48) ** 2
    )
    income = _pesos(np.exp(mean + 0.4 * rng.standard_normal(len(age))), 10_000, least=300_000)
    steady = 1 + 0.7 * (work == "gobierno")
    tenure = np.floor((age - 18) * 12 * rng.beta(1.1 * steady, 2.8))
    return {
        "tipo_empleo": work,
        "ingresos_mensuales": income,
        "antiguedad_laboral_meses": np.minimum(tenure, 600),
    }


def _household(rng: np.random.Generator, c: Columns) -> Columns:
    age, income, n = c["edad"], c["ingresos_mensuales"], len(c["edad"])
    home = _pick(
        rng,
        "tipo_vivienda",
        propia=0.2 + 0.035 * (age - 40),
        familiar=0.6 - 0.03 * (age - 30),
        alquilada=0.3,
        hipotecada=-1.4 + 0.3 * np.log(income / TYPICAL_INCOME),
        otra=-3.2,
    )
    dependants = np.minimum(rng.poisson(0.5 + 1.3 * np.exp(-(((age - 42) / 14) ** 2))), 15)
    share = 0.36 + 0.035 * dependants + 0.1 * (home == "alquilada") - 0.06 * np.log(income / TYPICAL_INCOME)
    expenses = income * np.clip(share, 0.15, 0.9) * np.exp(0.22 * rng.standard_normal(n))
    return {
        "tipo_vivienda": home,
        "num_dependientes": dependants,
        "gastos_mensuales": _pesos(expenses, 10_000),
    }


def _history(rng: np.random.Generator, c: Columns) -> Columns:
    age, income, n = c["edad"], c["ingresos_mensuales"], len(c["edad"])
    discipline = rng.standard_normal(n)  # nobody sees it; the score and the arrears tell of it
    member = np.minimum(np.floor(rng.exponential(70, n)), (age - 18) * 12)
    loans = np.minimum(rng.poisson(0.28 * member / 12 + 0.2), 100)
    indebted = rng.random(n) < 0.45 + 0.2 * (loans > 0)
    debt = indebted * income * np.exp(0.7 + 0.9 * rng.standard_normal(n) - 0.15 * discipline)
    late = rng.random(n) < (indebted | (loans > 0)) / (1 + np.exp(1.5 + 1.1 * discipline))
    days = np.ceil(late * rng.exponential(28 * np.exp(-0.35 * discipline)))
    score = 640 + 75 * discipline + 18 * np.log1p(loans) - 8 * np.log1p(days) + 45 * rng.standard_normal(n)
    return {
        "antiguedad_socio_meses": np.minimum(member, 720),
        "num_creditos_previos": loans,
        "deuda_actual": _pesos(debt, 10_000),
        "cuota_deudas_mensual": _pesos(debt * rng.uniform(0.025, 0.06, n), 1_000),
        "dias_mora_max_12m": np.minimum(days, 360),
        "credito_score": np.clip(np.rint(score), 150, 950),
    }


def _loan(rng: np.random.Generator, c: Columns) -> Columns:
    work, income, n = c["tipo_empleo"], c["ingresos_mensuales"], len(c["edad"])
    trade = (work == "comerciante") | (work == "independiente")
    purpose = _pick(
        rng,
        "destino_credito",
        consumo=1.4,
        comercial=-0.9 + 1.5 * trade,
        agricola=-2.5 + 3.6 * (work == "agricola"),
        vivienda=-0.7 + 0.4 * np.log(income / TYPICAL_INCOME),
        microcredito=-1.2 + 1.1 * trade - 0.5 * np.log(income / TYPICAL_INCOME),
        educacion=-1.1 - 0.03 * (c["edad"] - 35),
        otro=-2.6,
    )
    asked = income * _by_category(purpose, INCOMES_ASKED) * np.exp(0.5 * rng.standard_normal(n))
    amount = _pesos(asked, 50_000, least=200_000)
    months = 13 * (amount / income) ** 0.6 * np.exp(0.3 * rng.standard_normal(n))
    nearest = np.abs(np.log(months)[:, None] - np.log(TERMS)).argmin(axis=1)
    return {"destino_credito": purpose, "monto_credito": amount, "plazo_meses": TERMS[nearest]}


def _guarantee(rng: np.random.Generator, c: Columns) -> Columns:
    size = np.log(c["monto_credito"] / c["ingresos_mensuales"])
    payroll = np.isin(c["tipo_empleo"].astype(str), ["dependiente", "gobierno", "pensionado"])
    kind = _pick(
        rng,
        "tipo_garantia",
        ninguna=0.9 - 0.9 * size,
        personal=0.6,
        vehiculo=-2.4 + 0.5 * size,
        inmueble=-3.9 + 1.6 * size,
        aportes=-1.2 + 0.006 * c["antiguedad_socio_meses"],
        libranza=np.where(payroll, 0.3, -8.0),
    )
    low = _by_category(kind, {name: shares[0] for name, shares in GUARANTEE_SHARES.items()})
    high = _by_category(kind, {name: shares[1] for name, shares in GUARANTEE_SHARES.items()})
    return {
        "tipo_garantia": kind,
        "valor_garantia": _pesos(c["monto_credito"] * rng.uniform(low, high), 50_000),
    }


def _lose(rng: np.random.Generator, c: Columns) -> Columns:
    """Take values away: some by chance, some for a reason."""
    n = len(c["edad"])
    strained = (c["gastos_mensuales"] + c["cuota_deudas_mensual"]) / c["ingresos_mensuales"] > 0.75
    informal = np.isin(c["tipo_empleo"].astype(str), ["agricola", "independiente", "otro"])
    reasons = {
        "credito_score": 0.35 * (c["num_creditos_previos"] == 0),
        "gastos_mensuales": 0.12 * strained,
        "antiguedad_laboral_meses": 0.12 * informal,
        "dias_mora_max_12m": 0.15 * (c["dias_mora_max_12m"] > 0),
        "valor_garantia": 0.1 * (c["valor_garantia"] == 0),
    }
    lost = {name: rng.random(n) < share + reasons.get(name, 0.0) for name, share in LOST.items()}
    return c | {name: np.where(gone, np.nan, c[name].astype(_wide(name))) for name, gone in lost.items()}


# -- small parts ---------------------------------------------------------------------------------


def _as_frame(columns: Columns, target: Array) -> pd.DataFrame:
    """Put the columns in the schema's order: whole numbers as int64 where none is missing."""
    import pandas as pd

    data = {}
    for field in AHORRO_VALLE.fields:
        column = columns[field.name]
        whole = field.kind == "integer" and field.name not in LOST
        kind = "int64" if whole else _wide(field.name)
        data[field.name] = pd.Series(column.astype(kind), dtype=kind)
    frame = pd.DataFrame(data | {str(AHORRO_VALLE.target): target})
    frame.attrs["synthetic"] = True
    return frame


def _wide(name: str) -> str:
    """Give the dtype that holds a field's values and NaN."""
    return "object" if AHORRO_VALLE[name].kind == "category" else "float64"


def _levels(name: str) -> Array:
    return np.array(AHORRO_VALLE[name].categories, dtype=object)


def _place(name: str, columns: Columns) -> Array:
    """Give each category's place in the schema's order."""
    return _by_category(columns[name], {level: float(i) for i, level in enumerate(_levels(name))})


def _by_category(column: Array, numbers: Mapping[str, float]) -> NDArray[np.float64]:
    """Give each category's number, 0 for those without."""
    total = np.zeros(len(column))
    for level, number in numbers.items():
        total[column == level] = number
    return total


def _pick(rng: np.random.Generator, name: str, **scores: Any) -> Array:
    """Draw a category for each row, with probabilities in proportion to exp(score)."""
    levels = _levels(name)
    n = max((len(score) for score in scores.values() if isinstance(score, np.ndarray)), default=0)
    columns = [np.broadcast_to(scores[str(level)], n) for level in levels]
    best = (np.stack(columns, axis=1) + rng.gumbel(size=(n, len(levels)))).argmax(axis=1)
    return np.asarray(levels[best])


def _pesos(amounts: Array, unit: int, least: int = 0) -> NDArray[np.float64]:
    """Round amounts as people do when they fill in a form."""
    rounded: NDArray[np.float64] = np.maximum(np.rint(amounts / unit) * unit, float(least))
    return rounded
