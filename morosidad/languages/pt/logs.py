"""The decision log: what its verification and its replay say."""

WORDS = {
    "sound": "ÍNTEGRO",
    "altered": "ALTERADO",
    "summary": "{state}: {lines} em {files}, {decisions}, {lost} sem registro",
    "line": "{number} linha",
    "lines": "{number} linhas",
    "file": "{number} arquivo",
    "files": "{number} arquivos",
    "decision": "{number} decisão",
    "decisions": "{number} decisões",
    "byte": "{number} byte",
    "bytes": "{number} bytes",
    "problem": "{number} problema",
    "problems": "{number} problemas",
    "strange": "nenhuma linha confere: é esta a chave do registro?",
    "torn": "última linha escrita pela metade: {bytes}",
    "more": "… e mais {problems}",
    "last_line": "última linha: {last} {digest}",
    "no_line": "nenhuma",
    "other_chain": "a linha é de outra cadeia",
    "wrong_previous": "a linha anterior não é a que era",
    "wrong_digest": "a linha não confere com o seu digest",
    "not_as_written": "a linha não é a que foi escrita",
    "repeated": "a linha {number} está repetida",
    "moved": "a linha {number} está fora do seu lugar",
    "other_log": "o registro não é o que se escrevia",
    "no_anchor": "não está a linha cujo digest foi anotado",
    "missing_line": "falta a linha {first}",
    "missing_lines": "faltam as linhas {first} a {last}",
    "replayed": (
        "{replayed} decisões repetidas, {differences} diferenças, {without_values} sem valores, "
        "{degraded} degradadas, {unreadable} linhas ilegíveis"
    ),
}
