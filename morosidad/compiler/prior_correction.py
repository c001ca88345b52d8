"""Forms for another default rate: the log-odds of each record move by one number."""

from __future__ import annotations

import math

from msgspec.structs import replace

from morosidad.compiler.forms.additive import Additive
from morosidad.compiler.forms.calibrated import PriorCorrected, Sigmoid
from morosidad.compiler.forms.complement import Complement
from morosidad.compiler.forms.form import Form, OnLogOdds
from morosidad.compiler.forms.guarded import Guarded
from morosidad.compiler.forms.pooled import LogOddsSum
from morosidad.compiler.forms.stacked import Stacked


def with_log_odds_moved(form: Form, shift: float) -> Form:
    """Give a form whose log-odds are those of another and a number.

    Where there is an intercept, it takes the number, and the form answers as quickly as before.

    Parameters
    ----------
    form : Form
        A classifier.
    shift : float
        What is added to its log-odds.

    Returns
    -------
    Form
        Contributions on the log-odds scale stay; on the scale of the probability they add up to the new one.
    """
    if isinstance(form, Complement):
        return replace(form, of=with_log_odds_moved(form.of, -shift))
    if isinstance(form, Guarded):
        return replace(form, of=with_log_odds_moved(form.of, shift))
    if isinstance(form, Additive | LogOddsSum | Sigmoid):
        return replace(form, intercept=form.intercept + shift)
    if isinstance(form, Stacked):
        return replace(form, terms=replace(form.terms, intercept=form.terms.intercept + shift))
    if isinstance(form, PriorCorrected):
        return replace(form, factor=form.factor * math.exp(shift))
    if isinstance(form, OnLogOdds):
        return Sigmoid(form, True, 1.0, shift)
    return PriorCorrected(form, False, math.exp(shift))
