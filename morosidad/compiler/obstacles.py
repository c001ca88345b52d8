"""All that keeps an estimator from being compiled, and not the first obstacle alone."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import Any

from morosidad.compiler.nodes.base import Expr
from morosidad.compiler.readers.composition import chosen_columns, chosen_places
from morosidad.compiler.registry import Compiler, NotCompilable, may_be_traced, reader_of
from morosidad.errors import MorosidadError

_PARTS = ("steps", "transformers_", "transformer_list", "calibrated_classifiers_", "estimators_")
_SINGLE = ("transformer_", "estimator_", "final_estimator_", "best_estimator_", "estimator")


def obstacles(
    estimator: Any, columns: Sequence[Expr], compiler: Callable[[], Compiler], first: str
) -> list[str]:
    """Find every part of an estimator that has no compiled form.

    Parameters
    ----------
    estimator : object
        A fitted classifier or pipeline.
    columns : sequence of Expr
        Its input columns.
    compiler : callable
        Makes one.
    first : str
        The obstacle that was met first.

    Returns
    -------
    list of str
        In English, `first` among them; each once.
    """
    found = dict.fromkeys([first])
    try:
        found |= dict.fromkeys(_of_branches(estimator, columns, compiler))
        found |= dict.fromkeys(_unknown_parts(estimator))
    except Exception:  # the first obstacle is known in any case
        return [first]
    return list(found)


def _unknown_parts(estimator: Any) -> Iterator[str]:
    """Name the classes that no reader is registered for."""
    if estimator is None or isinstance(estimator, str):
        return
    if may_be_traced(estimator):
        return
    if reader_of(type(estimator)) is None and not type(estimator).__name__.startswith("_"):
        yield f"{type(estimator).__name__} has no compiled form"
        return
    for part in _parts(estimator):
        yield from _unknown_parts(part)


def _parts(estimator: Any) -> Iterator[Any]:
    for attribute in _PARTS:
        parts = getattr(estimator, attribute, None)
        for part in parts if isinstance(parts, list | tuple) else ():
            yield part[1] if isinstance(part, tuple) else part
    for attribute in _SINGLE:
        part = getattr(estimator, attribute, None)
        if part is not None and hasattr(part, "get_params"):
            yield part


def _of_branches(estimator: Any, columns: Sequence[Expr], compiler: Callable[[], Compiler]) -> Iterator[str]:
    """Read each part of a column transformer in front on its own."""
    steps = [step for _, step in getattr(estimator, "steps", ())]
    first = next((step for step in steps if step is not None and step != "passthrough"), None)
    if first is not None and hasattr(first, "steps"):
        yield from _of_branches(first, columns, compiler)
    names = list(getattr(first, "feature_names_in_", []))
    for _, part, chosen in getattr(first, "transformers_", ()):
        if isinstance(part, str):
            continue
        inputs = [columns[place] for place in chosen_places(chosen, names, len(columns))]
        alone = compiler()
        if alone.inputs is not None:
            alone.inputs = alone.inputs.then(partial(chosen_columns, names=names, chosen=chosen))
        try:
            alone.transform(part, inputs)
        except (NotCompilable, MorosidadError) as reason:
            yield str(reason)
