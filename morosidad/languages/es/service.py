"""The state of the service: stages, and what to do about what is wrong."""

WORDS = {
    # stages of a prediction
    "validate": "validar",
    "cache": "caché",
    "predict": "predecir",
    "decide": "decidir",
    # what to do about the slowest stage
    "validate_advice": "simplifique el esquema o valide el formulario antes de enviarlo",
    "cache_advice": "revise el almacén remoto de la caché o use solo la caché en memoria",
    "predict_advice": "use un modelo compilado (scorer.plan dice qué parte no lo está) o uno más ligero",
    "decide_advice": "pida menos motivos por decisión (max_reasons)",
    # recommendations
    "none_succeeded": (
        "Ninguna predicción terminó bien: restaure el modelo o la dependencia que falla antes de "
        "admitir más solicitudes."
    ),
    "slow": "El tiempo de respuesta p95 es de {p95:.2f} s (límite {limit:g} s)",
    "slow_queue": "{cause} y la cola media es de {queue:.1f}: aumente MAX_WORKERS o reparta la carga.",
    "slow_stage": "{cause} y la etapa más lenta es {stage} ({seconds:.2f} s): {advice}.",
    "slow_unknown": "{cause}: mida las etapas (record_stages) para saber cuál tarda.",
    "few_hits": (
        "La caché acierta solo el {rate:.1%} de las veces: aumente CACHE_SIZE_L1, CACHE_SIZE_L2 o "
        "CACHE_TTL_SECONDS, o desactívela si los solicitantes no se repiten."
    ),
    "much_memory": (
        "La memoria está al {percent:.0f} %: reduzca las cachés o los procesos, o asigne más memoria."
    ),
    "much_cpu": "La CPU está al {percent:.0f} %: reparta la carga o asigne más CPU.",
    "failing_by_timeouts": (
        "Falla el {share:.1%} de las predicciones, sobre todo por tiempo agotado ({number} de "
        "{failures}): aumente MAX_WORKERS o TIMEOUT_PREDICCION, o use un modelo más ligero."
    ),
    "failing_by_errors": (
        "Falla el {share:.1%} de las predicciones, sobre todo por errores ({number} de {failures}): "
        "busque el error más frecuente en el registro y corrija su causa."
    ),
    "starved": (
        "Se responden {rate:.2f} predicciones por segundo y hay trabajo en espera: aumente "
        "MAX_WORKERS o asigne más CPU."
    ),
    # what each figure for Prometheus means
    "help_alerta": "Vale 1 por cada alerta abierta ahora; una alerta que se cerró ya no aparece",
    "help_rechazos": "Solicitudes respondidas con un error desde el arranque, por ruta y código",
    "help_registro_escritas": "Decisiones escritas en el registro desde el arranque",
    "help_registro_en_espera": "Decisiones que esperan en memoria a ser escritas",
    "help_registro_perdidas": "Decisiones que no quedaron ni quedarán en el registro",
    "help_modelo": "El modelo que responde: su nombre, su versión y la huella de su contenido",
    "help_respuesta_seconds": "Segundos hasta responder una predicción; sin las que fallaron",
    "help_probabilidad_ratio": "Probabilidad de mora que estimó el modelo, de 0 a 1",
    "help_etapa_seconds": "Segundos de cada etapa de una predicción; se mide solo una parte de ellas",
    "help_predicciones": "Predicciones pedidas, según cómo terminaron",
    "help_cache_consultas": "Consultas a la caché: halló la respuesta o no",
    "help_etiquetas": "Predicciones de no mora (0) y de mora (1)",
    "help_decisiones": "Predicciones según la decisión que resultó",
    "help_reglas": "Decisiones en las que se aplicó cada regla de la política",
    "help_atipicos": "Tiempos de respuesta demasiado cortos o largos para medirlos bien",
    "help_predicciones_dia": "Predicciones de hoy, desde la medianoche local",
    "help_confianza_ratio": "Confianza media del modelo en los últimos minutos, de 0 a 1",
    "help_cpu_ratio": "Uso medio de CPU en los últimos minutos, de 0 a 1",
    "help_memoria_ratio": "Uso medio de memoria en los últimos minutos, de 0 a 1",
    "help_conexiones": "Conexiones abiertas ahora",
    "help_cola": "Solicitudes que esperan turno, en promedio, en los últimos minutos",
    "help_version": "La versión del servidor y la de Python con que corre",
    "help_conexiones_abiertas": "Conexiones abiertas ahora en todos los procesos",
    "help_conexiones_limite": "Conexiones que se admiten a la vez: de un proceso y de una dirección",
    "help_claves_frenadas": "Solicitudes con una clave no válida a las que se pidió esperar",
    "help_limite_por_minuto": "Lo que un cliente puede pedir por minuto, según la clase de solicitud",
    "help_limite_almacen_disponible": "Vale 1 si responde el almacén que cuenta las solicitudes; si no, no hay límite",
    "help_cache_compartida_disponible": "Vale 1 si la caché compartida respondió a todos los procesos la última vez",
    "help_cache_compartida_fallos": "Consultas que no llegaron a la caché compartida",
    "help_cache_compartida_rechazadas": "Entradas de la caché compartida inservibles o no auténticas",
}
