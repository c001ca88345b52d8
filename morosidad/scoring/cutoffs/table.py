"""What each cut-off would do on labelled rows, and whom it would swap against a present policy."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import msgspec
import numpy as np
from numpy.typing import NDArray

from morosidad._typing import Floats
from morosidad.errors import SettingsError
from morosidad.languages import Language
from morosidad.policy.choosing.checks import check_whole
from morosidad.policy.choosing.groups import ScoreGroups
from morosidad.policy.choosing.labelled import LabelledRows, value_of
from morosidad.policy.cutoffs import Policy
from morosidad.scoring.portfolio.labelling import labelled_rows

if TYPE_CHECKING:
    import pandas as pd

    from morosidad.scoring.scorer import Scorer

MOST_CUTOFFS = 10_000


class PolicyFigures(msgspec.Struct, frozen=True):
    """What a policy does on labelled rows.

    Attributes
    ----------
    review_at : float
        Its first cut-off.
    approved : float
        How many it approves, each row by its weight.
    approval : float
        Their share of the applicants.
    bad_rate : float
        The share of defaults among them; NaN where there is nobody.
    profit : float or None
        What they gain and lose, where gain and loss were given.
    """

    review_at: float
    approved: float
    approval: float
    bad_rate: float
    profit: float | None


class CutoffTable(msgspec.Struct, frozen=True, eq=False):
    """Cut-offs and the bands of scores between them, on labelled rows.

    Attributes
    ----------
    frame : DataFrame
        A row for each band of scores and the cut-off at its upper end, in order. Of the band, ``low`` (it
        belongs to it) and ``cutoff`` (it does not, but for 1 in the last band), ``number``, ``defaults``,
        ``default_rate``. Of the cut-off, below which the policy approves and from which it declines, rules
        included: ``approved``, ``approval`` (their share of all applicants), ``bad_rate`` (the share of
        defaults among them), ``swap_in`` and ``swap_in_defaults`` (approved by it, and not by the present
        policy), ``swap_out`` and ``swap_out_defaults`` (the other way round), and ``profit`` where gain and
        loss were given. All float64; numbers are sums of weights, rates of nobody NaN.
    present : PolicyFigures
        What the present policy does.
    number : float
        The applicants, by weight.
    unscored : float
        Those among them whom rules decline without a score: they are in no band.
    language : {'es', 'en', 'pt'}
        Of a figure of it.
    """

    frame: pd.DataFrame
    present: PolicyFigures
    number: float
    unscored: float
    language: Language = "es"

    def __str__(self) -> str:
        return str(self.frame.to_string(index=False))

    def _repr_html_(self) -> str:
        return str(self.frame.to_html(index=False))


def cutoff_table(
    scorer: Scorer,
    X: Any,
    y: Any,
    *,
    against: Policy | None = None,
    cutoffs: Sequence[float] | None = None,
    bands: int = 10,
    gain: Any = None,
    loss: Any = None,
    sample_weight: Any = None,
) -> CutoffTable:
    """Tell what each cut-off would do on labelled rows.

    Each is asked with the rules of the scorer's policy: whom these decline or review, no cut-off approves.

    Parameters
    ----------
    scorer : Scorer
        Whose probabilities and rules they are.
    X : DataFrame or ndarray
        Applicants, best some that the model has not seen.
    y : array-like of shape (n_rows,)
        What became of them, in the scorer's own labels.
    against : Policy, optional
        The present policy, with its cut-offs and its own rules; the scorer's when not given.
    cutoffs : sequence of float, optional
        From 0 to 1; by default such that about as many applicants lie between each two.
    bands : int, default=10
        So many at most, where no cut-offs are given; applicants with one probability stay together.
    gain, loss : float, or array-like of shape (n_rows,), optional
        What an applicant who is approved brings who pays, and costs who defaults: both, or neither.
    sample_weight : array-like of shape (n_rows,), optional
        How much each row counts.

    Returns
    -------
    CutoffTable

    Raises
    ------
    InvalidFrame
        If rows do not fit the schema, labels are missing or unknown, or amounts are no numbers from 0 on.
    SettingsError
        If cut-offs are none.
    """
    model = scorer._model
    rows = labelled_rows(model, X, y, sample_weight)
    if (gain is None) != (loss is None):
        raise SettingsError(["gain and loss: both, or neither, were expected"])
    value = None if gain is None else value_of(rows, gain, loss)
    policy = scorer.policy if against is None else against
    same = policy == scorer.policy
    present = (rows if same else labelled_rows(model, X, y, sample_weight, policy)).approved(
        policy.review_at, policy.decline_at
    )
    edges = _edges(rows, bands) if cutoffs is None else _checked(cutoffs)
    return CutoffTable(
        _frame(rows, edges, present, value),
        _figures(rows, present, value, policy.review_at),
        float(rows.weights.sum()),
        float(rows.weights[np.isnan(rows.probability)].sum()),
        scorer.language,
    )


def _edges(rows: LabelledRows, bands: int) -> Floats:
    """Give cut-offs with about as many applicants between each two, the last of them 1."""
    check_whole("bands", bands, 1, MOST_CUTOFFS)
    groups = ScoreGroups(rows)
    below = groups.below(rows.weights)
    wanted = below[-1] * np.arange(1, bands) / bands
    places = np.unique(np.searchsorted(below, wanted * (1.0 - 1e-12)))
    inner = [groups.cutoff(int(place)) for place in places if 0 < place < len(groups.levels)]
    return np.array([*inner, 1.0])


def _checked(cutoffs: Sequence[float]) -> Floats:
    try:
        given = np.asarray(cutoffs, dtype=np.float64)
    except (TypeError, ValueError):
        given = np.array([np.nan])
    inside = (given >= 0.0) & (given <= 1.0)
    if given.ndim != 1 or not 0 < len(given) <= MOST_CUTOFFS or not inside.all():
        raise SettingsError([f"cutoffs: from 1 to {MOST_CUTOFFS} numbers from 0 to 1 were expected"])
    edges = np.unique(np.append(given, 1.0))
    return edges[edges > 0.0]


def _frame(
    rows: LabelledRows, edges: Floats, present: NDArray[np.bool_], value: Floats | None
) -> pd.DataFrame:
    import pandas as pd

    scored = ~np.isnan(rows.probability)
    weights, bad = rows.weights, rows.weights * rows.default
    band = np.minimum(np.searchsorted(edges, rows.probability[scored], side="right"), len(edges) - 1)
    number: Floats = np.bincount(band, weights=weights[scored], minlength=len(edges)).astype(np.float64)
    defaults: Floats = np.bincount(band, weights=bad[scored], minlength=len(edges)).astype(np.float64)
    found: dict[str, Floats] = {
        "low": np.append(0.0, edges[:-1]),
        "cutoff": edges,
        "number": number,
        "defaults": defaults,
        "default_rate": _ratio(defaults, number),
    }

    def added(amounts: Floats) -> Floats:
        return _approved(rows, edges, amounts)

    approved, bad_approved = added(weights), added(bad)
    found |= {
        "approved": approved,
        "approval": approved / weights.sum(),
        "bad_rate": _ratio(bad_approved, approved),
        "swap_in": added(weights * ~present),
        "swap_in_defaults": added(bad * ~present),
        "swap_out": float((weights * present).sum()) - added(weights * present),
        "swap_out_defaults": float((bad * present).sum()) - added(bad * present),
    }
    if value is not None:
        found["profit"] = added(weights * value)
    return pd.DataFrame(found)


def _approved(rows: LabelledRows, edges: Floats, amounts: Floats) -> Floats:
    """Add up an amount over the rows that each cut-off approves, rules included."""
    number = len(edges)
    below, above = (rows.outcomes[:, band] == 0 for band in (0, 2))
    first = np.searchsorted(edges, rows.probability, side="right")  # the first cut-off that a row is below
    first = np.where(np.isnan(rows.probability), number, first)
    gained = np.bincount(first, weights=amounts * below, minlength=number + 1)[:number].cumsum()
    held = np.bincount(first, weights=amounts * above, minlength=number + 1)[::-1].cumsum()[::-1][1:]
    found: Floats = gained + held
    return found


def _figures(
    rows: LabelledRows, approved: NDArray[np.bool_], value: Floats | None, review_at: float
) -> PolicyFigures:
    weights = rows.weights
    number = float((weights * approved).sum())
    bad = float((weights * approved * rows.default).sum())
    return PolicyFigures(
        review_at,
        number,
        number / float(weights.sum()),
        bad / number if number else float("nan"),
        None if value is None else float((weights * approved * value).sum()),
    )


def _ratio(part: Floats, whole: Floats) -> Floats:
    with np.errstate(invalid="ignore", divide="ignore"):
        found: Floats = np.where(whole > 0.0, part / whole, np.nan)
    return found
