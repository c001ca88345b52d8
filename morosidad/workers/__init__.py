"""Bounded work: pools of threads with deadlines, batches in order, and micro-batching."""

from morosidad.workers.microbatch import BatchStats, MicroBatcher
from morosidad.workers.pool import PoolStats, WorkerPool
from morosidad.workers.pools import Workers
from morosidad.workers.tasks import Task, TaskCounts

__all__ = ["BatchStats", "MicroBatcher", "PoolStats", "Task", "TaskCounts", "WorkerPool", "Workers"]
