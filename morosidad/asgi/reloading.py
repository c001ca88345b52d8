"""Another model in the place of the served one, in every process."""

from __future__ import annotations

import logging
import os
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from morosidad.asgi.problems import Problem
from morosidad.errors import MorosidadError

if TYPE_CHECKING:
    from morosidad.asgi.service import Service

_logger = logging.getLogger("morosidad.asgi")
_SECONDS = 60.0


class Reloaded(msgspec.Struct, frozen=True):
    """What a reload has done."""

    modelo: str
    anterior: str
    huella: str
    cambio: bool


class Reloader:
    """Reloads the model as one step; processes that share a file of figures follow each other.

    Attributes
    ----------
    failed : bool
        Whether the last reload failed, so that the model before it stays.
    """

    def __init__(self, service: Service) -> None:
        self._service = service
        shared = service.settings.kpi_file
        self._mark = None if shared is None else Path(f"{shared}.recarga")
        self._seen = self._stamp()
        self.failed: bool = False

    async def reload(self) -> Reloaded:
        """Reload here, and let the other processes know.

        Raises
        ------
        Problem
            E500 when the file can't be used; the model before it stays.
        """
        done = await self._reload()
        if self._mark is not None:
            await self._service.aside.run(self._leave_mark)
        return done

    async def follow(self) -> None:
        """Reload when another process has."""
        stamp = self._stamp()
        if stamp != self._seen:
            self._seen = stamp
            try:
                await self._reload()
            except Problem:
                _logger.error("no se pudo seguir la recarga de otro proceso")

    async def _reload(self) -> Reloaded:
        service = self._service
        scorer = service.scorer
        before, digest = scorer.model, scorer.digest
        try:
            await service.workers.io.submit(self._swap, timeout=_SECONDS)
        except MorosidadError as error:
            self.failed = True
            _logger.error("la recarga del modelo falló: %s", type(error).__name__)
            message = f"No se pudo recargar el modelo ({type(error).__name__}): sigue el anterior"
            raise Problem("E500", message) from None
        self.failed = False
        return Reloaded(scorer.model, before, scorer.digest, scorer.digest != digest)

    def _swap(self) -> None:
        self._service.scorer.reload()
        self._service.warm_up()

    def _leave_mark(self) -> None:
        assert self._mark is not None
        new = self._mark.with_suffix(f".{os.getpid()}")
        new.write_text(self._service.scorer.digest)
        os.replace(new, self._mark)
        self._seen = self._stamp()

    def _stamp(self) -> tuple[int, int]:
        try:
            found = os.stat(self._mark) if self._mark is not None else None
        except OSError:
            found = None
        return (0, 0) if found is None else (found.st_mtime_ns, found.st_ino)
