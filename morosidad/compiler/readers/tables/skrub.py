"""Readers of skrub: tables that are cleaned, encoded and selected column by column."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from morosidad.compiler.nodes.base import Expr
from morosidad.compiler.nodes.computed import Binary
from morosidad.compiler.nodes.expressions import Narrow, Raw
from morosidad.compiler.nodes.functions import Function
from morosidad.compiler.nodes.lookups import Lookup, Table, fold_constants
from morosidad.compiler.nodes.text import Changed, SameText, TextChoice, TextConstant
from morosidad.compiler.registry import Compiler, NotCompilable, class_name, compiles

_OF_TEXT = ("ToCategorical", "ToStr")
_SAME = ("DropUninformative", "PassThrough", *_OF_TEXT)
_FLOATS = ("ToFloat", "ToFloat32")


@compiles("skrub.TableVectorizer", "skrub.Cleaner")
def table(estimator: Any, columns: Sequence[Expr], compiler: Compiler) -> list[Expr]:
    """Compile the steps of each column: numbers of 32 bits, and texts as columns of zeros and ones."""
    steps = estimator.all_processing_steps_
    if len(steps) != len(columns):
        raise NotCompilable(f"{type(estimator).__name__} of other columns has no compiled form")
    found: dict[str, list[Expr]] = {}
    for column, (name, chain) in zip(columns, steps.items(), strict=True):
        found[name] = _cleaned(column, chain, compiler)
    compiler.sparse = False
    return [expr for made in found.values() for expr in made]


def _cleaned(column: Expr, chain: Sequence[Any], compiler: Compiler) -> list[Expr]:
    """Take one column through its steps."""
    made = [column]
    for step in chain:
        name = type(step).__name__
        if name == "DropUninformative" and step.drop_:
            return []
        if isinstance(step, Mapping) or name in _FLOATS:  # a mapping has the numbers that an encoder made
            compiler.narrow = True
            made = [fold_constants(Narrow(one, "float32")) for one in made]
        elif name == "CleanNullStrings":
            made = [_without_words(one, step.null_strings_) for one in made]
        elif class_name(type(step)) == "sklearn.OneHotEncoder":
            made = compiler.transform(step, made)
        elif name not in _SAME or (name in _OF_TEXT and not _is_text(column, compiler)):
            raise NotCompilable(f"{name} of skrub has no compiled form")
    return made


def _without_words(column: Expr, words: Sequence[str]) -> Expr:
    """Take some words, and texts of blanks alone, for missing values."""
    known = np.append(np.ones(len(words)), [0.0, 0.0])[:, None]
    blank = SameText(Changed(column, "strip"), TextConstant(""))
    gone = Binary("or", Lookup(column, Table(tuple(words), known)), blank)
    return TextChoice(gone, TextConstant(None), column)


def _is_text(column: Expr, compiler: Compiler) -> bool:
    field = compiler.schema.fields[column.field] if isinstance(column, Raw) else None
    return field is not None and field.kind == "category" and not field.holds_integers


@compiles("skrub.SelectCols", "skrub.DropCols")
def selection(estimator: Any, columns: Sequence[Expr], compiler: Compiler) -> list[Expr]:
    """Compile the choice of some columns by their names."""
    names = None if compiler.inputs is None else list(getattr(compiler.inputs.sample, "columns", ()))
    if names is None or len(names) != len(columns):
        raise NotCompilable(f"{type(estimator).__name__} of columns without names has no compiled form")
    kept = getattr(estimator, "columns_", None) or estimator.kept_cols_
    return [columns[names.index(name)] for name in kept]


@compiles("skrub.SquashingScaler")
def squashing_scaler(estimator: Any, columns: Sequence[Expr], compiler: Compiler) -> list[Expr]:
    """Compile scaled numbers that are bent towards a limit."""
    if not np.all(estimator.robust_cols_):
        raise NotCompilable("SquashingScaler of columns without a spread has no compiled form")
    limit = float(estimator.max_absolute_value)
    scaled = compiler.transform(estimator.robust_scaler_, columns)
    return [fold_constants(Function(column, "squash", (limit,))) for column in scaled]
