"""What the arguments of an `AuditLog` must be: each function lists what is wrong with some of them."""

from __future__ import annotations

import os

from morosidad.processes.paths import absolute, no_regular_file


def _failed(checks: dict[str, bool]) -> list[str]:
    return [problem for problem, fine in checks.items() if not fine]


def wrong_values(values: str, key: str | bytes | None, erasure: bool) -> list[str]:
    """Check what is kept of an applicant's values."""
    return _failed(
        {
            "values: expected full, hash or none": values in ("full", "hash", "none"),
            'key: expected one, for values="hash"': bool(key) or values != "hash",
            'erasure: expected values="full"': values == "full" or not erasure,
        }
    )


def wrong_waiting(
    queue_size: int, on_full: str, wait_limit: float, buffer_size: int, flush_interval: float, timeout: float
) -> list[str]:
    """Check how many decisions wait, and for how long."""
    return _failed(
        {
            "queue_size: expected 1 or more": queue_size >= 1,
            "on_full: expected wait, error or drop": on_full in ("wait", "error", "drop"),
            "wait_limit: expected above 0 s": wait_limit > 0,
            "buffer_size: expected 1 or more": buffer_size >= 1,
            "flush_interval: expected above 0 s": flush_interval > 0,
            "timeout: expected above 0 s": timeout > 0,
        }
    )


def wrong_files(
    path: str | os.PathLike[str],
    rotation_size: int | None,
    keep_files: int | None,
    keep_days: float | None,
    compress: str | None,
) -> list[str]:
    """Check where the lines go, and what becomes of full files."""
    irregular = no_regular_file(absolute(path))
    return _failed(
        {
            "rotation_size: expected 1 byte or more, or None": rotation_size is None or rotation_size >= 1,
            "keep_files: expected 0 or more, or None": keep_files is None or keep_files >= 0,
            "keep_days: expected above 0, or None": keep_days is None or keep_days > 0,
            "compress: expected gz or zst, or None": compress in (None, "gz", "zst"),
            f"path: expected a regular file at {path}; {irregular}": not irregular,
        }
    )
