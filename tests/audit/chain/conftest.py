"""Fixtures of the tests of chained files."""

from __future__ import annotations

import pytest

from morosidad.audit.chain.file import ChainedFile


@pytest.fixture
def make_file(path):
    made = []

    def make(where=path, **options):
        file = ChainedFile(where, **{"rotation_size": None, "key": None, "durable": False, **options})
        made.append(file)
        return file

    yield make
    for file in made:
        file.close()
