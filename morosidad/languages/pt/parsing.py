"""The words of the parser of arguments, which the standard library has in English only."""

WORDS = {
    "usage": "uso: ",
    "positional": "argumentos posicionais",
    "options": "opções",
    "subcommands": "comandos",
    "help": "mostra esta ajuda e termina",
    "version": "mostra a versão do programa e termina",
    "error": "%(prog)s: erro: %(message)s\n",
    "required": "faltam estes argumentos: %s",
    "one_required": "é necessário um dos argumentos %s",
    "unrecognized": "argumentos desconhecidos: %s",
    "not_allowed": "não permitido junto com o argumento %s",
    "ignored": "argumento explícito %r sem efeito",
    "one": "esperava-se um argumento",
    "at_most_one": "esperava-se no máximo um argumento",
    "at_least_one": "esperava-se ao menos um argumento",
    "several_one": "esperava-se %s argumento",
    "several": "esperavam-se %s argumentos",
    "ambiguous": "opção ambígua: %(option)s pode ser %(matches)s",
    "invalid_type": "valor de tipo %(type)s inválido: %(value)r",
    "invalid_choice": "não se pode escolher %(value)r (pode-se escolher entre %(choices)s)",
    "invalid_near": (
        "não se pode escolher %(value)r, quis dizer %(closest)r? (pode-se escolher entre %(choices)s)"
    ),
    "unknown_parser": "comando %(parser_name)r desconhecido (pode-se escolher entre %(choices)s)",
    "argument": "argumento %(argument_name)s: %(message)s",
    "too_long_value": "não é possível abrir “%(filename)s”: %(error)s",
}
