"""Records and decisions: what is wrong or unusual with a record, and reasons."""

WORDS = {
    # what a value must be
    "integer": "um número inteiro",
    "number": "um número",
    "category": "uma categoria",
    "boolean": "verdadeiro ou falso",
    "between": "entre {low:.10g} e {high:.10g}",
    "ge": "maior ou igual a {limit:.10g}",
    "gt": "maior que {limit:.10g}",
    "le": "menor ou igual a {limit:.10g}",
    "lt": "menor que {limit:.10g}",
    "and": " e ",
    "one_of": "um de: {levels}",
    # what is wrong with a field
    "expected": "esperava-se {expected}",
    "must_be": "deve ser {expected}",
    "must_lie": "deve ser {limits}",
    "must_lie_between": "deve estar {limits}",
    "out_of_reach": "fora do alcance dos números de 64 bits",
    "too_long": "esperava-se um texto de até {longest} caracteres",
    "category_as_integer": "esperava-se uma categoria, como número inteiro",
    "category_as_text": "esperava-se uma categoria, como texto",
    "missing": "obrigatório: falta o valor",
    "twice": "informado duas vezes, com nomes diferentes",
    "unknown": "campo desconhecido",
    "unknown_near": "campo desconhecido; quis dizer “{near}”?",
    "more_unknown": "e mais {more} campos desconhecidos",
    # what is wrong with a record
    "names_not_text": "os nomes dos campos devem ser texto",
    "empty": "esperava-se um registro com algum valor",
    "not_an_object": "esperava-se um objeto JSON",
    "a_table": "esperava-se um único registro, não uma tabela",
    "not_json": "não é JSON válido",
    "unreadable": "não é possível ler o registro",
    "no_record": "esperava-se um objeto com os campos do esquema",
    "refused_by_model": "o modelo não consegue responder a este registro",
    # what is unusual about a value
    "never_missing": "sem dado, e no treinamento sempre havia",
    "never_seen": "categoria não vista no treinamento",
    "out_of_range": "fora da faixa do treinamento ({low:.10g} a {high:.10g})",
    # reasons
    "reason_missing": "{label}: não informado",
    "reason_plain": "{label}: aumenta o risco",
    "reason_above": "{label}: acima do habitual",
    "reason_below": "{label}: abaixo do habitual",
    # outcomes
    "aprobar": "aprovar",
    "revisar": "revisar",
    "rechazar": "recusar",
}
