"""Bounded work: pools of threads with deadlines, batches in order, and micro-batching."""

from morosidad.workers.microbatch import BatchStats, MicroBatcher
from morosidad.workers.pool import PoolStats, WorkerPool, Workers
from morosidad.workers.tasks import Task

__all__ = ["BatchStats", "MicroBatcher", "PoolStats", "Task", "WorkerPool", "Workers"]
