"""Forgetting: the keys of the decisions on a request are destroyed."""

from __future__ import annotations

import errno
import os
from pathlib import Path

from morosidad.audit.erasure.key_file import destroy_keys, digest_of_id, find_key_path, key_path


def forget(path: str | os.PathLike[str], request_id: str) -> int:
    """Erase the values of the decisions on a request, in whatever files of a log they stand.

    Their keys are overwritten in place, so that the values can't be read in full, compressed and archived
    files, or in copies of them, either. A copy of the file of keys still can: it has to be erased likewise.
    What a running process has not written yet is not found.

    Parameters
    ----------
    path : path
        The log.
    request_id : str
        The id of the request.

    Returns
    -------
    int
        How many decisions lost their values.

    Raises
    ------
    FileNotFoundError
        There are no keys beside the log.
    OSError
        They can't be written.
    """
    keys = find_key_path(Path(path))
    if keys is None:
        place = str(key_path(Path(path)))
        raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), place)
    return destroy_keys(keys, [digest_of_id(request_id)])
