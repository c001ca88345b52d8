"""The classes that a stored original may hold without being named by the caller.

skops itself loads scikit-learn's public estimators, arrays and plain containers. A fitted model of
scikit-learn holds more: private estimators, the nodes of its trees, losses, kernels, data types. Those
here hold numbers and settings only. No function is among them, nor a class that takes one to call
it, reads a file or resolves a name, such as ``functools.partial`` or those of ``operator``.

Nothing is imported to decide on a name: a file can't choose modules.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable

import numpy as np

_LISTED = frozenset(
    {
        "builtins.object",
        "numpy.dtype",
        "scipy.sparse._csc.csc_array",
        "scipy.sparse._csc.csc_matrix",
        "scipy.sparse._csr.csr_array",
        "scipy.sparse._csr.csr_matrix",
        "sklearn._loss._loss.CyAbsoluteError",
        "sklearn._loss._loss.CyExponentialLoss",
        "sklearn._loss._loss.CyHalfBinomialLoss",
        "sklearn._loss._loss.CyHalfMultinomialLoss",
        "sklearn._loss._loss.CyHalfSquaredError",
        "sklearn._loss.link.HalfLogitLink",
        "sklearn._loss.link.IdentityLink",
        "sklearn._loss.link.Interval",
        "sklearn._loss.link.LogLink",
        "sklearn._loss.link.LogitLink",
        "sklearn._loss.link.MultinomialLogit",
        "sklearn._loss.loss.AbsoluteError",
        "sklearn._loss.loss.ExponentialLoss",
        "sklearn._loss.loss.HalfBinomialLoss",
        "sklearn._loss.loss.HalfMultinomialLoss",
        "sklearn._loss.loss.HalfSquaredError",
        "sklearn.calibration._CalibratedClassifier",
        "sklearn.compose._column_transformer.make_column_selector",
        "sklearn.ensemble._hist_gradient_boosting.predictor.TreePredictor",
        "sklearn.gaussian_process.kernels.ConstantKernel",
        "sklearn.gaussian_process.kernels.DotProduct",
        "sklearn.gaussian_process.kernels.ExpSineSquared",
        "sklearn.gaussian_process.kernels.Exponentiation",
        "sklearn.gaussian_process.kernels.Matern",
        "sklearn.gaussian_process.kernels.Product",
        "sklearn.gaussian_process.kernels.RBF",
        "sklearn.gaussian_process.kernels.RationalQuadratic",
        "sklearn.gaussian_process.kernels.Sum",
        "sklearn.gaussian_process.kernels.WhiteKernel",
        "sklearn.metrics._dist_metrics.ChebyshevDistance64",
        "sklearn.metrics._dist_metrics.EuclideanDistance64",
        "sklearn.metrics._dist_metrics.ManhattanDistance64",
        "sklearn.neighbors._ball_tree.BallTree",
        "sklearn.neighbors._ball_tree.BallTree64",
        "sklearn.neighbors._kd_tree.KDTree",
        "sklearn.neighbors._kd_tree.KDTree64",
        "sklearn.neural_network._stochastic_optimizers.AdamOptimizer",
        "sklearn.neural_network._stochastic_optimizers.SGDOptimizer",
        "sklearn.tree._tree.Tree",
        "sklearn.utils._bunch.Bunch",
    }
)
_NEVER = ("sklearn.datasets", "sklearn.externals", "sklearn.utils", "sklearn.tests")


def harmless(names: Iterable[str]) -> set[str]:
    """Choose the names that stand for classes which hold numbers and settings only.

    Parameters
    ----------
    names : iterable of str
        As ``module.Name``.

    Returns
    -------
    set of str
        Classes that are listed here, numpy's scalar types, and scikit-learn's estimators, private ones
        too.
    """
    return {name for name in names if name in _LISTED or _is_scalar(name) or _is_estimator(name)}


def _is_scalar(name: str) -> bool:
    module, _, short = name.rpartition(".")
    found = getattr(np, short, None) if module == "numpy" else None
    return isinstance(found, type) and issubclass(found, np.generic)


def _is_estimator(name: str) -> bool:
    """Tell whether this is the very name of an estimator in a module of scikit-learn that is loaded."""
    from sklearn.base import BaseEstimator

    module, _, short = name.rpartition(".")
    if not module.startswith("sklearn.") or module.startswith(_NEVER):
        return False
    found = vars(sys.modules[module]).get(short) if module in sys.modules else None
    return (
        isinstance(found, type)
        and issubclass(found, BaseEstimator)
        and (found.__module__, found.__qualname__) == (module, short)
    )
