"""The two pools of a scoring process: one for predictions, one for input and output."""

from __future__ import annotations

import time
from typing import Self

from morosidad.workers.pool import WorkerPool
from morosidad.workers.tasks import Clock


class Workers:
    """The two pools of a scoring process, so that slow writing never holds up a prediction.

    Parameters
    ----------
    prediction : int, default 4
        Predictions that run at once.
    io : int, default 2
        Input and output tasks that run at once.
    queue_size : int, default 1000
        Tasks that may wait, in each pool.
    clock : callable, default `time.monotonic`
        Time in seconds, for the deadlines.

    Attributes
    ----------
    prediction, io : WorkerPool
        The pools.
    """

    def __init__(
        self, prediction: int = 4, io: int = 2, *, queue_size: int = 1000, clock: Clock = time.monotonic
    ) -> None:
        self.prediction: WorkerPool = WorkerPool(
            prediction, queue_size=queue_size, name="prediccion", clock=clock
        )
        self.io: WorkerPool = WorkerPool(io, queue_size=queue_size, name="io", clock=clock)

    def close(self, *, drain: bool = True, timeout: float = 5.0) -> bool:
        """Close both pools, predictions first, since they may still have something to write.

        Parameters and result are those of `WorkerPool.close`; `timeout` is for both together.

        Parameters
        ----------
        drain : bool, default True
            Finish the tasks that wait.
        timeout : float, default 5.0
            Seconds for both pools together.

        Returns
        -------
        bool
            Whether every thread has ended.
        """
        end = time.monotonic() + timeout
        predicted = self.prediction.close(drain=drain, timeout=timeout)
        written = self.io.close(drain=drain, timeout=max(0.0, end - time.monotonic()))
        return predicted and written

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
