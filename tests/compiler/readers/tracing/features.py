"""Features as people write them: functions of a frame, and transformers, that can be compiled."""

from __future__ import annotations

import math
from datetime import datetime
from functools import partial

import numpy as np
import pandas as pd
from compiler.readers.tracing import feature_classes
from compiler.readers.tracing.feature_classes import GroupIncome, Medians, OwnWoe, Ratios, Winsorizer

PAY = ["pago_1", "pago_2", "pago_3", "pago_4"]
TODAY = pd.Timestamp("2024-06-30")
REGIONS = {"norte": "costa", "sur": "sierra", "este": "selva"}


def frame_of(n=420, seed=0):
    """Make applicants: numbers, text that needs tidying, dates, payments, gaps."""
    rng = np.random.default_rng(seed)
    frame = pd.DataFrame(
        {
            "edad": rng.integers(18, 80, n),
            "ingresos": rng.lognormal(7, 0.6, n).round(2),
            "deuda": np.where(rng.random(n) < 0.15, np.nan, rng.gamma(2.0, 500.0, n).round(2)),
            "cuota": rng.gamma(2.0, 60.0, n).round(2),
            "plazo": rng.choice([6, 12, 24, 36], n),
            "dependientes": rng.poisson(1.2, n),
            "empleo": rng.choice(["Fijo ", "libre", "OTRO", "fijo", "sin empleo"], n),
            "region": rng.choice(["norte", "sur", "este"], n),
            "alta": pd.Timestamp("2015-01-01") + pd.to_timedelta(rng.integers(0, 3000, n), "D"),
            "saldo": rng.normal(200.0, 400.0, n).round(2),
            "codigo": rng.choice(["10", "25", "7.5", "-", "40"], n),
            "garante": rng.random(n) < 0.3,
            **{name: rng.choice([-2, -1, 0, 0, 0, 1, 2, 3], n) for name in PAY},
        }
    )
    frame["alta"] = frame["alta"].dt.strftime("%Y-%m-%d").astype(object)
    frame["codigo"] = frame["codigo"].astype(object)
    return frame


# -- numbers -----------------------------------------------------------------------------------------


def debt_ratio(df):
    return (df["deuda"] / df["ingresos"]).to_frame("ratio")


def debt_ratio_no_zero(df):
    return pd.DataFrame({"r": df.deuda / df.ingresos.replace(0, np.nan)})


def debt_ratio_plus_one(df):
    return df.assign(ratio=df.deuda / (df.ingresos + 1))[["ratio", "edad"]]


def safe_ratio(df):
    out = pd.DataFrame(index=df.index)
    out["r"] = np.where(df["ingresos"] > 0, df["deuda"] / df["ingresos"], 0.0)
    return out


def log_income(df):
    return np.log1p(df[["ingresos", "cuota"]])


def log_income_signed(df):
    return np.sign(df[["saldo"]]) * np.log1p(df[["saldo"]].abs())


def root(df):
    df = df[["ingresos", "cuota"]].copy()
    df["raiz"] = np.sqrt(df["ingresos"].clip(lower=0))
    return df


def disposable(df):
    return (df["ingresos"] - df["cuota"] * 1.2 - 150 * df["dependientes"]).to_frame()


def income_per_head(df):
    df = df.copy()
    df["por_cabeza"] = df["ingresos"] / (1 + df["dependientes"])
    return df[["por_cabeza"]]


def effort(df):
    return pd.DataFrame({"esfuerzo": (df.cuota / df.ingresos).clip(0, 1).round(3)})


def squares(df):
    x = df[["edad", "saldo"]]
    return pd.concat([x, (x**2).add_suffix("_2")], axis=1)


def interaction(df):
    return df[["edad"]].assign(cruce=lambda d: d["edad"] * df["ingresos"])


def capped(df):
    out = df[["ingresos", "saldo"]].copy()
    out.loc[out["ingresos"] > 3000, "ingresos"] = 3000
    out.loc[out["saldo"] < 0, "saldo"] = 0
    return out


def whole_years(df):
    return (df["plazo"] // 12).to_frame("anios").assign(resto=df["plazo"] % 12)


def weighted_points(df):
    return pd.DataFrame({"puntos": 0.3 * df.edad + 2.0 * df.garante.astype(int) - 0.01 * df.cuota})


def percent(df):
    return df[["cuota", "saldo"]].div(df["ingresos"], axis=0).mul(100)


# -- flags and missing values ------------------------------------------------------------------------


def missing_flags(df):
    out = df[["deuda"]].isna().astype(int).add_suffix("_falta")
    return pd.concat([df[["deuda"]].fillna(0.0), out], axis=1)


def filled_with_other(df):
    return df["deuda"].fillna(df["cuota"] * 10).to_frame()


def number_missing(df):
    return df[["deuda", "saldo", "cuota"]].isnull().sum(axis=1).to_frame("faltan")


def young(df):
    return (df["edad"] < 25).astype(int).to_frame("joven")


def young_without_guarantor(df):
    return ((df["edad"] < 25) & ~df["garante"]).to_frame("x")


def risk_flags(df):
    flag = (df["deuda"] > 2000) | (df["saldo"] < 0)
    return pd.DataFrame({"riesgo": flag.astype(float), "ambos": (flag & (df.cuota >= 100)).astype(int)})


def in_range(df):
    return df["edad"].between(25, 60).astype(int).to_frame()


def few_terms(df):
    return df[["plazo"]].isin([6, 12]).astype(float)


def masked(df):
    return pd.concat([df["saldo"].where(df["saldo"] > 0, 0), df["cuota"].mask(df["cuota"] > 200)], axis=1)


def codes_are_missing(df):
    return df[PAY].replace({-2: np.nan, -1: np.nan})


def infinite_is_missing(df):
    ratio = df["cuota"] / df["dependientes"]
    return ratio.replace([np.inf, -np.inf], np.nan).fillna(-1).to_frame()


# -- bands -------------------------------------------------------------------------------------------


def age_bands(df):
    return pd.cut(df["edad"], [0, 25, 40, 60, 120], labels=False).to_frame()


def age_band_names(df):
    bands = pd.cut(df["edad"], bins=[17, 30, 50, 100], labels=["joven", "adulto", "mayor"])
    return (bands == "joven").astype(int).to_frame()


def age_bands_left(df):
    return pd.cut(df.edad, [18, 25, 45, 90], right=False, labels=[1, 2, 3]).astype(int).to_frame()


def digitized(df):
    return pd.DataFrame({"tramo": np.digitize(df["ingresos"], [500, 1000, 2000])})


def selected(df):
    levels = [df["ingresos"] < 700, df["ingresos"] < 1500]
    return pd.DataFrame({"nivel": np.select(levels, [0, 1], default=2)})


def nested_where(df):
    points = np.where(df["edad"] < 30, 10, np.where(df["edad"] < 50, 25, 40))
    return pd.DataFrame({"puntos": points, "edad": df["edad"]})


def age_by_rule(df):
    def points(age):
        if age < 25:
            return 1
        if age < 45:
            return 2
        return 3

    return df["edad"].apply(points).to_frame()


def by_lambda(df):
    return df[["saldo"]].assign(mal=df["saldo"].map(lambda x: 1 if x < 0 else 0))


def by_row(df):
    return df.apply(lambda r: r["cuota"] * r["plazo"] if r["garante"] else r["cuota"], axis=1).to_frame()


# -- late payments -----------------------------------------------------------------------------------


def late_payments(df):
    return (df[PAY] > 0).sum(axis=1).to_frame("atrasos")


def worst_payment(df):
    return pd.DataFrame({"peor": df[PAY].max(axis=1), "mejor": df[PAY].min(axis=1)})


def mean_payment(df):
    return df[PAY].mean(axis=1).to_frame("media").assign(ultimo=df["pago_1"])


def sum_of_late(df):
    return df.filter(like="pago_").clip(lower=0).sum(axis=1).to_frame()


def any_late(df):
    return (df[PAY] >= 2).any(axis=1).astype(int).to_frame()


def trend(df):
    return pd.DataFrame({"t": df["pago_1"] - df[PAY[1:]].mean(axis=1), "s": df[PAY].std(axis=1)})


def loop_of_late(df):
    late = 0
    for name in PAY:
        late = late + (df[name] >= 1).astype(int) * 2
    return late.to_frame("atraso")


# -- text --------------------------------------------------------------------------------------------


def tidy_job(df):
    job = df["empleo"].str.strip().str.lower()
    return pd.DataFrame({"fijo": (job == "fijo").astype(int), "sin": job.isin(["sin empleo", "otro"])})


def job_points(df):
    points = {"fijo": 30, "libre": 15, "otro": 5}
    return df["empleo"].str.strip().str.lower().map(points).fillna(0).to_frame()


def region_risk(df):
    return df["region"].map({"norte": 0.2, "sur": 0.5}).fillna(0.3).to_frame()


def region_renamed(df):
    return (df["region"].replace(REGIONS) == "costa").astype(int).to_frame("costa")


def job_length(df):
    return pd.DataFrame({"largo": df["empleo"].str.len(), "sin": df["empleo"].str.contains("sin")})


def job_start(df):
    return df["empleo"].str.upper().str.startswith("FIJ").astype(int).to_frame()


def region_and_job(df):
    both = df["region"] + "_" + df["empleo"].str.strip().str.lower()
    return (both == "sur_fijo").astype(int).to_frame()


def code_as_number(df):
    return pd.to_numeric(df["codigo"], errors="coerce").fillna(-1).to_frame()


def text_by_condition(df):
    level = np.where(df["ingresos"] > 1500, "alto", "bajo")
    return pd.DataFrame({"alto": (level == "alto").astype(int)})


# -- dates -------------------------------------------------------------------------------------------


def days_of_client(df):
    since = pd.to_datetime(df["alta"])
    return (TODAY - since).dt.days.to_frame("dias")


def years_of_client(df):
    since = pd.to_datetime(df["alta"], format="%Y-%m-%d")
    return ((pd.Timestamp("2024-06-30") - since) / pd.Timedelta(days=365.25)).to_frame()


def date_parts(df):
    since = pd.to_datetime(df["alta"], format="%Y-%m-%d")
    return pd.DataFrame({"anio": since.dt.year, "mes": since.dt.month, "dia": since.dt.dayofweek})


def months_of_client(df):
    since = pd.to_datetime(df["alta"], format="%Y-%m-%d")
    day = datetime(2024, 6, 30)
    return ((day.year - since.dt.year) * 12 + day.month - since.dt.month).to_frame("meses")


# -- arrays ------------------------------------------------------------------------------------------


def array_ratio(X):
    X = np.asarray(X, dtype=float)
    return np.column_stack([X, X[:, 0] / (X[:, 1] + 1.0)])


def array_zeros(X):
    X = np.asarray(X)
    out = np.zeros((X.shape[0], 2))
    out[:, 0] = np.maximum(X[:, 0], X[:, 1])
    out[:, 1] = X[:, 0] > 100
    return out


def array_filled(X):
    return np.nan_to_num(X, nan=-1.0)


def array_capped(X):
    X = X.copy()
    X[X > 500] = 500
    return np.c_[X, np.log1p(X)]


def array_sums(X):
    return np.hstack([X, X.sum(axis=1, keepdims=True), np.nanmax(X, axis=1)[:, None]])


# -- the corpus --------------------------------------------------------------------------------------


def scaled_by(df, factor):
    return df * factor


def _log(x):
    return math.e * np.log(x + 1)


def through_helper(df):
    return _log(df[["ingresos", "cuota"]])


NUMBERS = ["ingresos", "cuota", "deuda"]
FULL = ["ingresos", "cuota"]

FEATURES = {
    function.__name__: (function, None)
    for function in (
        debt_ratio_no_zero, debt_ratio_plus_one, safe_ratio, log_income, log_income_signed, root,
        disposable, income_per_head, effort, squares, interaction, capped, whole_years,
        weighted_points, percent, missing_flags, filled_with_other, number_missing, young,
        young_without_guarantor, risk_flags, in_range, few_terms, masked, codes_are_missing,
        infinite_is_missing, age_bands, age_band_names, age_bands_left, digitized, selected, nested_where,
        age_by_rule, by_lambda, by_row, late_payments, worst_payment, mean_payment, sum_of_late, any_late,
        trend, loop_of_late, tidy_job, job_points, region_risk, region_renamed, job_length, job_start,
        region_and_job, code_as_number, text_by_condition, days_of_client, years_of_client, date_parts,
        months_of_client, through_helper, debt_ratio,
        feature_classes.checked,
    )
}  # fmt: skip
FEATURES |= {
    "array_ratio": (array_ratio, FULL),
    "array_zeros": (array_zeros, FULL),
    "array_filled": (array_filled, NUMBERS),
    "array_capped": (array_capped, FULL),
    "array_sums": (array_sums, FULL),
    "array_checked": (feature_classes.checked_array, FULL),
    "partial": (partial(scaled_by, factor=0.001), FULL),
    "lambda": (lambda X: np.log(X + 1), FULL),
}
CLASSES = {
    "Medians": (Medians(), NUMBERS),
    "Ratios": (Ratios(), None),
    "Winsorizer": (Winsorizer(), FULL),
    "OwnWoe": (OwnWoe(), ["region", "empleo"]),
    "GroupIncome": (GroupIncome(), None),
}
