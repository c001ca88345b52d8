"""Features that can't be compiled, each with the comment ``# here`` on the line that says why."""

from __future__ import annotations

import random
from datetime import date

import numpy as np
import pandas as pd
from sklearn.base import BaseEstimator

OTHER_ROWS = "depends on the values of other rows"


def centred(df):
    return df[["edad"]] - df["edad"].mean()  # here


def ranked(df):
    return df["ingresos"].rank(pct=True).to_frame()  # here


def shifted(df):
    return df["saldo"].shift(1).fillna(0.0).to_frame()  # here


def grouped(df):
    return df.groupby("region")["ingresos"].transform("mean").to_frame()  # here


def dummies(df):
    return pd.get_dummies(df["region"])  # here


def category_codes(df):
    return df["region"].astype("category").cat.codes.to_frame()  # here


def quantile_bands(df):
    return pd.qcut(df["ingresos"], 4, labels=False).to_frame()  # here


def equal_bands(df):
    return pd.cut(df["ingresos"], 5, labels=False).to_frame()  # here


def median_filled(df):
    return df["deuda"].fillna(df["deuda"].median()).to_frame()  # here


def largest(df):
    return df[["cuota"]] / np.max(df[["cuota"]].to_numpy(), axis=0)  # here


def sorted_rows(df):
    return df.sort_values("edad")[["edad"]]  # here


def running_sum(df):
    return np.cumsum(df["cuota"]).to_frame()  # here


def counted(df):
    return df["region"].map(df["region"].value_counts()).to_frame()  # here


def row_number(df):
    return df.assign(n=range(len(df)))[["n"]]  # here


def branches(df):
    if df["deuda"].isna().any():  # here
        return df[["deuda"]].fillna(0.0)
    return df[["deuda"]]


def goes_on_otherwise(df):
    if (df["edad"] > 500).any():  # here
        return df[["edad"]].clip(upper=500)
    return df[["edad"]]


def raises_and_catches(df):
    try:
        if (df["edad"] > 500).any():  # here
            raise ValueError("old")
    except ValueError:
        return df[["cuota"]]
    return df[["edad"]]


def counts_what_holds(df):
    return df[["edad"]] * (df["edad"] > 500).any().sum()  # here


def any_and_all(df):
    if (df[["edad", "cuota"]] > 500).any().all():  # here
        raise ValueError("old")
    return df[["edad"]]


def any_number(df):
    if df["edad"].any():  # here
        return df[["edad"]]
    raise ValueError("none")


def asks_without_end(df):
    for limit in range(1000, 1100):
        if (df["edad"] > limit).any():  # here
            raise ValueError("old")
    return df[["edad"]]


def branches_on_the_number_of_rows(df):
    if len(df) > 10:  # here
        return df[["edad"]]
    return df[["cuota"]]


def drawn(df):
    return df[["edad"]] + random.random()  # here


def drawn_by_numpy(df):
    return df[["edad"]] + np.random.rand()  # noqa: NPY002  # here


def as_of_today(df):
    return (pd.Timestamp.now() - pd.to_datetime(df["alta"])).dt.days.to_frame()  # here


def as_of_this_year(df):
    return (date.today().year - pd.to_datetime(df["alta"]).dt.year).to_frame()  # here


def dates_in_any_format(df):
    return pd.to_datetime(df["alta"], format="mixed").dt.year.to_frame()  # here


def regular_expression(df):
    return df["empleo"].str.contains(r"^f.jo", case=False).astype(int).to_frame()  # here


def first_row(df):
    return df[["cuota"]] - df["cuota"].iloc[0]  # here


def values_in_a_loop(df):
    return pd.DataFrame({"x": [value * 2 for value in df["edad"]]})  # here


def from_a_file(df):
    with open(__file__) as file:  # here
        return df[["edad"]] * len(file.readline())


def one_by_one(df):
    return pd.DataFrame({"x": np.vectorize(lambda v: v + 1)(df["edad"])})  # here


class Scaled(BaseEstimator):
    """Scales with the rows that it is given, and not with those that it was fitted on."""

    def fit(self, X, y=None):
        return self

    def fit_transform(self, X, y=None):
        return self.transform(X)

    def _spread(self, X):
        return X.std()  # here

    def transform(self, X):
        return X[["edad", "cuota"]] / self._spread(X[["edad", "cuota"]])


FEATURES = [
    centred, ranked, shifted, grouped, dummies, category_codes, quantile_bands, equal_bands, median_filled,
    largest, sorted_rows, running_sum, counted, row_number, branches, goes_on_otherwise,
    raises_and_catches, counts_what_holds, any_and_all, any_number, asks_without_end,
    branches_on_the_number_of_rows, drawn,
    drawn_by_numpy, as_of_today, as_of_this_year, dates_in_any_format, regular_expression, first_row,
    values_in_a_loop, from_a_file, one_by_one, Scaled,
]  # fmt: skip
