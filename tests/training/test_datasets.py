"""The synthetic applicants: labelled, plausible, and true to the probabilities that they come with."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score
from sklearn.pipeline import make_pipeline

from morosidad.preprocessor import Preprocessor
from morosidad.schema.ahorro_valle import AHORRO_VALLE
from morosidad.training.datasets import EFFECTS, log_odds, make_applicants

N = 12_000


@pytest.fixture(scope="module")
def drawn() -> tuple[pd.DataFrame, np.ndarray]:
    return make_applicants(N, seed=3, return_probability=True)


@pytest.fixture(scope="module")
def frame(drawn: tuple[pd.DataFrame, np.ndarray]) -> pd.DataFrame:
    return drawn[0]


def test_the_columns_are_the_schemas_and_the_target(frame: pd.DataFrame) -> None:
    assert list(frame.columns) == [*AHORRO_VALLE.names, "moroso_12m"]
    assert frame.shape == (N, 21)
    assert set(frame["moroso_12m"].unique()) == {0, 1}
    assert frame[["edad", "plazo_meses", "moroso_12m"]].dtypes.astype(str).tolist() == ["int64"] * 3


def test_it_is_labelled_synthetic(frame: pd.DataFrame) -> None:
    assert frame.attrs == {"synthetic": True}
    assert "synthetic" in str(make_applicants.__doc__)


def test_the_same_seed_gives_the_same_applicants_and_another_one_others() -> None:
    frame, probability = make_applicants(50, seed=1, return_probability=True)
    again, same = make_applicants(50, seed=1, return_probability=True)
    pd.testing.assert_frame_equal(frame, again)
    np.testing.assert_array_equal(probability, same)
    pd.testing.assert_frame_equal(frame, make_applicants(50, seed=1))
    assert not frame.equals(make_applicants(50, seed=2))


def test_a_known_seed_gives_known_applicants() -> None:
    first = make_applicants(3, seed=0).iloc[0]
    numbers = first[["edad", "ingresos_mensuales", "monto_credito", "plazo_meses"]]
    assert numbers.tolist() == [39, 3_410_000, 3_150_000, 12]


def test_every_record_fits_the_schema(frame: pd.DataFrame) -> None:
    for record in frame.drop(columns="moroso_12m").to_dict("records"):
        AHORRO_VALLE.validate(record)


@pytest.mark.parametrize("n", [0, 1, 2])
def test_few_applicants_are_as_good_as_many(n: int) -> None:
    frame, probability = make_applicants(n, seed=5, return_probability=True)
    assert (len(frame), len(probability)) == (n, n)
    assert frame.dtypes.equals(make_applicants(9).dtypes)


def test_about_one_in_seven_defaults_as_the_true_probabilities_say(
    drawn: tuple[pd.DataFrame, np.ndarray],
) -> None:
    frame, probability = drawn
    assert 0.12 < frame["moroso_12m"].mean() < 0.18
    assert ((probability > 0) & (probability < 1)).all()
    error = np.sqrt((probability * (1 - probability)).sum()) / N
    assert abs(frame["moroso_12m"].mean() - probability.mean()) < 4 * error


def test_the_true_probabilities_are_calibrated_in_every_tenth(
    drawn: tuple[pd.DataFrame, np.ndarray],
) -> None:
    frame, probability = drawn
    for rows in np.array_split(np.argsort(probability), 10):
        p = probability[rows]
        error = np.sqrt((p * (1 - p)).sum()) / len(rows)
        assert abs(frame["moroso_12m"].to_numpy()[rows].mean() - p.mean()) < 4 * error


@pytest.mark.parametrize("field", [f for f in AHORRO_VALLE.fields if f.monotonic_cst], ids=lambda f: f.name)
def test_the_true_risk_moves_in_the_direction_that_the_schema_declares(
    field: object, frame: pd.DataFrame
) -> None:
    name, direction = field.name, field.monotonic_cst  # type: ignore[attr-defined]
    whole = frame.dropna()
    columns = {column: whole[column].to_numpy() for column in AHORRO_VALLE.names}
    before = log_odds(columns)
    for more in (columns[name] + 1, columns[name] * 1.5):
        moved = direction * (log_odds(columns | {name: more}) - before)
        assert (moved >= 0).all()
        assert (moved[more > columns[name]] > 0).mean() > 0.05


def test_effects_are_of_categories_that_the_schema_declares() -> None:
    categories = {field.name: field.categories for field in AHORRO_VALLE.fields if field.kind == "category"}
    assert {name: tuple(effects) for name, effects in EFFECTS.items()} == categories


def test_a_logistic_regression_finds_most_of_what_there_is_to_find(
    drawn: tuple[pd.DataFrame, np.ndarray],
) -> None:
    frame, probability = drawn
    X, y = frame[list(AHORRO_VALLE.names)], frame["moroso_12m"]
    model = make_pipeline(Preprocessor(AHORRO_VALLE), LogisticRegression(max_iter=1000)).fit(X[::2], y[::2])
    found = roc_auc_score(y[1::2], model.predict_proba(X[1::2])[:, 1])
    best = roc_auc_score(y[1::2], probability[1::2])
    assert 0.74 < found < best < 0.85


def correlation(frame: pd.DataFrame, a: str, b: str) -> float:
    return float(frame[a].corr(frame[b], method="spearman"))


def test_fields_go_together_as_they_do_in_life(frame: pd.DataFrame) -> None:
    assert correlation(frame, "ingresos_mensuales", "gastos_mensuales") > 0.6
    assert correlation(frame, "ingresos_mensuales", "monto_credito") > 0.4
    assert correlation(frame, "credito_score", "dias_mora_max_12m") < -0.2
    assert correlation(frame, "deuda_actual", "cuota_deudas_mensual") > 0.8
    incomes = frame.groupby("nivel_educativo")["ingresos_mensuales"].median()
    assert incomes[list(AHORRO_VALLE["nivel_educativo"].categories or ())].is_monotonic_increasing
    assert incomes["posgrado"] > 1.8 * incomes["ninguno"]
    studied = frame["nivel_educativo"].isin(["universitaria", "posgrado"]).groupby(frame["zona"]).mean()
    assert studied["rural"] < 0.7 * studied["urbana"]
    by_work = frame.groupby("tipo_empleo")
    assert by_work["ingresos_mensuales"].median().idxmax() == "gobierno"
    assert by_work["edad"].median().idxmax() == "pensionado"
    sizes = (frame["monto_credito"] / frame["ingresos_mensuales"]).groupby(frame["tipo_garantia"]).median()
    assert sizes.idxmax() == "inmueble"
    assert sizes.idxmin() == "ninguna"


def test_nobody_worked_or_was_a_member_before_coming_of_age(frame: pd.DataFrame) -> None:
    months = (frame["edad"] - 18) * 12
    for name in ("antiguedad_laboral_meses", "antiguedad_socio_meses"):
        assert (frame[name].dropna() <= months[frame[name].notna()]).all()


def test_amounts_are_those_of_colombian_pesos(frame: pd.DataFrame) -> None:
    assert 1_300_000 < frame["ingresos_mensuales"].median() < 2_500_000
    assert (frame["monto_credito"] % 50_000 == 0).all()
    assert frame["monto_credito"].between(200_000, 2e9).all()


def test_values_are_missing_at_plausible_rates_and_sometimes_for_a_reason(frame: pd.DataFrame) -> None:
    rates = frame.isna().mean()
    required = [field.name for field in AHORRO_VALLE.fields if field.required]
    optional = [field.name for field in AHORRO_VALLE.fields if not field.required]
    assert (rates[required] == 0).all()
    assert rates[optional].between(0.001, 0.2).all()
    unscored = frame["credito_score"].isna()
    assert (
        unscored[frame["num_creditos_previos"] == 0].mean()
        > 3 * unscored[frame["num_creditos_previos"] > 0].mean()
    )


def test_every_category_occurs_and_some_are_rare(frame: pd.DataFrame) -> None:
    for field in AHORRO_VALLE.fields:
        if field.kind == "category":
            assert set(frame[field.name].dropna()) == set(field.categories or ())
    for name, category in [("tipo_empleo", "otro"), ("tipo_vivienda", "otra"), ("destino_credito", "otro")]:
        assert 0 < (frame[name] == category).mean() < 0.02
