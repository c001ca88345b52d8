"""Questions to a fitted classifier, in words where it answers with something else than two probabilities."""

from __future__ import annotations

import contextlib
import warnings
from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from morosidad.compiler.nodes.base import Floats
from morosidad.errors import UnsupportedModel

PLAIN_LABELS = (0, 1)
"""The labels of an estimator that keeps no ``classes_``."""
ROUNDING = 1e-6
"""Sums of float32 may leave the interval from 0 to 1 by this much."""


def part_name(estimator: Any) -> str:
    """Name the class that classifies: the last step of a pipeline, else the estimator itself.

    Parameters
    ----------
    estimator : object
        A classifier or a pipeline.

    Returns
    -------
    str
    """
    steps = getattr(estimator, "steps", None)
    return part_name(steps[-1][1]) if steps else type(estimator).__name__


def in_words(error: Exception) -> str:
    """Put an estimator's own error into one line.

    Only for use while a model is made of the user's own rows: such a text may hold their values.

    Parameters
    ----------
    error : Exception
        What the estimator raised.

    Returns
    -------
    str
    """
    text = " ".join(str(error).split())
    return f"{type(error).__name__}: {text[:300]}" if text else type(error).__name__


def ask_probability(estimator: Any, frame: Any, default: int) -> Floats:
    """Ask for the probability of default of each row.

    Parameters
    ----------
    estimator : object
        A fitted classifier or pipeline.
    frame : DataFrame or ndarray, of shape (n_rows, n_columns)
        As the estimator takes it.
    default : {0, 1}
        The place of the class that means default.

    Returns
    -------
    ndarray of shape (n_rows,), float64

    Raises
    ------
    UnsupportedModel
        If the answer is not one probability for each of two classes.
    """
    answer = np.asarray(estimator.predict_proba(frame))
    if answer.shape != (len(frame), 2) or answer.dtype.kind not in "fiub":
        name = part_name(estimator)
        what = f"an array of shape {answer.shape} and of {answer.dtype}"
        message = (
            f"predict_proba of {name} gives {what}; one probability for each of two classes was expected, "
            f"an array of shape ({len(frame)}, 2)"
        )
        raise UnsupportedModel(message, name)
    found: Floats = answer[:, default].astype(np.float64)
    beyond = (found < -ROUNDING) | (found > 1.0 + ROUNDING)
    if beyond.any():
        name = part_name(estimator)
        message = (
            f"predict_proba of {name} gives {found[beyond][0]:.6g}, which is no probability; numbers from 0 "
            f"to 1 were expected, and scores on another scale are not"
        )
        raise UnsupportedModel(message, name)
    return np.clip(found, 0.0, 1.0)


def ask_default(estimator: Any, frame: Any, default: int) -> NDArray[np.bool_]:
    """Ask `predict` which rows have the label of default.

    Parameters
    ----------
    estimator, frame, default
        As in `ask_probability`.

    Returns
    -------
    ndarray of shape (n_rows,), bool

    Raises
    ------
    UnsupportedModel
        If `predict` gives anything but one of the two labels for each row.
    """
    labels = np.asarray(estimator.predict(frame))
    classes = [str(label) for label in getattr(estimator, "classes_", PLAIN_LABELS)]
    names = [_name(label, classes) for label in labels.ravel().tolist()]
    if len(names) != len(frame) or not set(names) <= set(classes):
        name = part_name(estimator)
        message = f"predict of {name} was expected to give one of the labels {' and '.join(classes)} a row"
        raise UnsupportedModel(message, name)
    return np.array([name == classes[default] for name in names], dtype=bool)


def _name(label: Any, classes: list[str]) -> str:
    """Write a label as the classes are written: 1, 1.0 and True are the same one."""
    text = str(label)
    if text not in classes and isinstance(label, int | float):
        same = [name for name in classes if _number(name) == label]
        return same[0] if same else text
    return text


def _number(name: str) -> float | None:
    try:
        return {"True": 1.0, "False": 0.0}.get(name) if name in ("True", "False") else float(name)
    except ValueError:
        return None


def quiet() -> warnings.catch_warnings:
    """Give a context in which an estimator's warnings about odd rows are not shown.

    Returns
    -------
    context manager
    """
    return warnings.catch_warnings(action="ignore")


@contextlib.contextmanager
def one_thread() -> Iterator[None]:
    """Keep OpenMP to one thread while rows are asked one by one.

    An estimator that starts a team of threads for one row takes milliseconds a tree where processors
    are busy, and answers the same.
    """
    from threadpoolctl import threadpool_limits

    with threadpool_limits(limits=1, user_api="openmp"):
        yield


def first_differing_step(estimator: Any, one: Any, many: Any, place: int) -> str | None:
    """Find the step of a pipeline whose output for a row depends on the rows beside it.

    Parameters
    ----------
    estimator : object
        A fitted pipeline.
    one : DataFrame or ndarray, of shape (1, n_columns)
        The row alone.
    many : DataFrame or ndarray, of shape (n_rows, n_columns)
        It among others.
    place : int
        Its place among them.

    Returns
    -------
    str or None
        The name of the step's class; None where no step but the last is at fault.
    """
    for _, step in getattr(estimator, "steps", ())[:-1]:
        if step is None or isinstance(step, str):
            continue
        name = _named(step)
        try:
            with quiet():
                one, many = step.transform(one), step.transform(many)
            alone, among = (_cells(table)[at] for table, at in ((one, 0), (many, place)))
            if alone.shape != among.shape or not _equal(alone, among):
                return name
        except Exception:  # it answers otherwise alone, by refusing
            return name
    return None


def _named(step: Any) -> str:
    function = getattr(step, "func", None)
    return type(step).__name__ + (f"({getattr(function, '__name__', 'function')})" if function else "")


def _cells(table: Any) -> NDArray[Any]:
    return np.asarray(table.toarray() if hasattr(table, "toarray") else table)


def _equal(alone: NDArray[Any], among: NDArray[Any]) -> bool:
    try:
        return np.allclose(alone.astype(float), among.astype(float), rtol=1e-5, atol=1e-6, equal_nan=True)
    except (TypeError, ValueError):
        return [str(x) for x in alone.ravel()] == [str(x) for x in among.ravel()]
