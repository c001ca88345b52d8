"""Helpers of the tests of chained files."""

from __future__ import annotations

BODY = b'{"tipo":"decision","x":1}'


def write(file, count=1):
    findings = file.open()
    bodies = [BODY] * count
    while bodies:
        del bodies[: file.write(bodies)]
    return findings
