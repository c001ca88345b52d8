"""A model file is loaded and asked in a process of its own first, which may take so much time and memory."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Sequence

import msgspec

from morosidad.errors import ArtifactCorrupted, ArtifactError

SECONDS = 30.0
_MEMORY = 2**31
_PER_BYTE = 8


class _Task(msgspec.Struct):
    """What the process is to read."""

    path: str
    key: bytes | None
    trusted: Sequence[str]
    allow_pickle: bool
    import_path: list[str]
    memory: int
    seconds: int


def try_model(
    path: str | os.PathLike[str],
    key: bytes | None,
    trusted: Sequence[str] = (),
    *,
    allow_pickle: bool = False,
    seconds: float = SECONDS,
) -> None:
    """Load a model file in another process, and let the model answer there.

    What is found wrong there within the limits is no concern of this: loading it here finds it again.

    Parameters
    ----------
    path : path-like
        The file.
    key, trusted, allow_pickle
        As in `morosidad.Scorer.load`.
    seconds : float
        After which the process is killed.

    Raises
    ------
    ArtifactError
        If loading it takes too long or too much memory, or ends the process.
    """
    try:
        memory = _MEMORY + _PER_BYTE * os.stat(path).st_size
    except OSError as error:
        raise ArtifactError(f"{path}: can't be read: {error.strerror}", path) from None
    task = _Task(os.fspath(path), key, tuple(trusted), allow_pickle, list(sys.path), memory, int(seconds) + 1)
    try:
        done = subprocess.run(  # noqa: S603 - this very module, by this very interpreter
            [sys.executable, "-c", _START],
            input=msgspec.json.encode(task),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            timeout=seconds,
            check=False,
        )
    except subprocess.TimeoutExpired:
        raise ArtifactCorrupted(f"{path}: loading it takes more than {seconds:g} s", path) from None
    if done.returncode != 0:
        raise ArtifactCorrupted(f"{path}: loading it takes more time or memory than it may", path)


_START = """
import json, sys
task = sys.stdin.buffer.read()
sys.path[:] = json.loads(task)["import_path"]
from morosidad.asgi.runtime.trial import run
run(task)
"""


def run(task: bytes) -> None:
    """Do what the process was made for: nothing of it remains but what it writes."""
    asked = msgspec.json.decode(task, type=_Task)
    _limit(asked.memory, asked.seconds)
    from morosidad.scoring.stored_model import ModelSource

    source = ModelSource(asked.path, asked.key, None, tuple(asked.trusted), asked.allow_pickle)
    try:
        source.read().latency()
    except Exception as error:  # found again where the file is loaded
        os._exit(1 if _lacked_memory(error) else 0)
    os._exit(0)


def _lacked_memory(error: BaseException | None) -> bool:
    """Tell whether there was too little memory behind an error that tells of something else."""
    while error is not None:
        if isinstance(error, MemoryError):
            return True
        error = error.__cause__ or error.__context__
    return False


def _limit(memory: int, seconds: int) -> None:
    try:
        import resource
    except ModuleNotFoundError:  # Windows: the time limit alone holds
        return
    resource.setrlimit(resource.RLIMIT_DATA, (memory, memory))
    resource.setrlimit(resource.RLIMIT_CPU, (seconds, seconds))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
