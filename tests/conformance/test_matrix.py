"""Every case compiles, falls back or is refused in words, and never answers otherwise than its pipeline."""

from __future__ import annotations

from importlib.util import find_spec

import pytest
from conformance.cases import all_cases, selected, sklearn_classifiers, sklearn_transformers
from conformance.running import FAILURES, ROWS, ROWS_LONG, Result, run_cases

from support import needed

pytestmark = pytest.mark.conformance


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "case" in metafunc.fixturenames:
        chosen = selected(long=bool(metafunc.config.getoption("--long")))
        metafunc.parametrize("case", [case.name for case in chosen])


@pytest.fixture(scope="session")
def results(request: pytest.FixtureRequest) -> dict[str, Result]:
    """Run all cases that this session asks about, two at a time."""
    wanted = {item.callspec.params["case"] for item in request.session.items if _is_case(item)}
    long = bool(request.config.getoption("--long"))
    rows = ROWS_LONG if long else ROWS
    cases = [case for name, case in all_cases().items() if name in wanted]
    return {result.case: result for result in run_cases(cases, rows=rows, workers=2, trial=long)}


def _is_case(item: pytest.Item) -> bool:
    return item.name.startswith("test_case[") and hasattr(item, "callspec")


def test_case(case: str, results: dict[str, Result]) -> None:
    result = results[case]
    if result.outcome == "absent":
        pytest.skip(result.why)
    assert result.outcome not in FAILURES, "\n".join([result.outcome, result.why, *result.details])
    if all_cases()[case].expected == "answer":
        assert result.outcome != "refused", result.why


def test_every_classifier_of_sklearn_stands_in_the_matrix() -> None:
    subjects = {case.subject for case in sklearn_classifiers.GROUP.cases.values()}
    assert {name for name, *_ in sklearn_classifiers.classifiers()} == subjects


def test_every_transformer_of_sklearn_stands_in_the_matrix() -> None:
    subjects = {case.subject for case in sklearn_transformers.GROUP.cases.values()}
    assert {name for name, *_ in sklearn_transformers.transformers()} == subjects


def test_every_library_of_the_matrix_is_installed() -> None:
    found = [
        find_spec("catboost"),
        find_spec("category_encoders"),
        find_spec("feature_engine"),
        find_spec("imblearn"),
        find_spec("interpret"),
        find_spec("lightgbm"),
        find_spec("optbinning"),
        find_spec("skrub"),
        find_spec("xgboost"),
    ]
    needed(all(found), "every library of the matrix")
