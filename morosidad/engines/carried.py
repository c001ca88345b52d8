"""A model on its way to other processes: bytes, made into a scorer once in each of them."""

from __future__ import annotations

import pickle
import threading
import warnings
from collections import OrderedDict
from hashlib import blake2b
from typing import cast

import numpy as np
from numpy.typing import NDArray

from morosidad.errors import PartsLeftBehindWarning
from morosidad.processes.forking import renew_after_fork
from morosidad.scoring.scorer import Scorer

_KEPT = 8  # models that a process keeps


class _LoadedScorers:
    """The scorers that this process was sent, by what they answer; the latest stay."""

    def __init__(self) -> None:
        self._scorers: OrderedDict[str, Scorer] = OrderedDict()
        self._after_fork()
        renew_after_fork(self)

    def _after_fork(self) -> None:
        self._lock = threading.Lock()

    def get(self, carried: CarriedModel) -> Scorer:
        with self._lock:  # held while loading: several threads of one process load a model once
            scorer = self._scorers.get(carried.identity)
            if scorer is None:
                scorer = cast(Scorer, pickle.loads(carried.data.tobytes()))  # noqa: S301 - we made it
                self._scorers[carried.identity] = scorer
                while len(self._scorers) > _KEPT:
                    self._scorers.popitem(last=False)
            self._scorers.move_to_end(carried.identity)
            return scorer


_loaded = _LoadedScorers()


class CarriedModel:
    """The model of a scorer, without its parts, as what engines send to their workers.

    Parameters
    ----------
    scorer : Scorer
        Whose model it is. It is warned of parts that it has: they stay in this process.

    Attributes
    ----------
    data : ndarray of uint8
        A pickle of the scorer, which is its model file: joblib shows an array to all its processes
        without copying it.
    identity : str
        The digest of these bytes: of the model, its policy and its language.

    Raises
    ------
    ArtifactError
        If the model can't be stored in a file.
    """

    def __init__(self, scorer: Scorer) -> None:
        names = ("cache", "kpis", "recovery", "audit", "drift")
        left = tuple(name for name in names if scorer.parts.get(name) is not None)
        if left:
            warnings.warn(PartsLeftBehindWarning(left), stacklevel=3)
        bare = scorer.with_parts(cache=None, kpis=None, recovery=None, audit=None, drift=None)
        data = pickle.dumps(bare)
        self.data: NDArray[np.uint8] = np.frombuffer(data, dtype=np.uint8)
        self.identity: str = blake2b(data, digest_size=16).hexdigest()

    def __dask_tokenize__(self) -> tuple[str, ...]:
        """Identify what is sent for Dask: the same answers, the same token."""
        return "morosidad.CarriedModel", self.identity

    def scorer(self) -> Scorer:
        """Give the scorer, which is made once in each process.

        Returns
        -------
        Scorer
        """
        return _loaded.get(self)
