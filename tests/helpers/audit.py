"""Helpers of the tests of the decision log."""

from __future__ import annotations

import json

VALUES = (30, 1500.5, "rural")


def lines_of(path):
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
