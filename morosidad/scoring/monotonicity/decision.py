"""Whether a whole model's probability moves in one direction with a field."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from morosidad.compiler.backends.numpy_columns import ColumnBatch
from morosidad.compiler.forms.additive import Additive
from morosidad.compiler.forms.calibrated import Isotonic, PriorCorrected, Sigmoid
from morosidad.compiler.forms.complement import Complement
from morosidad.compiler.forms.form import Form
from morosidad.compiler.forms.mixtures import Mean
from morosidad.compiler.forms.pooled import LogOddsSum
from morosidad.compiler.forms.stacked import Stacked
from morosidad.compiler.forms.walked import Walked
from morosidad.compiler.nodes.base import Floats, Places
from morosidad.compiler.pipeline import CompiledPipeline
from morosidad.compiler.proof.original import Original
from morosidad.compiler.proof.probe_rows import Validity, changed
from morosidad.schema.field import Row
from morosidad.scoring.monotonicity import sums, trees
from morosidad.scoring.monotonicity.finding import HELD, UNDECIDED, DirectionFinding, Question
from morosidad.scoring.monotonicity.lines import valid_numbers

SMALLEST = 1e-12
"""A pair of applicants is a counterexample if their probabilities differ by more than this."""
_ROWS, _NUMBERS = 60, 40
_ROWS_ASKED = 12
"""Of an original that is not compiled, which takes milliseconds a question, fewer rows are tried."""


def direction_of(
    compiled: CompiledPipeline, rows: Sequence[Row], field: int, direction: int, work: int
) -> tuple[DirectionFinding, int]:
    """Decide whether a model's probability of default moves in one direction with a field.

    Parameters
    ----------
    compiled : CompiledPipeline
        The model.
    rows : sequence of tuple
        Made-up rows to try where nothing is proven.
    field : int
        The field's place in the schema.
    direction : {1, -1}
        Whether the probability should rise or fall with the field's number.
    work : int
        So many steps at most.

    Returns
    -------
    finding : DirectionFinding
        With two rows that scoring tells apart, where it does not hold.
    left : int
        Steps that were not needed; negative where they were not enough.
    """
    schema, valid = compiled.schema, Validity(compiled.schema)
    if schema.fields[field].kind not in ("integer", "number"):
        return UNDECIDED, work

    def confirm(lower: Row, higher: Row) -> bool:
        if not (valid.row(lower) and valid.row(higher)):
            return False
        moved = compiled.predict_one(higher) - compiled.predict_one(lower)
        return bool(direction * moved < -SMALLEST)

    question = Question(schema, field, rows[0], confirm, work)
    found = UNDECIDED
    with np.errstate(over="ignore", invalid="ignore"):  # numbers without limits reach infinity
        if compiled.form is not None:
            found = _rises(compiled.form, direction, question)
        if found.verdict == "undecided":
            found = _tried(compiled, direction, question, rows)
    return found, question.left


def _rises(form: Form, sign: int, question: Question) -> DirectionFinding:
    if isinstance(form, Additive):
        return sums.rises(form, sign, question)
    if isinstance(form, Walked):
        return trees.rises(form, sign, question)
    if isinstance(form, Complement):
        return _rises(form.of, -sign, question)
    if isinstance(form, Sigmoid):
        return _rises(form.of, sign if form.slope > 0 else -sign, question) if form.slope else HELD
    if isinstance(form, PriorCorrected):
        return _rises(form.of, sign, question)
    if isinstance(form, Isotonic):
        levels = form.curve.compute(*_points(form))
        return _rises(form.of, sign, question) if (np.diff(levels) >= -SMALLEST).all() else UNDECIDED
    if isinstance(form, Mean | LogOddsSum):
        return _of_members(form.members, form.weights, sign, question)
    if isinstance(form, Stacked):
        return _of_members((form.terms, *form.members), (1.0, *form.weights), sign, question)
    return UNDECIDED


def _points(form: Isotonic) -> tuple[Floats, Places]:
    edges = form.curve.edges.values
    x = np.sort(np.concatenate([edges, np.nextafter(edges, -np.inf)]))
    return x, form.curve.edges.find(x)


def _of_members(
    members: Sequence[Form], weights: Sequence[float], sign: int, question: Question
) -> DirectionFinding:
    """Decide of a weighted sum: it holds if it holds of each member; what one breaks, others may mend."""
    verdict = HELD
    for member, weight in zip(members, weights, strict=True):
        if weight:
            found = _rises(member, sign if weight > 0 else -sign, question)
            if found.verdict == "broken":
                return found
            verdict = verdict if found.verdict == "held" else UNDECIDED
    return verdict


def _tried(
    compiled: CompiledPipeline, direction: int, question: Question, rows: Sequence[Row]
) -> DirectionFinding:
    """Look for a counterexample among made-up rows; without one it stays undecided."""
    place, valid = question.field, Validity(compiled.schema)
    field = compiled.schema.fields[place]
    held = [row[place] for row in rows]
    values = {float(value) for value in held if isinstance(value, int | float)}
    numbers = [x for x in valid_numbers(field, sorted(values)) if abs(x) < 1e15]
    numbers = numbers[:: max(1, len(numbers) // _NUMBERS)]
    bases = rows[:: max(1, len(rows) // (_ROWS if compiled.compiled else _ROWS_ASKED))]
    made = [[changed(row, place, question.typed(x)) for x in numbers] for row in bases]
    lines = [[row for row in line if valid.row(row)] for line in made]
    lines = [line for line in lines if len(line) > 1]
    for line, found in zip(lines, _answers(compiled, lines), strict=True):
        if found is None:
            continue
        steps = direction * np.diff(found)
        at = int(np.argmin(steps))
        if steps[at] < -SMALLEST and question.confirm(line[at], line[at + 1]):
            return DirectionFinding("broken", (line[at], line[at + 1]))
    return UNDECIDED


def _answers(compiled: CompiledPipeline, lines: list[list[Row]]) -> list[Floats | None]:
    """Ask about lines of made-up rows; None for a line where an original refuses one."""
    if compiled.form is not None:
        form = compiled.form
        return [form.batch(ColumnBatch.of_records(line, len(compiled.schema))) for line in lines]
    assert compiled.original is not None
    original = compiled.original.asked_together()
    try:
        found = original.predict([row for line in lines for row in line])
        return list(np.split(found, np.cumsum([len(line) for line in lines])[:-1])) if lines else []
    except Exception:  # whatever the original raises
        return [_answer_together(original, line) for line in lines]


def _answer_together(original: Original, line: list[Row]) -> Floats | None:
    try:
        return original.predict(line)
    except Exception:  # whatever the original raises
        return None
