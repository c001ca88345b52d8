"""What scikit-learn calls otherwise in the oldest versions that are supported.

Nothing of it is imported before it is asked for.

| | here | up to 1.5 | from 1.6 |
|---|---|---|---|
| tags | `allows_missing`, `Tagged` | ``_get_tags``, ``_more_tags`` | ``__sklearn_tags__`` |
| the model of `SelfTrainingClassifier` | `fitted_member` | ``base_estimator_`` | ``estimator_`` |
| checks of input | `validate_data` | a method of the estimator | a function |
| missing values in a check | `validate_data` | ``force_all_finite`` | ``ensure_all_finite`` |
"""

from __future__ import annotations

from typing import Any


def allows_missing(estimator: Any) -> bool:
    """Tell whether an estimator of scikit-learn takes rows in which a number is missing.

    Parameters
    ----------
    estimator : object
        An estimator.

    Returns
    -------
    bool
        What its tags say.
    """
    if hasattr(estimator, "__sklearn_tags__"):
        return bool(estimator.__sklearn_tags__().input_tags.allow_nan)
    return bool(estimator._get_tags()["allow_nan"])


def fitted_member(estimator: Any) -> Any:
    """Give the model that a `SelfTrainingClassifier` fitted last.

    Parameters
    ----------
    estimator : SelfTrainingClassifier
        Fitted.

    Returns
    -------
    estimator
    """
    return estimator.estimator_ if hasattr(estimator, "estimator_") else estimator.base_estimator_


def validate_data(estimator: Any, X: Any, *, allow_nan: bool = False, **more: Any) -> Any:
    """Check the input of an estimator as scikit-learn does, and note its names and width where asked.

    Parameters
    ----------
    estimator : object
        The estimator.
    X : array-like of shape (n_samples, n_features)
        Its input.
    allow_nan : bool
        Whether numbers may be missing.
    **more : object
        What scikit-learn's function takes.

    Returns
    -------
    ndarray of shape (n_samples, n_features), or X itself with ``skip_check_array``
    """
    from sklearn.utils import validation

    finite = "allow-nan" if allow_nan else True
    if hasattr(validation, "validate_data"):
        checked: Any = validation.validate_data
        return checked(estimator, X, ensure_all_finite=finite, **more)
    if more.pop("skip_check_array", False):
        estimator._check_feature_names(X, reset=more["reset"])
        estimator._check_n_features(X, reset=more["reset"])
        return X
    return estimator._validate_data(X, force_all_finite=finite, **more)


class Tagged:
    """The tags of an estimator's input, in the words of every version; the first base of its class.

    Attributes
    ----------
    _input_tags : frozenset of str
        Which of ``allow_nan``, ``categorical`` and ``string`` hold.
    """

    _input_tags: frozenset[str] = frozenset({"allow_nan"})

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()  # type: ignore[misc]
        for name in self._input_tags:
            setattr(tags.input_tags, name, True)
        return tags

    def _more_tags(self) -> dict[str, Any]:
        kinds = sorted(self._input_tags - {"allow_nan"})
        return {"allow_nan": "allow_nan" in self._input_tags, "X_types": ["2darray", *kinds]}
