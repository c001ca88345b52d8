from __future__ import annotations

import ast
import inspect
import pickle
import re
from pathlib import Path

import pytest

import morosidad
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


def drawn_tree() -> dict[str, tuple[str, list[str]]]:
    """Parse the drawing: the parent and the named attributes of each class."""
    found: dict[str, tuple[str, list[str]]] = {}
    ancestors: list[str] = []
    for line in (errors.__doc__ or "").splitlines():
        match = re.match(r"    ((?:│   |    )*)(?:[├└]── )?([A-Z]\w+)(?: |$)", line)
        if match is None:
            continue
        depth = len(match[1]) // 4 + ("── " in line)
        del ancestors[depth:]
        found[match[2]] = (ancestors[-1] if ancestors else "", re.findall(r"\.(\w+)", line))
        ancestors.append(match[2])
    return found


def test_the_drawing_is_the_tree_of_classes_and_no_class_is_missing() -> None:
    tree = {
        cls.__name__: next((base.__name__ for base in cls.__bases__ if issubclass(base, MorosidadError)), "")
        for cls in EXCEPTIONS
    }
    assert {name: parent for name, (parent, _) in drawn_tree().items()} == tree


def test_the_drawing_names_the_attributes_of_the_classes() -> None:
    for name, (_, attributes) in drawn_tree().items():
        text = inspect.getdoc(getattr(errors, name)) or ""
        described = re.search(r"Attributes\n-+\n(.*)", text, re.DOTALL)
        assert set(re.findall(r"\w+", described[1]) if described else ()) >= set(attributes), name


def test_every_exception_of_the_package_is_defined_here() -> None:
    names = {cls.__name__ for cls in EXCEPTIONS}
    for path in Path(morosidad.__file__).parent.rglob("*.py"):
        if path != Path(errors.__file__):
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
                bases = node.bases if isinstance(node, ast.ClassDef) else []
                assert not names & {base.id for base in bases if isinstance(base, ast.Name)}, path


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
