"""The model file: a zip of one JSON manifest and plain arrays, each under its digest.

Nothing in it is executed. Members are stored and not compressed, so a file can't unfold into more
than it is; arrays are read without pickle; every byte is covered by a digest, and by an HMAC where
a key is given.

::

    manifest.json     what the model is; the BLAKE2b-256 digest of each other member
    signature         HMAC-SHA256 of manifest.json in hexadecimal; only where a key was given
    arrays/0.npy …    numbers
    …                 other members (a scikit-learn model in skops' format)
"""

from __future__ import annotations

import hashlib
import hmac
import io
import os
import zipfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple

import msgspec
import numpy as np
from numpy.typing import NDArray

from morosidad.errors import ArtifactCorrupted, ArtifactError, ArtifactKeyError, ArtifactVersionError
from morosidad.model_file.regular_files import check_name, open_regular
from morosidad.processes.paths import absolute, no_regular_file

FORMAT = 1
MAX_BYTES = 2 * 1024**3
MAX_MEMBERS = 10_000

Array = NDArray[Any]
Path_ = str | os.PathLike[str]


class Content(msgspec.Struct, frozen=True, eq=False):
    """What a model file holds.

    Attributes
    ----------
    manifest : dict
        Plain data.
    arrays : sequence of ndarray
        Numbers that the manifest refers to by their place.
    members : dict of str to bytes
        Anything else, by name.
    """

    manifest: dict[str, Any]
    arrays: Sequence[Array] = ()
    members: Mapping[str, bytes] = {}


class Trust(NamedTuple):
    """What the caller allows a model file to hold.

    Attributes
    ----------
    types : tuple of str
        Types in a skops member, besides those that are harmless.
    pickles : bool
        Whether a pickle may be read.
    signed : bool
        Whether the file is signed with the caller's key.
    """

    types: tuple[str, ...] = ()
    pickles: bool = False
    signed: bool = False


def save(path: Path_, content: Content, key: bytes | None = None) -> None:
    """Write a model file; the same content gives the same bytes.

    Parameters
    ----------
    path : path-like
        Replaced in one step: a reader sees the old file or the new one.
    content : Content
        What to write.
    key : bytes, optional
        Signs the file.

    Raises
    ------
    ArtifactError
        If the file can't be written.
    ArtifactKeyError
        If the key is empty, or no bytes.
    """
    if why := no_regular_file(absolute(path)):
        raise ArtifactError(f"{path}: can't be written: {why}", path)
    _replace(absolute(path), to_bytes(content, key, path))


def to_bytes(content: Content, key: bytes | None = None, path: Path_ = "model") -> bytes:
    """Give the bytes of a model file; the same content gives the same bytes.

    Parameters
    ----------
    content : Content
        What to write.
    key : bytes, optional
        Signs them.
    path : path-like, default='model'
        For errors.

    Returns
    -------
    bytes

    Raises
    ------
    ArtifactCorrupted
        If the name or the version of the model can't stand in a file.
    ArtifactKeyError
        If the key is empty, or no bytes.
    """
    _check_key(path, key)
    for name in ("name", "version"):
        check_name(path, name, content.manifest.get(name, ""))
    members = {f"arrays/{i}.npy": _npy(array) for i, array in enumerate(content.arrays)} | dict(
        content.members
    )
    digests = {name: _digest(data) for name, data in members.items()}
    manifest = msgspec.json.encode({"format": FORMAT, **content.manifest, "members": digests})
    members = {"manifest.json": manifest, **members}
    if key is not None:
        members["signature"] = _sign(manifest, key)
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_STORED) as archive:
        for name, data in members.items():
            archive.writestr(zipfile.ZipInfo(name, (1980, 1, 1, 0, 0, 0)), data)
    return buffer.getvalue()


def load(path: Path_, key: bytes | None = None) -> Content:
    """Read a model file, checking every byte of it.

    Parameters
    ----------
    path : path-like
        The file.
    key : bytes, optional
        With a key, the file must be signed with it. Without one, a signed file is refused too:
        whoever signs expects the signature to be checked.

    Returns
    -------
    Content

    Raises
    ------
    ArtifactError
        If there is no such file, or it can't be read.
    ArtifactCorrupted
        If it is truncated, altered, no model file, or suspiciously made.
    ArtifactVersionError
        If it was written in a format that this version does not read.
    ArtifactKeyError
        If the signature is missing, or made with another key, or the key was not given, is empty, or
        no bytes.
    """
    _check_key(path, key)
    try:
        with open_regular(path) as file:
            members = _members(path, file, os.fstat(file.fileno()).st_size)
    except FileNotFoundError:
        raise ArtifactError(f"{path}: there is no such file", path) from None
    except OSError as error:
        raise ArtifactError(
            f"{path}: can't be read: {error.strerror or type(error).__name__}", path
        ) from None
    return _content(path, members, key)


def from_bytes(data: bytes, path: Path_ = "model") -> Content:
    """Read the bytes of an unsigned model file, checking every one of them.

    Parameters
    ----------
    data : bytes
        As `to_bytes` gives them.
    path : path-like, default='model'
        For errors.

    Returns
    -------
    Content

    Raises
    ------
    ArtifactError
        As `load`.
    """
    return _content(path, _members(path, io.BytesIO(data), len(data)), None)


def _content(path: Path_, members: dict[str, bytes], key: bytes | None) -> Content:
    manifest_bytes = members.pop("manifest.json", None)
    if manifest_bytes is None:
        raise ArtifactCorrupted(f"{path}: this is no model file: it has no manifest", path)
    _verify(path, manifest_bytes, members.pop("signature", None), key)
    manifest = _manifest(path, manifest_bytes)
    for name in ("name", "version"):
        check_name(path, name, manifest.get(name, ""))
    digests = manifest.pop("members", {})
    if digests != {name: _digest(data) for name, data in members.items()}:
        raise ArtifactCorrupted(f"{path}: the file was altered: a member does not have its digest", path)
    count = sum(name.startswith("arrays/") for name in members)
    try:
        arrays = [_array(members.pop(f"arrays/{i}.npy")) for i in range(count)]
    except (KeyError, ValueError, TypeError, SyntaxError) as error:
        raise ArtifactCorrupted(f"{path}: an array can't be read: {error}", path) from None
    return Content(manifest, arrays, members)


def digest(content: Content) -> str:
    """Give the identity of what a model file holds.

    Parameters
    ----------
    content : Content
        What it holds.

    Returns
    -------
    str
        BLAKE2b-128 in hexadecimal.
    """
    state = hashlib.blake2b(digest_size=16)
    state.update(msgspec.json.encode(content.manifest, order="sorted"))
    for array in content.arrays:
        state.update(_npy(array))
    for name, data in sorted(content.members.items()):
        state.update(name.encode() + b"\0" + data)
    return state.hexdigest()


def _members(path: Path_, file: BinaryIO, size: int) -> dict[str, bytes]:
    try:
        with zipfile.ZipFile(file) as archive:
            infos = archive.infolist()
            names = {info.filename for info in infos}
            if len(infos) > MAX_MEMBERS or len(names) < len(infos):
                raise ArtifactCorrupted(f"{path}: too many members, or two of one name", path)
            plain = all(info.compress_type == zipfile.ZIP_STORED for info in infos)
            if not plain or sum(info.file_size for info in infos) > min(size, MAX_BYTES):
                raise ArtifactCorrupted(f"{path}: members would unfold into more than the file holds", path)
            return {info.filename: archive.read(info) for info in infos}
    except (zipfile.BadZipFile, ValueError, EOFError, NotImplementedError, RuntimeError) as error:
        raise ArtifactCorrupted(f"{path}: this is no model file, or a truncated one: {error}", path) from None


def _check_key(path: Path_, key: object) -> None:
    """Refuse a key that would sign nothing, such as that of an empty file or variable."""
    if key is not None and not (isinstance(key, bytes | bytearray) and key):
        found = "an empty one" if isinstance(key, bytes | bytearray) else type(key).__name__
        raise ArtifactKeyError(f"{path}: a key of bytes was expected, not {found}", path)


def _verify(path: Path_, manifest: bytes, signature: bytes | None, key: bytes | None) -> None:
    if key is None and signature is not None:
        raise ArtifactKeyError(f"{path}: the file is signed; give the key to check it with", path)
    if key is not None and signature is None:
        raise ArtifactKeyError(f"{path}: the file is not signed, and a key was given", path)
    if key is not None and signature is not None and not hmac.compare_digest(signature, _sign(manifest, key)):
        raise ArtifactKeyError(f"{path}: the file was altered, or signed with another key", path)


def _manifest(path: Path_, data: bytes) -> dict[str, Any]:
    try:
        manifest = msgspec.json.decode(data, type=dict[str, Any])
    except (msgspec.MsgspecError, ValueError, RecursionError):
        raise ArtifactCorrupted(f"{path}: the manifest is no JSON object", path) from None
    found = manifest.pop("format", None)
    if not isinstance(found, int) or not isinstance(manifest.get("members"), dict):
        raise ArtifactCorrupted(f"{path}: the manifest lacks its format or its members", path)
    if found != FORMAT:
        message = f"{path}: written in format {found}; this version reads format {FORMAT}"
        raise ArtifactVersionError(message, path, found=found, supported=FORMAT)
    return manifest


def _npy(array: Array) -> bytes:
    buffer = io.BytesIO()
    np.lib.format.write_array(buffer, np.asarray(array, order="C"), version=(1, 0), allow_pickle=False)
    return buffer.getvalue()


def _array(data: bytes) -> Array:
    """Read one array whose size is what its header says, of numbers only."""
    buffer = io.BytesIO(data)
    if np.lib.format.read_magic(buffer) != (1, 0):
        raise ValueError("not an array of version 1.0")
    shape, fortran, dtype = np.lib.format.read_array_header_1_0(buffer)
    count = 1
    for length in shape:
        count *= length
    if dtype.kind not in "fiub" or fortran or count * dtype.itemsize != len(data) - buffer.tell():
        raise ValueError("its header does not fit its content")
    if dtype.kind == "b" and np.frombuffer(data, np.uint8, count, buffer.tell()).max(initial=0) > 1:
        raise ValueError("what is neither true nor false stands among its booleans")
    return np.frombuffer(data, dtype, count, buffer.tell()).reshape(shape)


def _digest(data: bytes) -> str:
    return hashlib.blake2b(data, digest_size=32).hexdigest()


def _sign(manifest: bytes, key: bytes) -> bytes:
    return hmac.new(key, manifest, hashlib.sha256).hexdigest().encode()


def _replace(path: Path, data: bytes) -> None:
    import tempfile

    try:
        handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
        try:
            with os.fdopen(handle, "wb") as file:
                file.write(data)
                file.flush()
                os.fsync(file.fileno())
            os.chmod(temporary, 0o644)
            os.replace(temporary, path)
        except BaseException:
            os.unlink(temporary)
            raise
    except OSError as error:
        raise ArtifactError(
            f"{path}: can't be written: {error.strerror or type(error).__name__}", path
        ) from None
