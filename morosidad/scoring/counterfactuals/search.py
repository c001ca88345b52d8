"""The search for the cheapest changes: exact where the log-odds are a sum over fields, else a beam search."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from morosidad._typing import Floats
from morosidad.compiler.backends.numpy_columns import ColumnBatch
from morosidad.compiler.forms.additive import Additive
from morosidad.compiler.forms.calibrated import Sigmoid
from morosidad.compiler.forms.complement import Complement
from morosidad.compiler.forms.form import Form
from morosidad.compiler.forms.pooled import LogOddsSum
from morosidad.compiler.nodes.expressions import fields_of
from morosidad.compiler.pipeline import rows_of
from morosidad.compiler.proof.probe_rows import Validity, changed
from morosidad.frames.reading import Coded, Column
from morosidad.policy.decision import OUTCOMES
from morosidad.schema.field import Row
from morosidad.scoring.counterfactuals.choices import OtherValue
from morosidad.scoring.counterfactuals.result import Change, Counterfactual
from morosidad.scoring.model import ScoringModel

MOST_VERIFIED = 2000
"""So many sets of changes are scored one by one, at most."""
_OF_EACH_PAIR = 20
_THINNED = 9
_BEAM = 200
_TOGETHER = 2000
_SHARP = 15.0
"""Log-odds beyond this are too coarse for sums of differences: the probability has too few digits left."""
_REFINED_PAIRS, _REFINED_ROWS = 8, 20_000
_NEAR = 1e-9
_OF_SCORE = ("probability", "points", "outcome")
"""What a rule names that knows the score: a set of changes may end it that no one of them ends."""
Places = NDArray[np.intp]
Bools = NDArray[np.bool_]
Late = Callable[[float], bool]


def search(
    model: ScoringModel,
    values: Row,
    choices: Sequence[OtherValue],
    *,
    target: int,
    n: int,
    max_changes: int,
    late: Late,
) -> list[Counterfactual]:
    """Find the cheapest sets of changes after which the outcome is no stricter than a target.

    Parameters
    ----------
    model : ScoringModel
        What decides.
    values : tuple
        The record's validated values.
    choices : sequence of OtherValue
        What may be changed.
    target : int
        The place of the outcome in `OUTCOMES`.
    n : int
        So many, each with other fields than the ones before.
    max_changes : int
        Fields that one of them may change.
    late : callable
        Tells whether a share of the time that there is has passed. After half of it no further changes are
        scored together, after all of it none is verified.

    Returns
    -------
    list of Counterfactual
        Cheapest first.
    """
    valid = Validity(model.schema)
    choices = [choice for choice in choices if valid.value(choice.place, choice.value)]
    table = _Table(model, values, choices, target, late)
    limit = (model.policy.review_at, model.policy.decline_at, np.inf)[target]
    found: list[Counterfactual] = []
    changed: list[set[int]] = []
    for tried, combo in enumerate(_in_order(model, table, limit, max_changes)):
        if len(found) == n or tried == MOST_VERIFIED or late(1.0):
            break
        places = {choices[i].place for i in combo}
        if any(known <= places for known in changed):
            continue  # the same with one more change
        made = list(values)
        for i in combo:
            made[choices[i].place] = choices[i].value
        if severity(model, tuple(made)) <= target:
            changed.append(places)
            cost = sum(choices[i].cost for i in combo)
            names = model.schema.names
            changes = tuple(Change(names[p], values[p], made[p]) for p in sorted(places))
            found.append(Counterfactual(changes, float(cost), model.answer(tuple(made))))
    return found


def severity(model: ScoringModel, values: Row) -> int:
    """Give the place in `OUTCOMES` of what the model and its whole policy decide, without the reasons.

    Parameters
    ----------
    model : ScoringModel
        What decides.
    values : tuple
        Validated values.

    Returns
    -------
    int

    Raises
    ------
    PredictionError
        If the model fails.
    """
    first = model.asked_first(values)
    if model.skips(first):
        return OUTCOMES.index("rechazar")
    try:
        probability = model.compiled.predict_one(values)
    except Exception as error:  # its text may hold values of the record
        raise model.failed(error) from None
    outcome = model.settle(values, probability, first).outcome
    return OUTCOMES.index(outcome or "rechazar")


class _Table:
    """The log-odds and the rules after each single change, and after several at once."""

    def __init__(
        self, model: ScoringModel, values: Row, choices: Sequence[OtherValue], target: int, late: Late
    ) -> None:
        self._late = late
        self._compiled = model.compiled
        original = model.compiled.original
        self._original = None if original is None else original.asked_together()  # each is verified alone
        rows = [values, *(changed(values, choice.place, choice.value) for choice in choices)]
        self.columns: Sequence[Column] = ColumnBatch.of_records(rows, len(model.schema)).columns
        self.fields: Places = np.array([-1, *(choice.place for choice in choices)], dtype=np.intp)
        self.costs: Floats = np.array([0.0, *(choice.cost for choice in choices)])
        self.scores: Floats = self.score(np.arange(len(rows))[:, None])
        rules = _strict_rules(model, target)
        self.fired: Bools = np.array([_fired(model, row, rules) for row in rows] if rules else [])

    def score(self, combos: Places) -> Floats:
        """Give the log-odds of default after sets of changes, infinite for those that it is too late for.

        Row 0 of the table is no change.
        """
        found = np.full(len(combos), np.inf)
        for start in range(0, len(combos), _TOGETHER):
            if self._late(0.5):
                break
            some = combos[start : start + _TOGETHER]
            columns = [self._column(place, some) for place in range(len(self.columns))]
            with np.errstate(all="ignore"):
                p = self._probabilities(columns)
                found[start : start + _TOGETHER] = np.log(p) - np.log1p(-p)
        return np.where(np.isnan(found), np.inf, found)

    def _probabilities(self, columns: Sequence[Column]) -> Floats:
        if self._compiled.compiled or self._original is None:
            return self._compiled.predict(columns)
        return self._original.answers(rows_of(self._compiled.schema, columns))

    def stopped(self, combos: Places) -> Bools:
        """Tell which sets of changes a rule stops: one that none of them ends, or that one of them begins."""
        if not len(self.fired):
            return np.zeros(len(combos), dtype=bool)
        fired, begun = self.fired[combos], ~self.fired[0]
        stopped: Bools = np.where(begun, fired.any(axis=1), fired.all(axis=1))
        return np.asarray(stopped.any(axis=1))

    def _column(self, place: int, combos: Places) -> Column:
        at = np.zeros(len(combos), dtype=np.intp)
        for slot in combos.T:
            at = np.where(self.fields[slot] == place, slot, at)
        column = self.columns[place]
        return Coded(column.codes[at], column.levels) if isinstance(column, Coded) else column[at]


def _strict_rules(model: ScoringModel, target: int) -> list[int]:
    """Give what rules that know no score may say that is stricter than the target: places in `fired`."""
    kinds: list[int] = []
    for place, rule in enumerate(model.policy.rules):
        if any(word in rule.when for word in _OF_SCORE):
            continue
        kinds += [2 * place] if OUTCOMES.index(rule.outcome) > target else []
        kinds += [2 * place + 1] if rule.on_missing and OUTCOMES.index(rule.on_missing) > target else []
    return kinds


def _fired(model: ScoringModel, row: Row, kinds: Sequence[int]) -> list[bool]:
    rules = model.rules
    assert rules is not None
    fired = rules.decided(row, 0.0, OUTCOMES[0], rules.first(row)).fired
    return [kind in fired for kind in kinds]


def _in_order(
    model: ScoringModel, table: _Table, limit: float, max_changes: int
) -> Iterator[tuple[int, ...]]:
    """Give sets of changes by their cost: those that bring the probability below a limit.

    Where there are rules, which may decide otherwise, each single change comes too.
    """
    bound = np.inf if limit >= 1.0 else np.log(limit) - np.log1p(-limit) if limit > 0.0 else -np.inf
    ruled = bool(model.policy.rules)
    single = np.arange(1, len(table.fields), dtype=np.intp)
    kept = single if ruled else single[table.scores[single] < bound + _NEAR]
    groups = [kept[:, None]]
    if max_changes > 1 and len(single):
        form = model.compiled.form
        exact = form is not None and _separable(form)
        if exact:
            groups.append(_exact_pairs(table, bound + _NEAR))
        if not exact or max_changes > 2 or abs(table.scores[0]) > _SHARP:
            groups += _beam(table, bound + _NEAR, max_changes)
    combos = [tuple(sorted(combo)) for group in groups for combo in group.tolist()]
    costs = {combo: float(table.costs[list(combo)].sum()) for combo in combos}
    for combo in sorted(costs, key=lambda combo: (costs[combo], combo)):
        yield tuple(place - 1 for place in combo)


def _separable(form: Form) -> bool:
    """Tell whether the log-odds are a sum of what each field adds by itself."""
    if isinstance(form, Complement | Sigmoid):
        return _separable(form.of)
    if isinstance(form, LogOddsSum):
        return all(_separable(member) for member in form.members)
    return isinstance(form, Additive) and all(len(fields_of(term)) < 2 for term in form.terms)


def _exact_pairs(table: _Table, bound: float) -> Places:
    """Give the cheapest pairs of changes for every two fields, of all that there are."""
    with np.errstate(invalid="ignore"):  # of a probability of 1
        needed, gains = bound - table.scores[0], table.scores - table.scores[0]
    of_field = {int(f): np.flatnonzero(table.fields == f) for f in np.unique(table.fields[1:])}
    found = [np.empty((0, 2), dtype=np.intp)]
    for one, other in combinations(of_field.values(), 2):
        enough = gains[one][:, None] + gains[other] < needed
        if len(table.fired) and enough.any():
            pairs = np.column_stack([np.repeat(one, len(other)), np.tile(other, len(one))])
            enough &= ~table.stopped(pairs).reshape(enough.shape)
        if not enough.any():
            continue
        cost = np.where(enough, table.costs[one][:, None] + table.costs[other], np.inf).ravel()
        best = np.argsort(cost, kind="stable")[:_OF_EACH_PAIR]
        best = best[np.isfinite(cost[best])]
        found.append(np.column_stack([one[best // len(other)], other[best % len(other)]]))
    return np.concatenate(found)


def _beam(table: _Table, bound: float, max_changes: int) -> list[Places]:
    """Look for sets of two changes and more: the most promising ones are extended by one change each."""
    few = _thinned(table)
    beam, groups = few[:, None], []
    for _ in range(max_changes - 1):
        grown = _extended(table, beam, few)
        if not len(grown):
            break
        scores = table.score(grown)
        enough = (scores < bound) & ~table.stopped(grown)
        reached = grown[enough]
        if grown.shape[1] == 2 and len(reached):
            groups.append(_refined(table, reached, bound))
        groups.append(reached)
        left, scores = grown[~enough], scores[~enough]
        cost = table.costs[left].sum(axis=1)
        with np.errstate(invalid="ignore"):
            gain = np.fmax(table.scores[0] - scores, 1e-12)
        beam = left[np.argsort(cost / gain, kind="stable")[:_BEAM]]
    return groups


def _thinned(table: _Table) -> Places:
    """Give a few changes of each field: the cheapest for each gain, and some evenly over the rest."""
    kept: list[int] = []
    for place in np.unique(table.fields[1:]):
        mine = np.flatnonzero(table.fields == place)
        mine = mine[np.argsort(table.costs[mine], kind="stable")]
        scores = table.scores[mine]
        lower = scores < np.minimum.accumulate(np.append(table.scores[0], scores[:-1]))
        better = mine[lower]
        better = better[np.linspace(0, len(better) - 1, min(len(better), _THINNED)).astype(np.intp)]
        others = mine[np.linspace(0, len(mine) - 1, min(len(mine), 3)).astype(np.intp)]
        kept += sorted({*better.tolist(), *others.tolist()})
    return np.array(kept, dtype=np.intp)


def _extended(table: _Table, beam: Places, few: Places) -> Places:
    """Give each set with each further change of a later field."""
    left, right = np.repeat(np.arange(len(beam)), len(few)), np.tile(few, len(beam))
    later = table.fields[right] > table.fields[beam[left]].max(axis=1)
    if beam.shape[1] > 1:  # of sets that were chosen, any other field
        later = (table.fields[right][:, None] != table.fields[beam[left]]).all(axis=1)
    return np.column_stack([beam[left[later]], right[later]])


def _refined(table: _Table, reached: Places, bound: float) -> Places:
    """Try every value of the two fields of the cheapest pairs, where that is cheaper than what is known."""
    cost = table.costs[reached].sum(axis=1)
    found = [np.empty((0, 2), dtype=np.intp)]
    seen: set[tuple[int, int]] = set()
    rows = 0
    for at in np.argsort(cost, kind="stable").tolist():
        one, other = sorted(table.fields[reached[at]].tolist())
        if (one, other) in seen:
            continue
        seen.add((one, other))
        firsts, seconds = np.flatnonzero(table.fields == one), np.flatnonzero(table.fields == other)
        pairs = np.column_stack([np.repeat(firsts, len(seconds)), np.tile(seconds, len(firsts))])
        pairs = pairs[table.costs[pairs].sum(axis=1) < cost[at]]
        rows += len(pairs)
        if len(seen) > _REFINED_PAIRS or rows > _REFINED_ROWS:
            break
        if len(pairs):
            pairs = pairs[(table.score(pairs) < bound) & ~table.stopped(pairs)]
            found.append(pairs[np.argsort(table.costs[pairs].sum(axis=1), kind="stable")[:_OF_EACH_PAIR]])
    return np.concatenate(found)
