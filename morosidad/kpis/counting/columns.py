"""The columns of a row of counts: figures, scores by bin, latencies by bucket."""

from __future__ import annotations

from morosidad.policy.decision import OUTCOMES
from morosidad.sketch import LogBuckets

LATENCY = LogBuckets(relative_error=0.01, low=1e-6, high=60.0)
STAGE_LABELS = {"validate": "validar", "cache": "caché", "predict": "predecir", "decide": "decidir"}
STAGES = tuple(STAGE_LABELS)
SCORE_BINS = 20

(
    SECONDS,  # of the predictions that succeeded
    SECONDS_FAILED,
    ERRORS,
    TIMEOUTS,
    BELOW,
    ABOVE,
    HITS,
    MISSES,
    NEGATIVE,  # label 0
    POSITIVE,  # label 1, a defaulter
    CONFIDENCE,
    CPU,
    CPU_SAMPLES,
    MEMORY,
    MEMORY_SAMPLES,
    QUEUE,
    QUEUE_SAMPLES,
    PROBABILITY,
    DECIDED,  # one for each of OUTCOMES
) = range(19)
SCORES = DECIDED + len(OUTCOMES)  # probabilities by bin; the bin after the last holds those of exactly 1
BUCKETS = SCORES + SCORE_BINS + 1
COLUMNS = BUCKETS + LATENCY.size

STAGE_COLUMNS = 1 + LATENCY.size  # for each stage: seconds, then buckets
