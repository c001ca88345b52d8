"""Names that platforms set for the discovery of services, beside settings and mistakes."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

import morosidad.settings.settings as module
from helpers.settings import load, problems

names_of_services = st.lists(
    st.sampled_from(["MOROSIDAD", "SERVER", "CACHE", "QUEUE", "KPI", "V2", "AUDIT"]), min_size=1, max_size=3
).map("_".join)


def variables_of(service: str, host: str, port: int, protocol: str) -> dict[str, str]:
    """Give what Kubernetes and links of Docker set for one service."""
    address, named = f"{protocol}://{host}:{port}", f"{service}_PORT_{port}_{protocol.upper()}"
    return {
        f"{service}_SERVICE_HOST": host,
        f"{service}_SERVICE_PORT": str(port),
        f"{service}_SERVICE_PORT_HTTP": str(port),
        f"{service}_PORT": address,
        named: address,
        f"{named}_PROTO": protocol,
        f"{named}_PORT": str(port),
        f"{named}_ADDR": host,
        f"{service}_NAME": "/web/service",
    }


@given(
    names_of_services,
    st.sampled_from(["10.0.0.1", "fd00::1", "web.prod.svc"]),
    st.integers(1, 65535),
    st.sampled_from(["tcp", "udp", "sctp"]),
)
def test_the_variables_of_any_service_are_no_settings(tmp_path_factory, service, host, port, protocol):
    variables = variables_of(service, host, port, protocol)
    assert load(env=variables) == load()
    path = tmp_path_factory.mktemp("links") / "e.env"
    path.write_text("\n".join(f"{name}={value}" for name, value in variables.items()), encoding="utf-8")
    assert load(dotenv=path) == load()


def test_the_names_of_other_programs_are_passed_over(tmp_path):
    path = tmp_path / "e.env"
    path.write_text("DATABASE_URL=x\nLANGUAGE=es_EC:es\nDB.NAME=y\nALONE\n")
    assert load(env={"CACHE_SIZE_L3": "1", "PATH": "/bin", "LANGUAGE": "es_EC:es"}, dotenv=path) == load()


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("MOROSIDAD_PORT", "5000"),
        ("MOROSIDAD_PORT", ""),
        ("MOROSIDAD_SERVICE_HOST", "no host"),
        ("MOROSIDAD_NAME", "riesgo"),
        ("MOROSIDAD_SERVER_PORTS", "tcp://10.0.0.1:5000"),
    ],
)
def test_what_only_resembles_such_a_name_is_a_mistake(name, value):
    (problem,) = problems(env={name: value})
    assert problem.startswith(f"{name} (environment): expected the name of a setting")


def test_a_port_that_is_no_address_is_the_setting():
    assert load(env={"MOROSIDAD_SERVER_PORT": "5001"}).server_port == 5001
    (problem,) = problems(env={"MOROSIDAD_SERVER_PORT": "tcp://"})
    assert problem.startswith("MOROSIDAD_SERVER_PORT (environment): expected a whole number")


@given(st.sampled_from(sorted(module._NAMES)), st.sampled_from(["", "MOROSIDAD_"]))
def test_an_empty_value_is_an_unset_one(tmp_path_factory, name, prefix):
    path = tmp_path_factory.mktemp("empty") / "e.env"
    for text in (
        f"{prefix}{name}=",
        f'{prefix}{name}=""',
        f"{prefix}{name}= # later",
        f"export {prefix}{name}",
    ):
        path.write_text(text)
        assert load(env={f"{prefix}{name}": ""}, dotenv=path).sources() == load().sources()


def test_an_empty_value_leaves_the_place_to_the_next_source(tmp_path):
    path = tmp_path / "e.env"
    path.write_text("QUEUE_SIZE=7\n")
    assert load(env={"MOROSIDAD_QUEUE_SIZE": ""}, dotenv=path).queue_size == 7
    assert load(env={"MOROSIDAD_QUEUE_SIZE": "", "QUEUE_SIZE": "8"}).queue_size == 8


def test_no_decision_log_is_asked_for_by_a_word():
    assert load(env={"AUDIT_FILE": ""}).audit_file == "decisiones.jsonl"
    assert load(env={"AUDIT_FILE": "none"}).audit_file is None
    assert load(audit_file=None).audit_file is None
