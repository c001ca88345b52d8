"""Saving of a model: what its file would hold is read back and asked again in another process first.

Objects that are made without their own code, as a class written in C may be, can end the process when they
are asked. So an original that is not compiled is neither written nor read back here: child processes with a
time limit do it, and their end says whether the file is sound.
"""

from __future__ import annotations

import contextlib
import json
import os
import secrets
import signal
import subprocess
import sys
import tempfile
import warnings
from pathlib import Path
from typing import Any

from morosidad.errors import ArtifactCorrupted, ArtifactError, ArtifactKeyError
from morosidad.model_file import artifact
from morosidad.model_file.held_objects import foreign_types
from morosidad.processes.children import ChildFailed, how_ended, leave_no_core
from morosidad.scoring.stored_model import StoredModel

TRIAL_SECONDS = 60.0
"""The time that reading back and asking may take; most of it goes into imports."""

BYTES_A_SECOND = 5e6
"""A large model is given so much more time."""
MAX_NAMES = 20

_START = (
    "import json, sys; task = json.load(open(sys.argv[1], encoding='utf-8')); sys.path[:] = task['path']; "
    "from morosidad.scoring.saving import run_trial; run_trial(task)"
)


def check_pickle_key(path: object, key: bytes | None, allow_pickle: bool) -> None:
    """Refuse a pickle that nobody signs.

    Parameters
    ----------
    path : path-like
        The file.
    key : bytes or None
        What would sign it.
    allow_pickle : bool
        Whether it may hold a pickle.

    Raises
    ------
    ArtifactKeyError
        If it may, and there is no key.
    """
    if allow_pickle and key is None:
        message = (
            f"{path}: reading a pickle runs the code in it, so allow_pickle=True needs a key to sign with"
        )
        raise ArtifactKeyError(message, path)


def storable(model: StoredModel, path: object, *, allow_pickle: bool) -> artifact.Content:
    """Give what a model's file may hold, once it was read back and answered as it should.

    Parameters
    ----------
    model : StoredModel
        What to save.
    path : path-like
        The file, for errors.
    allow_pickle : bool
        Whether an original that skops can't store may stand in the file as a pickle.

    Returns
    -------
    Content

    Raises
    ------
    ArtifactError
        If it can't be stored, or not be read back; it says why, what types it holds and what to do.
    """
    content, original = model.content, model.compiled.original
    if model.compiled.form is not None or original is None:
        if model.unreadable:
            why = f"it could not be read back ({model.unreadable})"
            raise ArtifactError(f"{path}: the model can't be saved: {why}", path)
        return content
    from morosidad.scoring.content.original import PICKLE, SKOPS, pickled, stored_original

    if not content.manifest.get("check", {}).get("rows"):
        why = "it answers none of the made-up rows that a file is checked by; give a schema with limits"
        raise ArtifactError(f"{path}: the model can't be saved: {why}", path)
    stored = stored_original(original)
    why = stored.refusal or "it is held as a pickle"
    for member in (SKOPS, PICKLE) if allow_pickle else (SKOPS,):
        data = stored.data if stored.member == member else None
        if data is None and member == PICKLE:
            try:
                data = pickled(original.estimator)
            except ChildFailed as error:
                why += f", nor can pickle ({error})"
        if data is None:
            continue
        tried = artifact.Content(content.manifest, (), {member: data})
        why = "" if stored.tried == member else _unreadable(tried, data, member)
        if not why:
            stored.tried = member
            return tried
    raise ArtifactError(_refusal(path, original.estimator, why, allow_pickle), path)


def _refusal(path: object, estimator: Any, why: str, allow_pickle: bool) -> str:
    types = foreign_types(estimator)
    shown = ", ".join(types[:MAX_NAMES]) or type(estimator).__name__
    if any(_has_no_place(name) for name in types):
        advice = "put its own functions and classes into a module that can be imported wherever it is loaded"
    elif allow_pickle:
        advice = "use other parts in their place"
    else:
        advice = "save it with a key and allow_pickle=True, or use other parts in their place"
    return f"{path}: the model can't be saved: {why}; it holds {shown}; {advice}"


def _has_no_place(name: str) -> bool:
    return name.startswith("__main__.") or "<lambda>" in name or "<locals>" in name


# -- trial in another process ------------------------------------------------------------------


def _unreadable(content: artifact.Content, data: bytes, member: str) -> str:
    """Say why what a file would hold can't be read back and asked in a new process; empty if it can."""
    from morosidad.scoring.content.original import SKOPS

    types: list[str] = []
    if member == SKOPS:
        from skops.io import get_untrusted_types

        types = get_untrusted_types(data=data)
        homeless = [name for name in types if _has_no_place(name)]
        if homeless:
            return f"it could not be read back: no other process finds {', '.join(homeless[:MAX_NAMES])}"
    why = try_in_child(content, types, TRIAL_SECONDS + len(data) / BYTES_A_SECOND)
    return why and f"it could not be read back ({why})"


def try_in_child(content: artifact.Content, types: list[str], seconds: float) -> str:
    """Load what a file would hold in a new process, and ask its check rows again there.

    Parameters
    ----------
    content : Content
        What the file would hold.
    types : list of str
        Types in it, all to allow.
    seconds : float
        The time limit.

    Returns
    -------
    str
        What went wrong; empty if nothing.
    """
    if not sys.executable:
        return "there is no Python to start another process with"
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        key = secrets.token_bytes(32)
        files = {name: os.path.join(folder, name) for name in ("model", "task", "result")}
        artifact.save(files["model"], content, key)
        task = {**files, "path": sys.path, "key": key.hex(), "types": types}
        Path(files["task"]).write_text(json.dumps(task), encoding="utf-8")
        command = [sys.executable, "-I", "-c", _START, files["task"]]
        ended = _run(command, seconds)
        if ended is None:
            return f"it was not done after {seconds:.0f} s"
        result = Path(files["result"])
        said = result.read_text(encoding="utf-8") if result.exists() else None
        if ended < 0 or said is None or (ended and not said):
            return f"the process that tried it {how_ended(ended)}"
        return said


def _run(command: list[str], seconds: float) -> int | None:
    """Run a command, with whatever it starts; None if it takes too long."""
    quiet = subprocess.DEVNULL
    process = subprocess.Popen(  # noqa: S603 - this interpreter, and code from here
        command, stdin=quiet, stdout=quiet, stderr=quiet, start_new_session=True
    )
    try:
        return process.wait(seconds)
    except subprocess.TimeoutExpired:
        return None
    finally:
        if process.poll() is None:
            with contextlib.suppress(OSError):
                os.killpg(process.pid, signal.SIGKILL) if hasattr(os, "killpg") else process.kill()
            process.wait()


# -- in the child process ----------------------------------------------------------------------


def run_trial(task: dict[str, Any]) -> None:
    """Load a model file and write what went wrong, or nothing, into the file of the result.

    Parameters
    ----------
    task : dict
        The files ``model`` and ``result``, the ``key`` in hexadecimal, the ``types`` to allow.
    """
    warnings.simplefilter("ignore")
    leave_no_core()
    Path(task["result"]).write_text(_wrong(task), encoding="utf-8")


def _wrong(task: dict[str, Any]) -> str:
    trust = artifact.Trust(tuple(task["types"]), pickles=True, signed=True)
    try:
        content = artifact.load(task["model"], bytes.fromhex(task["key"]))
        StoredModel.from_content(content, "", trust=trust)
    except ArtifactCorrupted as error:
        if error.__cause__ is None and error.__context__ is None:
            return "it answers otherwise there"
        return type(error.__context__).__name__
    except Exception as error:
        return str(error).removeprefix(": ") or type(error).__name__
    return ""
