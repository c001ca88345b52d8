"""The state of the service: stages, and what to do about what is wrong."""

WORDS = {
    # stages of a prediction
    "validate": "validar",
    "cache": "cache",
    "predict": "prever",
    "decide": "decidir",
    # what to do about the slowest stage
    "validate_advice": "simplifique o esquema ou valide o formulário antes de enviá-lo",
    "cache_advice": "verifique o armazenamento remoto do cache ou use só o cache em memória",
    "predict_advice": "use um modelo compilado (scorer.plan diz que parte não está) ou um mais leve",
    "decide_advice": "peça menos motivos por decisão (max_reasons)",
    # recommendations
    "none_succeeded": (
        "Nenhuma previsão terminou bem: restaure o modelo ou a dependência que falha antes de "
        "admitir mais solicitações."
    ),
    "slow": "O tempo de resposta p95 é de {p95:.2f} s (limite {limit:g} s)",
    "slow_queue": "{cause} e a fila média é de {queue:.1f}: aumente MAX_WORKERS ou distribua a carga.",
    "slow_stage": "{cause} e a etapa mais lenta é {stage} ({seconds:.2f} s): {advice}.",
    "slow_unknown": "{cause}: meça as etapas (record_stages) para saber qual demora.",
    "few_hits": (
        "O cache acerta só {rate:.1%} das vezes: aumente CACHE_SIZE_L1, CACHE_SIZE_L2 ou "
        "CACHE_TTL_SECONDS, ou desative-o se os solicitantes não se repetem."
    ),
    "much_memory": (
        "A memória está em {percent:.0f} %: reduza os caches ou os processos, ou atribua mais memória."
    ),
    "much_cpu": "A CPU está em {percent:.0f} %: distribua a carga ou atribua mais CPU.",
    "failing_by_timeouts": (
        "Falham {share:.1%} das previsões, sobretudo por tempo esgotado ({number} de {failures}): "
        "aumente MAX_WORKERS ou TIMEOUT_PREDICCION, ou use um modelo mais leve."
    ),
    "failing_by_errors": (
        "Falham {share:.1%} das previsões, sobretudo por erros ({number} de {failures}): procure o "
        "erro mais frequente no log e corrija a sua causa."
    ),
    "starved": (
        "São respondidas {rate:.2f} previsões por segundo e há trabalho em espera: aumente "
        "MAX_WORKERS ou atribua mais CPU."
    ),
    # what each figure for Prometheus means
    "help_alerta": "Vale 1 para cada alerta aberto agora; um alerta que se encerrou não aparece mais",
    "help_rechazos": "Solicitações respondidas com um erro desde o início, por rota e código",
    "help_registro_escritas": "Decisões escritas no registro desde o início",
    "help_registro_en_espera": "Decisões que esperam na memória para serem escritas",
    "help_registro_perdidas": "Decisões que não ficaram nem ficarão no registro",
    "help_modelo": "O modelo que responde: o seu nome, a sua versão e o digest do seu conteúdo",
    "help_respuesta_seconds": "Segundos até responder uma previsão; sem as que falharam",
    "help_probabilidad_ratio": "Probabilidade de inadimplência que o modelo estimou, de 0 a 1",
    "help_etapa_seconds": "Segundos de cada etapa de uma previsão; só se mede uma parte delas",
    "help_predicciones": "Previsões pedidas, conforme terminaram",
    "help_cache_consultas": "Consultas ao cache: se tinha a resposta ou não",
    "help_etiquetas": "Previsões de adimplência (0) e de inadimplência (1)",
    "help_decisiones": "Previsões conforme a decisão que resultou",
    "help_reglas": "Decisões em que cada regra da política se aplicou",
    "help_atipicos": "Tempos de resposta curtos ou longos demais para serem bem medidos",
    "help_predicciones_dia": "Previsões de hoje, desde a meia-noite local",
    "help_confianza_ratio": "Confiança média do modelo nos últimos minutos, de 0 a 1",
    "help_cpu_ratio": "Uso médio de CPU nos últimos minutos, de 0 a 1",
    "help_memoria_ratio": "Uso médio de memória nos últimos minutos, de 0 a 1",
    "help_conexiones": "Conexões abertas agora",
    "help_cola": "Solicitações que esperam a vez, em média, nos últimos minutos",
    "help_version": "A versão do servidor e a do Python em que roda",
    "help_conexiones_abiertas": "Conexões abertas agora em todos os processos",
    "help_conexiones_limite": "Conexões admitidas ao mesmo tempo: de um processo e de um endereço",
    "help_claves_frenadas": "Solicitações com uma chave inválida às quais se pediu que esperassem",
    "help_limite_por_minuto": "O que um cliente pode pedir por minuto, conforme o tipo de solicitação",
    "help_limite_almacen_disponible": "Vale 1 se responde o armazenamento que conta as solicitações; senão, não há limite",
    "help_cache_compartida_disponible": "Vale 1 se o cache compartilhado respondeu a todos os processos na última vez",
    "help_cache_compartida_fallos": "Consultas que não chegaram ao cache compartilhado",
    "help_cache_compartida_rechazadas": "Entradas do cache compartilhado inutilizáveis ou não autênticas",
}
