"""Records and decisions: what is wrong or unusual with a record, and reasons."""

WORDS = {
    # what a value must be
    "integer": "un número entero",
    "number": "un número",
    "category": "una categoría",
    "boolean": "verdadero o falso",
    "between": "entre {low:.10g} y {high:.10g}",
    "ge": "mayor o igual que {limit:.10g}",
    "gt": "mayor que {limit:.10g}",
    "le": "menor o igual que {limit:.10g}",
    "lt": "menor que {limit:.10g}",
    "and": " y ",
    "one_of": "uno de: {levels}",
    # what is wrong with a field
    "expected": "se esperaba {expected}",
    "must_be": "debe ser {expected}",
    "must_lie": "debe ser {limits}",
    "must_lie_between": "debe estar {limits}",
    "out_of_reach": "fuera del alcance de los números de 64 bits",
    "too_long": "se esperaba un texto de hasta {longest} caracteres",
    "category_as_integer": "se esperaba una categoría, como número entero",
    "category_as_text": "se esperaba una categoría, como texto",
    "missing": "obligatorio: falta el valor",
    "twice": "dado dos veces, con nombres distintos",
    "unknown": "campo desconocido",
    "unknown_near": "campo desconocido; ¿quiso decir «{near}»?",
    "more_unknown": "y {more} campos desconocidos más",
    # what is wrong with a record
    "names_not_text": "los nombres de los campos deben ser texto",
    "empty": "se esperaba un registro con algún valor",
    "not_an_object": "se esperaba un objeto JSON",
    "a_table": "se esperaba un solo registro, no una tabla",
    "not_json": "no es JSON válido",
    "unreadable": "no se puede leer el registro",
    "no_record": "se esperaba un objeto con los campos del esquema",
    "refused_by_model": "el modelo no puede responder a este registro",
    # what is unusual about a value
    "never_missing": "sin dato, y en el entrenamiento siempre lo había",
    "never_seen": "categoría no vista en el entrenamiento",
    "out_of_range": "fuera del rango del entrenamiento ({low:.10g} a {high:.10g})",
    # reasons
    "reason_missing": "{label}: no se informó",
    "reason_plain": "{label}: aumenta el riesgo",
    "reason_above": "{label}: por encima de lo habitual",
    "reason_below": "{label}: por debajo de lo habitual",
    # outcomes
    "aprobar": "aprobar",
    "revisar": "revisar",
    "rechazar": "rechazar",
}
