"""The judge: the pipeline itself, about its user's rows one at a time; and each way of asking a scorer."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from conformance.case import Built, Case

from morosidad import MorosidadError, RecordError, Scorer

Answer = tuple[float, bool] | None
"""The probability of default and whether that is the label; None where the row is refused."""


class Raw(Exception):
    """Something else than an error of this library came out of it."""


class Judged(NamedTuple):
    """The rows that are asked about, in each form, and what the pipeline itself says."""

    records: list[dict[str, Any]]
    frame: pd.DataFrame
    answers: list[Answer]
    positive: Any
    tolerance: float
    errors: tuple[str, ...] = ()
    column: int = 1
    by_record: bool = True


def places(length: int, rows: int) -> list[int]:
    """Choose so many rows, spread over all."""
    return sorted(set(np.linspace(0, length - 1, min(rows, length)).astype(int).tolist()))


def positive_of(case: Case, pipeline: Any) -> Any:
    """Give the label that means default."""
    classes = getattr(pipeline, "classes_", (0, 1))
    return case.positive if case.positive is not None else classes[-1]


def judge(case: Case, built: Built, rows: int, at_each: Callable[[], None]) -> Judged:
    """Ask the pipeline itself, one row at a time, the user's frame untouched."""
    chosen = places(len(built.reference), rows)
    positive = positive_of(case, built.pipeline)
    answers: list[Answer] = []
    errors: list[str] = []
    for place in chosen:
        at_each()
        try:
            answers.append(_own_answer(built.pipeline, _rows(built.reference, [place]), positive))
        except Exception as error:
            answers.append(None)
            errors.append(type(error).__name__)
    frame = _rows(built.reference, chosen)
    if not isinstance(frame, pd.DataFrame):
        frame = pd.DataFrame(frame, columns=[f"x{i}" for i in range(frame.shape[1])])
    column = [*getattr(built.pipeline, "classes_", (0, 1)), positive].index(positive)
    kinds = tuple(dict.fromkeys(errors))
    return Judged([], frame, answers, positive, case.tolerance, kinds, column, case.records)


def _rows(reference: Any, chosen: Sequence[int]) -> Any:
    return reference.iloc[list(chosen)] if hasattr(reference, "iloc") else reference[list(chosen)]


def _own_answer(pipeline: Any, row: Any, positive: Any) -> Answer:
    """Give what the pipeline says; None where it gives no probability of each class."""
    probabilities, labels = pipeline.predict_proba(row), pipeline.predict(row)
    classes = list(getattr(pipeline, "classes_", (0, 1)))
    if np.shape(probabilities) != (1, 2) or np.shape(labels) != (1,) or positive not in classes:
        return None
    probability = float(np.asarray(probabilities, dtype=np.float64)[0, classes.index(positive)])
    return (probability, bool(labels[0] == positive)) if 0.0 <= probability <= 1.0 else None


def scorer_for(case: Case, built: Built) -> Scorer:
    """Make the scorer, saying which label means default where that is needed and can be said."""
    arguments = dict(built.arguments)
    labels = {str(label) for label in getattr(built.pipeline, "classes_", (0, 1))}
    plain = labels <= {"0", "1"} or labels <= {"False", "True"}
    if case.said and not plain and "positive" in inspect.signature(Scorer.__init__).parameters:
        arguments["positive"] = positive_of(case, built.pipeline)
    return Scorer(built.pipeline, reference=built.reference, **arguments)


def with_records(judged: Judged, names: Sequence[str]) -> Judged:
    """Add each row as a record of the scorer's fields, with None where a value is missing."""
    frame = judged.frame
    fields = [_field(column, place, names) for place, column in enumerate(frame.columns)]
    columns = [
        [_cell(value) for value in frame.iloc[:, place].astype(object)] for place in range(frame.shape[1])
    ]
    records = [
        {field: column[i] for field, column in zip(fields, columns, strict=True) if field in names}
        for i in range(len(frame))
    ]
    return judged._replace(records=records)


def _field(column: Any, place: int, names: Sequence[str]) -> str:
    return str(column) if str(column) in names else f"x{place}"


def _cell(value: Any) -> Any:
    if value is None or (np.isscalar(value) and pd.isna(value)) or value is pd.NA or value is pd.NaT:
        return None
    return value.item() if isinstance(value, np.generic) else value


def ask_every_way(scorer: Scorer, judged: Judged) -> list[str]:
    """Ask in each way, and say where the answers are others than the judge's."""
    ways: dict[str, Callable[[Scorer, Judged], Sequence[Answer]]] = {
        "score_one": _score_one,
        "score_many": _score_many,
        "score_frame": _score_frame,
        "predict": _predict,
    }
    found: list[str] = []
    for name, way in ways.items():
        if not judged.by_record and name in ("score_one", "score_many"):
            continue
        try:
            answers = way(scorer, judged)
        except MorosidadError as error:
            found.append(f"{name} refuses the whole: {type(error).__name__}: {error}")
        except Exception as error:
            raise Raw(f"{name}: {type(error).__name__}: {error}") from error
        else:
            found += _differences(name, answers, judged)
    return found


def _score_one(scorer: Scorer, judged: Judged) -> list[Answer]:
    answers: list[Answer] = []
    for record in judged.records:
        try:
            decision = scorer.score_one(record)
        except MorosidadError:
            answers.append(None)
        else:
            answers.append((decision.probability, decision.label == 1))
    return answers


def _score_many(scorer: Scorer, judged: Judged) -> list[Answer]:
    found = scorer.score_many(judged.records)
    return [None if isinstance(d, RecordError) else (d.probability, d.label == 1) for d in found]


def _score_frame(scorer: Scorer, judged: Judged) -> list[Answer]:
    out = scorer.score_frame(judged.frame, errors="coerce")
    if not out.index.equals(judged.frame.index):
        raise Raw("the index is another")
    pairs = zip(out["probability"], out["label"], strict=True)
    return [None if pd.isna(p) else (float(p), bool(label == 1)) for p, label in pairs]


def _predict(scorer: Scorer, judged: Judged) -> list[Answer]:
    """Ask `predict_proba` and `predict` about the rows that the pipeline answers, as it is asked itself."""
    answers: list[Answer] = [None] * len(judged.answers)
    kept = [i for i, answer in enumerate(judged.answers) if answer is not None]
    if not judged.by_record:  # a saved form refuses, in words, what it can't tell apart
        answered = _score_frame(scorer, judged)
        kept = [i for i in kept if answered[i] is not None]
    if kept:
        some = judged.frame.iloc[kept]
        probabilities, labels = scorer.predict_proba(some), scorer.predict(some)
        for i, pair, label in zip(kept, probabilities, labels, strict=True):
            answers[i] = float(pair[judged.column]), bool(label == judged.positive)
    return answers


def _differences(way: str, answers: Sequence[Answer], judged: Judged) -> list[str]:
    """Say in what the answers of one way are others than the judge's."""
    gap, labels, refused, answered = 0.0, 0, 0, 0
    for found, due in zip(answers, judged.answers, strict=True):
        if found is None or due is None:
            refused += judged.by_record and found is None and due is not None
            answered += found is not None and due is None
            continue
        distance = abs(found[0] - due[0])
        gap = max(gap, np.inf if np.isnan(distance) else distance)
        labels += found[1] != due[1]
    counts = {
        "labels other than the pipeline's": labels,
        "rows refused that the pipeline answers": refused,
        "rows answered that the pipeline refuses": answered,
    }
    words = [f"{n} of {len(answers)} {what}" for what, n in counts.items() if n]
    if gap > judged.tolerance:
        words.insert(0, f"|Δp| up to {gap:.1e}")
    return [f"{way}: {', '.join(words)}"] if words else []


def described(error: BaseException) -> str:
    """Give an error in one line, with the place that it came from."""
    trace, where = error.__traceback__, ""
    while trace is not None:
        code: Mapping[str, Any] = {"file": trace.tb_frame.f_code.co_filename, "line": trace.tb_lineno}
        where = f"{'/'.join(str(code['file']).split('/')[-2:])}:{code['line']}"
        trace = trace.tb_next
    return f"{type(error).__name__}: {' '.join(str(error).split())[:300]} [{where}]"
