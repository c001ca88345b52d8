"""The plan of a scorer: what is said of how it answers."""

WORDS = {
    "model": "modelo",
    "default": "mora",
    "answers": "responde",
    "note": "nota",
    "why": "porque",
    "fields": "campos",
    "parity": "paridad",
    "reasons": "motivos",
    "cache": "caché",
    "latency": "latencia",
    "form_by": "{form}, evaluado por {backend}",
    "compiled": "compilado ({form})",
    "original": "el original, con una tabla de una fila",
    "fields_of": "{number}, obligatorios: {required}",
    "none": "ninguno",
    "not_checked": "sin comprobar",
    "latency_of": "{duration} de los valores a la decisión",
    "unknown_time": "tiempo desconocido",
    "own_rows": "{own} filas propias una por una, {batch} en un lote, ",
    "parity_of": (
        "{own}{rows} filas hechas, |Δp| ≤ {difference:.1e} (se permite {tolerance:.0e}), {labels} "
        "etiquetas difieren, {refused} rechazadas por el original"
    ),
    "reasons_sampled": "por muestreo: {sample}, en {duration}",
    "reasons_not_compiled": "ninguno: el modelo no está compilado; reasons='sampled' pregunta al original",
    "reasons_no_reference": "ninguno: el archivo del modelo no tiene referencia",
    "reasons_scale": "aportes por campo, en la escala de {scale}",
}
