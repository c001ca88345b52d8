"""Single operations in a function of a frame: those that are recorded, and those that end the trace."""

from __future__ import annotations

import numpy as np
import pandas as pd

TODAY = pd.Timestamp("2024-01-01")
OTHER_ROWS = "depends on the values of other rows"


def columns_are_set(df):
    out = df[["edad", "cuota", "plazo"]].copy()
    out.insert(1, "doble", out["edad"] * 2)
    out["resto"], out["fijo"] = out["edad"] % 7, 1.5
    del out["plazo"]
    out.columns = ["a", "b", "c", "d", "e"]
    return out[list(out.keys())]


def values_are_set_where_a_condition_holds(df):
    out = df[["edad", "cuota"]].copy()
    out.loc[out["edad"] > 50, "mayor"] = 1.0
    out.loc[:, "fijo"] = 2.0
    out.loc[out["cuota"] > 100, ["edad", "cuota"]] = 0.0
    return out.fillna(0.0)


def frame_is_masked(df):
    out = df[["edad", "cuota"]].copy()
    out[out > 60] = 60.0
    return out


def items_are_walked(df):
    kept = {name: values * 2 for name, values in df[["edad", "cuota"]].items()}
    return pd.DataFrame(kept)


def rows_are_read_by_name(df):
    return df.apply(lambda r: r.get("edad", 0) + r.cuota - r["plazo"] * r.get("nada", 1), axis=1).to_frame()


def value_is_tidied(df):
    return df["empleo"].map(lambda t: 1.0 if "o" in t.strip().lower() else 0.5).to_frame()


def value_is_tried(df):
    return df["deuda"].map(lambda v: -1.0 if pd.isna(v) else round(np.log1p(abs(-v)), 2)).to_frame()


def value_is_there(df):
    return df["deuda"].apply(lambda v: v // 10 % 7 if pd.notna(v) else 2.0).to_frame()


def value_has_a_kind(df):
    return df["empleo"].map(lambda v: 2.0 if isinstance(v, str) and v.endswith("o") else 0.0).to_frame()


def value_is_raised(df):
    return df["edad"].map(lambda v: 2 ** (v / 50) + (+v)).to_frame()


def value_is_given_more(df):
    return df["edad"].apply(lambda v, by, low=0: max(v - by, low), args=(30,), low=5).to_frame()


RECORDED = [
    columns_are_set,
    values_are_set_where_a_condition_holds,
    frame_is_masked,
    items_are_walked,
    rows_are_read_by_name,
    value_is_tidied,
    value_is_tried,
    value_is_there,
    value_has_a_kind,
    value_is_raised,
    value_is_given_more,
    lambda df: pd.isna(df["deuda"].to_numpy()).reshape(-1, 1) * 1.0,
    lambda df: (pd.notna(df["deuda"]) & pd.notna(3)).to_frame().astype(float),
    lambda df: pd.notna(df[["deuda"]].to_numpy()) * 1.0,
    lambda df: pd.to_numeric(df["edad"]).to_frame() * pd.to_numeric("2"),
    lambda df: pd.to_datetime(df["alta"], format="%Y-%m-%d", errors="coerce").dt.year.to_frame(),
    lambda df: (pd.to_datetime("2024-01-01") - pd.to_datetime(df["alta"])).dt.days.to_frame(),
    lambda df: pd.cut(df["edad"], [0, 30, 60, 120], labels=[3, 1, 2]).astype(float).to_frame(),
    lambda df: pd.cut(df["edad"], [0, 30, 60, 120], labels=False, right=False).to_frame(),
    lambda df: pd.cut(df["edad"], [18, 40, 90], labels=["j", "m"], include_lowest=True).eq("j").to_frame(),
    lambda df: pd.concat([df["edad"], df["cuota"] * 2, None], axis=1),
    lambda df: df["empleo"].str.len().to_frame(),
    lambda df: df["empleo"].str.contains("FIJ", case=False, na=False).to_frame().astype(float),
    lambda df: df["empleo"].str.count("o").to_frame(),
    lambda df: df["empleo"].str.replace("o", "oo").str.len().to_frame(),
    lambda df: df["empleo"].str.slice(0, 3).str.strip().str.len().to_frame(),
    lambda df: df["empleo"].str[:4].str.upper().eq("FIJO").to_frame() * 1.0,
    lambda df: df["empleo"].str.cat(df["region"], sep="/").str.len().to_frame(),
    lambda df: df["empleo"].str.startswith("f", na=False).to_frame().astype(float),
    lambda df: pd.to_datetime(df["alta"]).dt.quarter.to_frame(),
    lambda df: pd.to_datetime(df["alta"]).dt.weekday.to_frame(),
    lambda df: pd.to_datetime(df["alta"]).dt.day_of_year.to_frame(),
    lambda df: (TODAY - pd.to_datetime(df["alta"]).dt.normalize()).dt.total_seconds().to_frame(),
    lambda df: np.clip(df[["edad"]].to_numpy(), 20, df[["plazo"]].to_numpy()),
    lambda df: np.nan_to_num(df[["deuda", "edad"]].to_numpy(), nan=-1.0, posinf=9.0),
    lambda df: np.select([df["edad"] < 30, df["edad"] < 60], [0.0, df["cuota"]], 2.0).reshape(-1, 1),
    lambda df: np.searchsorted([30, 60], df["edad"], side="right").reshape(-1, 1),
    lambda df: np.isin(df["plazo"], [6, 12], invert=True).reshape(-1, 1) * 1.0,
    lambda df: np.round(df[["cuota"]].to_numpy(), 1),
    lambda df: np.full_like(df[["cuota"]].to_numpy(), 2.0) + np.zeros_like(df[["edad"]].to_numpy()),
    lambda df: np.c_[df["edad"], df["cuota"], np.ones(len(df))],
    lambda df: df[["edad", "cuota"]].to_numpy() @ np.array([[0.5], [2.0]]),
    lambda df: df[["edad", "cuota"]].dot(pd.Series([1.0, 2.0], index=["edad", "cuota"])).to_frame(),
    lambda df: np.nansum(df[["deuda", "edad"]].to_numpy(), axis=1).reshape(-1, 1),
    lambda df: np.maximum.reduce(df[["cuota", "edad"]].to_numpy(), axis=1).reshape(-1, 1),
    lambda df: np.nanmax(df[["deuda", "edad"]].to_numpy(), axis=1).reshape(-1, 1),
    lambda df: np.all(df[["deuda", "edad"]].notna().to_numpy(), axis=1).reshape(-1, 1) * 1.0,
    lambda df: np.std(df[["cuota", "edad"]].to_numpy(), axis=1, ddof=1).reshape(-1, 1),
    lambda df: df.select_dtypes("number")[["edad", "cuota"]],
    lambda df: df[["edad"]].join(df[["cuota"]] * 2),
    lambda df: df[["edad", "cuota"]].apply(lambda c: c * 2 + 1),
    lambda df: df.iloc[:, [0, 3]],
    lambda df: df.loc[:, "cuota":"plazo"],
    lambda df: df[["edad", "cuota"]].to_numpy().T[0].reshape(-1, 1) * 1.0,
    lambda df: df["edad"].rsub(100).rdiv(3).to_frame(),
    lambda df: df["deuda"].combine_first(df["cuota"]).to_frame(),
    lambda df: df["saldo"].where(df["saldo"] > 0, 0.0).mask(df["edad"] > 60, -5.0).to_frame(),
    lambda df: df[["cuota", "edad"]].std(axis=1).to_frame(),
    lambda df: df[["deuda", "edad"]].isna().any(axis=1).to_frame().astype(float),
    lambda df: df[["deuda", "edad"]].count(axis=1).to_frame(),
    lambda df: df[["cuota", "edad"]].prod(axis=1).to_frame(),
]  # fmt: skip


def set_by_place(df):
    out = df[["edad"]].copy()
    out.iloc[0, 0] = 3
    return out


def set_in_one_row(df):
    out = df[["edad"]].copy()
    out.loc[[0], "edad"] = 3
    return out


ENDED = [
    (set_by_place, "by place"),
    (set_in_one_row, OTHER_ROWS),
    (lambda df: pd.to_numeric(df["edad"], downcast="float").to_frame(), "further settings"),
    (lambda df: pd.to_datetime(df["alta"], yearfirst=True).dt.year.to_frame(), "further settings"),
    (lambda df: pd.to_datetime(df["alta"], format="ISO8601").dt.year.to_frame(), "in the format ISO8601"),
    (lambda df: (pd.Timestamp.now() - pd.to_datetime(df["alta"])).dt.days.to_frame(), "what day it is"),
    (lambda df: pd.cut(df["edad"], [0, 50, 120], labels=False, retbins=True)[0].to_frame(), OTHER_ROWS),
    (lambda df: np.array([df["edad"], df["cuota"]]).T, "rows are columns"),
    (lambda df: np.full(len(df), df["edad"]).reshape(-1, 1), "fills an array with a column"),
    (lambda df: df["empleo"].str.find("o").to_frame(), "uses str.find"),
    (lambda df: df["empleo"].str.get_dummies(), OTHER_ROWS),
    (lambda df: df["empleo"].str.contains("o|e").to_frame().astype(float), "looks for a pattern"),
    (lambda df: df["empleo"].str.count("[oe]").to_frame(), "looks for a pattern"),
    (lambda df: df["empleo"].str.replace("[oe]", "", regex=True).str.len().to_frame(), "replaces a pattern"),
    (lambda df: df["empleo"].str.slice(0, 4, 2).str.len().to_frame(), "every so many letters"),
    (lambda df: df["empleo"].str[0].eq("F").to_frame().astype(float), "one letter"),
    (lambda df: df["empleo"].str.startswith(("F", "f")).to_frame().astype(float), "no fixed text"),
    (lambda df: pd.to_datetime(df["alta"]).dt.isocalendar().week.to_frame(), "uses dt.isocalendar"),
    (lambda df: pd.to_datetime(df["alta"]).dt.floor("h").dt.year.to_frame(), "parts of a day"),
    (lambda df: np.add.accumulate(df[["edad"]].to_numpy()), "numpy.add.accumulate"),
    (lambda df: np.interp(df["edad"], [0, 90], [0, 1]).reshape(-1, 1), OTHER_ROWS),
    (lambda df: np.isclose(df["edad"], 30).reshape(-1, 1) * 1.0, "isclose"),
    (lambda df: np.digitize(df["edad"], [60, 30]).reshape(-1, 1), "not fixed and ascending"),
    (lambda df: np.searchsorted([30, 60], df["edad"], sorter=[0, 1]).reshape(-1, 1), OTHER_ROWS),
    (lambda df: np.gcd(df["edad"].to_numpy(), 6).reshape(-1, 1), "numpy.gcd"),
    (lambda df: np.unwrap(df[["cuota"]].to_numpy(), axis=1), "numpy.unwrap"),
    (lambda df: df[["cuota"]].to_numpy() - np.nanmax(df[["cuota"]].to_numpy(), axis=0), OTHER_ROWS),
    (lambda df: np.all(df[["edad", "cuota"]].to_numpy(), axis=1).reshape(-1, 1), "numbers for conditions"),
    (lambda df: df.iloc[::-1][["edad"]], OTHER_ROWS),
    (lambda df: df["deuda"].add(df["cuota"], fill_value=1.0).to_frame(), "on one side alone"),
    (lambda df: df[["deuda", "edad"]].median(axis=1).to_frame(), "median"),
    (lambda df: df[df["edad"] > 0][["edad"]], OTHER_ROWS),
    (lambda df: df.apply(lambda r: r["edad"], axis=1, raw=False).to_frame(), "further settings"),
    (lambda df: df.apply(lambda r: len(f"{r['edad']}"), axis=1).to_frame(), "takes a value itself"),
    (lambda df: df[["edad", "cuota"]].apply(lambda r: r.sum(), axis=1).to_frame(), "of a row"),
    (lambda df: df["edad"].map(lambda v: np.gcd(v, 3)).to_frame(), "numpy.gcd"),
    (lambda df: df["empleo"].map(lambda t: len(t.encode())).to_frame(), "of a value"),
    (lambda df: df["empleo"].map(lambda t: t.startswith(("f",))).to_frame() * 1.0, "no fixed text"),
    (lambda df: df["edad"].map(lambda v: v & 3).to_frame(), "bits of whole numbers"),
]  # fmt: skip
