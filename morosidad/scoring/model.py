"""One model as a scorer holds it: what answers, under which name, and how it is put into words.

A model never changes. Reloading swaps one for another, so that every decision comes from one model
as a whole.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from functools import cached_property
from typing import Any

import msgspec
import numpy as np

from morosidad._version import __version__
from morosidad.compiler.pipeline import CompiledPipeline
from morosidad.compiler.report import ParityReport
from morosidad.compiler.storage.packing import pack, unpack
from morosidad.compiler.storage.soundness import check
from morosidad.errors import (
    ArtifactCorrupted,
    ArtifactError,
    ArtifactUntrusted,
    MissingExtra,
    PredictionError,
)
from morosidad.model_file import artifact
from morosidad.monitoring.drift_reference import DriftReference
from morosidad.policy.decision import Decision, Narrator, Policy, Reason
from morosidad.schema.field import Row
from morosidad.schema.schema import Schema

_CHECK_ROWS = 24


class Model:
    """A compiled pipeline with its name, its policy and its words.

    Parameters
    ----------
    compiled : CompiledPipeline
        What answers.
    policy : Policy
        The cut-offs.
    name, version : str
        Who answers: ``name@version`` stands on every decision.
    classes : sequence
        The two labels of the original; the second means default.
    typical : sequence of float or None
        What is usual for each numeric field.
    training : dict
        What is known of the training: rows, default rate, cross-validated figures.
    drift_reference : DriftReference, optional
        How the reference rows and their scores were distributed.
    """

    def __init__(
        self,
        compiled: CompiledPipeline,
        policy: Policy,
        *,
        name: str,
        version: str,
        classes: Sequence[Any],
        typical: Sequence[float | None],
        training: dict[str, Any],
        drift_reference: DriftReference | None = None,
    ) -> None:
        if len(typical) != len(compiled.schema) or len(classes) != 2:
            raise ValueError("one typical value per field and two classes were expected")
        self.compiled = compiled
        self.schema: Schema = compiled.schema
        self.policy = policy
        self.name = name
        self.version = version
        self.identity: str = f"{name}@{version}"
        self.classes: tuple[Any, ...] = tuple(classes)
        self.typical: tuple[float | None, ...] = tuple(typical)
        self.training = training
        self.drift_reference = drift_reference
        self._narrator = Narrator(self.schema, self.typical)
        self._threshold = compiled.threshold
        self._explain = compiled.explain_one if policy.max_reasons else None

    def decide(self, values: Row, warnings: tuple[str, ...] = (), request_id: str | None = None) -> Decision:
        """Decide on validated values.

        Raises
        ------
        PredictionError
            If the model fails, or answers with something that is no probability.
        """
        probability, shares = self.estimate(values)
        return self.conclude(values, probability, shares, warnings, request_id)

    def estimate(self, values: Row) -> tuple[float, Sequence[float]]:
        """Give the probability of default, and each field's contribution where reasons are wanted.

        Raises
        ------
        PredictionError
            If the model fails.
        """
        try:
            if self._explain is None:
                return self.compiled.predict_one(values), ()
            return self._explain(values)
        except Exception as error:  # its text may hold values of the record
            raise self._failed(error) from None

    def _failed(self, error: Exception) -> PredictionError:
        message = f"{self.identity} failed on a valid record with {type(error).__name__}"
        return PredictionError(message, self.identity)

    def decide_many(self, rows: Sequence[Row]) -> list[Decision]:
        """Decide on many records, asking an original that is not compiled once for all of them."""
        original = self.compiled.original
        if self.compiled.compiled or original is None or not rows:
            return [self.decide(row) for row in rows]
        try:
            found = original.predict(rows).tolist()
        except Exception as error:
            raise self._failed(error) from None
        return [self.conclude(row, probability) for row, probability in zip(rows, found, strict=True)]

    def conclude(
        self,
        values: Row,
        probability: float,
        shares: Sequence[float] = (),
        warnings: tuple[str, ...] = (),
        request_id: str | None = None,
    ) -> Decision:
        """Put a probability into a decision: label, outcome, reasons."""
        reasons: tuple[Reason, ...] = ()
        if shares:
            reasons = self._narrator.reasons(values, shares, self.policy.max_reasons)
        if not 0.0 <= probability <= 1.0:
            raise self.no_probability()
        other = 1.0 - probability
        return Decision(
            1 if probability > self._threshold else 0,
            (other, probability),
            probability if probability > other else other,
            self.policy.outcome(probability),
            reasons,
            self.identity,
            warnings,
            None,
            False,
            request_id,
        )

    def no_probability(self) -> PredictionError:
        """Give the error that says that the model answered with something else."""
        return PredictionError(f"{self.identity} did not answer with a probability", self.identity)

    # -- as a file -----------------------------------------------------------------------------

    @cached_property
    def digest(self) -> str:
        """Identity of all that the model file would hold, BLAKE2b-128 in hexadecimal."""
        return artifact.digest(self.content)

    @cached_property
    def content(self) -> artifact.Content:
        """What a model file holds of it."""
        compiled = self.compiled
        manifest: dict[str, Any] = {
            "library": __version__,
            "name": self.name,
            "version": self.version,
            "schema": self.schema.to_dict(),
            "policy": msgspec.to_builtins(self.policy),
            "classes": [_plain(label) for label in self.classes],
            "typical": list(self.typical),
            "threshold": compiled.threshold,
            "training": self.training,
            "parity": msgspec.to_builtins(compiled.parity),
            "drift": msgspec.to_builtins(self.drift_reference),
            "notes": list(compiled.notes),
        }
        if compiled.form is None:
            return artifact.Content(manifest, (), {"model.skops": _dump_original(compiled)})
        from morosidad.compiler.proof.probe_rows import probe_rows

        form, arrays = pack(compiled.form)
        rows = probe_rows(self.schema, ())[:_CHECK_ROWS]
        answers = [compiled.predict_one(row) for row in rows]
        manifest |= {"form": form, "check": {"rows": rows, "answers": answers}}
        if compiled.reference is not None:
            manifest["reference"] = len(arrays)
            arrays = [*arrays, compiled.reference]
        return artifact.Content(manifest, arrays)

    def check_storable(self, path: object = "") -> None:
        """Make sure that what a model file would hold can be read back.

        Raises
        ------
        ArtifactError
            If it can't.
        """
        data = self.content.members.get("model.skops")
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

    @classmethod
    def from_content(
        cls,
        content: artifact.Content,
        path: object = "",
        *,
        trusted: Sequence[str] = (),
        policy: Policy | None = None,
    ) -> Model:
        """Make the model that a file holds, and check that it answers as it did when it was saved.

        Raises
        ------
        ArtifactCorrupted
            If the content describes no model, or the model answers otherwise than it did.
        ArtifactUntrusted
            If it holds Python objects of types that `trusted` does not name.
        """
        manifest = content.manifest
        try:
            schema = Schema.from_dict(manifest["schema"])
            compiled = _load_form(manifest, content, schema) or _load_original(
                manifest, content, schema, trusted, path
            )
            stored = msgspec.convert(manifest["policy"], Policy)
            model = cls(
                compiled,
                policy or stored,
                name=str(manifest["name"]),
                version=str(manifest["version"]),
                classes=manifest["classes"],
                typical=msgspec.convert(manifest["typical"], list[float | None]),
                training=msgspec.convert(manifest["training"], dict[str, Any]),
                drift_reference=msgspec.convert(manifest.get("drift"), DriftReference | None),
            )
            saved = msgspec.convert(manifest.get("check", {"rows": [], "answers": []}), _Check)
            answers = [compiled.predict_one(tuple(row)) for row in saved.rows]
        except (ArtifactError, MissingExtra):
            raise
        except Exception as error:  # whatever fails in making a model of a file, the file is at fault
            raise ArtifactCorrupted(f"{path}: the content describes no model: {error}", path) from None
        if len(answers) != len(saved.answers) or not np.allclose(answers, saved.answers, rtol=0, atol=1e-12):
            raise ArtifactCorrupted(f"{path}: the model does not answer as it did when it was saved", path)
        return model

    def remade(self) -> Model:
        """Make the same model anew from its own content, functions and all."""
        compiled = self.compiled
        fresh = CompiledPipeline(
            compiled.schema,
            compiled.form,
            compiled.original,
            reference=compiled.reference,
            parity=compiled.parity,
            threshold=compiled.threshold,
            notes=compiled.notes,
        )
        return Model(
            fresh,
            self.policy,
            name=self.name,
            version=self.version,
            classes=self.classes,
            typical=self.typical,
            training=self.training,
            drift_reference=self.drift_reference,
        )

    def latency(self, calls: int = 200, clock: Callable[[], int] = time.perf_counter_ns) -> float:
        """Measure the median time of one decision, without validation, in seconds."""
        from morosidad.compiler.proof.probe_rows import probe_rows

        rows = probe_rows(self.schema, ())
        rows = rows[: calls if self.compiled.compiled else min(calls, 20)]
        took = []
        for row in rows:
            start = clock()
            self.decide(row)
            took.append(clock() - start)
        return float(np.median(took)) / 1e9


class _Check(msgspec.Struct, frozen=True):
    rows: list[list[int | float | str | bool | None]]
    answers: list[float]


def _load_form(
    manifest: dict[str, Any], content: artifact.Content, schema: Schema
) -> CompiledPipeline | None:
    if "form" not in manifest:
        return None
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
    )


def _load_original(
    manifest: dict[str, Any], content: artifact.Content, schema: Schema, trusted: Sequence[str], path: object
) -> CompiledPipeline:
    from skops.io import get_untrusted_types, loads

    from morosidad.compiler.proof.original import Original

    data = content.members["model.skops"]
    untrusted = sorted(set(get_untrusted_types(data=data)) - set(trusted))
    if untrusted:
        names = ", ".join(untrusted)
        advice = "allow those that you trust by name, with trusted= or --trust"
        message = f"{path}: the model holds Python objects; {advice}: {names}"
        raise ArtifactUntrusted(message, path, untrusted)
    original = Original(loads(data, trusted=list(trusted)), schema)
    original.stored = data
    return CompiledPipeline(
        schema,
        None,
        original,
        threshold=float(manifest["threshold"]),
        notes=msgspec.convert(manifest["notes"], list[str]),
    )


def _dump_original(compiled: CompiledPipeline) -> bytes:
    from skops.io import dumps

    original = compiled.original
    assert original is not None
    if original.stored is None:
        original.stored = dumps(original.estimator)
    return original.stored


def _plain(label: Any) -> Any:
    return label.item() if isinstance(label, np.generic) else label
