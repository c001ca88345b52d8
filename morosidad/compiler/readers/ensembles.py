"""Readers of ensembles: bagging, boosting of whole trees, stacking, one against the rest, self-training."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from morosidad.compiler.forms.additive import Additive
from morosidad.compiler.forms.form import Form, OnLogOdds
from morosidad.compiler.forms.mixtures import Mean
from morosidad.compiler.forms.stacked import Stacked
from morosidad.compiler.forms.walked import Boosting
from morosidad.compiler.nodes.base import Expr
from morosidad.compiler.nodes.thresholds import as_float32
from morosidad.compiler.readers.calibration import decision_of
from morosidad.compiler.readers.linear import linear
from morosidad.compiler.readers.trees.tree_builder import Tree, build_trees
from morosidad.compiler.registry import Compiled, Compiler, NotCompilable, class_name, compiles
from morosidad.frames.compatibility import fitted_member


@compiles(
    "imblearn.BalancedBaggingClassifier",
    "imblearn.EasyEnsembleClassifier",
    "sklearn.BaggingClassifier",
    of_default=True,
)
def bagging(estimator: Any, columns: Sequence[Expr], compiler: Compiler) -> Form:
    """Compile the mean of the members' probabilities, each over the columns that it was given."""
    members: list[Form] = []
    for member, chosen in zip(estimator.estimators_, estimator.estimators_features_, strict=True):
        if not hasattr(member, "predict_proba") or len(member.classes_) != 2:
            raise NotCompilable(
                f"{type(estimator).__name__} of models without probabilities has no compiled form"
            )
        members.append(compiler.form(member, [columns[place] for place in np.asarray(chosen).tolist()]))
    return Mean(tuple(members), (1.0,) * len(members))


@compiles("imblearn.RUSBoostClassifier", "sklearn.AdaBoostClassifier")
def ada_boost(estimator: Any, columns: Sequence[Expr], compiler: Compiler) -> OnLogOdds:
    """Compile the weighted vote of trees, or the mean of their log-odds, either being log-odds.

    Hastie, Rosset, Zhu & Zou 2009, *Multi-class AdaBoost*, DOI 10.4310/SII.2009.v2.n3.a8.
    """
    members = estimator.estimators_
    if any(not hasattr(member, "tree_") or len(member.classes_) != 2 for member in members):
        raise NotCompilable(f"{type(estimator).__name__} of other models than trees has no compiled form")
    compiler.require(*columns)
    of_log_odds = getattr(estimator, "algorithm", "SAMME") == "SAMME.R"  # the default up to 1.5
    weights = np.asarray(estimator.estimator_weights_, dtype=np.float64)[: len(members)]
    votes = ((1.0 if of_log_odds else 2.0) * weights / estimator.estimator_weights_.sum()).tolist()
    trees = [_voting(member.tree_, vote, of_log_odds) for member, vote in zip(members, votes, strict=True)]
    return build_trees(Boosting, trees, columns, compiler, rounding=as_float32)


def _voting(tree: Any, vote: float, of_log_odds: bool) -> Tree:
    first, second = tree.value[:, 0, 0], tree.value[:, 0, 1]
    if of_log_odds:
        least = np.finfo(np.float64).eps  # as scikit-learn holds the probabilities of its members
        value = vote * (np.log(np.maximum(second, least)) - np.log(np.maximum(first, least)))
    else:
        value = np.where(second > first, vote, -vote)
    return Tree(
        tree.children_left,
        tree.children_right,
        tree.feature,
        tree.threshold,
        tree.missing_go_to_left,
        value,
    )


@compiles("sklearn.StackingClassifier")
def stacking(estimator: Any, columns: Sequence[Expr], compiler: Compiler) -> Form:
    """Compile a linear model over the members' answers, and the columns that are passed through."""
    final = estimator.final_estimator_
    if class_name(type(final)) not in ("sklearn.LogisticRegression", "sklearn.LogisticRegressionCV"):
        raise NotCompilable(
            f"StackingClassifier(final_estimator={type(final).__name__}) has no compiled form"
        )
    members: list[Form] = []
    on_log_odds: list[bool] = []
    for member, method in zip(estimator.estimators_, estimator.stack_method_, strict=True):
        form = compiler.second_class(member, columns)
        of_margin = method == "decision_function"
        form = decision_of(form) if of_margin else form
        if method not in ("predict_proba", "decision_function") or (
            of_margin and not isinstance(form, OnLogOdds)
        ):
            raise NotCompilable(f"StackingClassifier(stack_method={method!r}) has no compiled form")
        members.append(form)
        on_log_odds.append(of_margin)
    coef = np.ravel(final.coef_)
    passed = list(columns) if estimator.passthrough else []
    n = len(members)
    terms = linear(coef[n:], float(np.ravel(final.intercept_)[0]), passed, compiler)
    if not isinstance(terms, Additive):
        raise NotCompilable("StackingClassifier(passthrough=True) behind a dense step has no compiled form")
    return Stacked(terms, tuple(members), tuple(coef[:n].tolist()), tuple(on_log_odds), (np.inf,) * n)


@compiles("sklearn.OneVsRestClassifier")
def one_vs_rest(estimator: Any, columns: Sequence[Expr], compiler: Compiler) -> Form:
    """Compile the one model that two classes need."""
    if len(estimator.estimators_) != 1 or not hasattr(estimator.estimators_[0], "predict_proba"):
        raise NotCompilable("OneVsRestClassifier of models without probabilities has no compiled form")
    return compiler.second_class(estimator.estimators_[0], columns)


@compiles("sklearn.SelfTrainingClassifier", of_default=True)
def self_training(estimator: Any, columns: Sequence[Expr], compiler: Compiler) -> Compiled:
    """Compile the model that was fitted last."""
    return compiler.compile(fitted_member(estimator), columns)
