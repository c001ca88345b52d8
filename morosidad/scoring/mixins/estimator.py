"""A scorer as a fitted scikit-learn classifier: its attributes, its predictions, its tags.

It is fitted for good, as what `sklearn.frozen.FrozenEstimator` holds is: `fit` changes nothing and
`sklearn.base.clone` gives the scorer itself. Nothing of scikit-learn is imported until it asks.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Self

import numpy as np

from morosidad.frames.compatibility import Tagged
from morosidad.scoring.record_path import RecordPath
from morosidad.scoring.stored_model import StoredModel

if TYPE_CHECKING:
    from numpy.typing import NDArray


class FrozenClassifier(Tagged):
    """What scikit-learn asks of a fitted classifier, answered by the active model.

    Attributes
    ----------
    classes_ : ndarray of shape (2,)
        The labels of the original in its order: that of the columns of `predict_proba`.
    n_features_in_ : int
        How many columns the model was fitted on.
    feature_names_in_ : ndarray of shape (n_features_in_,), object
        Their names; it is not there where the model was fitted on columns without names.
    """

    _path: RecordPath
    _estimator_type = "classifier"
    _input_tags = frozenset({"allow_nan", "categorical", "string"})

    @property
    def _model(self) -> StoredModel:
        return self._path.model

    # -- fitted attributes ---------------------------------------------------------------------

    @property
    def classes_(self) -> NDArray[Any]:
        """The labels of the original, in the order of the columns of `predict_proba`."""
        model = self._model
        return np.array(model.labels if model.default == 1 else model.labels[::-1])

    @property
    def n_features_in_(self) -> int:
        """How many columns the model was fitted on."""
        return len(self._columns())

    @property
    def feature_names_in_(self) -> NDArray[Any]:
        """The names of the columns that the model was fitted on.

        Raises
        ------
        AttributeError
            If it was fitted on columns without names, as scikit-learn's own estimators do then.
        """
        names = self._columns()
        if not all(isinstance(name, str) for name in names):
            raise AttributeError("the model was fitted on columns without names: no feature_names_in_")
        return np.array(names, dtype=object)

    def _columns(self) -> list[Any]:
        compiled = self._model.compiled
        if compiled.layout is None:
            return list(compiled.schema.names)
        return [column.name for column in compiled.layout.columns]

    # -- answers -------------------------------------------------------------------------------

    def predict_proba(self, frame: Any) -> NDArray[np.float64]:
        """Give the probabilities of both classes, as the original pipeline does.

        Parameters
        ----------
        frame : DataFrame or ndarray, of shape (n_rows, n_columns)
            Applicants.

        Returns
        -------
        ndarray of float64, shape (n_rows, 2)
            In the order of `classes_`.

        Raises
        ------
        InvalidFrame
            If columns are missing or the schema refuses rows.
        PredictionError
            If the model does not answer with a probability.
        """
        model = self._model
        probability = self._probabilities(model, frame)
        pair = [1.0 - probability, probability]
        both: NDArray[np.float64] = np.column_stack(pair if model.default == 1 else pair[::-1])
        return both

    def predict(self, frame: Any) -> NDArray[Any]:
        """Give the class of each row, in the original's own labels.

        Parameters
        ----------
        frame : DataFrame or ndarray, of shape (n_rows, n_columns)
            Applicants.

        Returns
        -------
        ndarray of shape (n_rows,)
            Of the dtype of the original's labels.

        Raises
        ------
        InvalidFrame
            If columns are missing or the schema refuses rows.
        PredictionError
            If the model does not answer with a probability.
        """
        model = self._model
        from morosidad.scoring.frame_path import labels_of

        other, default = model.labels
        answer: NDArray[Any] = np.where(labels_of(model, frame), default, other)
        return answer

    @staticmethod
    def _probabilities(model: StoredModel, frame: Any) -> NDArray[np.float64]:
        from morosidad.scoring.frame_path import answer_frame
        from morosidad.scoring.frames.refusals import refuse_gaps

        answers = answer_frame(model, frame)
        found = answers.probabilities
        refuse_gaps(model, answers.table, found)
        return found

    def score(self, frame: Any, y: Any, sample_weight: Any = None) -> float:
        """Give the share of rows whose class is predicted, as scikit-learn's classifiers do.

        Parameters
        ----------
        frame : DataFrame or ndarray, of shape (n_rows, n_columns)
            Applicants.
        y : array-like of shape (n_rows,)
            Their classes, in the original's own labels.
        sample_weight : array-like of shape (n_rows,), optional
            What each row counts for.

        Returns
        -------
        float
            From 0 to 1.

        Raises
        ------
        InvalidFrame
            If columns are missing or the schema refuses rows.
        """
        from sklearn.metrics import accuracy_score

        return float(accuracy_score(y, self.predict(frame), sample_weight=sample_weight))

    # -- protocol ------------------------------------------------------------------------------

    def fit(self, X: Any, y: Any = None, *args: Any, **kwargs: Any) -> Self:  # noqa: ARG002 - scikit-learn's
        """Change nothing: a scorer is fitted. Only scikit-learn's own tools need this.

        Cross-validation of a scorer therefore measures the same model on each part, and tells nothing
        new about rows that it was trained on; cross-validate the pipeline for that.

        Parameters
        ----------
        X
            Ignored.
        y : optional
            Ignored.
        *args, **kwargs
            Ignored.

        Returns
        -------
        Scorer
            Itself.
        """
        return self

    def get_params(self, deep: bool = True) -> dict[str, Any]:  # noqa: ARG002 - scikit-learn's signature
        """Give the hyperparameters that could be set: none.

        Parameters
        ----------
        deep : bool, default=True
            Ignored.

        Returns
        -------
        dict
            Empty.
        """
        return {}

    def set_params(self, **params: Any) -> Self:
        """Refuse to change a fitted model.

        Parameters
        ----------
        **params : optional
            There are none to set.

        Returns
        -------
        Scorer
            Itself, where nothing was to be set.

        Raises
        ------
        ValueError
            If something was.
        """
        if params:
            raise ValueError(f"a scorer is fitted and has no parameters to set: {', '.join(sorted(params))}")
        return self

    def __sklearn_clone__(self) -> Self:
        return self

    def __sklearn_is_fitted__(self) -> bool:
        return True

    def __sklearn_tags__(self) -> Any:
        from sklearn.utils import ClassifierTags, InputTags, Tags, TargetTags

        return Tags(
            estimator_type="classifier",
            target_tags=TargetTags(required=True),
            classifier_tags=ClassifierTags(multi_class=False),
            input_tags=InputTags(**dict.fromkeys(self._input_tags, True)),
        )

    def _more_tags(self) -> dict[str, Any]:
        return super()._more_tags() | {"binary_only": True}
