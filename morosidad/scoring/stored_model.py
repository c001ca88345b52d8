"""A scoring model as content of a model file: manifest, digest, and the model made of them again."""

from __future__ import annotations

import os
from copy import copy
from functools import cached_property
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

import msgspec

from morosidad._version import __version__
from morosidad.compiler.pipeline import CompiledPipeline
from morosidad.compiler.report import ParityReport
from morosidad.errors import ArtifactCorrupted, ArtifactError, MissingExtra, RuleError, SettingsError
from morosidad.languages import Language
from morosidad.model_file import artifact
from morosidad.monitoring.drift_reference import DriftReference
from morosidad.policy.cutoffs import Policy
from morosidad.policy.decision import Decision
from morosidad.processes.paths import absolute
from morosidad.schema.schema import Schema
from morosidad.scoring.content.check_rows import answers_as_saved
from morosidad.scoring.content.compiled import (
    FIRST_POLICY,
    content_digest,
    dump_compiled,
    load_compiled,
    under_policy,
)
from morosidad.scoring.model import ScoringModel
from morosidad.training.evidence import OutOfFold, Training, plain_label

if TYPE_CHECKING:
    from morosidad.scoring.content.calibration import PortfolioCalibration, ReferenceScores

BROKEN_WORK = 30_000
"""So many steps for each field may tell whether a model that is saved breaks its direction."""
_Rows = list[tuple[int | float | str | bool | None, ...]]


class StoredModel(ScoringModel):
    """A scoring model with its identity, which can be written to a file and made of one.

    Attributes
    ----------
    calibration : PortfolioCalibration or None
        How it was moved to another default rate.
    reference_scores : ReferenceScores or None
        Those of the reference rows, where the model was made with any.
    first_policy : dict or None
        The policy that it was made with as plain data, where it is under another.
    """

    calibration: PortfolioCalibration | None = None
    reference_scores: ReferenceScores | None = None
    first_policy: dict[str, Any] | None = None

    @cached_property
    def digest(self) -> str:
        """Identity of what its file would hold under its first policy, BLAKE2b-128 in hexadecimal."""
        return content_digest(self.content)

    @property
    def decision_digest(self) -> str:
        """The digests of the model and of its policy: those that decide alike share them."""
        return f"{self.digest}-{self.policy.digest}"

    @cached_property
    def broken_directions(self) -> tuple[str, ...]:
        """The fields whose declared direction the model breaks; what is not decided is not among them."""
        from morosidad.scoring.monotonicity.checking import monotonicities

        found = monotonicities(self, work=BROKEN_WORK)
        return tuple(each.field for each in found if each.verdict == "broken")

    @cached_property
    def content(self) -> artifact.Content:
        """What a model file holds of it."""
        manifest: dict[str, Any] = {
            "library": __version__,
            "name": self.name,
            "version": self.version,
            "schema": self.schema.to_dict(),
            "policy": self.policy.to_dict(),
            "classes": [plain_label(label) for label in self.classes],
            "typical": list(self.typical),
            "threshold": self.compiled.threshold,
            "training": self.training.facts,
            "parity": _parity_data(self.compiled.parity),
            "drift": msgspec.to_builtins(self.drift_reference),
            "notes": list(self.compiled.notes),
        }
        # what earlier versions knew nothing of is there only where it says something
        if self.default != 1:
            manifest["default"] = self.default
        if self.broken_directions:
            manifest["broken_directions"] = list(self.broken_directions)
        if self.protected_shares:
            manifest["protected"] = self.protected_shares
        if self.background is not None:
            manifest["background"] = [list(row) for row in self.background]
        if self.first_policy is not None:
            manifest = under_policy({**manifest, "policy": self.first_policy}, manifest["policy"])
        if self.calibration is not None:
            manifest["calibration"] = msgspec.to_builtins(self.calibration)
        if self.reference_scores is not None:
            manifest["scores"] = msgspec.to_builtins(self.reference_scores)
        content = dump_compiled(self.compiled, manifest)
        found = self.training.out_of_fold
        if found is None:
            return content
        content.manifest["out_of_fold"] = len(content.arrays)
        return artifact.Content(content.manifest, [*content.arrays, found.table], content.members)

    @cached_property
    def unreadable(self) -> str:
        """Why what a file of this compiled model holds can't be read back; empty where it can."""
        try:
            self.from_content(self.content)
        except ArtifactError as error:
            return str(error).removeprefix(": ")
        return ""

    @classmethod
    def from_content(
        cls,
        content: artifact.Content,
        path: object = "",
        *,
        trust: artifact.Trust = artifact.Trust(),  # noqa: B008 - it never changes
        policy: Policy | None = None,
    ) -> StoredModel:
        """Make the model that a file holds, and check that it answers as it did when it was saved.

        Parameters
        ----------
        content : Content
            What the file holds.
        path : path-like
            The file, for errors.
        trust : Trust
            What the caller allows in a model that is not compiled.
        policy : Policy, optional
            Replaces the one in the file.

        Returns
        -------
        StoredModel

        Raises
        ------
        ArtifactCorrupted
            If the content describes no model, or the model answers otherwise than it did.
        ArtifactUntrusted
            If it holds Python objects that `trust` does not allow.
        """
        manifest = content.manifest
        try:
            schema = Schema.from_dict(manifest["schema"])
            default = msgspec.convert(manifest.get("default", 1), Literal[0, 1])
            compiled = load_compiled(content, schema, trust, path)
            stored = msgspec.convert(manifest["policy"], Policy)
            model = cls(
                compiled,
                policy or stored,
                name=str(manifest["name"]),
                version=str(manifest["version"]),
                classes=manifest["classes"],
                typical=msgspec.convert(manifest["typical"], list[float | None]),
                training=_training(content),
                drift_reference=msgspec.convert(manifest.get("drift"), DriftReference | None),
                default=default,
                background=msgspec.convert(manifest.get("background"), _Rows | None),
                protected_shares=msgspec.convert(manifest.get("protected", {}), dict[str, float]),
            )
            if "calibration" in manifest or "scores" in manifest:
                model._read_calibration(manifest)
            broken = msgspec.convert(manifest.get("broken_directions", []), list[str])
            same = answers_as_saved(compiled, manifest)
        except (ArtifactError, MissingExtra):
            raise
        except Exception as error:  # whatever fails in making a model of a file, the file is at fault
            if policy is not None and isinstance(error, RuleError | SettingsError):
                raise  # the caller's own
            raise ArtifactCorrupted(f"{path}: the content describes no model: {error}", path) from None
        if "broken_directions" in manifest:
            model.__dict__["broken_directions"] = tuple(broken)
        if not same:
            raise ArtifactCorrupted(f"{path}: the model does not answer as it did when it was saved", path)
        if policy is not None and policy != stored:
            content = _under(content, policy)
        model.first_policy = msgspec.convert(content.manifest.get(FIRST_POLICY), dict[str, Any] | None)
        model.__dict__["content"] = content  # written anew, it might differ in its last digits
        return model

    @property
    def told_broken(self) -> tuple[str, ...]:
        """The fields whose direction it breaks as far as its file tells; nothing is looked into."""
        return tuple(self.__dict__.get("broken_directions", ()))

    @property
    def language(self) -> Language:
        """The language of its reasons, warnings and errors; no part of its identity."""
        return self.schema.language

    def in_language(self, language: Language) -> StoredModel:
        """Give the same model, speaking another language.

        Parameters
        ----------
        language : {'es', 'en', 'pt'}
            The language.

        Returns
        -------
        StoredModel
            With the same digest and the same functions.
        """
        if language == self.language:
            return self
        model = copy(self)
        model.schema = self.schema.in_language(language)
        model.reason_writer = self._writer(model.schema)
        model._plain = language == Decision.language
        return model

    def rebuilt(self) -> StoredModel:
        """Make the same model again from its own content, functions and all.

        Returns
        -------
        StoredModel
            With the same digest.
        """
        compiled = self.compiled
        fresh = CompiledPipeline(
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
        model = self._of(fresh, self.policy)
        if "content" in self.__dict__:
            model.__dict__["content"] = self.content
        return model

    def with_policy(self, policy: Policy) -> StoredModel:
        """Give the same model under another policy.

        Parameters
        ----------
        policy : Policy
            In place of this one's.

        Returns
        -------
        StoredModel
            With the same digest and the same functions.

        Raises
        ------
        TypeError
            If it is no policy.
        RuleError
            If a rule does not fit the schema.
        """
        if not isinstance(policy, Policy):
            raise TypeError(f"policy: a Policy was expected, not {type(policy).__name__}")
        model, known = self._of(self.compiled, policy), self.__dict__
        model.first_policy = self.first_policy or self.policy.to_dict()
        if "content" in known:
            model.__dict__["content"] = _under(self.content, policy)
        model.__dict__ |= {name: known[name] for name in ("digest", "broken_directions") if name in known}
        return model

    def calibrated(self, calibration: PortfolioCalibration, version: str) -> StoredModel:
        """Give the same model, moved to another default rate.

        Parameters
        ----------
        calibration : PortfolioCalibration
            What was found.
        version : str
            That of the new model.

        Returns
        -------
        StoredModel
        """
        from morosidad.scoring.content.calibration import moved_reference

        shift = calibration.shift - (0.0 if self.calibration is None else self.calibration.shift)
        moved = moved_reference(self.drift_reference, shift)
        model = self._of(self.compiled.moved(shift), self.policy, version=version, drift_reference=moved)
        model.calibration = calibration
        model.reference_scores = self.reference_scores and self.reference_scores.moved(shift)
        return model

    def _read_calibration(self, manifest: dict[str, Any]) -> None:
        from morosidad.scoring.content.calibration import PortfolioCalibration, ReferenceScores

        self.calibration = msgspec.convert(manifest.get("calibration"), PortfolioCalibration | None)
        self.reference_scores = msgspec.convert(manifest.get("scores"), ReferenceScores | None)

    def _of(self, compiled: CompiledPipeline, policy: Policy, **changes: Any) -> StoredModel:
        """Give what this one says of itself to another pipeline, or under another policy."""
        facts: dict[str, Any] = {
            "name": self.name,
            "version": self.version,
            "classes": self.classes,
            "typical": self.typical,
            "training": self.training,
            "drift_reference": self.drift_reference,
            "default": self.default,
            "background": self.background,
            "protected_shares": self.protected_shares,
        }
        model = StoredModel(compiled, policy, **facts | changes)
        model.calibration, model.reference_scores = self.calibration, self.reference_scores
        model.first_policy = self.first_policy
        return model.in_language(self.language)


class ModelSource(NamedTuple):
    """The file that a model came from, and how it was opened."""

    path: str | os.PathLike[str] | None
    key: bytes | None
    policy: Policy | None
    trusted: tuple[str, ...]
    allow_pickle: bool = False

    def resolved(self) -> ModelSource:
        """Give the same source with its path absolute: a later change of the working directory leaves it."""
        return self if self.path is None else self._replace(path=absolute(self.path))

    def read(self) -> StoredModel:
        """Read the model that the file holds now.

        Returns
        -------
        StoredModel

        Raises
        ------
        ArtifactError
            One of its kinds, saying what is wrong with the file.
        """
        assert self.path is not None
        content = artifact.load(self.path, self.key)
        trust = artifact.Trust(self.trusted, self.allow_pickle, signed=self.key is not None)
        return StoredModel.from_content(content, self.path, trust=trust, policy=self.policy)


def _under(content: artifact.Content, policy: Policy) -> artifact.Content:
    """Give what a file holds with another policy in it."""
    manifest = under_policy(content.manifest, policy.to_dict())
    return artifact.Content(manifest, content.arrays, content.members)


def _training(content: artifact.Content) -> Training:
    """Read what is known of the training; earlier files hold no predictions."""
    facts = msgspec.convert(content.manifest["training"], dict[str, Any])
    place = content.manifest.get("out_of_fold")
    if place is None:
        return Training(facts)
    row, probability, truth, fold = content.arrays[msgspec.convert(place, int)]
    return Training(facts, OutOfFold(row, probability, truth, fold))


def _parity_data(report: ParityReport | None) -> dict[str, Any] | None:
    """Give a report as data, without the counts of own rows where there were none."""
    if report is None:
        return None
    data: dict[str, Any] = msgspec.to_builtins(report)
    own = ("own_rows", "batch_rows", "own_refused")
    return {name: value for name, value in data.items() if name not in own or report.own_rows}
