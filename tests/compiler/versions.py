"""What tests need of scikit-learn, where an old version lacks it or names it otherwise."""

from __future__ import annotations

from importlib import import_module
from typing import Any

import pytest
import sklearn
from sklearn.calibration import CalibratedClassifierCV
from sklearn.preprocessing import KBinsDiscretizer

SKLEARN = tuple(int(part) for part in sklearn.__version__.split(".")[:2])


def since(major: int, minor: int, what: str) -> pytest.MarkDecorator:
    """Skip a test of what an older scikit-learn lacks."""
    lacking = (major, minor) > SKLEARN
    return pytest.mark.skipif(lacking, reason=f"scikit-learn {major}.{minor} is the first that has {what}")


def _found(module: str, name: str, first: str) -> Any:
    """Give a class, or in its place what skips the test that asks for one."""

    def absent(*_: Any, **__: Any) -> Any:
        pytest.skip(f"scikit-learn {first} is the first that has {name}")

    try:
        return getattr(import_module(module), name, absent)
    except ModuleNotFoundError:
        return absent


FrozenEstimator = _found("sklearn.frozen", "FrozenEstimator", "1.6")
FixedThresholdClassifier = _found("sklearn.model_selection", "FixedThresholdClassifier", "1.5")
TunedThresholdClassifierCV = _found("sklearn.model_selection", "TunedThresholdClassifierCV", "1.5")


def calibration_of(fitted: Any, **settings: Any) -> CalibratedClassifierCV:
    """Give a calibration, still to be fitted, of a model that is fitted already."""
    if SKLEARN < (1, 6):
        return CalibratedClassifierCV(fitted, cv="prefit", **settings)
    return CalibratedClassifierCV(FrozenEstimator(fitted), **settings)


def k_bins(n: int, **settings: Any) -> KBinsDiscretizer:
    """Give a discretizer by quantiles; from 1.7 on it asks which quantiles are meant."""
    if SKLEARN < (1, 7):
        return KBinsDiscretizer(n, **settings)
    return KBinsDiscretizer(n, quantile_method="averaged_inverted_cdf", **settings)
