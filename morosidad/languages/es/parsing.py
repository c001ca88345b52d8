"""The words of the parser of arguments, which the standard library has in English only."""

WORDS = {
    "usage": "uso: ",
    "positional": "argumentos posicionales",
    "options": "opciones",
    "subcommands": "comandos",
    "help": "muestra esta ayuda y termina",
    "version": "muestra la versión del programa y termina",
    "error": "%(prog)s: error: %(message)s\n",
    "required": "faltan estos argumentos: %s",
    "one_required": "hace falta uno de los argumentos %s",
    "unrecognized": "argumentos desconocidos: %s",
    "not_allowed": "no se permite junto con el argumento %s",
    "ignored": "argumento explícito %r sin efecto",
    "one": "se esperaba un argumento",
    "at_most_one": "se esperaba un argumento como mucho",
    "at_least_one": "se esperaba un argumento como mínimo",
    "several_one": "se esperaba %s argumento",
    "several": "se esperaban %s argumentos",
    "ambiguous": "opción ambigua: %(option)s puede ser %(matches)s",
    "invalid_type": "valor de tipo %(type)s no válido: %(value)r",
    "invalid_choice": "no se puede elegir %(value)r (se puede elegir entre %(choices)s)",
    "invalid_near": (
        "no se puede elegir %(value)r, ¿quiso decir %(closest)r? (se puede elegir entre %(choices)s)"
    ),
    "unknown_parser": "comando %(parser_name)r desconocido (se puede elegir entre %(choices)s)",
    "argument": "argumento %(argument_name)s: %(message)s",
    "too_long_value": "no se puede abrir «%(filename)s»: %(error)s",
}
