"""The state of the service: stages, and what to do about what is wrong."""

WORDS = {
    # stages of a prediction
    "validate": "validate",
    "cache": "cache",
    "predict": "predict",
    "decide": "decide",
    # what to do about the slowest stage
    "validate_advice": "simplify the schema, or validate the form before it is sent",
    "cache_advice": "look at the remote store of the cache, or use the cache in memory only",
    "predict_advice": "use a compiled model (scorer.plan says which part is not), or a lighter one",
    "decide_advice": "ask for fewer reasons per decision (max_reasons)",
    # recommendations
    "none_succeeded": (
        "No prediction succeeded: restore the model, or whatever it depends on and fails, before "
        "more requests are let in."
    ),
    "slow": "The response time p95 is {p95:.2f} s (limit {limit:g} s)",
    "slow_queue": "{cause} and the mean queue is {queue:.1f}: raise MAX_WORKERS, or spread the load.",
    "slow_stage": "{cause} and the slowest stage is {stage} ({seconds:.2f} s): {advice}.",
    "slow_unknown": "{cause}: time the stages (record_stages) to learn which one takes long.",
    "few_hits": (
        "The cache hits only {rate:.1%} of the time: raise CACHE_SIZE_L1, CACHE_SIZE_L2 or "
        "CACHE_TTL_SECONDS, or switch it off if applicants do not come back."
    ),
    "much_memory": (
        "Memory is at {percent:.0f} %: make the caches smaller or the processes fewer, or assign more memory."
    ),
    "much_cpu": "The CPU is at {percent:.0f} %: spread the load, or assign more CPU.",
    "failing_by_timeouts": (
        "{share:.1%} of the predictions fail, above all by time-outs ({number} of {failures}): "
        "raise MAX_WORKERS or TIMEOUT_PREDICCION, or use a lighter model."
    ),
    "failing_by_errors": (
        "{share:.1%} of the predictions fail, above all by errors ({number} of {failures}): look "
        "for the most frequent error in the log and correct its cause."
    ),
    "starved": (
        "{rate:.2f} predictions are answered per second, and work is waiting: raise MAX_WORKERS, or "
        "assign more CPU."
    ),
    # what each figure for Prometheus means
    "help_alerta": "1 for each alert that is open now; an alert that has closed is gone",
    "help_rechazos": "Requests answered with an error since the start, by path and code",
    "help_registro_escritas": "Decisions written to the log since the start",
    "help_registro_en_espera": "Decisions that wait in memory to be written",
    "help_registro_perdidas": "Decisions that are not in the log and never will be",
    "help_modelo": "The model that answers: its name, its version and the digest of its content",
    "help_respuesta_seconds": "Seconds until a prediction was answered; without those that failed",
    "help_probabilidad_ratio": "Probability of default that the model estimated, from 0 to 1",
    "help_etapa_seconds": "Seconds of each stage of a prediction; only some of them are timed",
    "help_predicciones": "Predictions asked for, by how they ended",
    "help_cache_consultas": "Lookups in the cache: whether it had the answer",
    "help_etiquetas": "Predictions of no default (0) and of default (1)",
    "help_decisiones": "Predictions by the decision that came of them",
    "help_reglas": "Decisions in which each rule of the policy applied",
    "help_atipicos": "Response times too short or too long to be measured well",
    "help_predicciones_dia": "Predictions of today, since the local midnight",
    "help_confianza_ratio": "Mean confidence of the model in the last minutes, from 0 to 1",
    "help_cpu_ratio": "Mean use of CPU in the last minutes, from 0 to 1",
    "help_memoria_ratio": "Mean use of memory in the last minutes, from 0 to 1",
    "help_conexiones": "Connections open now",
    "help_cola": "Requests that wait their turn, on average, in the last minutes",
    "help_version": "The version of the server and that of the Python it runs on",
    "help_conexiones_abiertas": "Connections that are open now in all processes",
    "help_conexiones_limite": "Connections that are let in at a time: of a process and of an address",
    "help_claves_frenadas": "Requests with a wrong key that were told to wait",
    "help_limite_por_minuto": "What a client may ask for in a minute, by the kind of request",
    "help_limite_almacen_disponible": "1 if the storage that counts requests answers; else nobody is limited",
    "help_cache_compartida_disponible": "1 if the shared cache answered every process when last asked",
    "help_cache_compartida_fallos": "Calls to the shared cache that did not get through",
    "help_cache_compartida_rechazadas": "Entries of the shared cache that were unusable or not authentic",
}
