"""The service behind the endpoints: the scorer with its parts, started and stopped as one."""

from __future__ import annotations

import asyncio
import logging
import time
from collections import Counter
from collections.abc import Callable
from contextvars import copy_context
from functools import partial
from typing import TYPE_CHECKING, Any, TypeVar

import msgspec

from morosidad.alerts import AlertBook
from morosidad.asgi.adjusting.adjuster import Adjuster
from morosidad.asgi.guards.access import Access, access_of
from morosidad.asgi.guards.connections import ConnectionLimits, connection_limits
from morosidad.asgi.guards.failed_keys import FailedKeys
from morosidad.asgi.guards.loop_load import LoopLoad
from morosidad.asgi.guards.rates import RateLimiter
from morosidad.asgi.problems import told
from morosidad.asgi.runtime.alert_monitor import AlertMonitor
from morosidad.asgi.runtime.background import BackgroundThreads
from morosidad.asgi.runtime.broadcast import Channel
from morosidad.asgi.runtime.parts import complete_parts, share_figures
from morosidad.asgi.runtime.reloading import Reloader
from morosidad.asgi.runtime.spans import Spans
from morosidad.asgi.runtime.worker_processes import WorkerProcesses
from morosidad.errors import DeadlineExceeded, InvalidRecord
from morosidad.kpis import KPITracker, LiveMetrics
from morosidad.languages import Language
from morosidad.policy.decision import Decision, RecordError
from morosidad.resources import LoadShedder, ResourceMonitor, ResourceSample
from morosidad.schema.conversion import limited_help
from morosidad.schema.schema import Record
from morosidad.scoring.plan import Plan
from morosidad.scoring.scorer import Scorer
from morosidad.settings import Settings
from morosidad.workers import MicroBatcher, Task, Workers

if TYPE_CHECKING:
    from morosidad.asgi.guards.questions import ChangesAsked
    from morosidad.audit import AuditLog
    from morosidad.recovery import RecoveryPolicy
    from morosidad.scoring.counterfactuals.result import Counterfactual

Result = TypeVar("Result")

_logger = logging.getLogger("morosidad.asgi")

STARTING, READY, STOPPING, STOPPED = "arrancando", "lista", "deteniéndose", "detenida"
INLINE, BATCHED = "directo", "lotes"
_INLINE_LIMIT = 0.001
_SLICE = 0.005
_NAMES_HELPED = 5
_FREE_AGE = 60.0
_SEARCH_SHARE = 0.8


class Service:
    """A served scorer, from `start` to `stop`.

    Parameters
    ----------
    scorer : Scorer
        Who decides. Parts that it lacks are made from the settings.
    settings : Settings
        Sizes, limits and keys.
    reread : callable, optional
        Reads the settings from their sources again.

    Attributes
    ----------
    scorer : Scorer
        The scorer with all its parts.
    state : str
        ``arrancando``, ``lista``, ``deteniéndose`` or ``detenida``.
    language : str
        Of all that it says to people: the setting, or else the scorer's.
    mode : str
        ``directo`` when the event loop itself decides, ``lotes`` when workers do, several records at
        a time: what warm-up measured chooses.
    refused : Counter
        How many requests had an error for an answer, by route and code.
    """

    def __init__(
        self, scorer: Scorer, settings: Settings, reread: Callable[[], Settings] | None = None
    ) -> None:
        self.settings: Settings = settings
        chosen = settings.sources()["language"] != "default"
        self.language: Language = settings.language if chosen else scorer.language
        self.scorer: Scorer = complete_parts(scorer, settings, self.language)
        parts = self.scorer.parts
        kpis = parts.get("kpis")
        assert kpis is not None
        self.kpis: KPITracker = kpis
        self.cache: Any = parts.get("cache")
        self.audit: AuditLog | None = parts.get("audit")
        self.recovery: RecoveryPolicy | None = parts.get("recovery")
        self.state: str = STARTING
        self.mode: str = BATCHED
        self.plan: Plan | None = None
        self.spans: Spans = Spans()
        self.access: Access = access_of(settings)
        self.limiter: RateLimiter | None = None
        if settings.rate_limit_enabled:
            self.limiter = RateLimiter(settings.rate_limit_per_minute, settings.rate_limit_storage)
        self.alerts: AlertBook = AlertBook(settings.max_alerts, wall=self.kpis.wall, language=self.language)
        self.live: LiveMetrics = LiveMetrics(
            self.kpis,
            interval=settings.metrics_interval,
            history=settings.metrics_history,
            alerts=self.alerts,
        )
        self.metrics_channel: Channel = Channel()
        self.kpis_channel: Channel = Channel()
        self.streams: Counter[str] = Counter()
        self.loop_load: LoopLoad = LoopLoad()
        self.background: BackgroundThreads = BackgroundThreads()
        self.processes: WorkerProcesses = WorkerProcesses(
            settings.kpi_file, servers=share_figures(self.kpis, settings, scorer.model.rpartition("@")[0])
        )
        self.reloader: Reloader = Reloader(self.scorer, self.warm_up, settings.kpi_file)
        self.refused: Counter[tuple[str, str]] = Counter()
        self.connections: ConnectionLimits = ConnectionLimits(*connection_limits(settings), self.refused)
        self.failed_keys: FailedKeys = FailedKeys()
        self.adjuster: Adjuster = Adjuster(self, reread, settings.kpi_file)
        self.alert_monitor: AlertMonitor = AlertMonitor(
            self.scorer,
            self.alerts,
            self.reloader,
            self.processes,
            lambda: self.limiter,
            self.refused,
            self.failed_keys,
            self.connections,
        )

    # -- from start to stop --------------------------------------------------------------------

    async def start(self) -> None:
        """Make the resources, warm the scorer up, and say that all is ready."""
        settings = self.settings
        self.workers: Workers = Workers(
            settings.max_workers_prediction, settings.max_workers_io, queue_size=settings.queue_size
        )
        self._batcher: MicroBatcher[tuple[Record, str | None], Decision] = MicroBatcher(
            self._decide_batch, queue_size=settings.queue_size
        )
        trim = [partial(self.cache.trim, _FREE_AGE)] if hasattr(self.cache, "trim") else []
        shedder = LoadShedder(trim=trim, pools=[self.workers.prediction])
        self._monitor = ResourceMonitor(
            interval=settings.metrics_interval,
            memory_limit_percent=settings.memory_limit_percent,
            cpu_limit_percent=settings.cpu_limit_percent,
            cleanup_interval=settings.cleanup_interval,
            on_sample=self._observe,
            on_memory_high=shedder.free_memory,
            on_cpu_high=shedder.shrink,
            on_cpu_normal=shedder.restore,
            on_cleanup=lambda _: None if self.cache is None else self.cache.expire(),
        )
        await self.background.start()
        await self.background.run(self.warm_up)
        await self.background.run(self._monitor.poll)
        self._monitor.start()
        self._ticking = asyncio.create_task(self._tick_always())
        self.state = READY

    def _observe(self, sample: ResourceSample) -> None:
        self.kpis.observe_resources(cpu=sample.cpu_percent, memory=round(sample.memory_percent, 1))

    def warm_up(self) -> None:
        """Let the scorer decide on made-up applicants, and choose by that who decides from now on."""
        self.plan = self.scorer.warm_up()
        durable = self.audit is not None and self.audit.durable
        quick = self.plan.compiled and self.plan.latency <= _INLINE_LIMIT
        self.mode = INLINE if quick and not durable else BATCHED

    @property
    def stopping(self) -> bool:
        """Whether new work is refused for good."""
        return self.state in (STOPPING, STOPPED)

    def drain(self) -> None:
        """Take no more work; what is under way goes on."""
        if self.state == READY:
            self.state = STOPPING

    async def stop(self) -> None:
        """Finish what is under way, tell the clients, flush, and let go of everything."""
        self.drain()
        self._ticking.cancel()
        await asyncio.gather(self._ticking, return_exceptions=True)
        await asyncio.gather(self.metrics_channel.close(), self.kpis_channel.close())
        await asyncio.to_thread(self._release)
        self.state = STOPPED

    def _release(self) -> None:
        self._batcher.close(timeout=self.settings.timeout_prediction)
        self.workers.close(timeout=self.settings.timeout_prediction)
        self._monitor.stop()
        self.background.stop()
        if self.audit is not None:
            self.audit.close()
        self.kpis.close()
        self.processes.leave()

    # -- deciding --------------------------------------------------------------------------------

    def refuses(self) -> str:
        """Say why work can't be taken now; empty when it can."""
        if self.state != READY:
            return told("starting" if self.state == STARTING else "stopping")
        return told("saturated") if self.loop_load.overloaded else ""

    @property
    def decides_inline(self) -> bool:
        """Whether the event loop itself decides now, with nothing in the way."""
        return self.mode is INLINE and self.state is READY and self._model_healthy

    @property
    def _model_healthy(self) -> bool:
        return self.recovery is None or self.recovery.healthy

    @property
    def full(self) -> bool:
        """Whether all that the workers may hold waits for a model that takes its time."""
        return self.mode is BATCHED and self.state is READY and self._batcher.full

    async def score(self, record: dict[str, Any], request_id: str | None = None) -> Decision:
        """Decide on one applicant: at once where that takes microseconds, else with the workers.

        Raises
        ------
        InvalidRecord
            With every wrong field.
        TransientError
            When there is no answer for now, or not in time.
        """
        if self.mode == INLINE and self._model_healthy:
            try:
                return self.scorer.score_nowait(record, request_id)
            except InvalidRecord:
                raise
            except Exception as error:
                _logger.warning("the model failed (%s); recovery takes over", type(error).__name__)
        else:
            self.scorer.schema.read(record)  # a wrong record need not wait for a model that is slow or fails
        return await self._in_time(self._submit(record, request_id))

    async def score_batch(
        self, records: list[Any], request_id: str, take: Callable[[Decision | RecordError], None]
    ) -> None:
        """Decide on many applicants, in their order; requests go on in between.

        A decision's id is that of the request, a point, and its place from 0.
        """
        ids = [f"{request_id}.{index}" for index in range(len(records))]
        with limited_help(_NAMES_HELPED):
            decided: list[Decision | RecordError] | None = None
            if self.mode == BATCHED:
                context, timeout = copy_context(), self.settings.timeout_prediction

                def score() -> list[Decision | RecordError]:
                    return context.run(self.scorer.score_many, records, ids)

                decided = await self._in_time(self.workers.prediction.submit(score, timeout=timeout))
            began = time.perf_counter()
            for index, record in enumerate(records):
                take(decided[index] if decided else await self._score_in_place(index, record, ids[index]))
                if time.perf_counter() - began > _SLICE:
                    await asyncio.sleep(0)
                    began = time.perf_counter()

    async def _score_in_place(self, index: int, record: Any, request_id: str) -> Decision | RecordError:
        try:
            return await self.score(record, request_id)
        except InvalidRecord as error:
            return RecordError(index, error.errors)

    async def what_would_change(
        self, scorer: Scorer, question: ChangesAsked
    ) -> tuple[Decision, tuple[Counterfactual, ...]]:
        """Look for the least changes that turn a decision, with the workers; nothing is counted or logged.

        Raises
        ------
        InvalidRecord
            With every wrong field.
        TransientError
            When there is no answer for now, or not in time.
        """
        timeout = self.settings.timeout_prediction
        scorer.schema.read(question.record)  # a wrong record need not wait
        task = self.workers.prediction.submit(_look_for_changes, scorer, question, timeout, timeout=timeout)
        return await task

    def _submit(self, record: dict[str, Any], request_id: str | None) -> Task[Decision]:
        timeout = self.settings.timeout_prediction
        if self.mode == INLINE:
            score = self.scorer.score_one
            return self.workers.prediction.submit(score, record, request_id, timeout=timeout)
        return self._batcher.submit((record, request_id), timeout=timeout)

    async def _in_time(self, task: Task[Result]) -> Result:
        """Wait for the workers, and count a request that they did not answer in time."""
        try:
            return await task
        except DeadlineExceeded:
            if not task.remaining():  # else the scorer gave up, and has counted it
                self.kpis.record(self.settings.timeout_prediction, outcome="timeout")
            raise

    def _decide_batch(self, asked: list[tuple[Record, str | None]]) -> list[Decision | BaseException]:
        return [
            InvalidRecord(found.errors) if isinstance(found, RecordError) else found
            for found in self.scorer.score_many(*zip(*asked, strict=True))
        ]

    # -- once a second -----------------------------------------------------------------------------

    async def _tick_always(self) -> None:
        loop = asyncio.get_running_loop()
        due = loop.time()
        while True:
            due = max(due + self.settings.metrics_interval, loop.time())
            await asyncio.sleep(due - loop.time())
            try:
                await self.tick()
            except Exception as error:  # the next second may be better
                _logger.error("the metrics could not be gathered: %s", type(error).__name__)

    async def tick(self) -> None:
        """Look after the parts and the other processes; gather the figures once and send them to all."""
        queued = self.workers.prediction.stats().queued + self._batcher.stats().queued
        self.kpis.observe_resources(
            connections=len(self.metrics_channel) + len(self.kpis_channel), queue=queued
        )
        await self.background.run(self.alert_monitor.check)
        await self.reloader.follow(self.workers.io)
        await self.adjuster.follow()
        if self.settings.metrics_enabled:
            metrics, report = await self.background.run(self._gather)
            await self.metrics_channel.publish(metrics)
            await self.kpis_channel.publish(report)

    def _gather(self) -> tuple[str, str]:
        encode = msgspec.json.encode
        return encode(self.live.tick()).decode(), encode(self.kpis.report(self.language)).decode()


def _look_for_changes(
    scorer: Scorer, question: ChangesAsked, timeout: float
) -> tuple[Decision, tuple[Counterfactual, ...]]:
    """Decide, and look for changes while there is time left for the answer to be taken."""
    record, mutable, limits, n, max_changes = question
    found = scorer.counterfactuals(
        record,
        mutable=mutable,
        limits=limits,
        n=n,
        max_changes=max_changes,
        time_limit=_SEARCH_SHARE * timeout,
    )
    return scorer.score_one(record), found
