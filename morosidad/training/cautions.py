"""Warnings for whoever answers for a model: what stands out in the data and in what the model makes of it."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from morosidad._typing import Floats
from morosidad.schema.field import Field
from morosidad.schema.schema import Schema
from morosidad.schema.suspected import suspected_codes
from morosidad.training.evidence import TrainingWarning
from morosidad.training.search.racing import Data

if TYPE_CHECKING:
    import pandas as pd

LEAKS = 0.97
"""Area under the ROC curve from which on one field alone predicts too well."""
PER_DEGREE = 10
"""Rows of the rarer class for each degree of freedom that a model should have."""
ASKED_ROWS = 2000
CLEAR = 4.0
"""Standard errors from which on a trend of the data is sure."""
_PROTECTED = re.compile(
    r"(?:^|_)(?:sex|sexo|gender|genero|age|edad|idade|race|raza|raca|ethnicity|etnia|ethnic|color|cor"
    r"|nationality|nacionalidad|nacionalidade|citizenship|foreign|foreign_worker|extranjero|estrangeiro"
    r"|marriage|marital|marital_status|estado_civil|civil_status|religion|religiao|disability|discapacidad"
    r"|deficiencia|pregnant|embarazo|gravidez|orientation|orientacion_sexual|political|partido_politico|union"
    r"|sindicato|birth|birthdate|fecha_nacimiento|nascimento|language|idioma)(?:$|_)"
)
_IDENTIFIER = re.compile(
    r"(?:^|_)(?:id|uuid|cedula|dni|cpf|cnpj|nif|nit|rut|curp|rfc|passport|pasaporte|email|correo|phone|telefono"
    r"|telefone|cliente|account|cuenta|conta|folio|solicitud|customer)(?:$|_)"
)


def find_warnings(
    data: Data, schema: Schema, score: Callable[[pd.DataFrame], Floats], protected: Sequence[str]
) -> list[TrainingWarning]:
    """Find what is worth a warning.

    Parameters
    ----------
    data : Data
        What was learnt from.
    schema : Schema
        What a record is.
    score : callable
        Gives the log-odds of default that the fitted model predicts for a frame.
    protected : sequence of str
        Fields that are protected, beside those whose names say so.

    Returns
    -------
    list of TrainingWarning
    """
    frame, truth = data.frame, data.truth
    found = list(_of_classes(truth, _degrees(schema)))
    asked = frame.iloc[:: 1 + len(frame) // ASKED_ROWS]
    level = score(asked)
    for field in schema.fields:
        column = frame[field.name]
        found += _of_names(field, column, protected)
        found += _of_values(field, column, truth)
        if _ordered(field) and (slope := _trend(column, truth)):
            effect = _effect(asked, field.name, level, score)
            if effect * slope < 0:
                found.append(TrainingWarning("contrary_effect", field.name))
    return found


def _degrees(schema: Schema) -> int:
    """Count the coefficients of a linear model of the fields: one for a number, one less than categories."""
    levels = [len(field.categories or field.usual_levels or ()) for field in schema.fields]
    kinds = zip(schema.fields, levels, strict=True)
    return sum(max(1, n - 1) if field.kind == "category" else 1 for field, n in kinds)


def _of_classes(truth: NDArray[np.bool_], degrees: int) -> Iterator[TrainingWarning]:
    rarer = int(min(truth.sum(), (~truth).sum()))
    if rarer < PER_DEGREE * degrees:
        yield TrainingWarning("few_defaults", "", {"defaults": rarer, "degrees": degrees})
    if truth.mean() > 0.5:
        yield TrainingWarning("inverted_class", "", {"rate": float(truth.mean())})


def _of_names(field: Field, column: pd.Series[Any], protected: Sequence[str]) -> Iterator[TrainingWarning]:
    name = plain_name(field.name)
    if field.name in protected or _PROTECTED.search(name):
        yield TrainingWarning("protected", field.name)
    present = column.dropna()
    own = len(present) > 20 and present.nunique() > 0.9 * len(present)
    coded = field.kind in ("category", "integer")
    if own and coded and (field.kind == "category" or _IDENTIFIER.search(name) or _counts_up(present)):
        yield TrainingWarning("identifier", field.name)
    elif coded and len(present) > 20 and _dates(field, present):
        yield TrainingWarning("date", field.name)


def _of_values(field: Field, column: pd.Series[Any], truth: NDArray[np.bool_]) -> Iterator[TrainingWarning]:
    present = column[~column.isin(list(field.codes))].dropna() if field.codes else column.dropna()
    if codes := suspected_codes(present):
        yield TrainingWarning("missing_code", field.name, {"values": codes})
    area = _area_alone(column, truth)
    if area > LEAKS:
        yield TrainingWarning("leakage", field.name, {"auc": area})


def plain_name(name: str) -> str:
    """Give a name in lower case, without accents, its words joined by underscores."""
    parts = re.sub(r"(?<=[a-z])(?=[A-Z])", "_", name)
    bare = unicodedata.normalize("NFKD", parts).encode("ascii", "ignore").decode()
    return re.sub(r"[^a-z0-9]+", "_", bare.lower()).strip("_")


def _ordered(field: Field) -> bool:
    return field.kind in ("number", "integer")


def _counts_up(present: pd.Series[Any]) -> bool:
    """Tell whether whole numbers lie side by side, as those that were given out in turn do."""
    numbers = np.sort(present.to_numpy(np.float64))
    return bool(numbers[-1] - numbers[0] < 2 * len(numbers) and len(np.unique(numbers)) == len(numbers))


def _dates(field: Field, present: pd.Series[Any]) -> bool:
    if field.kind == "integer":
        numbers = present.to_numpy(np.float64)
        months, days = numbers // 100 % 100, numbers % 100
        year = numbers // 10_000
        return bool(((year >= 1900) & (year < 2100) & (months >= 1) & (months <= 12) & (days <= 31)).all())
    some = present.head(200).astype(str)
    return bool(some.str.fullmatch(r"\d{4}-\d{1,2}(-\d{1,2}.*)?|\d{1,2}[/-]\d{1,2}[/-]\d{2,4}").all())


def _area_alone(column: pd.Series[Any], truth: NDArray[np.bool_]) -> float:
    """Give the area under the ROC curve of one field alone, either way round.

    Categories are scored by the share of defaults among the other rows of the same one, so that a
    category of one row tells nothing.
    """
    import pandas.api.types as kinds
    from sklearn.metrics import roc_auc_score

    if kinds.is_numeric_dtype(column.dtype):
        values = column.to_numpy(np.float64, na_value=np.nan)
        values = np.where(np.isnan(values), np.nanmin(values, initial=0.0) - 1.0, values)
    else:
        codes = column.astype(object).where(column.notna(), "").astype(str).astype("category").cat.codes
        counts = np.bincount(codes)[codes] - 1
        bad = np.bincount(codes, weights=truth)[codes] - truth
        values = np.where(counts > 0, bad / np.maximum(counts, 1), truth.mean())
        values = np.where(counts >= 5, values, truth.mean())
    area = float(roc_auc_score(truth, values))
    return max(area, 1.0 - area)


def _trend(column: pd.Series[Any], truth: NDArray[np.bool_]) -> float:
    """Give the correlation of ranks of a field with default where it is sure, else 0."""
    from scipy.stats import rankdata

    values = column.to_numpy(np.float64, na_value=np.nan)
    known = ~np.isnan(values)
    if known.sum() < 50 or np.ptp(values[known]) == 0 or truth[known].all() or not truth[known].any():
        return 0.0
    found = float(np.corrcoef(rankdata(values[known]), truth[known])[0, 1])
    return found if abs(found) * np.sqrt(known.sum()) > CLEAR else 0.0


def _effect(asked: pd.DataFrame, name: str, level: Floats, score: Callable[[pd.DataFrame], Floats]) -> float:
    """Give how the log-odds change on average from low to high values of a field: 0 if hardly at all."""
    values = asked[name].dropna().to_numpy(np.float64)
    if not len(values):
        return 0.0
    low, high = np.quantile(values, [0.1, 0.9], method="inverted_cdf")
    if low == high:
        low, high = values.min(), values.max()
    kind = asked[name].dtype
    ends = [
        score(asked.assign(**{name: np.array([end] * len(asked)).astype(_wide(kind))})) for end in (low, high)
    ]
    change = float((ends[1] - ends[0]).mean())
    return change if abs(change) > 0.1 * float(level.std()) else 0.0


def _wide(kind: Any) -> Any:
    return kind if isinstance(kind, np.dtype) else np.float64
