"""The command line: what it says of its commands and options, and what it prints."""

WORDS = {
    # the commands
    "description": "Decisões de crédito em microssegundos com o modelo de scikit-learn que você já treinou.",
    "demo": "decide sobre alguns solicitantes; depois mede e compara",
    "train": "treina um modelo com um arquivo de solicitantes",
    "compile": "faz um arquivo de modelo de um pipeline treinado",
    "score": "decide sobre as linhas de um arquivo",
    "inspect": "mostra o que um arquivo de modelo contém",
    "policy": "verificar as regras de uma política",
    "audit": "verifica ou repete um registro de decisões",
    "serve": "serve um modelo pela rede, com um formulário e um painel ao vivo",
    "key": "faz uma chave de API para o servidor",
    "verify": "encontra linhas alteradas, removidas ou fora de ordem, também entre arquivos rotacionados",
    "replay": "decide de novo sobre os valores registrados e nomeia cada diferença",
    # their options
    "help_language": "idioma de tudo o que é mostrado",
    "command": "COMANDO",
    "action": "AÇÃO",
    "label": "RÓTULO",
    "types": "TIPOS",
    "help_model": "arquivo de modelo",
    "help_log": "o registro, como audit_file o nomeia; os seus outros arquivos são encontrados",
    "help_anchor": "digest de uma linha, anotado à parte, que tem de estar lá; pode repetir-se",
    "help_anchor_file": "arquivo com um digest por linha, só ou depois do id da sua linha",
    "export": "escreve as decisões num arquivo Parquet, CSV ou de linhas JSON",
    "find": "mostra as decisões sobre um pedido",
    "help_request_id": "identificador do pedido",
    "help_export": "arquivo de saída: .parquet, .csv ou .jsonl",
    "exported": "{number:,} decisões: {path}",
    "not_found": "não há nenhuma decisão sobre {request_id}",
    "forget": "apaga para sempre os valores de um solicitante; as linhas ficam, e a cadeia continua verificável",
    "forgotten": "{number:,} decisões sobre {request_id} sem os seus valores a partir de agora",
    "nothing_forgotten": "não há valores a esquecer sobre {request_id}",
    "prune": "apaga arquivos cheios antigos; fica um resto assinado, e a cadeia continua verificável",
    "archive": "leva os arquivos cheios a outra pasta; fica um resto assinado",
    "help_keep_files": "quantos arquivos cheios ficam",
    "help_keep_days": "quantos dias ficam",
    "help_archive": "pasta para onde levá-los",
    "taken_away": "{number:,} arquivos retirados",
    "help_erasure_keys": "arquivo com as chaves dos valores cifrados (o que está junto do registro)",
    "help_audit_key_file": "arquivo com a chave da cadeia",
    "help_pipeline": "arquivo joblib com o pipeline treinado",
    "help_trust_file": (
        "lê o arquivo embora isso execute o código que ele contém: só se você sabe quem o escreveu"
    ),
    "help_reference": (
        "arquivo CSV, Parquet, Arrow ou de linhas JSON com linhas como aquelas com que foi treinado, de preferência essas mesmas: "
        "para o esquema, a comparação com scikit-learn, os motivos e a deriva"
    ),
    "help_sign_key_file": "arquivo com uma chave para assinar o arquivo de modelo",
    "help_write_pickle": (
        "escreve como pickle o que skops não consegue guardar; exige --key-file, ao escrever e ao ler"
    ),
    "help_records": "registros a medir (%(default)s)",
    "help_seed": "dos solicitantes sintéticos (%(default)s)",
    "help_json": "imprime JSON",
    "help_name_of_key": "para quem é; consta nos logs e conta para os limites",
    "help_scopes": "score, metrics, admin, separados por vírgulas (%(default)s)",
    "help_sep": "separador de um arquivo CSV (uma vírgula; uma tabulação em .tsv)",
    "help_encoding": "codificação (%(default)s)",
    "help_output": "o arquivo de modelo a escrever",
    "help_name": "o nome do modelo (%(default)s)",
    "help_version": "a versão do modelo (%(default)s)",
    "help_review_at": "probabilidade a partir da qual se revisa (0.2)",
    "help_decline_at": "probabilidade a partir da qual se recusa (0.5)",
    "help_positive": (
        "o rótulo que significa inadimplência; necessário onde os rótulos não são 0 e 1, ou False e True"
    ),
    "help_key_file": "arquivo com a chave com que foi assinado o arquivo de modelo",
    "help_trust": "tipos a permitir em um modelo que não pôde ser compilado, separados por vírgulas",
    "help_read_pickle": (
        "lê um modelo que é um pickle, o que executa o código que ele contém; o arquivo tem de estar assinado"
    ),
    "help_data": "arquivo com um solicitante por linha: CSV ou linhas JSON (também .gz, .bz2, .xz, .zst, .zip), Parquet ou Arrow",
    "help_prefer": "o melhor, ou o mais simples a um erro padrão do melhor",
    "help_groups": "coluna cujas linhas de um mesmo valor ficam juntas; não é um campo",
    "help_split": "coluna de datas: validação no tempo e teste com as últimas; não é um campo",
    "help_time_limit": "segundos que a comparação pode durar",
    "help_protected": "campos protegidos por lei, separados por vírgulas",
    "help_monotone": "campos cujo risco deve subir (=1) ou descer (=-1): ingresos=-1,moras=1",
    "help_missing": (
        "valores que significam que falta o dado, além da célula vazia, separados por vírgulas: NA,-9 (--missing=-9 se o primeiro é negativo)"
    ),
    "help_decided": "arquivo a escrever, uma linha para cada linha boa; a terminação diz o que será, como no que é lido",
    "help_bad": "arquivo para as linhas ruins, com o porquê (a saída, com .bad antes da sua terminação)",
    "column": "COLUNA",
    "help_id_column": "coluna com o identificador de cada pedido, que não é um campo do modelo; sai como request_id",
    "help_keep": "colunas a levar para a saída, separadas por vírgulas",
    "help_reasons": "acrescenta os motivos (mais lento)",
    "help_allow_missing": (
        "decide mesmo que falte uma coluna que o modelo usa: então falta cada um dos seus valores"
    ),
    "help_served_model": "arquivo de modelo (o incluído, treinado com solicitantes sintéticos)",
    "help_serve_pickle": (
        "serve um modelo que é um pickle, o que executa o código que ele contém; o arquivo tem de "
        "estar assinado"
    ),
    "help_host": "endereço em que escuta (127.0.0.1)",
    "help_port": "porta em que escuta (5000); 0 para qualquer uma livre",
    "help_workers": "processos que compartilham a porta (1)",
    "help_settings": "arquivo JSON com configurações",
    "help_without_keys": (
        "atende outras máquinas embora não haja chaves de API: quem alcançar a porta pode usá-la"
    ),
    "help_target": "a coluna que diz quem ficou inadimplente",
    "help_kind": "tipo de modelo (%(default)s)",
    # what they print
    "interrupted": "interrompido",
    "demo_model": "Modelo {model}, treinado com solicitantes sintéticos. Mais cinco deles:",
    "demo_asked": "{amount:,.0f} pesos em {months} meses, idade {age}",
    "demo_probability": "probabilidade de inadimplência {probability:6.1%}",
    "demo_records": "{number:,} registros, um a um (validar, transformar, prever, decidir, quatro motivos):",
    "demo_original": "O pipeline de scikit-learn de que saiu, com tabelas de uma linha:",
    "demo_only": "só prever",
    "demo_faster": "{times:.0f} vezes mais rápido; maior diferença de probabilidade {gap:.1e}",
    "demo_differs": "O modelo incluído não responde como o seu pipeline.",
    "written": "escrito: {path}",
    "rows_decided": "{number:,} linhas decididas: {path}",
    "bad_rows": "{number:,} linhas ruins: {path}",
    "trained_on": "{rows:,} linhas, {fields} campos, {rate:.1%} inadimplentes",
    "own_categories": (
        "{names}: quase cada linha tem a sua própria categoria; identificadores, ou números com "
        "vírgula decimal?"
    ),
    "digest": "digest",
    "policy_of": "revisar a partir de {review:.0%}, recusar a partir de {decline:.0%}",
    "trained": "treinado",
    "field": "campo",
    "seen": "; visto de {low:.6g} a {high:.6g}",
    "key_row": "chave",
    "model": "modelo",
    "sample": " (de amostra: aprendeu com solicitantes inventados)",
    "form": "formulário",
    "dashboard": "painel",
    "interface": "interface",
    "decisions": "decisões",
    "not_kept": "não se guardam",
    "keys": "chaves",
    "none": "nenhuma",
    "check": "verifica as regras com os campos de um modelo e, se houver, com linhas",
    "file": "ARQUIVO",
    "help_policy": "arquivo da política: JSON ou YAML",
    "help_rule_rows": "arquivo de solicitantes: quantas vezes cada regra se cumpre, e quais se cumprem juntas",
    "policy_sound": "política {version}, {digest}: {number:,} regras, todas corretas",
    "rule_fires": "cumpre-se em {number:,} de {rows:,} linhas; {open:,} ficam abertas por um valor ausente",
    "rule_never": "nunca se cumpre",
    "rules_overlap": "cumprem-se juntas em {number:,} linhas",
    "rules_contradict": "contradizem-se em {number:,} linhas",
    "policy_row": "política",
}
