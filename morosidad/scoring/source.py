"""The file that a model came from, for reading it again."""

from __future__ import annotations

import os
from typing import NamedTuple

from morosidad.model_file import artifact
from morosidad.policy.cutoffs import Policy
from morosidad.scoring.stored_model import StoredModel


class ModelSource(NamedTuple):
    """The file that a model came from, and how it was opened."""

    path: str | os.PathLike[str] | None
    key: bytes | None
    policy: Policy | None
    trusted: tuple[str, ...]
    allow_pickle: bool = False

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
