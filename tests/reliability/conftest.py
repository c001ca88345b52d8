"""Everything here is run by ``make reliability``; fixtures that say how strict a run is."""

from __future__ import annotations

from pathlib import Path

import pytest


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.reliability)


@pytest.fixture(scope="session")
def long(pytestconfig: pytest.Config) -> bool:
    """Say whether this is the long run, which has the machine to itself: only there do seconds count."""
    return bool(pytestconfig.getoption("--long"))


@pytest.fixture(scope="session")
def refusals(long: bool) -> frozenset[int]:
    """Give the statuses by which a server may refuse for want of time: none in the long run."""
    return frozenset() if long else frozenset({503})
