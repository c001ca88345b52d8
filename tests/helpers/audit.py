"""Helpers of the tests of the decision log."""

from __future__ import annotations

import json

from morosidad.audit.chain.hashing import append_to_chain, new_chain
from morosidad.audit.chain.paths import head_path, numbered_files, pack_head

KEY = b"una clave de prueba"
VALUES = (30, 1500.5, "rural")


def lines_of(path):
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def write_chain(path, count, *, per_file=None, key=None, start=None, body=b'{"tipo":"decision","x":%d}'):
    """Write a chain over as many files as needed; return its lines."""
    last, lines = start or new_chain(), []
    for i in range(count):
        line, last = append_to_chain(last, body % i if b"%" in body else body, key)
        lines.append(line)
    spread(path, lines, per_file)
    head_path(path).write_bytes(pack_head(last, key))
    return lines


def spread(path, lines, per_file=None):
    for file in [*numbered_files(path).values(), path]:
        file.unlink(missing_ok=True)
    parts = [lines[i : i + per_file] for i in range(0, len(lines), per_file)] if per_file else [lines]
    for number, part in enumerate(parts[:-1], 1):
        path.with_name(f"{path.stem}.{number}{path.suffix}").write_bytes(b"".join(part))
    path.write_bytes(b"".join(parts[-1]))


def kinds(report):
    return [problem.kind for problem in report.problems]
