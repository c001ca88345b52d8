"""Policies whose cut-offs are chosen from labelled rows, and what is known of those."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal, Protocol, Self

import msgspec

from morosidad.errors import SettingsError

if TYPE_CHECKING:
    from morosidad.policy.choosing.labelled import LabelledRows

MOST_RESAMPLES = 10_000


Interval = tuple[float, float]
Goal = Literal["bad_rate", "approval", "profit"]


class ChosenCutoffs(msgspec.Struct, frozen=True, omit_defaults=True):
    """How cut-offs were chosen from labelled rows, and what they do there.

    The intervals are those of the bootstrap: the 2.5th and 97.5th percentile over samples of the rows with
    replacement. That of a cut-off comes of choosing anew from each sample; those of shares and profit of
    the chosen cut-offs on each. What the model was fitted on is flattered by all of them: choose from
    rows that it has not seen.

    Attributes
    ----------
    goal : {'bad_rate', 'approval', 'profit'}
        What was asked for.
    review_at, decline_at : float
        The cut-offs.
    approval : float
        The share of applicants who are approved.
    bad_rate : float or None
        The share of defaults among them; None where nobody is approved.
    rows, defaults : int
        The labelled rows, and those that defaulted.
    target : float or None
        The rate that was asked for; None for profit.
    profit : float or None
        The sum over those approved, where gain and loss were given.
    review_at_interval, approval_interval, bad_rate_interval, profit_interval : (float, float) or None
        Of each, 95 %.
    resamples, unreached : int
        Samples, and those on which what was asked for can't be reached: they tell nothing of a cut-off.
    seed : int
        Of the samples.
    """

    goal: Goal
    review_at: float
    decline_at: float
    approval: float
    bad_rate: float | None
    rows: int
    defaults: int
    target: float | None = None
    profit: float | None = None
    review_at_interval: Interval | None = None
    approval_interval: Interval | None = None
    bad_rate_interval: Interval | None = None
    profit_interval: Interval | None = None
    resamples: int = 0
    unreached: int = 0
    seed: int = 0


class Labelling(Protocol):
    """What labels rows for a choice: a `Scorer`."""

    @property
    def policy(self) -> Any:
        """Its policy."""
        ...

    def _labelled_rows(self, X: Any, y: Any, sample_weight: Any, policy: Any) -> LabelledRows: ...


class CutoffChoice:
    """Ways of making a policy by choosing its cut-offs."""

    __slots__ = ()

    @classmethod
    def for_bad_rate(
        cls,
        rate: float,
        scorer: Labelling | None = None,
        X: Any = None,
        y: Any = None,
        *,
        p: Any = None,
        sample_weight: Any = None,
        policy: Self | None = None,
        review: float = 0.0,
        resamples: int = 200,
        seed: int = 0,
    ) -> Self:
        """Choose the cut-offs that approve the most applicants with at most this bad rate among them.

        Everything but the cut-offs stays as it is in `policy`, and its rules are asked: those whom they
        decline or review are not approved by any cut-off. Applicants with one probability stay together.

        Parameters
        ----------
        rate : float
            The share of defaults among those approved, from 0 to 1.
        scorer : Scorer, optional
            Whose probabilities they are.
        X : DataFrame, optional
            Applicants, best some that the model has not seen.
        y : array-like of shape (n_rows,), optional
            What became of them, in the scorer's own labels; with `p` 0 and 1, or False and True.
        p : array-like of shape (n_rows,), optional
            Probabilities of default, in place of a scorer and `X`: then no rules can be asked.
        sample_weight : array-like of shape (n_rows,), optional
            How much each row counts.
        policy : Policy, optional
            That of the scorer by default, else one without rules.
        review : float, default=0
            The share of applicants, those next above the cut-off, to be reviewed and not declined.
        resamples : int, default=200
            Samples of the bootstrap, at most 10,000; 0 for no interval.
        seed : int, default=0
            Of its random numbers.

        Returns
        -------
        Policy
            ``policy.chosen`` says what it does on these rows, with intervals.

        Raises
        ------
        SettingsError
            If that can't be reached, with the nearest that can.
        InvalidFrame
            If rows do not fit the schema, or labels are missing or unknown.
        """
        given = (scorer, X, y, p, sample_weight, policy)
        found: Self = _chosen(cls, "bad_rate", ("rate", rate), given, (review, resamples, seed))
        return found

    @classmethod
    def for_approval(
        cls,
        share: float,
        scorer: Labelling | None = None,
        X: Any = None,
        y: Any = None,
        *,
        p: Any = None,
        sample_weight: Any = None,
        policy: Self | None = None,
        review: float = 0.0,
        tolerance: float = 0.01,
        resamples: int = 200,
        seed: int = 0,
    ) -> Self:
        """Choose the cut-offs that approve this share of the applicants, and no more.

        Parameters
        ----------
        share : float
            Of the applicants, from 0 to 1.
        scorer, X, y, p, sample_weight, policy, review, resamples, seed : optional
            As in `for_bad_rate`.
        tolerance : float, default=0.01
            How far below it the share may lie, where many have one probability or rules decide.

        Returns
        -------
        Policy
            As in `for_bad_rate`.

        Raises
        ------
        SettingsError, InvalidFrame
            As `for_bad_rate`.
        """
        given = (scorer, X, y, p, sample_weight, policy)
        limits, target = (review, resamples, seed), ("share", share)
        found: Self = _chosen(cls, "approval", target, given, limits, tolerance=tolerance)
        return found

    @classmethod
    def for_profit(
        cls,
        scorer: Labelling | None = None,
        X: Any = None,
        y: Any = None,
        *,
        gain: Any,
        loss: Any,
        p: Any = None,
        sample_weight: Any = None,
        policy: Self | None = None,
        review: float = 0.0,
        resamples: int = 200,
        seed: int = 0,
    ) -> Self:
        """Choose the cut-offs with the greatest profit: what those approved gain, less what they lose.

        Parameters
        ----------
        scorer, X, y, p, sample_weight, policy, review, resamples, seed : optional
            As in `for_bad_rate`.
        gain : float, or array-like of shape (n_rows,)
            What an applicant who is approved and pays brings, or what each does.
        loss : float, or array-like of shape (n_rows,)
            What one who is approved and defaults costs. Those who are not approved bring and cost nothing.

        Returns
        -------
        Policy
            As in `for_bad_rate`.

        Raises
        ------
        SettingsError
            If no cut-off has a profit.
        InvalidFrame
            As `for_bad_rate`.
        """
        given = (scorer, X, y, p, sample_weight, policy)
        found: Self = _chosen(cls, "profit", None, given, (review, resamples, seed), values=(gain, loss))
        return found


def _chosen(
    cls: Any,
    goal: Goal,
    target: tuple[str, Any] | None,
    given: tuple[Any, ...],
    limits: tuple[float, int, int],
    *,
    values: tuple[Any, Any] | None = None,
    tolerance: Any = 1.0,
) -> Any:
    from morosidad.policy.choosing.checks import check_whole, share_of
    from morosidad.policy.choosing.labelled import value_of
    from morosidad.policy.choosing.search import CutoffSearch

    review, resamples, seed = limits
    check_whole("resamples", resamples, 0, MOST_RESAMPLES)
    check_whole("seed", seed, 0, 2**63)
    scorer, *_, policy = given
    base = policy if policy is not None else cls() if scorer is None else scorer.policy
    if not isinstance(base, cls):
        raise TypeError(f"policy: a Policy was expected, not {type(base).__name__}")
    rows = _labelled(base, *given[:-1])
    value = None if values is None else value_of(rows, *values)
    rate, near = None if target is None else share_of(*target), share_of("tolerance", tolerance)
    search = CutoffSearch(rows, goal, rate, share_of("review", review), value, near)
    found = ChosenCutoffs(**search.chosen(resamples, seed))
    return msgspec.structs.replace(base, review_at=found.review_at, decline_at=found.decline_at, chosen=found)


def _labelled(policy: Any, scorer: Any, X: Any, y: Any, p: Any, sample_weight: Any) -> LabelledRows:
    """Give the labelled rows of a scorer, or of probabilities."""
    if (p is None) == (scorer is None) or (scorer is None) != (X is None) or y is None:
        raise SettingsError(["a scorer with X and y, or p and y, were expected"])
    if p is None:
        found: LabelledRows = scorer._labelled_rows(X, y, sample_weight, policy)
        return found
    if policy.rules:
        raise SettingsError(["policy: its rules ask for applicants; give a scorer and X in place of p"])
    from morosidad.policy.choosing.labelled import labelled_probabilities

    return labelled_probabilities(p, y, sample_weight)
