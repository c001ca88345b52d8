from __future__ import annotations

import inspect
import pickle

import pytest

from morosidad import errors
from morosidad.errors import (
    ArtifactUntrusted,
    ArtifactVersionError,
    DeadlineExceeded,
    Escalated,
    FieldError,
    InvalidFrame,
    InvalidRecord,
    MissingExtra,
    MorosidadError,
    Overloaded,
    SettingsError,
)

EXCEPTIONS = [
    cls for _, cls in inspect.getmembers(errors, inspect.isclass) if issubclass(cls, MorosidadError)
]


def test_the_tree_in_the_docstring_is_the_tree() -> None:
    text = errors.__doc__ or ""
    for cls in EXCEPTIONS:
        line = next(line for line in text.splitlines() if cls.__name__ in line.replace("─", " ").split())
        depth = sum(issubclass(base, MorosidadError) for base in cls.__mro__[1:])
        assert max(line.find("├"), line.find("└"), 0) == 4 * depth, cls


def test_an_invalid_record_carries_every_field() -> None:
    error = InvalidRecord([FieldError("edad", "falta", "falta"), FieldError("", "no es JSON", "registro")])
    assert [e.field for e in error.errors] == ["edad", ""]
    assert str(error) == "edad: falta; no es JSON"
    assert isinstance(error, ValueError)


@pytest.mark.parametrize(
    "error",
    [
        InvalidRecord([FieldError("edad", "falta", "falta")]),
        InvalidFrame("columns are missing", ["edad"]),
        SettingsError(["a", "b"]),
        ArtifactVersionError("old", "x", found=1, supported=2),
        ArtifactUntrusted("types", "x", ["a.B"]),
        MissingExtra("plotting", "plots"),
        Overloaded("full"),
        DeadlineExceeded("late", seconds=2.0),
        Escalated("gave up", component="model", level="full", retry_after=5.0),
    ],
    ids=lambda error: type(error).__name__,
)
def test_errors_survive_a_trip_to_another_process(error: MorosidadError) -> None:
    back = pickle.loads(pickle.dumps(error))
    assert type(back) is type(error)
    assert str(back) == str(error)
    assert back.__dict__ == error.__dict__


def test_a_missing_extra_says_what_to_install() -> None:
    error = MissingExtra("plotting", "plots")
    assert error.extra == "plots"
    assert "pip install 'morosidad[plots]'" in str(error)
    assert isinstance(error, ImportError)


def test_transient_errors_say_when_to_come_back() -> None:
    assert Overloaded("full").retry_after == 1.0
    assert Overloaded("full", retry_after=3.0).retry_after == 3.0
    assert DeadlineExceeded("late", seconds=2.0).retry_after is None
