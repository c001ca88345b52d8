"""The decision log: what its verification and its replay say."""

WORDS = {
    "sound": "ÍNTEGRO",
    "altered": "ALTERADO",
    "summary": "{state}: {lines} en {files}, {decisions}, {lost} sin registrar",
    "line": "{number} línea",
    "lines": "{number} líneas",
    "file": "{number} archivo",
    "files": "{number} archivos",
    "decision": "{number} decisión",
    "decisions": "{number} decisiones",
    "byte": "{number} byte",
    "bytes": "{number} bytes",
    "problem": "{number} problema",
    "problems": "{number} problemas",
    "strange": "ninguna línea concuerda: ¿es esta la clave del registro?",
    "torn": "última línea a medio escribir: {bytes}",
    "more": "… y {problems} más",
    "last_line": "última línea: {last} {digest}",
    "no_line": "ninguna",
    "other_chain": "la línea es de otra cadena",
    "wrong_previous": "la línea anterior no es la que era",
    "wrong_digest": "la línea no concuerda con su huella",
    "not_as_written": "la línea no es la que se escribió",
    "repeated": "la línea {number} está repetida",
    "moved": "la línea {number} está fuera de su lugar",
    "other_log": "el registro no es el que se escribía",
    "no_anchor": "no está la línea cuya huella se anotó",
    "missing_line": "falta la línea {first}",
    "missing_lines": "faltan las líneas {first} a {last}",
    "replayed": (
        "{replayed} decisiones repetidas, {differences} diferencias, {without_values} sin valores, "
        "{degraded} degradadas, {unreadable} líneas ilegibles"
    ),
}
