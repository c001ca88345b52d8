"""A compiled pipeline as content of a model file, with check rows; or the original in its place."""

from __future__ import annotations

import math
from typing import Any

import msgspec

from morosidad.compiler.pipeline import CompiledPipeline
from morosidad.compiler.report import ParityReport
from morosidad.compiler.storage.packing import pack, unpack
from morosidad.compiler.storage.soundness import check
from morosidad.frames.layout import FrameLayout
from morosidad.model_file import artifact
from morosidad.model_file.artifact import Trust
from morosidad.schema.schema import Schema
from morosidad.scoring.content.check_rows import check_rows

FIRST_POLICY = "first_policy"
"""Where a manifest holds the policy that the model was made with, if it is under another."""


def dump_compiled(compiled: CompiledPipeline, manifest: dict[str, Any]) -> artifact.Content:
    """Put a compiled pipeline into the content of a model file.

    Parameters
    ----------
    compiled : CompiledPipeline
        With its form, or else with its original.
    manifest : dict
        What else the manifest holds.

    Returns
    -------
    Content
    """
    if compiled.layout is not None:
        manifest["layout"] = msgspec.to_builtins(compiled.layout)
    if compiled.form is None:
        return _with_original(compiled, manifest)
    form, arrays = pack(compiled.form)
    manifest |= {"form": form, "check": check_rows(compiled)}
    if compiled.reference is not None and "background" not in manifest:  # else it is made of that
        manifest["reference"] = len(arrays)
        arrays = [*arrays, compiled.reference]
    return artifact.Content(manifest, arrays)


def _with_original(compiled: CompiledPipeline, manifest: dict[str, Any]) -> artifact.Content:
    from morosidad.scoring.content.original import stored_original

    assert compiled.original is not None
    if compiled.own_labels:
        manifest["own_labels"] = True
    if compiled.original.row_by_row:
        manifest["row_by_row"] = True
    stored = stored_original(compiled.original)
    manifest |= {"original": stored.identity, "check": check_rows(compiled)}
    return artifact.Content(manifest, (), {stored.member: stored.data} if stored.member else {})


def load_compiled(content: artifact.Content, schema: Schema, trust: Trust, path: object) -> CompiledPipeline:
    """Make the compiled pipeline that a model file holds.

    Parameters
    ----------
    content : Content
        What the file holds.
    schema : Schema
        The one in its manifest.
    trust : Trust
        What the caller allows in a model that is not compiled.
    path : path-like
        The file, for errors.

    Returns
    -------
    CompiledPipeline

    Raises
    ------
    ArtifactUntrusted
        If it holds Python objects that `trust` does not allow.
    Exception
        Of any kind, if the content describes no pipeline.
    """
    manifest = content.manifest
    layout = msgspec.convert(manifest.get("layout"), FrameLayout | None)
    facts: dict[str, Any] = {
        "parity": _parity(manifest["parity"]),
        "threshold": float(manifest["threshold"]),
        "notes": msgspec.convert(manifest["notes"], list[str]),
        "layout": layout,
    }
    if "form" not in manifest:
        from morosidad.scoring.content.original import load_original

        default = msgspec.convert(manifest.get("default", 1), int)
        original = load_original(content, schema, layout, default, trust, path)
        own_labels = msgspec.convert(manifest.get("own_labels", False), bool)
        calibration = msgspec.convert(manifest.get("calibration") or {}, dict[str, Any])
        original.shift = msgspec.convert(calibration.get("shift", 0.0), float)
        original.row_by_row = msgspec.convert(manifest.get("row_by_row", False), bool)
        return CompiledPipeline(schema, None, original, own_labels=own_labels, **facts)
    place = manifest.get("reference")
    form = unpack(manifest["form"], content.arrays)
    check(form, len(schema))
    reference = None if place is None else content.arrays[place]
    return CompiledPipeline(schema, form, reference=reference, **facts)


def _parity(data: Any) -> ParityReport | None:
    """Read a report; JSON has no infinity, and writes null where an answer was missing."""
    if isinstance(data, dict) and data.get("max_difference", 0.0) is None:
        data = {**data, "max_difference": math.inf}
    return msgspec.convert(data, ParityReport | None)


def content_digest(content: artifact.Content) -> str:
    """Give the identity of a model: that of its content under its first policy, however it is stored.

    Parameters
    ----------
    content : Content
        What its file would hold.

    Returns
    -------
    str
        BLAKE2b-128 in hexadecimal. The manifest names the original by its own digest; a policy that the
        model was put under later has its own.
    """
    manifest = dict(content.manifest)
    manifest["policy"] = manifest.pop(FIRST_POLICY, manifest.get("policy"))
    members = {} if "original" in manifest else content.members
    return artifact.digest(artifact.Content(manifest, content.arrays, members))


def under_policy(manifest: dict[str, Any], policy: dict[str, Any]) -> dict[str, Any]:
    """Give a manifest with another policy in it; the digest stays.

    Parameters
    ----------
    manifest : dict
        With a policy.
    policy : dict
        The other one, as plain data.

    Returns
    -------
    dict
        It holds the first policy too, where that is another.
    """
    first = manifest.get(FIRST_POLICY, manifest["policy"])
    found = {**manifest, "policy": policy, FIRST_POLICY: first}
    if first == policy:
        del found[FIRST_POLICY]
    return found
