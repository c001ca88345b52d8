"""The reader of functions and transformers of a user's own: traced, and tried on odd rows one at a time."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from morosidad.compiler.backends.numpy_columns import ColumnBatch
from morosidad.compiler.nodes.base import Expr
from morosidad.compiler.readers.tracing.calls.modules import Rebinder
from morosidad.compiler.readers.tracing.calls.pandas_calls import check_array
from morosidad.compiler.readers.tracing.rules.trace import (
    MAX_COLUMNS,
    OTHER_ROWS,
    Trace,
    TraceEnds,
    described,
    plain,
    raised_by_user,
    same,
    texts,
)
from morosidad.compiler.readers.tracing.symbols import frames  # noqa: F401 - it registers the symbolic classes
from morosidad.compiler.readers.tracing.symbols.values import Traced, columns_of, traced_in, wrap
from morosidad.compiler.registry import Compiler, NotCompilable

Call = Callable[[Rebinder, Any], Any]


def traced_function(estimator: Any, columns: Sequence[Expr], compiler: Compiler) -> list[Expr]:
    """Trace the function of a `FunctionTransformer`."""

    def call(see: Rebinder, X: Any) -> Any:
        if estimator.validate:
            X = check_array(X._trace, X)
        return see(estimator.func)(X, **{key: see(value) for key, value in (estimator.kw_args or {}).items()})

    name = getattr(estimator.func, "__name__", type(estimator.func).__name__)
    return _traced(f"FunctionTransformer({name})", call, estimator, columns, compiler)


def traced_transformer(estimator: Any, columns: Sequence[Expr], compiler: Compiler) -> list[Expr]:
    """Trace the method ``transform`` of a class of a user's own; what it was fitted to is constant."""

    def call(see: Rebinder, X: Any) -> Any:
        return see.of_self(estimator).transform(X)

    return _traced(type(estimator).__name__, call, estimator, columns, compiler)


def _traced(name: str, call: Call, estimator: Any, columns: Sequence[Expr], compiler: Compiler) -> list[Expr]:
    if compiler.inputs is None:
        raise NotCompilable(f"{name} has no compiled form where there are no rows to trace it on")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            sample = compiler.inputs.sample
            expected = estimator.transform(_copy(sample))
            trace, found = _run(call, sample, columns, compiler)
            _, again = _run(call, sample, columns, compiler)
            for number, place in enumerate(trace.questions, 1):
                if not _refuses(call, sample, columns, compiler, number):
                    raise TraceEnds(f"{place}: {OTHER_ROWS}")
    except TraceEnds as reason:
        raise NotCompilable(f"{name} has no compiled form: {reason}") from None
    except NotCompilable as reason:  # of a step within it
        raise NotCompilable(f"{name} has no compiled form: {reason}") from None
    except Exception as error:
        raise NotCompilable(f"{name} has no compiled form: it raises {type(error).__name__}") from error
    if described(found) != described(again):
        raise NotCompilable(f"{name} has no compiled form: it does something else each time")
    if not _equal(expected, found, trace.batch, trace):
        raise NotCompilable(f"{name} has no compiled form: it answers otherwise than what was recorded")
    _prove(name, estimator, found, trace, compiler)
    compiler.traced = True
    compiler.sparse = False
    compiler.demands |= trace.demands
    return found


def _run(
    call: Call, sample: Any, columns: Sequence[Expr], compiler: Compiler, turned: int = 0
) -> tuple[Trace, list[Expr]]:
    """Run a function once on symbolic columns, and give what it made of them."""
    assert compiler.inputs is not None
    trace = Trace(compiler.schema, compiler.inputs.rows, turned)
    if len(columns) > MAX_COLUMNS:
        trace.end("is given too many columns")
    trace.transform = compiler.transform
    see = Rebinder(trace)
    trace.rebound = see
    made = call(see, wrap(trace, _copy(sample), columns))
    if trace.ended:
        raise TraceEnds(trace.ended)
    if not isinstance(made, Traced):
        trace.end("gives what is no column" if not traced_in(made) else "gives a list of columns")
    kinds = [getattr(column.dtype, "kind", "O") for column in columns_of(trace, made._real)]
    if "m" in kinds or "M" in kinds:
        trace.end("gives dates or durations")
    return trace, made._exprs


def _refuses(call: Call, sample: Any, columns: Sequence[Expr], compiler: Compiler, question: int) -> bool:
    """Tell whether a function raises where a question about all rows has another answer."""
    try:
        _run(call, sample, columns, compiler, question)
    except Exception as error:
        return raised_by_user(error)
    return False


def _copy(sample: Any) -> Any:
    return sample.copy()


def _equal(real: Any, found: Sequence[Expr], batch: ColumnBatch, trace: Trace) -> bool:
    """Tell whether expressions give what the original made of the same rows."""
    if hasattr(real, "toarray") or not hasattr(real, "shape") or real.shape[0] != len(batch):
        return False
    pick = getattr(real, "iloc", real)
    columns = [real] if len(real.shape) == 1 else [pick[:, place] for place in range(real.shape[1])]
    if len(columns) != len(found):
        return False
    for column, expr in zip(columns, found, strict=True):
        expected = plain(column)
        made: Any = texts(expr, batch) if trace.is_text(expr) else batch.value(expr)
        if expected is None or not same(expected, made):
            return False
    return True


def _prove(name: str, estimator: Any, found: Sequence[Expr], trace: Trace, compiler: Compiler) -> None:
    """Ask the original about odd rows, each alone: what it refuses has to be refused, too."""
    inputs = compiler.inputs
    assert inputs is not None
    for row in [*inputs.rows[:20], *inputs.probes]:
        try:
            data = inputs.of([row])
        except Exception:  # noqa: S112 - a step before this one refuses it
            continue
        batch = ColumnBatch.of_records([row], len(compiler.schema))
        answers = all(np.isfinite(batch.value(expr)).all() for expr in trace.demands)
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                real = estimator.transform(data)
        except Exception as error:
            if answers:
                words = f"it refuses rows, with {type(error).__name__}, that what was recorded answers"
                raise NotCompilable(f"{name} has no compiled form: {words}") from None
            continue
        if answers and not _equal(real, found, batch, trace):
            words = "it answers otherwise about one row alone than what was recorded"
            raise NotCompilable(f"{name} has no compiled form: {words}")
