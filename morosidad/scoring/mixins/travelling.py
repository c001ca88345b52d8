"""How a scorer is copied, pickled and compared: by its model file, without the parts of its process."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Mapping
from typing import Any, Self

from morosidad.errors import PartsLeftBehindWarning
from morosidad.languages import Language
from morosidad.model_file import artifact
from morosidad.processes.forking import forks
from morosidad.scoring.parts import Parts, checked_parts
from morosidad.scoring.record_path import RecordPath
from morosidad.scoring.stored_model import ModelSource, StoredModel

MakeParts = Callable[[], Mapping[str, Any]]

_KEPT = 16  # factories whose parts a process keeps


class Travelling:
    """Copies, pickles and compares scorers.

    A scorer travels as its model file, by `pickle`, `copy`, cloudpickle, joblib and what builds on them. Its
    parts belong to the process and stay there, with a `PartsLeftBehindWarning`, unless ``parts=`` named a
    function that makes them anew. Two scorers are equal when their models and policies have the same digests.
    """

    source: ModelSource | None
    _path: RecordPath
    _make_parts: MakeParts | None

    def _start(self, model: StoredModel, parts: Parts, source: ModelSource | None = None) -> None:
        raise NotImplementedError

    def __reduce__(self) -> tuple[Any, ...]:
        from morosidad.scoring.saving import storable

        self._warn_of_parts()
        model = self._path.model
        content = storable(model, "a scorer that travels", allow_pickle=False)
        data = artifact.to_bytes(content)
        return restored, (type(self), data, _types(content), model.language, self._make_parts)

    def __copy__(self) -> Self:
        self._warn_of_parts()
        scorer = type(self).__new__(type(self))
        make = self._make_parts
        scorer._start(self._path.model, {} if make is None else {"parts": make}, self.source)
        return scorer

    def __deepcopy__(self, memo: dict[int, Any]) -> Self:
        memo[id(self)] = copied = self.__copy__()  # a model never changes, so both may have it
        return copied

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Travelling):
            return NotImplemented
        return self is other or self._path.model.decision_digest == other._path.model.decision_digest

    def __hash__(self) -> int:
        return hash(self._path.model.decision_digest)

    def __dask_tokenize__(self) -> tuple[str, ...]:
        """Identify the scorer for Dask: the same answers, the same token."""
        model = self._path.model
        return "morosidad.Scorer", model.decision_digest, model.language

    def _warn_of_parts(self) -> None:
        path = self._path
        parts = ("cache", "kpis", "recovery", "audit", "drift")
        left = [name for name in parts if getattr(path, name) is not None]
        if left and self._make_parts is None:
            warnings.warn(PartsLeftBehindWarning(tuple(left)), stacklevel=4)


def restored(
    kind: type[Travelling],
    data: bytes,
    types: tuple[str, ...],
    language: Language,
    make_parts: MakeParts | None,
) -> Travelling:
    """Make a scorer of what `pickle` holds of one.

    Parameters
    ----------
    kind : type
        `Scorer`, or a class derived from it.
    data : bytes
        A model file.
    types : tuple of str
        Types to allow in a model that is not compiled.
    language : {'es', 'en', 'pt'}
        What it speaks.
    make_parts : callable, optional
        Makes the parts, once in a process.

    Returns
    -------
    Scorer

    Raises
    ------
    ArtifactError
        If the data is no sound model file.
    """
    content = artifact.from_bytes(data, "a scorer that travelled")
    model = StoredModel.from_content(content, "a scorer that travelled", trust=artifact.Trust(types))
    scorer = kind.__new__(kind)
    parts: Parts = {"language": language}
    if make_parts is not None:
        parts = {**_parts_of_process(make_parts), **parts}
    scorer._start(model, parts)
    scorer._make_parts = make_parts
    return scorer


_made: dict[tuple[int, MakeParts], Parts] = {}


def _parts_of_process(make_parts: MakeParts) -> Parts:
    """Make the parts, or give those that this process has made: tasks that come one by one share them."""
    key = (forks(), make_parts)
    try:
        made = _made.get(key)
    except TypeError:  # a factory without a hash
        return checked_parts(make_parts())
    if made is None:
        made = _made[key] = checked_parts(make_parts())
        while len(_made) > _KEPT:
            del _made[next(iter(_made))]
    return made


def _types(content: artifact.Content) -> tuple[str, ...]:
    """Name the types that a model that is not compiled holds; empty for a compiled one."""
    if not content.members:
        return ()
    from skops.io import get_untrusted_types

    from morosidad.scoring.content.original import SKOPS

    data = content.members.get(SKOPS)
    return () if data is None else tuple(get_untrusted_types(data=data))
