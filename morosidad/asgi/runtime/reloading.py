"""Hot reload of the served model, in every process."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping

import msgspec

from morosidad.asgi.problems import Problem, source_of, told
from morosidad.asgi.runtime.trial import try_model
from morosidad.compiler.storage.packing import users_define_forms
from morosidad.errors import MorosidadError
from morosidad.processes.marks import SharedMark
from morosidad.scoring.scorer import Scorer
from morosidad.workers import WorkerPool

_logger = logging.getLogger("morosidad.asgi")
_SECONDS = 60.0


class Reloaded(msgspec.Struct, frozen=True):
    """What a reload has done."""

    modelo: str
    anterior: str
    huella: str
    cambio: bool


class Reloader:
    """Reloads the model as one step; the processes of a server, and servers, follow each other.

    Parameters
    ----------
    scorer : Scorer
        Whose model is replaced.
    warm_up : callable
        What is to be done after that.
    shared : str or None
        The file that the processes share; None when there is only this one.

    Attributes
    ----------
    failed : bool
        Whether the last reload failed, so that the model before it stays.
    announced : str
        What tells the model with its policy that was reloaded here last; empty until somebody asks for it.
    """

    def __init__(self, scorer: Scorer, warm_up: Callable[[], object], shared: str | None) -> None:
        self._scorer = scorer
        self._warm_up = warm_up
        self._mark = SharedMark(None if shared is None else f"{shared}.recarga")
        self._told: dict[str, str] = {}
        self._behind_servers = False
        self.failed: bool = False
        self.announced: str = ""

    async def reload(self, pool: WorkerPool) -> Reloaded:
        """Reload here, on a thread of the pool, and let the other processes know.

        Raises
        ------
        Problem
            E500 when the file can't be used; the model before it stays.
        """
        done = await self._reload(pool)
        self.announced = _identity(self._scorer)
        await pool.submit(self._mark.leave, self.announced)
        return done

    def hear(self, announced: Mapping[str, str]) -> None:
        """Note what other servers say was reloaded there; `follow` does it here where that is news.

        What somebody says who is heard for the first time is no news: a server begins with the file as it is.

        Parameters
        ----------
        announced : mapping of str to str
            What each of their processes announces.
        """
        known = self._told
        news = {identity for place, identity in announced.items() if known.get(place, identity) != identity}
        self._told = dict(announced)
        if news - {"", _identity(self._scorer)}:
            self._behind_servers = True

    async def follow(self, pool: WorkerPool) -> None:
        """Reload when another process has, or another server."""
        left_behind = self._mark.is_news(_identity(self._scorer))
        behind, self._behind_servers = left_behind or self._behind_servers, False
        if not behind:
            return
        try:
            await self._reload(pool)
        except Problem:
            _logger.error("the reload of another process could not be followed")

    async def _reload(self, pool: WorkerPool) -> Reloaded:
        scorer = self._scorer
        before, identity = scorer.model, _identity(scorer)
        try:
            await pool.submit(self._swap, timeout=_SECONDS)
        except Exception as error:
            self.failed = True
            name = type(error).__name__
            # What was read is a model's file: the library's own words hold nothing of an applicant.
            why = f"{name}: {error}" if isinstance(error, MorosidadError) else source_of(error)
            _logger.error("the reload of the model failed: %s", why)
            message = told("not_reloaded", kind=name)
            raise Problem("E500", message) from None
        self.failed = False
        return Reloaded(scorer.model, before, scorer.digest, _identity(scorer) != identity)

    def _swap(self) -> None:
        source = self._scorer.source
        if source is not None and source.path is not None and not users_define_forms():
            try_model(source.path, source.key, source.trusted, allow_pickle=source.allow_pickle)
        self._scorer.reload()
        self._warm_up()


def _identity(scorer: Scorer) -> str:
    """Give what tells a model with its policy from every other."""
    return scorer._model.decision_digest
