"""The lines of the decision log: what they say, and what they never say."""

from __future__ import annotations

import msgspec
import numpy as np
import pytest

from helpers.audit import VALUES, lines_of
from morosidad.audit import AuditLog, hash_values, read, verify
from morosidad.audit.chain.hashing import GENESIS
from morosidad.scoring.scorer import Scorer


def test_a_line_says_all_that_was_decided(make_log, path, context, decide):
    log = make_log()
    decision = decide(warnings=("zona: valor nuevo",), cached="l1")
    assert log.append(context, decision, VALUES, 0.00002)
    assert log.flush()
    (line,) = lines_of(path)
    chain = line["id"].split("-")[0]
    assert line == {
        "id": f"{chain}-1",
        "anterior": GENESIS,
        "tipo": "decision",
        "fecha": "1970-01-01T00:16:40Z",
        "request_id": "r-1",
        "modelo": {"nombre": "riesgo", "version": "3", "digest": "ab12"},
        "esquema": "s1",
        "politica": "p7",
        "cortes": {"revisar": 0.2, "rechazar": 0.5},
        "valores": {"edad": 30, "ingresos_mensuales": 1500.5, "zona": "rural"},
        "valores_hash": None,
        "omitidos": [],
        "probabilidad": 0.25,
        "probabilidades": [0.75, 0.25],
        "confianza": 0.75,
        "prediccion": 0,
        "decision": "revisar",
        "motivos": [{"codigo": "R01", "campo": "edad", "texto": "Edad", "aporte": 0.5}],
        "advertencias": ["zona: valor nuevo"],
        "cache": "l1",
        "degradado": False,
        "tiempo_procesamiento": 0.00002,
        "memoria_usada": 40.0,
        "cpu_usado": 12.5,
        "huella": line["huella"],
    }


def test_each_line_carries_the_digest_of_the_one_before(fill, path):
    fill(5)
    lines = lines_of(path)
    assert [line["anterior"] for line in lines[1:]] == [line["huella"] for line in lines[:-1]]
    assert verify(path).ok


def test_what_is_read_is_what_was_logged(make_log, path, context, decide):
    log = make_log()
    log.append(context, decide(), VALUES, 0.5)
    log.close()
    (line,) = read(path)
    assert line.id.endswith("-1")
    assert line.values == dict(zip(context.fields, VALUES, strict=True))
    assert line.time.timestamp() == 1000.0
    assert (line.model.name, line.cutoffs, line.seconds) == ("riesgo", context.cutoffs, 0.5)
    assert line.reasons[0].contribution == 0.5


def test_values_may_come_by_field_and_unknown_fields_are_never_written(make_log, path, context, decide):
    log = make_log()
    log.append(context, decide(), {"edad": 30, "secreto": 1, "zona": None}, 0.1)
    log.close()
    assert lines_of(path)[0]["valores"] == {"edad": 30, "zona": None}


@pytest.mark.parametrize(
    "field",
    [
        "nombre",
        "Apellidos",
        "primer_apellido",
        "cédula",
        "numero_documento",
        "nit",
        "DNI",
        "full_name",
        "passport",
    ],
)
@pytest.mark.parametrize("mode", ["full", "hash"])
def test_names_and_document_numbers_are_never_written(make_log, path, decide, context, field, mode):
    log = make_log(values=mode, key="k")
    context = msgspec.structs.replace(context, fields=("edad", field))
    log.append(context, decide(), (30, "Pérez 123456"), 0.1)
    log.close()
    (line,) = lines_of(path)
    assert "123456" not in path.read_text(encoding="utf-8")
    assert line["omitidos"] == [field]
    assert line["valores"] == ({"edad": 30} if mode == "full" else None)
    assert mode == "full" or line["valores_hash"] == hash_values({"edad": 30}, b"k")


@pytest.mark.parametrize(
    "field", ["tipo_documento", "zona", "num_dependientes", "telephone", "personal_status"]
)
def test_other_fields_are_written(make_log, path, decide, context, field):
    log = make_log()
    log.append(msgspec.structs.replace(context, fields=[field]), decide(), (1,), 0.1)
    log.close()
    assert lines_of(path)[0]["valores"] == {field: 1}


def test_a_hash_is_the_same_for_the_same_values_only(make_log, path, context, decide):
    log = make_log(values="hash", key="secreto")
    for values in [
        VALUES,
        VALUES,
        (31, 1500.5, "rural"),
        {"zona": "rural", "ingresos_mensuales": 1500.5, "edad": 30},
    ]:
        log.append(context, decide(), values, 0.1)
    log.close()
    lines = lines_of(path)
    hashes = [line["valores_hash"] for line in lines]
    assert [line["valores"] for line in lines] == [None] * 4
    assert hashes[0] == hashes[1] == hashes[3] != hashes[2]
    by_field = dict(zip(context.fields, VALUES, strict=True))
    assert (
        hashes[0] == hash_values(by_field, b"secreto") == hash_values({**by_field, "otro": None}, b"secreto")
    )
    assert hashes[0] != hash_values(by_field, b"otra")


def test_who_has_a_record_can_show_that_a_hash_is_its_own(path):
    record = {"edad": 41, "ingresos_mensuales": 2.4e6, "monto_credito": 6e6, "plazo_meses": 36}
    with AuditLog(path, values="hash", key="secreto") as log:
        scorer = Scorer.default(audit=log)
        scorer.score_one(record)
    assert lines_of(path)[0]["valores_hash"] == hash_values(scorer.schema.validate(record), b"secreto")


def test_without_values_none_are_written(make_log, path, context, decide):
    log = make_log(values="none")
    log.append(context, decide(), VALUES, 0.1)
    log.close()
    assert (lines_of(path)[0]["valores"], lines_of(path)[0]["valores_hash"]) == (None, None)


def test_numpy_values_are_written_as_plain_ones(make_log, path, context, decide):
    log = make_log()
    decision = decide(probability=np.float64(0.25), probabilities=np.array([0.75, 0.25]), label=np.int64(0))
    log.append(context, decision, (np.int64(30), np.float32(0.5), "rural"), 0.1)
    log.close()
    (line,) = lines_of(path)
    assert (line["valores"]["ingresos_mensuales"], line["probabilidades"], line["prediccion"]) == (
        0.5,
        [0.75, 0.25],
        0,
    )


def test_a_keyed_log_is_verified_with_its_key(fill, path):
    fill(3, key="una clave larga")
    assert verify(path, key="una clave larga").ok
    assert not verify(path).ok
