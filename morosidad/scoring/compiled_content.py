"""A compiled pipeline as content of a model file, with records and answers to check it by."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec
import numpy as np

from morosidad.compiler.pipeline import CompiledPipeline
from morosidad.compiler.report import ParityReport
from morosidad.compiler.storage.packing import pack, unpack
from morosidad.compiler.storage.soundness import check
from morosidad.errors import ArtifactError, ArtifactUntrusted
from morosidad.frames.layout import FrameLayout
from morosidad.model_file import artifact
from morosidad.schema.schema import Schema

_CHECK_ROWS = 24
_ORIGINAL = "model.skops"


class _Check(msgspec.Struct, frozen=True):
    rows: list[list[int | float | str | bool | None]]
    answers: list[float]


def dump_compiled(compiled: CompiledPipeline, manifest: dict[str, Any]) -> artifact.Content:
    """Put a compiled pipeline into the content of a model file.

    Parameters
    ----------
    compiled : CompiledPipeline
        With its form, or else with its original, which skops stores.
    manifest : dict
        What else the manifest holds.

    Returns
    -------
    Content
    """
    if compiled.layout is not None:
        manifest["layout"] = msgspec.to_builtins(compiled.layout)
    if compiled.form is None:
        if compiled.own_labels:
            manifest["own_labels"] = True
        return artifact.Content(manifest, (), {_ORIGINAL: _dump_original(compiled)})
    from morosidad.compiler.proof.probe_rows import probe_rows

    form, arrays = pack(compiled.form)
    rows = probe_rows(compiled.schema, ())[:_CHECK_ROWS]
    answers = [compiled.predict_one(row) for row in rows]
    manifest |= {"form": form, "check": {"rows": rows, "answers": answers}}
    if compiled.reference is not None:
        manifest["reference"] = len(arrays)
        arrays = [*arrays, compiled.reference]
    return artifact.Content(manifest, arrays)


def load_compiled(
    content: artifact.Content, schema: Schema, trusted: Sequence[str], path: object
) -> CompiledPipeline:
    """Make the compiled pipeline that a model file holds.

    Parameters
    ----------
    content : Content
        What the file holds.
    schema : Schema
        The one in its manifest.
    trusted : sequence of str
        Types to allow in a model that is not compiled.
    path : path-like
        The file, for errors.

    Returns
    -------
    CompiledPipeline

    Raises
    ------
    ArtifactUntrusted
        If it holds Python objects of types that `trusted` does not name.
    Exception
        Of any kind, if the content describes no pipeline.
    """
    manifest = content.manifest
    if "form" not in manifest:
        return _load_original(content, schema, trusted, path)
    place = manifest.get("reference")
    form = unpack(manifest["form"], content.arrays)
    check(form, len(schema))
    return CompiledPipeline(
        schema,
        form,
        reference=None if place is None else content.arrays[place],
        parity=msgspec.convert(manifest["parity"], ParityReport | None),
        threshold=float(manifest["threshold"]),
        notes=msgspec.convert(manifest["notes"], list[str]),
        layout=_layout(manifest),
    )


def _layout(manifest: dict[str, Any]) -> FrameLayout | None:
    return msgspec.convert(manifest.get("layout"), FrameLayout | None)


def rebuild_compiled(compiled: CompiledPipeline) -> CompiledPipeline:
    """Make the functions of a compiled pipeline again, of the same content.

    Parameters
    ----------
    compiled : CompiledPipeline
        It is not changed.

    Returns
    -------
    CompiledPipeline
    """
    return CompiledPipeline(
        compiled.schema,
        compiled.form,
        compiled.original,
        reference=compiled.reference,
        parity=compiled.parity,
        threshold=compiled.threshold,
        notes=compiled.notes,
        own_labels=compiled.own_labels,
        layout=compiled.layout,
    )


def answers_as_saved(compiled: CompiledPipeline, content: artifact.Content) -> bool:
    """Tell whether a pipeline answers the records in its file as it did when the file was written.

    Parameters
    ----------
    compiled : CompiledPipeline
        Made of the file.
    content : Content
        What the file holds.

    Returns
    -------
    bool
    """
    saved = msgspec.convert(content.manifest.get("check", {"rows": [], "answers": []}), _Check)
    answers = [compiled.predict_one(tuple(row)) for row in saved.rows]
    return len(answers) == len(saved.answers) and np.allclose(answers, saved.answers, rtol=0, atol=1e-12)


def check_storable(content: artifact.Content, path: object = "") -> None:
    """Check that what a model file would hold can be read back.

    Parameters
    ----------
    content : Content
        What the file would hold.
    path : path-like
        The file, for errors.

    Raises
    ------
    ArtifactError
        If it can't.
    """
    data = content.members.get(_ORIGINAL)
    if data is None:
        return
    from skops.io import get_untrusted_types, loads

    types = get_untrusted_types(data=data)
    try:
        loads(data, trusted=types)
    except Exception as error:  # whatever its parts raise
        names = ", ".join(types)
        message = f"{path}: the model could not be read back ({type(error).__name__}); it holds {names}"
        raise ArtifactError(message, path) from None


def _load_original(
    content: artifact.Content, schema: Schema, trusted: Sequence[str], path: object
) -> CompiledPipeline:
    from skops.io import get_untrusted_types, loads

    from morosidad.compiler.proof.original import Original

    manifest, data = content.manifest, content.members[_ORIGINAL]
    untrusted = sorted(set(get_untrusted_types(data=data)) - set(trusted))
    if untrusted:
        names = ", ".join(untrusted)
        advice = "allow those that you trust by name, with trusted= or --trust"
        message = f"{path}: the model holds Python objects; {advice}: {names}"
        raise ArtifactUntrusted(message, path, untrusted)
    default = msgspec.convert(manifest.get("default", 1), int)
    original = Original(loads(data, trusted=list(trusted)), schema, _layout(manifest), default=default)
    original.stored = data
    return CompiledPipeline(
        schema,
        None,
        original,
        threshold=float(manifest["threshold"]),
        notes=msgspec.convert(manifest["notes"], list[str]),
        parity=msgspec.convert(manifest["parity"], ParityReport | None),
        own_labels=msgspec.convert(manifest.get("own_labels", False), bool),
    )


def _dump_original(compiled: CompiledPipeline) -> bytes:
    from skops.io import dumps

    original = compiled.original
    assert original is not None
    if original.stored is None:
        original.stored = dumps(original.estimator)
    return original.stored
