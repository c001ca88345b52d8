"""The command line: what it says of its commands and options, and what it prints."""

WORDS = {
    # the commands
    "description": (
        "Decisiones de crédito en microsegundos con el modelo de scikit-learn que usted ya entrenó."
    ),
    "demo": "decide sobre unos solicitantes; luego mide y compara",
    "train": "entrena un modelo con un archivo de solicitantes",
    "compile": "hace un archivo de modelo de un pipeline entrenado",
    "score": "decide sobre las filas de un archivo",
    "inspect": "muestra qué contiene un archivo de modelo",
    "policy": "comprobar las reglas de una política",
    "audit": "verifica o repite un registro de decisiones",
    "serve": "sirve un modelo por la red, con un formulario y un tablero en vivo",
    "key": "hace una clave de API para el servidor",
    "verify": "halla líneas alteradas, quitadas o cambiadas de lugar, también entre archivos rotados",
    "replay": "decide otra vez sobre los valores registrados y nombra cada diferencia",
    # their options
    "help_language": "idioma de todo lo que se muestra",
    "command": "COMANDO",
    "action": "ACCIÓN",
    "label": "ETIQUETA",
    "types": "TIPOS",
    "help_model": "archivo de modelo",
    "help_log": "el registro, como lo nombra audit_file; los demás archivos suyos se encuentran",
    "help_anchor": "huella de una línea, anotada aparte, que tiene que estar; puede repetirse",
    "help_anchor_file": "archivo con una huella por línea, sola o tras el id de su línea",
    "export": "escribe las decisiones en un archivo Parquet, CSV o de líneas JSON",
    "find": "muestra las decisiones sobre una solicitud",
    "help_request_id": "identificador de la solicitud",
    "help_export": "archivo de salida: .parquet, .csv o .jsonl",
    "exported": "{number:,} decisiones: {path}",
    "not_found": "no hay ninguna decisión sobre {request_id}",
    "forget": "borra para siempre los valores de un solicitante; las líneas quedan, y la cadena se sigue verificando",
    "forgotten": "{number:,} decisiones sobre {request_id} sin sus valores desde ahora",
    "nothing_forgotten": "no hay valores que olvidar sobre {request_id}",
    "prune": "borra archivos llenos antiguos; queda un resto firmado, y la cadena se sigue verificando",
    "archive": "lleva los archivos llenos a otra carpeta; queda un resto firmado",
    "help_keep_files": "cuántos archivos llenos quedan",
    "help_keep_days": "cuántos días quedan",
    "help_archive": "carpeta a la que llevarlos",
    "taken_away": "{number:,} archivos quitados",
    "help_erasure_keys": "archivo con las claves de los valores cifrados (el que está junto al registro)",
    "help_audit_key_file": "archivo con la clave de la cadena",
    "help_pipeline": "archivo joblib con el pipeline entrenado",
    "help_trust_file": (
        "lee el archivo aunque eso ejecuta el código que contiene: solo si sabe quién lo escribió"
    ),
    "help_reference": (
        "archivo CSV, Parquet, Arrow o de líneas JSON con filas como aquellas con que se entrenó, mejor esas mismas: para el "
        "esquema, la comparación con scikit-learn, los motivos y la deriva"
    ),
    "help_sign_key_file": "archivo con una clave para firmar el archivo de modelo",
    "help_write_pickle": (
        "escribe como pickle lo que skops no puede guardar; pide --key-file, al escribir y al leer"
    ),
    "help_records": "registros que medir (%(default)s)",
    "help_seed": "de los solicitantes sintéticos (%(default)s)",
    "help_json": "imprime JSON",
    "help_name_of_key": "para quién es; consta en los logs y cuenta para los límites",
    "help_scopes": "score, metrics, admin, separados por comas (%(default)s)",
    "help_sep": "separador de un archivo CSV (una coma; un tabulador en .tsv)",
    "help_encoding": "codificación (%(default)s)",
    "help_output": "el archivo de modelo que se escribe",
    "help_name": "el nombre del modelo (%(default)s)",
    "help_version": "la versión del modelo (%(default)s)",
    "help_review_at": "probabilidad desde la que se revisa (0.2)",
    "help_decline_at": "probabilidad desde la que se rechaza (0.5)",
    "help_positive": (
        "la etiqueta que significa mora; hace falta donde las etiquetas no son 0 y 1, o False y True"
    ),
    "help_key_file": "archivo con la clave con que se firmó el archivo de modelo",
    "help_trust": "tipos que permitir en un modelo que no se pudo compilar, separados por comas",
    "help_read_pickle": (
        "lee un modelo que es un pickle, lo que ejecuta el código que contiene; el archivo tiene "
        "que estar firmado"
    ),
    "help_data": "archivo con un solicitante por fila: CSV o líneas JSON (también .gz, .bz2, .xz, .zst, .zip), Parquet o Arrow",
    "help_prefer": "el mejor, o el más simple a un error estándar del mejor",
    "help_groups": "columna cuyas filas de un mismo valor van juntas; no es un campo",
    "help_split": "columna de fechas: validación en el tiempo y prueba con las últimas; no es un campo",
    "help_time_limit": "segundos que puede durar la comparación",
    "help_protected": "campos protegidos por la ley, separados por comas",
    "help_monotone": "campos cuyo riesgo debe subir (=1) o bajar (=-1): ingresos=-1,moras=1",
    "help_missing": (
        "valores que significan que falta el dato, además de la celda vacía, separados por comas: NA,-9 (--missing=-9 si el primero es negativo)"
    ),
    "help_decided": "archivo que se escribe, una fila por cada fila buena; su terminación dice qué será, como en el que se lee",
    "help_bad": "archivo para las filas malas, con el porqué (la salida, con .bad ante su terminación)",
    "column": "COLUMNA",
    "help_id_column": "columna con el identificador de cada solicitud, que no es un campo del modelo; sale como request_id",
    "help_keep": "columnas que llevar a la salida, separadas por comas",
    "help_reasons": "añade los motivos (más lento)",
    "help_allow_missing": (
        "decide aunque falte una columna que el modelo usa: entonces falta cada uno de sus valores"
    ),
    "help_served_model": "archivo de modelo (el incluido, entrenado con solicitantes sintéticos)",
    "help_serve_pickle": (
        "sirve un modelo que es un pickle, lo que ejecuta el código que contiene; el archivo tiene "
        "que estar firmado"
    ),
    "help_host": "dirección en que escucha (127.0.0.1)",
    "help_port": "puerto en que escucha (5000); 0 para cualquiera que esté libre",
    "help_workers": "procesos que comparten el puerto (1)",
    "help_settings": "archivo JSON con ajustes",
    "help_without_keys": (
        "atiende a otras máquinas aunque no hay claves de API: quien alcance el puerto puede usarlo"
    ),
    "help_target": "la columna que dice quién cayó en mora",
    "help_kind": "clase de modelo (%(default)s)",
    # what they print
    "interrupted": "interrumpido",
    "demo_model": "Modelo {model}, entrenado con solicitantes sintéticos. Cinco más de ellos:",
    "demo_asked": "{amount:,.0f} pesos a {months} meses, edad {age}",
    "demo_probability": "probabilidad de mora {probability:6.1%}",
    "demo_records": (
        "{number:,} registros, uno por uno (validar, transformar, predecir, decidir, cuatro motivos):"
    ),
    "demo_original": "El pipeline de scikit-learn del que salió, con tablas de una fila:",
    "demo_only": "solo predecir",
    "demo_faster": "{times:.0f} veces más rápido; mayor diferencia de probabilidad {gap:.1e}",
    "demo_differs": "El modelo incluido no responde como su pipeline.",
    "written": "escrito: {path}",
    "rows_decided": "{number:,} filas decididas: {path}",
    "bad_rows": "{number:,} filas malas: {path}",
    "trained_on": "{rows:,} filas, {fields} campos, {rate:.1%} en mora",
    "own_categories": (
        "{names}: casi cada fila tiene su propia categoría; ¿identificadores, o números con coma decimal?"
    ),
    "digest": "huella",
    "policy_of": "revisar desde {review:.0%}, rechazar desde {decline:.0%}",
    "trained": "entrenado",
    "field": "campo",
    "seen": "; visto de {low:.6g} a {high:.6g}",
    "key_row": "clave",
    "model": "modelo",
    "sample": " (de muestra: aprendió de solicitantes inventados)",
    "form": "formulario",
    "dashboard": "tablero",
    "interface": "interfaz",
    "decisions": "decisiones",
    "not_kept": "no se guardan",
    "keys": "claves",
    "none": "ninguna",
    "check": "comprueba las reglas con los campos de un modelo y, si se dan, con filas",
    "file": "ARCHIVO",
    "help_policy": "archivo de la política: JSON o YAML",
    "help_rule_rows": "archivo de solicitantes: cuántas veces se cumple cada regla, y cuáles se cumplen a la vez",
    "policy_sound": "política {version}, {digest}: {number:,} reglas, todas correctas",
    "rule_fires": "se cumple en {number:,} de {rows:,} filas; {open:,} quedan abiertas por un valor que falta",
    "rule_never": "no se cumple nunca",
    "rules_overlap": "se cumplen a la vez en {number:,} filas",
    "rules_contradict": "se contradicen en {number:,} filas",
    "policy_row": "política",
}
