"""Transformers of category_encoders, feature_engine and skrub, in front of a logistic regression."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from importlib import import_module
from typing import Any

from conformance.applicants import gaps, mixed, numbers, texts
from conformance.case import EXACT, SINGLE, Built, Group
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline

Data = Callable[[], tuple[Any, Any]]

ENCODERS = (
    "BackwardDifferenceEncoder",
    "BaseNEncoder",
    "BinaryEncoder",
    "CatBoostEncoder",
    "CountEncoder",
    "CountTargetEncoder",
    "GLMMEncoder",
    "GrayEncoder",
    "HashingEncoder",
    "HelmertEncoder",
    "JamesSteinEncoder",
    "LeaveOneOutEncoder",
    "MEstimateEncoder",
    "OneHotEncoder",
    "OrdinalEncoder",
    "PolynomialEncoder",
    "QuantileEncoder",
    "RankHotEncoder",
    "SumEncoder",
    "SummaryEncoder",
    "TargetEncoder",
    "WOEEncoder",
)


def _texts() -> tuple[Any, Any]:
    return texts()


def _texts_with_gaps() -> tuple[Any, Any]:
    return texts(missing=True)


def _objects() -> tuple[Any, Any]:
    X, y = texts(missing=True)
    return X.astype(object), y


def _mixed_whole() -> tuple[Any, Any]:
    return mixed(missing=False)


def _add(
    group: Group, subject: str, words: str, path: str, data: Data, settings: Mapping[str, Any], **more: Any
) -> None:
    def build() -> Built:
        module, _, name = path.rpartition(".")
        X, y = data()
        step = getattr(import_module(module), name)(**settings)
        behind = [SimpleImputer()] if data is gaps else []
        return Built(make_pipeline(step, *behind, LogisticRegression()).fit(X, y), X)

    group.add(subject, build, words, **more)


def _category_encoders(group: Group) -> None:
    for name in ENCODERS:
        settings: Mapping[str, Any] = {"max_process": 1} if name == "HashingEncoder" else {}
        subject = f"category_encoders.{name}"
        path = f"category_encoders.{name}"
        usual = name in ("OneHotEncoder", "OrdinalEncoder", "TargetEncoder", "WOEEncoder", "CountEncoder")
        _add(group, subject, "texts", path, _texts, settings, long=not usual)
        if usual:
            _add(group, subject, "texts with gaps", path, _texts_with_gaps, settings, long=True)
            _add(group, subject, "objects with gaps", path, _objects, settings)
            _add(group, subject, "beside numbers", path, _mixed_whole, settings, long=True)
    few = {"handle_unknown": "value", "handle_missing": "value", "use_cat_names": True}
    _add(
        group,
        "category_encoders.OneHotEncoder",
        "names of categories",
        "category_encoders.OneHotEncoder",
        _texts,
        few,
    )


NUMERIC: dict[str, Mapping[str, Any]] = {
    "discretisation.ArbitraryDiscretiser": {"binning_dict": {"uso": [0.0, 0.3, 0.6, 1.0]}},
    "discretisation.DecisionTreeDiscretiser": {"cv": 3, "regression": False, "random_state": 0},
    "discretisation.EqualFrequencyDiscretiser": {"q": 4, "variables": ["ingresos", "deuda"]},
    "discretisation.EqualWidthDiscretiser": {"bins": 4},
    "discretisation.GeometricWidthDiscretiser": {"bins": 4},
    "outliers.ArbitraryOutlierCapper": {"max_capping_dict": {"ingresos": 2000.0}},
    "outliers.Winsorizer": {"capping_method": "iqr", "tail": "both", "fold": 1.5},
    "transformation.ArcsinTransformer": {"variables": ["uso"]},
    "transformation.ArcSinhTransformer": {},
    "transformation.BoxCoxTransformer": {"variables": ["ingresos", "deuda"]},
    "transformation.LogTransformer": {"variables": ["ingresos", "deuda"]},
    "transformation.LogCpTransformer": {"variables": ["moras"], "C": 1},
    "transformation.PowerTransformer": {"exp": 0.5},
    "transformation.ReciprocalTransformer": {"variables": ["ingresos"]},
    "transformation.YeoJohnsonTransformer": {},
    "scaling.MeanNormalizationScaler": {},
    "creation.MathFeatures": {"variables": ["ingresos", "deuda"], "func": ["sum", "mean"]},
    "creation.RelativeFeatures": {"variables": ["deuda"], "reference": ["ingresos"], "func": ["div"]},
    "creation.CyclicalFeatures": {"variables": ["edad"]},
    "creation.DecisionTreeFeatures": {"variables": ["uso", "edad"], "regression": False, "cv": 3},
    "selection.DropFeatures": {"features_to_drop": ["edad"]},
    "selection.DropConstantFeatures": {},
    "selection.DropCorrelatedFeatures": {},
    "selection.DropDuplicateFeatures": {},
    "selection.SmartCorrelatedSelection": {},
    "preprocessing.MatchVariables": {},
}
GAPS: dict[str, Mapping[str, Any]] = {
    "imputation.MeanMedianImputer": {},
    "imputation.ArbitraryNumberImputer": {"arbitrary_number": -1},
    "imputation.EndTailImputer": {},
    "imputation.AddMissingIndicator": {},
    "imputation.RandomSampleImputer": {"random_state": 0},
}
TEXTS: dict[str, Mapping[str, Any]] = {
    "encoding.OneHotEncoder": {},
    "encoding.OrdinalEncoder": {"encoding_method": "arbitrary"},
    "encoding.MeanEncoder": {"unseen": "encode"},
    "encoding.CountFrequencyEncoder": {"unseen": "encode"},
    "encoding.WoEEncoder": {"fill_value": 0.0001},
    "encoding.DecisionTreeEncoder": {"regression": False, "cv": 3, "random_state": 0},
    "encoding.StringSimilarityEncoder": {},
}


def _feature_engine(group: Group) -> None:
    for chosen, data in ((NUMERIC, numbers), (GAPS, gaps), (TEXTS, _texts)):
        for name, settings in chosen.items():
            subject = f"feature_engine.{name.rpartition('.')[2]}"
            _add(group, subject, "", f"feature_engine.{name}", data, settings)

    def rare() -> Built:
        from feature_engine.encoding import OneHotEncoder, RareLabelEncoder
        from feature_engine.imputation import CategoricalImputer

        X, y = texts(missing=True)
        steps = [
            CategoricalImputer(),
            RareLabelEncoder(n_categories=2),
            OneHotEncoder(),
            LogisticRegression(),
        ]
        return Built(make_pipeline(*steps).fit(X, y), X)

    group.add("feature_engine.RareLabelEncoder", rare, "behind an imputer")

    def wrapped() -> Built:
        from feature_engine.wrappers import SklearnTransformerWrapper
        from sklearn.preprocessing import StandardScaler

        X, y = numbers()
        step = SklearnTransformerWrapper(StandardScaler(), variables=["ingresos", "deuda"])
        return Built(make_pipeline(step, LogisticRegression()).fit(X, y), X)

    group.add("feature_engine.SklearnTransformerWrapper", wrapped)


def _skrub(group: Group) -> None:
    settings: dict[str, tuple[Data, Mapping[str, Any]]] = {
        "TableVectorizer": (_mixed_whole, {}),
        "SquashingScaler": (numbers, {}),
        "Cleaner": (numbers, {}),
        "DropCols": (numbers, {"cols": ["edad"]}),
        "SelectCols": (numbers, {"cols": ["ingresos", "uso"]}),
        "DropUninformative": (numbers, {}),
    }
    for name in ("TableVectorizer", "SquashingScaler", "Cleaner", "DropCols", "SelectCols"):
        data, chosen = settings[name]
        single = SINGLE if name == "TableVectorizer" else EXACT
        _add(group, f"skrub.{name}", "", f"skrub.{name}", data, chosen, tolerance=single)
    for name in ("GapEncoder", "MinHashEncoder", "StringEncoder", "SimilarityEncoder"):

        def build(name: str = name) -> Built:
            import skrub

            X, y = _mixed_whole()
            few = {"n_components": 3} if name != "SimilarityEncoder" else {}
            step = skrub.TableVectorizer(low_cardinality=getattr(skrub, name)(**few))
            return Built(make_pipeline(step, LogisticRegression()).fit(X, y), X)

        group.add(f"skrub.{name}", build, "in a TableVectorizer", tolerance=SINGLE, long=True)


def add_to(group: Group) -> None:
    """Add the cases of every library."""
    for library in (_category_encoders, _feature_engine, _skrub):
        library(group)
