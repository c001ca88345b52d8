"""An original that is not compiled, as a member of a model file.

skops stores it, which runs no code of the file when it is loaded, and loads only types that are
known to be harmless or are named by the caller. What skops can't store may stand in the file as a
pickle, which runs whatever code it holds: such a file has to be signed with a key.

Both ask the original's parts for their content, and such code may crash or never end: it is written in a
child process, with a time limit.
"""

from __future__ import annotations

import hashlib
import io
import math
import pickle
import secrets
import zipfile
from typing import Any

import msgspec
import numpy as np

from morosidad.compiler.proof.original import Original
from morosidad.errors import ArtifactError, ArtifactUntrusted
from morosidad.frames.layout import FrameLayout
from morosidad.model_file.artifact import Content, Trust
from morosidad.processes.children import ChildFailed, done_in_child
from morosidad.schema.schema import Schema

SKOPS = "model.skops"
PICKLE = "model.pickle"
_MOST_MEMBERS = 100_000
_SPARSE_BYTES = 2**24
_SPARSE_RATIO = 20
WRITE_SECONDS = 300.0
"""The time that writing an original may take."""
ALLOW_PICKLE = "allow_pickle=True (--allow-pickle)"


class StoredOriginal(msgspec.Struct):
    """An original as it stands in a model file; written anew, it would differ.

    Attributes
    ----------
    member : str
        Under what name; empty where it can be stored in no way.
    data : bytes
        The member itself.
    identity : str
        Digest of the original as it was first stored.
    refusal : str
        Why skops can't store it.
    tried : str
        The member that was read back in another process, and answered as it should.
    """

    member: str
    data: bytes
    identity: str
    refusal: str = ""
    tried: str = ""


def stored_original(original: Original) -> StoredOriginal:
    """Give an original as bytes, the same at every call.

    Parameters
    ----------
    original : Original
        The estimator.

    Returns
    -------
    StoredOriginal
        With skops if that can store it, else with pickle, else without bytes.
    """
    if not isinstance(original.stored, StoredOriginal):
        original.stored = _stored(original.estimator)
    return original.stored


def _stored(estimator: Any) -> StoredOriginal:
    from skops.io import dumps

    try:
        data = done_in_child(lambda: dumps(estimator), WRITE_SECONDS)
    except ChildFailed as error:
        refusal = f"skops can't store it ({error})"
    else:
        return StoredOriginal(SKOPS, data, _digest(data))
    try:
        data = pickled(estimator)
    except ChildFailed:
        return StoredOriginal("", b"", secrets.token_hex(32), refusal)
    return StoredOriginal(PICKLE, data, _digest(data), refusal)


def pickled(estimator: Any) -> bytes:
    """Give an estimator as a pickle of protocol 5.

    Parameters
    ----------
    estimator : object
        A fitted pipeline.

    Returns
    -------
    bytes

    Raises
    ------
    ChildFailed
        Where it holds what can't be pickled.
    """
    return done_in_child(lambda: pickle.dumps(estimator, protocol=5), WRITE_SECONDS)


def _digest(data: bytes) -> str:
    return hashlib.blake2b(data, digest_size=32).hexdigest()


def load_original(
    content: Content, schema: Schema, layout: FrameLayout | None, default: int, trust: Trust, path: object
) -> Original:
    """Make the original that a model file holds.

    Parameters
    ----------
    content : Content
        What the file holds.
    schema : Schema
        The one in its manifest.
    layout : FrameLayout or None
        The one in its manifest.
    default : {0, 1}
        The place of the class that means default.
    trust : Trust
        What the caller allows.
    path : path-like
        The file, for errors.

    Returns
    -------
    Original

    Raises
    ------
    ArtifactUntrusted
        If it holds what the caller does not allow; nothing of it was made.
    ArtifactError
        If it needs what can't be imported here.
    Exception
        Of any kind, if the content describes no original.
    """
    member = PICKLE if PICKLE in content.members else SKOPS
    data = content.members[member]
    identity = msgspec.convert(content.manifest.get("original", _digest(data)), str)
    if member == SKOPS and identity != _digest(data):
        raise ValueError("the original is another one than the manifest says")
    read = _unpickled if member == PICKLE else _loaded
    try:
        estimator = read(data, trust, path)
    except (ImportError, AttributeError) as error:
        raise ArtifactError(f"{path}: the model needs what can't be imported here: {error}", path) from None
    original = Original(estimator, schema, layout, default=default)
    original.stored = StoredOriginal(member, data, identity)
    return original


def _loaded(data: bytes, trust: Trust, path: object) -> Any:
    from skops.io import get_untrusted_types, loads

    from morosidad.model_file.harmless_types import harmless
    from morosidad.model_file.native_structures import check_native

    _check_sizes(data)
    types = set(get_untrusted_types(data=data))
    untrusted = sorted(types - set(trust.types) - harmless(types))
    if untrusted:
        names = ", ".join(untrusted)
        advice = "allow those that you trust by name, with trusted= or --trust"
        message = f"{path}: the model holds Python objects; {advice}: {names}"
        raise ArtifactUntrusted(message, path, untrusted)
    estimator = loads(data, trusted=sorted(types))
    check_native(estimator)
    return estimator


def _check_sizes(data: bytes) -> None:
    """Refuse what would take more memory than its size allows: unfolded, or by what an array says to be.

    skops writes its members as they are; only sparse matrices are archives of their own, and compressed.
    """
    _check_archive(data, len(data), nested=True)


def _check_archive(data: bytes, most: int, *, nested: bool) -> None:
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        infos = archive.infolist()
        if len(infos) > _MOST_MEMBERS or sum(info.file_size for info in infos) > most:
            raise ValueError("members would unfold into more than the file holds")
        for info in infos:
            if nested and info.compress_type != zipfile.ZIP_STORED:
                raise ValueError("members would unfold into more than the file holds")
            with archive.open(info) as member:
                content = member.read(info.file_size)  # no more is unfolded than was declared
            if info.filename.endswith(".npy"):
                _check_array(content)
            elif nested and info.filename.endswith(".npz"):
                _check_archive(content, max(_SPARSE_BYTES, _SPARSE_RATIO * len(content)), nested=False)


def _check_array(data: bytes) -> None:
    """Refuse an array whose header asks for more than there is."""
    buffer = io.BytesIO(data)
    version = np.lib.format.read_magic(buffer)
    read = np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
    shape, _, dtype = read(buffer)
    if math.prod(shape) * dtype.itemsize > len(data) - buffer.tell() and not dtype.hasobject:
        raise ValueError("an array is larger than its content")


def _unpickled(data: bytes, trust: Trust, path: object) -> Any:
    if not trust.signed:
        message = (
            f"{path}: the model is a pickle, which is read only from a file signed with a key; give key="
        )
        raise ArtifactUntrusted(message, path)
    if not trust.pickles:
        advice = f"give {ALLOW_PICKLE} if you trust whoever holds the key"
        raise ArtifactUntrusted(
            f"{path}: the model is a pickle; reading it runs the code in it; {advice}", path
        )
    return pickle.loads(data)  # noqa: S301 - signed by the caller's key, and allowed by the caller
