"""The registry of readers: one function for each estimator's class, found by the class's public name."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, TypeVar

import msgspec
import numpy as np

from morosidad.compiler.forms.complement import Complement
from morosidad.compiler.forms.form import Form
from morosidad.compiler.nodes.base import Expr, Key
from morosidad.compiler.nodes.expressions import Fill, Raw, fields_of
from morosidad.compiler.nodes.lookups import Lookup
from morosidad.compiler.proof.demands import demanded
from morosidad.compiler.proof.inputs import Inputs
from morosidad.errors import MorosidadError
from morosidad.frames.absent import Absent
from morosidad.frames.layout import ColumnLayout, FrameLayout
from morosidad.schema.field import Field
from morosidad.schema.schema import Schema

Compiled = list[Expr] | Form
CompileFunction = Callable[[Any, Sequence[Expr], "Compiler"], Compiled]
F = TypeVar("F", bound=Callable[..., Any])

_FUNCTIONS: dict[str | type, CompileFunction] = {}
_STEPS: dict[str | type, CompileFunction] = {}
_OF_DEFAULT: set[CompileFunction] = set()
_OTHERS: list[CompileFunction] = []


class NotCompilable(Exception):
    """An estimator, or one of its settings, has no compiled form; the message says which and why."""


def compiles(*estimators: str | type, of_default: bool = False, as_step: bool = False) -> Callable[[F], F]:
    """Register the function that compiles an estimator's class.

    Parameters
    ----------
    *estimators : str or type
        The classes, or their names as ``"package.ClassName"`` (the top package and the class,
        so that nothing has to be imported): ``"sklearn.StandardScaler"``.
    of_default : bool, default=False
        Whether the function of a classifier gives the probability of the class in
        `Compiler.default`. Others give that of the second class, and where the first one means
        default, it is 1 less that.
    as_step : bool, default=False
        Whether the function compiles a classifier where it stands before another step, and transforms.

    Returns
    -------
    callable
        A decorator for a function of the fitted estimator, its input columns (a list of `Expr`)
        and the `Compiler`. A transformer's function gives its output columns, a classifier's a
        `Form`. It raises `NotCompilable` for what it can't do.
    """

    def register(function: F) -> F:
        (_STEPS if as_step else _FUNCTIONS).update(dict.fromkeys(estimators, function))
        if of_default:
            _OF_DEFAULT.add(function)
        return function

    return register


def reader_of(cls: type) -> CompileFunction | None:
    """Find the function that compiles a class.

    Parameters
    ----------
    cls : type
        Of an estimator.

    Returns
    -------
    callable or None
        None where none is registered, for the class or for one that it is derived from and overrides
        nothing of that is asked once it is fitted.
    """
    for base in cls.__mro__:
        found = _FUNCTIONS.get(base) or _FUNCTIONS.get(class_name(base))
        if found is not None or any(_counts(name) for name in vars(base)):
            return found
    return None


_COUNTS_NOT = (
    "fit", "fit_predict", "fit_transform", "get_metadata_routing", "get_params", "partial_fit", "score",
    "set_params", "_abc_impl", "_parameter_constraints", "_sklearn_auto_wrap_output_keys",
)  # fmt: skip


def _counts(name: str) -> bool:
    """Whether what a subclass defines may change its answers."""
    hidden = name.startswith("__") and name not in ("__getattr__", "__getattribute__", "__call__")
    return (
        not hidden and name not in _COUNTS_NOT and not (name.startswith("set_") and name.endswith("_request"))
    )


def compiles_others(function: F) -> F:
    """Register the function that tries to compile transformers of classes that are not registered.

    Parameters
    ----------
    function : callable
        As in `compiles`.

    Returns
    -------
    callable
        The same.
    """
    _OTHERS[:] = [function]
    return function


def may_be_traced(estimator: Any) -> bool:
    """Tell whether an estimator is a transformer of a user's own, whose method can be traced.

    Parameters
    ----------
    estimator : object
        A step.

    Returns
    -------
    bool
    """
    own = not type(estimator).__module__.startswith(("sklearn.", "morosidad."))
    return own and callable(getattr(estimator, "transform", None)) and bool(_OTHERS)


def class_name(cls: type) -> str:
    """Name a class by its top package and its own name."""
    return f"{cls.__module__.partition('.')[0]}.{cls.__qualname__}"


class Compiler:
    """One compilation: reads the estimators and collects what the model demands of a record.

    Parameters
    ----------
    schema : Schema
        The record's fields.
    threshold : float, default=0.5
        Probability above which the label is 1.
    default : {0, 1}, default=1
        The place of the class whose probability is wanted among the estimator's two.
    layout : FrameLayout, optional
        The columns of the user's own frame and their data types.

    Attributes
    ----------
    layouts : dict of str to ColumnLayout
        The column that holds each field, where that is known.
    sparse : bool
        Whether the columns read so far stand in a sparse matrix, whose zeros some libraries take for
        missing. A transformer that makes one, or none of one, says so here.
    inputs : Inputs or None
        The data that reaches the step that is read, where there are rows to make it of.
    traced : bool
        Whether some column was computed by a function of a user's own.
    narrow : bool
        Whether some step of the original reckons in 32 bits, as columns of 32 bits make it do.
    demands : dict of Expr
        The numbers without which a record has no answer: those that are computed.
    """

    def __init__(
        self,
        schema: Schema,
        *,
        threshold: float = 0.5,
        default: int = 1,
        layout: FrameLayout | None = None,
        inputs: Inputs | None = None,
    ) -> None:
        self.schema = schema
        self.layouts: dict[str, ColumnLayout] = {
            column.field: column for column in (layout.columns if layout else ())
        }
        self.inputs: Inputs | None = inputs
        self.traced: bool = False
        self.narrow: bool = False
        self.demands: dict[Expr, None] = {}
        self.threshold = threshold
        self.default: int = default
        self.required: set[int] = set()
        self.sparse: bool = False
        self._missing = frozenset(i for i, field in enumerate(schema.fields) if not field.required)
        self.allowed: dict[int, set[Key]] = {}
        self.limits: dict[int, tuple[float, bool]] = {}

    @property
    def missing(self) -> frozenset[int]:
        """The fields that may have no value."""
        return self._missing

    def compile(self, estimator: Any, columns: Sequence[Expr]) -> Compiled:
        """Compile one estimator over its input columns.

        Raises
        ------
        NotCompilable
            If its class is not registered, or one of its settings has no compiled form.
        """
        kind = type(estimator)
        function = reader_of(kind)
        if function is None and may_be_traced(estimator):
            function = _OTHERS[0]
        if function is None:
            raise NotCompilable(f"{kind.__name__} has no compiled form")
        if self.traced:
            columns = demanded(self, estimator, columns)
        default = self.default
        known = default == 1 or function in _OF_DEFAULT
        self.default = default if known else 1
        try:
            compiled = function(estimator, columns, self)
        except (NotCompilable, MorosidadError):
            raise
        except Exception as error:  # another version of its library, perhaps: the original still answers
            words = f"{kind.__name__} can't be read: {type(error).__name__}: {error}"
            raise NotCompilable(words) from error
        finally:
            self.default = default
        return Complement(compiled) if isinstance(compiled, Form) and not known else compiled

    def transform(self, estimator: Any, columns: Sequence[Expr]) -> list[Expr]:
        """Compile a transformer over its input columns.

        Raises
        ------
        NotCompilable
            As in `compile`, or if it is a classifier.
        """
        if estimator is None or estimator == "passthrough":
            return list(columns)
        as_step = _STEPS.get(class_name(type(estimator)))
        compiled = as_step(estimator, columns, self) if as_step else self.compile(estimator, columns)
        if isinstance(compiled, Form):
            raise NotCompilable(f"{type(estimator).__name__} stands where a transformer was expected")
        return compiled

    def absent(self, column: Expr) -> Absent:
        """Tell how a value is missing where a column reaches an estimator: computed ones hold NaN."""
        layout = self._layout(column)
        return layout.absent if layout is not None and layout.dtype == "object" else "nan"

    def categories(self, column: Expr) -> tuple[Key, ...] | None:
        """Give the levels of a column that reaches an estimator as a pandas category, in their order."""
        layout = self._layout(column)
        return None if layout is None else layout.categories

    def _layout(self, column: Expr) -> ColumnLayout | None:
        return self.layouts.get(self.schema.fields[column.field].name) if isinstance(column, Raw) else None

    def form(self, estimator: Any, columns: Sequence[Expr]) -> Form:
        """Compile a classifier over its input columns.

        Raises
        ------
        NotCompilable
            As in `compile`, or if it gives columns, as a selector at the end of a pipeline does.
        """
        sparse = self.sparse
        compiled = self.compile(estimator, columns)
        self.sparse = sparse
        if not isinstance(compiled, Form):
            raise NotCompilable(f"{type(estimator).__name__} gives columns where a classifier was expected")
        return compiled

    def second_class(self, estimator: Any, columns: Sequence[Expr]) -> Form:
        """Compile a classifier whose second class is asked about, whichever means default.

        Raises
        ------
        NotCompilable
            As in `form`.
        """
        default, self.default = self.default, 1
        try:
            return self.form(estimator, columns)
        finally:
            self.default = default

    def require(self, *columns: Expr) -> None:
        """Demand that whatever could make a column missing is always given."""
        for column in columns:
            known = column.known_keys if isinstance(column, Lookup) else None
            if isinstance(column, Lookup) and known is not None and column.may_be_missing(frozenset()):
                self.allow(column.of, known)
                if not np.isnan(column.numbers[-1]):
                    continue  # where the field is missing there is a number
            if column.may_be_missing(self.missing):
                self.required |= fields_of(column)
                self._missing -= fields_of(column)
            if known is None and column.may_be_missing(self.missing):
                raise NotCompilable("a column can be missing where the model needs a number")

    def allow(self, expr: Expr, keys: Sequence[Key]) -> None:
        """Demand that an expression's value is one of some keys: the original refuses any other."""
        field = self._field(expr, "an encoder that refuses unknown categories")
        known = self.allowed.setdefault(field, set(keys))
        known &= set(keys)

    def above(self, expr: Expr, limit: float, *, strictly: bool) -> None:
        """Demand that an expression's number is above a limit: the original has no answer for others."""
        field = self._field(expr, "a function that some numbers have no value of")
        bound = limit, strictly
        if self.schema.fields[field].kind not in ("integer", "number") or (
            isinstance(expr, Fill) and not _beyond(expr.value, bound)
        ):
            raise NotCompilable("a function would be asked about numbers that it has no value of")
        self.limits[field] = max(self.limits.get(field, bound), bound)

    def _field(self, expr: Expr, what: str) -> int:
        source = expr.of if isinstance(expr, Fill) else expr
        if not isinstance(source, Raw):
            raise NotCompilable(f"{what} stands behind another transformer")
        return source.field

    def demanded(self) -> Schema:
        """Give the schema with what the model demands declared."""
        return self.schema.replace(self._demanded(i, field) for i, field in enumerate(self.schema.fields))

    def _demanded(self, place: int, field: Field) -> Field:
        changes: dict[str, Any] = {}
        if place in self.required and not field.required:
            changes["required"] = True
        bound = self.limits.get(place)
        levels = self._levels(place, field)
        if levels is not None:  # such a field has no limits: they leave their mark on the levels
            kept = tuple(x for x in levels if _within(field, x) and (bound is None or _beyond(x, bound)))
            if not kept:
                raise NotCompilable(f"no category of the field {field.name!r} is known to the model")
            if kept != field.categories:
                changes |= {"categories": kept, **dict.fromkeys(("ge", "gt", "le", "lt"))}
        elif bound is not None and not _beyond(field.interval[0], bound) and field.gt != bound[0]:
            changes["gt" if bound[1] else "ge"] = bound[0]
        return msgspec.structs.replace(field, **changes) if changes else field

    def _levels(self, place: int, field: Field) -> Sequence[str | int] | None:
        """Give the categories that both the field and the model know, or None if any value will do."""
        if place not in self.allowed or field.kind == "boolean":
            return field.categories
        known = self.allowed[place]
        levels = field.categories or [*(field.usual_levels or ()), *sorted(known, key=str)]
        return list(dict.fromkeys(_level(key, field) for key in levels if key in known))


def _level(key: Key, field: Field) -> str | int:
    if isinstance(key, str):
        return key
    if field.kind == "number" or float(key) != int(key):
        raise NotCompilable(f"the field {field.name!r} holds numbers where the model knows categories")
    return int(key)


def _within(field: Field, level: Any) -> bool:
    low, high = field.interval
    return field.kind == "category" or (low <= level <= high and level not in (field.gt, field.lt))


def _beyond(value: Any, bound: tuple[float, bool]) -> bool:
    limit, strictly = bound
    return bool(value > limit if strictly else value >= limit)
