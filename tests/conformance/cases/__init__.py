"""The cases of the matrix, one file a group."""

from __future__ import annotations

from functools import cache
from importlib import import_module

from conformance.case import Case, Group

GROUPS = (
    "sklearn_classifiers",
    "sklearn_transformers",
    "compositions",
    "data_types",
    "labels",
    "third_party",
)


@cache
def all_cases() -> dict[str, Case]:
    """Give every case by its name."""
    found: dict[str, Case] = {}
    for name in GROUPS:
        group: Group = import_module(f"conformance.cases.{name}").GROUP
        found |= group.cases
    return found


def find(name: str) -> Case:
    """Give one case."""
    return all_cases()[name]


def selected(*, long: bool) -> list[Case]:
    """Give all cases; or those tried on every change: the first of each subject, and what is refused."""
    first: dict[tuple[str, str], str] = {}
    for case in all_cases().values():
        if not case.long:
            first.setdefault((case.group, case.subject), case.name)
    tried = set(first.values())
    return [
        case
        for case in all_cases().values()
        if long or case.name in tried or (case.expected == "refused" and not case.long)
    ]
