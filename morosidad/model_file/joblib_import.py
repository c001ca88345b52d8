"""Import of fitted pipelines from joblib files, which run whatever code they hold."""

from __future__ import annotations

import os
from typing import Any

from morosidad.errors import ArtifactCorrupted, ArtifactError, ArtifactUntrusted
from morosidad.model_file.regular_files import open_regular


def load_pipeline(path: str | os.PathLike[str], *, trust: bool = False) -> Any:
    """Read a fitted pipeline from a joblib file.

    Parameters
    ----------
    path : path-like
        What ``joblib.dump`` wrote.
    trust : bool, default=False
        That you know who wrote the file: reading it runs whatever code it holds.

    Returns
    -------
    object
        What the file holds, for `morosidad.Scorer` to compile.

    Raises
    ------
    ArtifactUntrusted
        Without `trust`; nothing was read.
    ArtifactError
        If there is no such file, or it can't be read.
    ArtifactCorrupted
        If it is no joblib file, or it holds what is not installed here.
    """
    if not trust:
        advice = "give trust=True (--trust) if you know who wrote it"
        raise ArtifactUntrusted(f"{path}: reading a joblib file runs the code in it; {advice}", path)
    import joblib

    try:
        with open_regular(path) as file:
            return joblib.load(file)
    except ArtifactError:
        raise
    except OSError as error:
        raise ArtifactError(f"{path}: can't be read: {error.strerror or error}", path) from None
    except Exception as error:  # whatever fails in reading a pickle, the file is at fault
        message = f"{path}: this is no joblib file that can be read here: {type(error).__name__}: {error}"
        raise ArtifactCorrupted(message, path) from None
