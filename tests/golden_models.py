"""How the models of the golden files are made."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

FIELDS = [
    "edad",
    "tipo_empleo",
    "ingresos_mensuales",
    "credito_score",
    "dias_mora_max_12m",
    "monto_credito",
    "plazo_meses",
]


def category_dtypes(X: Any) -> dict[str, str]:
    return {"tipo_empleo": "category"}


DENSE = {
    "network", "quadratic", "kernel", "products", "projection",
    "spread_labels", "near_rows", "codes", "imputed", "leaves",
}  # fmt: skip
"""Those that multiply with matrices: each processor adds up in another order."""

WITH_PANDAS_CATEGORIES = {"lightgbm", "xgboost", "hist_gradient_boosting"}


def _encoded(*numeric: Any) -> Any:
    """Put one-hot columns of the categories beside numbers that went through some steps."""
    from sklearn.compose import make_column_transformer
    from sklearn.impute import SimpleImputer
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import OneHotEncoder

    numbers = [name for name in FIELDS if name != "tipo_empleo"]
    steps = make_pipeline(SimpleImputer(strategy="median"), *numeric)
    return make_column_transformer(
        (steps, numbers),
        (
            make_pipeline(SimpleImputer(strategy="most_frequent"), OneHotEncoder(handle_unknown="ignore")),
            ["tipo_empleo"],
        ),
    )


def _piped(model: Any, *numeric: Any) -> Any:
    from sklearn.pipeline import make_pipeline

    return make_pipeline(_encoded(*numeric), model)


def _logistic(*numeric: Any) -> Any:
    from sklearn.linear_model import LogisticRegression

    return _piped(LogisticRegression(max_iter=2000), *numeric)


def _linear() -> Any:
    from sklearn.preprocessing import StandardScaler

    return _logistic(StandardScaler())


def _splines() -> Any:
    from sklearn.preprocessing import SplineTransformer

    return _logistic(SplineTransformer(n_knots=4))


def _quantiles() -> Any:
    from sklearn.preprocessing import QuantileTransformer

    return _logistic(QuantileTransformer(n_quantiles=40, output_distribution="normal", random_state=0))


def _power() -> Any:
    from sklearn.preprocessing import PowerTransformer

    return _logistic(PowerTransformer())


def _bins() -> Any:
    from compiler.versions import k_bins

    return _logistic(k_bins(4, encode="onehot"))


def _target_means() -> Any:
    from sklearn.compose import make_column_transformer
    from sklearn.impute import SimpleImputer
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import TargetEncoder

    numbers = [name for name in FIELDS if name != "tipo_empleo"]
    return make_pipeline(
        make_column_transformer(
            (SimpleImputer(add_indicator=True), numbers), (TargetEncoder(random_state=0), ["tipo_empleo"])
        ),
        LogisticRegression(max_iter=5000),
    )


def _naive_bayes() -> Any:
    from sklearn.naive_bayes import GaussianNB
    from sklearn.preprocessing import StandardScaler

    return _piped(GaussianNB(var_smoothing=1e-2), StandardScaler())


def _explainable_boosting() -> Any:
    from interpret.glassbox import ExplainableBoostingClassifier

    return ExplainableBoostingClassifier(
        interactions=3,
        max_bins=16,
        max_interaction_bins=6,
        max_rounds=100,
        outer_bags=2,
        n_jobs=1,
        random_state=0,
    )


def _tree() -> Any:
    from sklearn.tree import DecisionTreeClassifier

    return _piped(DecisionTreeClassifier(max_depth=5, random_state=0))


def _forest() -> Any:
    from sklearn.ensemble import RandomForestClassifier

    return _piped(RandomForestClassifier(12, max_depth=5, random_state=0))


def _gradient_boosting() -> Any:
    from sklearn.ensemble import GradientBoostingClassifier

    return _piped(GradientBoostingClassifier(n_estimators=20, random_state=0))


def _hist_gradient_boosting() -> Any:
    from sklearn.ensemble import HistGradientBoostingClassifier

    return HistGradientBoostingClassifier(
        max_iter=20, max_leaf_nodes=8, categorical_features="from_dtype", random_state=0
    )


def _stumps() -> Any:
    from sklearn.ensemble import HistGradientBoostingClassifier
    from sklearn.preprocessing import StandardScaler

    return _piped(HistGradientBoostingClassifier(max_iter=20, max_depth=1, random_state=0), StandardScaler())


def _lightgbm() -> Any:
    from lightgbm import LGBMClassifier

    return LGBMClassifier(n_estimators=20, num_leaves=8, verbose=-1, n_jobs=1, random_state=0)


def _xgboost() -> Any:
    from xgboost import XGBClassifier

    return XGBClassifier(n_estimators=20, max_depth=3, enable_categorical=True, n_jobs=1, random_state=0)


def _catboost() -> Any:
    from catboost import CatBoostClassifier

    return _piped(
        CatBoostClassifier(iterations=20, depth=3, verbose=False, allow_writing_files=False, random_seed=0)
    )


def _sigmoid() -> Any:
    from sklearn.calibration import CalibratedClassifierCV
    from sklearn.ensemble import RandomForestClassifier
    from sklearn.model_selection import KFold

    forest = RandomForestClassifier(6, max_depth=4, random_state=0)
    return _piped(CalibratedClassifierCV(forest, cv=KFold(2), ensemble=False))


def _isotonic() -> Any:
    from sklearn.calibration import CalibratedClassifierCV
    from sklearn.linear_model import LogisticRegression
    from sklearn.preprocessing import StandardScaler

    return _piped(
        CalibratedClassifierCV(LogisticRegression(), method="isotonic", cv=2, ensemble=False),
        StandardScaler(),
    )


def _mean() -> Any:
    from sklearn.ensemble import HistGradientBoostingClassifier, VotingClassifier
    from sklearn.linear_model import LogisticRegression
    from sklearn.preprocessing import StandardScaler

    boosting = HistGradientBoostingClassifier(max_iter=10, max_leaf_nodes=6, random_state=0)
    members = [("a", LogisticRegression()), ("b", boosting)]
    return _piped(VotingClassifier(members, voting="soft", weights=[2, 1]), StandardScaler())


def _network() -> Any:
    from sklearn.neural_network import MLPClassifier
    from sklearn.preprocessing import StandardScaler

    return _piped(MLPClassifier((6, 3), activation="tanh", max_iter=30, random_state=0), StandardScaler())


def _on_few_rows(kind: type[Any], **settings: Any) -> Any:
    """Make an estimator that is fitted on the first rows, so that its file is small."""

    class FewRows(kind):  # type: ignore[misc]
        def fit(self, X: Any, y: Any = None) -> Any:
            return super().fit(X[:120], None if y is None else y[:120])

    model = kind(**settings)
    model.__class__ = FewRows
    return model


def _spread_labels() -> Any:
    from sklearn.preprocessing import StandardScaler
    from sklearn.semi_supervised import LabelSpreading

    return _piped(_on_few_rows(LabelSpreading, gamma=0.1), StandardScaler())


def _near_rows() -> Any:
    from sklearn.neighbors import RadiusNeighborsClassifier
    from sklearn.preprocessing import MinMaxScaler

    return _piped(_on_few_rows(RadiusNeighborsClassifier, radius=2.5), MinMaxScaler(clip=True))


def _codes() -> Any:
    import numpy as np
    from sklearn.decomposition import SparseCoder
    from sklearn.kernel_approximation import AdditiveChi2Sampler, PolynomialCountSketch
    from sklearn.pipeline import make_union
    from sklearn.preprocessing import MinMaxScaler

    atoms = np.random.default_rng(0).uniform(size=(5, 6))
    return _logistic(
        MinMaxScaler(clip=True),
        make_union(
            SparseCoder(atoms, transform_n_nonzero_coefs=2),
            SparseCoder(atoms, transform_algorithm="threshold", transform_alpha=0.5),
            PolynomialCountSketch(n_components=6, random_state=0),
            AdditiveChi2Sampler(),
        ),
    )


def _imputed() -> Any:
    from sklearn.compose import make_column_transformer
    from sklearn.experimental import enable_iterative_imputer  # noqa: F401 - it makes the next import possible
    from sklearn.impute import IterativeImputer, SimpleImputer
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline

    chained = IterativeImputer(max_iter=3, random_state=0), FIELDS[:1] + FIELDS[2:4]
    return make_pipeline(
        make_column_transformer(chained, (SimpleImputer(), FIELDS[4:])), LogisticRegression(max_iter=5000)
    )


def _leaves() -> Any:
    from sklearn.ensemble import RandomTreesEmbedding

    return _logistic(RandomTreesEmbedding(5, max_depth=3, random_state=0))


def _quadratic() -> Any:
    from sklearn.decomposition import PCA
    from sklearn.discriminant_analysis import QuadraticDiscriminantAnalysis
    from sklearn.preprocessing import StandardScaler

    return _piped(QuadraticDiscriminantAnalysis(reg_param=0.1), StandardScaler(), PCA(3))


def _kernel() -> Any:
    from sklearn.kernel_approximation import Nystroem
    from sklearn.preprocessing import StandardScaler

    return _logistic(StandardScaler(), Nystroem(n_components=8, random_state=0))


def _products() -> Any:
    from sklearn.preprocessing import Normalizer, PolynomialFeatures, StandardScaler

    return _logistic(StandardScaler(), Normalizer(), PolynomialFeatures(2, include_bias=False))


def _projection() -> Any:
    from sklearn.decomposition import PCA
    from sklearn.preprocessing import StandardScaler
    from sklearn.tree import DecisionTreeClassifier

    trees = DecisionTreeClassifier(max_depth=4, random_state=0)
    return _piped(trees, StandardScaler(), PCA(3))


MODELS: dict[str, Callable[[], Any]] = {
    "linear": _linear,
    "splines": _splines,
    "quantiles": _quantiles,
    "power": _power,
    "bins": _bins,
    "target_means": _target_means,
    "naive_bayes": _naive_bayes,
    "explainable_boosting": _explainable_boosting,
    "tree": _tree,
    "forest": _forest,
    "gradient_boosting": _gradient_boosting,
    "hist_gradient_boosting": _hist_gradient_boosting,
    "stumps": _stumps,
    "lightgbm": _lightgbm,
    "xgboost": _xgboost,
    "catboost": _catboost,
    "sigmoid": _sigmoid,
    "isotonic": _isotonic,
    "mean": _mean,
    "network": _network,
    "quadratic": _quadratic,
    "kernel": _kernel,
    "products": _products,
    "projection": _projection,
    "spread_labels": _spread_labels,
    "near_rows": _near_rows,
    "codes": _codes,
    "imputed": _imputed,
    "leaves": _leaves,
}
