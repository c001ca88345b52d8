"""What the child process of `scoring.saving` does: load a model file, and ask its check rows."""

from __future__ import annotations

import contextlib
import sys
import warnings
from pathlib import Path
from typing import Any

from morosidad.errors import ArtifactCorrupted
from morosidad.model_file import artifact
from morosidad.scoring.content.trust import Trust
from morosidad.scoring.model import ScoringModel


def run(task: dict[str, Any]) -> None:
    """Load a model file and write what went wrong, or nothing, into the file of the result.

    Parameters
    ----------
    task : dict
        The files ``model`` and ``result``, the ``key`` in hexadecimal, the ``types`` to allow.
    """
    warnings.simplefilter("ignore")
    _leave_no_core()
    Path(task["result"]).write_text(_wrong(task), encoding="utf-8")


def _wrong(task: dict[str, Any]) -> str:
    trust = Trust(tuple(task["types"]), pickles=True, signed=True)
    try:
        content = artifact.load(task["model"], bytes.fromhex(task["key"]))
        ScoringModel.from_content(content, "", trust=trust)
    except ArtifactCorrupted as error:
        if error.__cause__ is None and error.__context__ is None:
            return "it answers otherwise there"
        return type(error.__context__).__name__
    except Exception as error:
        return str(error).removeprefix(": ") or type(error).__name__
    return ""


def _leave_no_core() -> None:
    """Let a crash, which is expected here, leave no file behind."""
    if sys.platform != "win32":
        import resource

        with contextlib.suppress(ValueError, OSError):
            resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
