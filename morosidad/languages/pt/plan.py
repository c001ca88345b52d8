"""The plan of a scorer: what is said of how it answers."""

WORDS = {
    "model": "modelo",
    "default": "inadimplência",
    "answers": "responde",
    "note": "nota",
    "why": "porque",
    "fields": "campos",
    "parity": "paridade",
    "reasons": "motivos",
    "cache": "cache",
    "latency": "latência",
    "form_by": "{form}, avaliado por {backend}",
    "compiled": "compilado ({form})",
    "original": "o original, com uma tabela de uma linha",
    "fields_of": "{number}, obrigatórios: {required}",
    "none": "nenhum",
    "not_checked": "não verificada",
    "latency_of": "{duration} dos valores à decisão",
    "unknown_time": "tempo desconhecido",
    "own_rows": "{own} linhas próprias uma a uma, {batch} em um lote, ",
    "parity_of": (
        "{own}{rows} linhas feitas, |Δp| ≤ {difference:.1e} (permite-se {tolerance:.0e}), {labels} "
        "rótulos diferem, {refused} recusadas pelo original"
    ),
    "reasons_sampled": "por amostragem: {sample}, em {duration}",
    "reasons_not_compiled": "nenhum: o modelo não está compilado; reasons='sampled' pergunta ao original",
    "reasons_no_reference": "nenhum: o arquivo do modelo não tem referência",
    "reasons_scale": "contribuições por campo, na escala de {scale}",
}
