"""feature_engine: imputers, encoders, discretisers, caps, functions, selection."""

from __future__ import annotations

import math
import warnings

import pytest
from compiler.columns import logistic
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import MinMaxScaler, StandardScaler

from morosidad.compiler import check_compiled
from morosidad.errors import UnsupportedModel

pytest.importorskip("feature_engine")
from feature_engine import creation as cr
from feature_engine import discretisation as di
from feature_engine import encoding as en
from feature_engine import imputation as im
from feature_engine import outliers as ou
from feature_engine import scaling as sc
from feature_engine import selection as se
from feature_engine import transformation as tr
from feature_engine.pipeline import Pipeline
from feature_engine.preprocessing import MatchCategories, MatchVariables
from feature_engine.wrappers import SklearnTransformerWrapper

pytestmark = pytest.mark.filterwarnings("ignore")  # of the library, when it is asked


def compiled(model, frame, target):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        model.fit(frame, target)
    return check_compiled(model, frame)


FILLED = (im.MeanMedianImputer(), im.CategoricalImputer())


@pytest.mark.parametrize(
    "steps",
    [
        (*FILLED, en.OneHotEncoder(drop_last=True)),
        (*FILLED, en.OneHotEncoder(top_categories=2)),
        (*FILLED, en.OrdinalEncoder(encoding_method="ordered", unseen="encode")),
        (*FILLED, en.OrdinalEncoder(encoding_method="arbitrary", unseen="raise")),
        (*FILLED, en.MeanEncoder(unseen="encode", smoothing="auto")),
        (*FILLED, en.MeanEncoder(unseen="ignore")),
        (*FILLED, en.CountFrequencyEncoder(encoding_method="frequency", unseen="encode")),
        (*FILLED, en.RareLabelEncoder(tol=0.2, n_categories=1), en.WoEEncoder(fill_value=0.001)),
        (*FILLED, en.RareLabelEncoder(tol=0.2, n_categories=1, replace_with="raro"), en.OneHotEncoder()),
        (im.CategoricalImputer(imputation_method="frequent"), *FILLED[:1], en.OneHotEncoder()),
        (im.AddMissingIndicator(), *FILLED, en.OneHotEncoder()),
        (im.ArbitraryNumberImputer(-7), im.CategoricalImputer(), MatchVariables(), en.OneHotEncoder()),
        (
            im.EndTailImputer(tail="left"),
            im.CategoricalImputer(),
            en.DecisionTreeEncoder(regression=False, cv=2),
        ),
    ],
    ids=lambda steps: " ".join(type(step).__name__ for step in steps[-2:]),
)
def test_what_stands_before_a_model(lenders, steps):
    frame, target = lenders
    compiled(make_pipeline(*steps, logistic()), frame.drop(columns="garante"), target)


NUMBERS = ["edad", "ingresos"]


@pytest.mark.parametrize(
    "step",
    [
        di.EqualWidthDiscretiser(bins=3),
        di.EqualFrequencyDiscretiser(q=3, variables=["ingresos"]),
        di.ArbitraryDiscretiser({"edad": [-math.inf, 30, 50, math.inf]}),
        di.DecisionTreeDiscretiser(cv=2, regression=False, random_state=0),
        di.GeometricWidthDiscretiser(bins=3),
        ou.Winsorizer("quantiles", tail="both", fold=0.1),
        ou.Winsorizer("gaussian", tail="right", fold=1),
        ou.ArbitraryOutlierCapper(max_capping_dict={"edad": 60}, min_capping_dict={"ingresos": 300.0}),
        tr.LogTransformer(),
        tr.LogTransformer(base="10", variables=["edad"]),
        tr.LogCpTransformer(C=5),
        tr.LogCpTransformer(C={"edad": 2, "ingresos": 1}, base="10"),
        tr.BoxCoxTransformer(),
        tr.YeoJohnsonTransformer(),
        tr.ReciprocalTransformer(),
        tr.PowerTransformer(exp=0.5),
        tr.PowerTransformer(exp=2),
        tr.ArcSinhTransformer(loc=30.0, scale=100.0),
        sc.MeanNormalizationScaler(),
        cr.CyclicalFeatures(variables=["edad"]),
        cr.RelativeFeatures(variables=["ingresos"], reference=["edad"], func=["div", "sub"]),
        se.DropFeatures(["edad"]),
        se.DropConstantFeatures(),
        SklearnTransformerWrapper(MinMaxScaler(), variables=["ingresos"]),
    ],
    ids=lambda step: type(step).__name__,
)
def test_numbers(lenders, step):
    frame, target = lenders
    model = make_pipeline(im.MeanMedianImputer(), step, StandardScaler(), logistic())
    compiled(model, frame[NUMBERS], target)


def test_intervals_with_names_are_encoded_behind(lenders):
    frame, target = lenders
    step = di.EqualFrequencyDiscretiser(q=3, return_object=True)
    model = make_pipeline(im.MeanMedianImputer(), step, en.MeanEncoder(unseen="encode"), logistic())
    compiled(model, frame[NUMBERS], target)


def test_its_own_pipeline_and_pandas_categories(lenders):
    frame, target = lenders
    chosen = frame[["empleo"]].astype("category")
    steps = [("match", MatchCategories()), ("mean", en.MeanEncoder(unseen="encode")), ("model", logistic())]
    compiled(Pipeline(steps), chosen, target)


@pytest.mark.parametrize(
    ("step", "reason"),
    [
        (tr.PowerTransformer(exp=3), "exp=3"),
        (ou.Winsorizer("iqr", add_indicators=True), "add_indicators"),
        (cr.MathFeatures(["edad", "edad2"], func=["std"]), "func='std'"),
    ],
)
def test_what_is_left_to_the_original(lenders, step, reason):
    frame, target = lenders
    ages = frame[["edad"]].assign(edad2=frame["edad"] ** 2) / 200.0
    with pytest.raises(UnsupportedModel, match=reason):
        compiled(make_pipeline(step, logistic()), ages, target)


@pytest.mark.parametrize("dropped", [False, True])
@pytest.mark.parametrize("functions", [["sum", "mean"], ["min", "max", "prod"], "mean"], ids=str)
def test_aggregates_of_several_numbers(lenders, dropped, functions):
    frame, target = lenders
    rows = frame[NUMBERS].notna().all(axis=1)
    step = cr.MathFeatures(NUMBERS[:2], func=functions, drop_original=dropped)
    compiled(make_pipeline(step, StandardScaler(), logistic()), frame.loc[rows, NUMBERS], target[rows])


@pytest.mark.parametrize("settings", [{}, {"precision": 2, "drop_original": True}], ids=str)
def test_trees_of_some_columns(lenders, settings):
    frame, target = lenders
    rows = frame[NUMBERS].notna().all(axis=1)
    common = {"regression": False, "cv": 2, "random_state": 0, "param_grid": {"max_depth": [2]}}
    step = cr.DecisionTreeFeatures(NUMBERS[:2], **common, **settings)
    compiled(make_pipeline(step, StandardScaler(), logistic()), frame.loc[rows, NUMBERS], target[rows])


def test_an_arcsine_of_shares(lenders):
    frame, target = lenders
    shares = frame[["edad"]] / 200.0
    compiled(make_pipeline(tr.ArcsinTransformer(), logistic()), shares, target)
