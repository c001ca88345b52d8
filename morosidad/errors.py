"""The exception tree, grouped by what the caller does next.

::

    MorosidadError
    ├── InputError                  correct the record and send it again
    │   ├── InvalidRecord           .errors: every wrong field, at once
    │   └── InvalidFrame            .columns: the columns that are missing or wrong
    ├── ModelError                  give another model, or another schema
    │   ├── UnsupportedModel        .estimator: the class that can't be used
    │   └── PredictionError         .model: it failed on a valid record
    ├── ArtifactError               get a sound model file   (.path)
    │   ├── ArtifactCorrupted       truncated or altered
    │   ├── ArtifactVersionError    .found, .supported
    │   ├── ArtifactKeyError        the key is missing or another one signed the file
    │   └── ArtifactUntrusted       it holds code, which the caller must allow by name   (.types)
    ├── ConfigurationError          correct the settings or the installation
    │   ├── SchemaError             a Field or Schema that contradicts itself   (.field)
    │   ├── SettingsError           .problems: every wrong setting, at once
    │   ├── RuleError               .problems: everything that is wrong with rules, at once   (.codes)
    │   ├── NoticeError             .policy: it can't explain its decision in a letter
    │   └── MissingExtra            .extra: what to ``pip install``
    └── TransientError              try again later   (.retry_after)
        ├── Overloaded              the queue is full
        ├── DeadlineExceeded        .seconds: the time that was allowed
        └── Escalated               recovery gave up for now   (.component, .level)

No message holds a value of a record: they name the field and what was expected.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

import msgspec


class FieldError(msgspec.Struct, frozen=True):
    """What is wrong with one field of a record.

    Attributes
    ----------
    field : str
        The field's name, as the schema spells it; ``""`` when the record as a whole is wrong.
    message : str
        What was expected, in Spanish. It never holds the value that was given.
    code : str
        One of ``falta``, ``tipo``, ``rango``, ``categoria``, ``desconocido``, ``duplicado``, ``registro``,
        ``modelo`` (the model refuses a record that the schema accepts).
    """

    field: str = msgspec.field(name="campo")
    message: str = msgspec.field(name="mensaje")
    code: str = msgspec.field(name="tipo")


class NotCompiledWarning(UserWarning):
    """A model has no compiled form that is proven exact; scikit-learn itself answers, slower."""


class BrokenDirectionWarning(UserWarning):
    """A model's probability moves against the direction that the schema declares for some fields.

    Attributes
    ----------
    fields : tuple of str
        Their names.
    """

    def __init__(self, fields: Sequence[str]) -> None:
        self.fields: tuple[str, ...] = tuple(fields)
        names = ", ".join(self.fields)
        super().__init__(
            f"the risk moves against the direction that the schema declares, see check_monotone: {names}"
        )


class PartsLeftBehindWarning(UserWarning):
    """A scorer is copied or pickled, and its parts stay behind: they belong to this process.

    Attributes
    ----------
    parts : tuple of str
        Their names.
    """

    def __init__(self, parts: tuple[str, ...]) -> None:
        self.parts = parts
        super().__init__(
            f"{', '.join(parts)}: these parts belong to this process, and the copy of the scorer has none; "
            "parts=, with a function that makes them, has them made anew wherever it arrives"
        )


class SuspectedCodesWarning(UserWarning):
    """Training data holds values that look like codes for a missing one, and are taken as they are.

    Attributes
    ----------
    codes : dict of str to list
        The values, by column.
    """

    def __init__(self, codes: dict[str, list[Any]]) -> None:
        self.codes = codes
        words = "; ".join(f"{name}: {', '.join(map(repr, found))}" for name, found in codes.items())
        super().__init__(
            f"values that look like codes for a missing one; missing= says that they are: {words}"
        )


class MorosidadError(Exception):
    """Root of every exception that morosidad raises on purpose."""

    def __reduce__(self) -> tuple[Any, ...]:
        return _restore, (type(self), self.args, self.__dict__)


def _restore(cls: type[MorosidadError], args: tuple[Any, ...], data: dict[str, Any]) -> MorosidadError:
    """Make an exception again after its trip to another process, without its own `__init__`."""
    error = cls.__new__(cls, *args)
    error.args = args
    error.__dict__.update(data)
    return error


class InputError(MorosidadError):
    """The input is wrong: correct it and send it again."""


class InvalidRecord(InputError, ValueError):
    """A record does not fit its schema.

    Attributes
    ----------
    errors : tuple of FieldError
        Every wrong field, in the order of the schema, unknown fields last.
    """

    def __init__(self, errors: Sequence[FieldError]) -> None:
        self.errors: tuple[FieldError, ...] = tuple(errors)
        super().__init__("; ".join(f"{e.field}: {e.message}" if e.field else e.message for e in self.errors))


class InvalidFrame(InputError, ValueError):
    """A table lacks columns that the schema needs, or holds wrong ones.

    Attributes
    ----------
    columns : tuple of str
        The columns at fault.
    """

    def __init__(self, message: str, columns: Sequence[str] = ()) -> None:
        self.columns: tuple[str, ...] = tuple(columns)
        super().__init__(message)


class ModelError(MorosidadError):
    """The model can't be used as it is: give another one, or another schema."""


class UnsupportedModel(ModelError, TypeError):
    """An estimator that can't answer with a probability of default.

    Attributes
    ----------
    estimator : str
        Name of the estimator's class.
    """

    def __init__(self, message: str, estimator: str = "") -> None:
        self.estimator = estimator
        super().__init__(message)


class PredictionError(ModelError):
    """The model failed on a valid record, or answered with something that is no probability.

    Attributes
    ----------
    model : str
        The model's ``name@version``.
    """

    def __init__(self, message: str, model: str = "") -> None:
        self.model = model
        super().__init__(message)


class ArtifactError(MorosidadError):
    """A model file can't be used.

    Attributes
    ----------
    path : str
        The file.
    """

    def __init__(self, message: str, path: object = "") -> None:
        self.path: str = str(path)
        super().__init__(message)


class ArtifactCorrupted(ArtifactError):
    """The file is truncated, altered, or no model file at all."""


class ArtifactVersionError(ArtifactError):
    """The file was written in a format that this version does not read.

    Attributes
    ----------
    found, supported : int
        The file's format and the newest one that can be read.
    """

    def __init__(self, message: str, path: object = "", *, found: int, supported: int) -> None:
        self.found = found
        self.supported = supported
        super().__init__(message, path)


class ArtifactKeyError(ArtifactError):
    """The file's signature is missing, or was made with another key."""


class ArtifactUntrusted(ArtifactError):
    """The file holds Python objects that the caller has not allowed by name.

    Attributes
    ----------
    types : tuple of str
        The types to allow, if they are trusted.
    """

    def __init__(self, message: str, path: object = "", types: Sequence[str] = ()) -> None:
        self.types: tuple[str, ...] = tuple(types)
        super().__init__(message, path)


class ConfigurationError(MorosidadError):
    """The settings or the installation are at fault."""


class SchemaError(ConfigurationError, ValueError):
    """A `Field` or a `Schema` contradicts itself.

    Attributes
    ----------
    field : str
        The field at fault, ``""`` for the schema as a whole.
    """

    def __init__(self, message: str, field: str = "") -> None:
        self.field = field
        super().__init__(message)


class SettingsError(ConfigurationError, ValueError):
    """One or more settings are wrong.

    Attributes
    ----------
    problems : tuple of str
        Every problem: the setting's name, where its value came from, what was expected.
    """

    def __init__(self, problems: Sequence[str]) -> None:
        self.problems: tuple[str, ...] = tuple(problems)
        super().__init__("; ".join(self.problems))


class NoticeError(ConfigurationError, ValueError):
    """No notice can be written about a decision under this policy.

    Attributes
    ----------
    policy : str
        ``version@digest`` of the policy that decided.
    """

    def __init__(self, message: str, policy: str = "") -> None:
        self.policy = policy
        super().__init__(message)


class RuleError(ConfigurationError, ValueError):
    """One or more rules of a policy are wrong.

    Attributes
    ----------
    problems : tuple of str
        Every problem: the rule's code, what was expected, and the expression with its place marked.
    codes : tuple of str
        The codes of the rules at fault, each once.
    """

    def __init__(self, problems: Sequence[str], codes: Sequence[str] = ()) -> None:
        self.problems: tuple[str, ...] = tuple(problems)
        self.codes: tuple[str, ...] = tuple(dict.fromkeys(codes))
        super().__init__("\n".join(self.problems))


class MissingExtra(ConfigurationError, ImportError):
    """An optional part is not installed.

    Attributes
    ----------
    extra : str
        The extra that brings it: ``pip install 'morosidad[extra]'``.
    """

    def __init__(self, feature: str, extra: str) -> None:
        self.extra = extra
        super().__init__(f"{feature} needs an optional part: pip install 'morosidad[{extra}]'")


class TransientError(MorosidadError):
    """Nothing is wrong with the request: try again later.

    Attributes
    ----------
    retry_after : float or None
        Seconds after which another try makes sense, where that is known.
    """

    default_retry_after: ClassVar[float | None] = None

    def __init__(self, message: str, *, retry_after: float | None = None) -> None:
        self.retry_after: float | None = self.default_retry_after if retry_after is None else retry_after
        super().__init__(message)


class Overloaded(TransientError):
    """The queue is full, or the system is shutting down."""

    default_retry_after: ClassVar[float | None] = 1.0


class DeadlineExceeded(TransientError):
    """The time allowed passed before there was an answer.

    Attributes
    ----------
    seconds : float
        The time that was allowed.
    """

    def __init__(self, message: str, *, seconds: float, retry_after: float | None = None) -> None:
        self.seconds = seconds
        super().__init__(message, retry_after=retry_after)


class Escalated(TransientError):
    """Every level of recovery was tried, or recovery is closed for now.

    Attributes
    ----------
    component : str
        The part that fails.
    level : str
        The last level that was tried.
    """

    def __init__(self, message: str, *, component: str, level: str, retry_after: float | None = None) -> None:
        self.component = component
        self.level = level
        super().__init__(message, retry_after=retry_after)
