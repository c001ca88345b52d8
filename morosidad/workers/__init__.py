"""Bounded work: pools of threads with deadlines, batches in order, and micro-batching."""

from morosidad.workers.microbatch import BatchStats, MicroBatcher
from morosidad.workers.pool import PoolStats, WorkerPool
from morosidad.workers.tasks import Task, TaskCounts
from morosidad.workers.workers import Workers

__all__ = ["BatchStats", "MicroBatcher", "PoolStats", "Task", "TaskCounts", "WorkerPool", "Workers"]
