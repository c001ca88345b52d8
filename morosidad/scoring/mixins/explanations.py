"""What moves the scores of a scorer: contributions, their reference, and changes that turn a decision."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, overload

import numpy as np

from morosidad._dataframes import like
from morosidad.schema.schema import Record
from morosidad.scoring.mixins.estimator import FrozenClassifier

if TYPE_CHECKING:
    import pandas as pd

    from morosidad.compiler.forms.scales import Scale
    from morosidad.languages import Language
    from morosidad.policy.contributions import Contributions
    from morosidad.policy.decision import Decision, DecisionOutcome, Notice
    from morosidad.policy.points import Points
    from morosidad.scoring.counterfactuals.result import Counterfactual


class Explaining(FrozenClassifier):
    """Explains the scores of the active model."""

    @property
    def reference(self) -> pd.DataFrame | None:
        """The applicants against whom contributions are measured, one a row; the plan says how.

        The rows of the background where there is one. Without one, the applicant against whom a model
        of trees measures them, where its columns tell. None where they are measured against averages.
        """
        from morosidad.scoring.mixins.reference_rows import reference_rows

        return reference_rows(self._model)

    def contributions(self, record: Record) -> Contributions:
        """Give the contribution of each field to one applicant's score.

        Parameters
        ----------
        record : mapping, JSON as bytes or text, or object with attributes
            As in `score_one`.

        Returns
        -------
        Contributions
            On the model's own scale, against the reference applicants.

        Raises
        ------
        InvalidRecord
            With every wrong field at once.
        UnsupportedModel
            If the model gives no contributions: it is not compiled, or has no reference.
        PredictionError
            If the model fails on it.
        """
        from morosidad.scoring.mixins.explained import contributions_of

        model = self._model
        return contributions_of(model, model.schema.read(record)[0])

    def counterfactuals(
        self,
        record: Record,
        *,
        mutable: Sequence[str] | None = None,
        limits: Mapping[str, Any] | None = None,
        costs: Mapping[str, float] | None = None,
        target: DecisionOutcome = "aprobar",
        n: int = 3,
        max_changes: int = 2,
        time_limit: float | None = None,
    ) -> tuple[Counterfactual, ...]:
        """Find the least changes to an applicant's record after which it would be decided otherwise.

        Each is verified by deciding on the changed record, by the model and the whole policy. Numbers
        move in round steps, as people say them, over about the range of the reference rows. Where a field
        declares a direction of the risk (``Field(monotonic=)``), it only moves towards less of it; a
        protected field never does, and no field becomes missing.

        Where the log-odds are a sum of what each field adds, as in a linear model or a scorecard, no
        change or pair of changes on these steps is cheaper than the first one found, unless a rule of the
        policy speaks of both fields. Of other models the most promising changes are tried together.
        In the spirit of Wachter, Mittelstadt and Russell 2018, *Counterfactual explanations without
        opening the black box*, doi:10.2139/ssrn.3063289. Nothing is cached, counted or logged.

        Parameters
        ----------
        record : mapping, JSON as bytes or text, or object with attributes
            As in `score_one`.
        mutable : sequence of str, optional
            The fields that may change; by default all but protected ones.
        limits : mapping of str to (low, high), or to a collection, optional
            Between which numbers a field may end, None where there is no end; or the categories.
        costs : mapping of str to float, optional
            What it costs to change a field by one spread (half the distance from the 10th to the 90th
            percentile of the reference rows), or to another category; 1 for those not named.
        target : {'aprobar', 'revisar'}, default='aprobar'
            The outcome that is wanted, or a milder one.
        n : int, default=3
            So many, each with other fields.
        max_changes : {1, 2, 3}, default=2
            Fields that one may change.
        time_limit : float, optional
            Seconds after which what was found so far is given, which need not be the least. Without one, a
            model that is not compiled may take minutes.

        Returns
        -------
        tuple of Counterfactual
            Cheapest first; none where the outcome is no stricter than `target`, or nothing was found.

        Raises
        ------
        InvalidRecord
            With every wrong field at once.
        SettingsError
            If a name is no field, or protected, or a parameter is something else.
        PredictionError
            If the model fails on the record.
        DeadlineExceeded
            If the time was up before anything was found.
        """
        from morosidad.scoring.counterfactuals.asking import counterfactuals_of

        return counterfactuals_of(
            self._model,
            record,
            mutable,
            limits or {},
            costs or {},
            target,
            n=n,
            max_changes=max_changes,
            time_limit=time_limit,
        )

    @overload
    def explain_frame(self, frame: pd.DataFrame, *, scale: Scale | None = None) -> pd.DataFrame: ...

    @overload
    def explain_frame(self, frame: Any, *, scale: Scale | None = None) -> Any: ...

    def explain_frame(self, frame: Any, *, scale: Scale | None = None) -> Any:
        """Give the contributions of every field to the scores of many applicants.

        Parameters
        ----------
        frame : DataFrame or ndarray
            One applicant a row, as in `score_frame`.
        scale : {'log-odds', 'probability'}, optional
            What the contributions are measured on; the model's own scale when not given. Log-odds of a
            probability of 0 or 1 are taken at 2⁻⁵² from it.

        Returns
        -------
        DataFrame
            Of the kind of `frame`, with its index: a column (float64) for each field, and ``base``, the
            score of the reference. A row's sum is the applicant's score. A field that is called ``base``
            itself keeps its name, and the column of the reference is then called ``base_``.

        Raises
        ------
        InvalidFrame
            If columns are missing or the schema refuses rows.
        UnsupportedModel
            If the model gives no contributions, or none on that scale.
        PredictionError
            If the model fails.
        ValueError
            If there is no such scale.
        """
        import pandas as pd

        from morosidad.scoring.mixins.explained import explain_rows

        model = self._model
        table, scores, shares = explain_rows(model, frame, scale)
        out = pd.DataFrame(shares.T, index=table.index, columns=list(model.schema.names))
        out[base_name(model.schema.names)] = scores - shares.sum(axis=0)
        return like(frame, out)

    def importance(self, frame: Any, *, scale: Scale | None = None) -> pd.DataFrame:
        """Say how much each field moves the scores of some applicants.

        Parameters
        ----------
        frame : DataFrame or ndarray
            One applicant a row, as in `score_frame`.
        scale : {'log-odds', 'probability'}, optional
            As in `explain_frame`.

        Returns
        -------
        DataFrame
            A row for each field, the most important first: ``importance`` (float64), the mean absolute
            contribution; ``share`` (float64), its part of the sum over all fields; ``protected`` (bool).
            What protected fields carry is the sum of their shares.

        Raises
        ------
        InvalidFrame, UnsupportedModel, PredictionError, ValueError
            As `explain_frame`.
        """
        import pandas as pd

        from morosidad.scoring.mixins.explained import explain_rows

        model = self._model
        _, _, shares = explain_rows(model, frame, scale)
        mean = np.abs(shares).mean(axis=1) if shares.shape[1] else np.zeros(len(shares))
        total = mean.sum()
        found = pd.DataFrame(
            {
                "importance": mean,
                "share": mean / total if total else mean,
                "protected": [field.protected for field in model.schema.fields],
            },
            index=pd.Index(model.schema.names, name="field"),
        )
        return found.sort_values("importance", ascending=False, kind="stable")

    def notice(self, decision: Decision, *, language: Language | None = None, lender: str = "") -> Notice:
        """Write the letter to an applicant about a decision, as `Decision.notice` does.

        Parameters
        ----------
        decision : Decision
            Of this model and policy; also one that was read from a log or from JSON.
        language : {'es', 'en', 'pt'}, optional
            By default that of the scorer.
        lender : str, optional
            Who signs.

        Returns
        -------
        Notice
            With at most four principal reasons, what the applicant can do, and the data that were used.

        Raises
        ------
        NoticeError
            If an application is declined without any reason that may be said, or another policy decided.
        SettingsError
            If there is no such language.
        """
        return self._model.notice(decision, language, lender)

    def scorecard(self, X: Any = None, y: Any = None, *, points: Points | None = None) -> pd.DataFrame:
        """Give the scorecard of a model whose log-odds are a sum of steps in each field, or in two.

        The rows that an applicant lies in, one of each field, and the first, which everybody has, add up
        from top to bottom to the points of the decision: exactly, as the decision adds up these numbers.
        Where the scale rounds, each row is rounded, halves to the even number.

        Parameters
        ----------
        X : DataFrame, optional
            The applicants over whom shares and default rates are counted; by default the rows of the
            background, where there is one.
        y : array-like, optional
            Their labels, as the model was fitted on.
        points : Points, optional
            The scale; by default the policy's.

        Returns
        -------
        DataFrame
            ``field`` (two names for two fields together; the first row is called ``base``), ``bin`` (an
            interval that holds its lower end, a category, what is missing, any other value), ``points``
            (int64, or float64 where the scale does not round), ``share`` of the rows (float64) and the
            ``default_rate`` there (float64); NaN where nothing is known.

        Raises
        ------
        SettingsError
            If there is no scale.
        UnsupportedModel
            If the model is no such sum; the message says why.
        InvalidFrame
            If the schema refuses rows, or the labels are not the model's.
        """
        from morosidad.scoring.mixins.scorecard_frame import scorecard_of

        return scorecard_of(self._model, X, y, points, base_name(self._model.schema.names))


def base_name(names: tuple[str, ...]) -> str:
    """Give the name of the column of the reference's score: no field's.

    Parameters
    ----------
    names : tuple of str
        The fields.

    Returns
    -------
    str
    """
    name = "base"
    while name in names:
        name += "_"
    return name
