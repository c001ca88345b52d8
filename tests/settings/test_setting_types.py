"""The types of settings: sizes, durations, percentages, flags and choices."""

from __future__ import annotations

import pytest

from helpers.settings import GB, load, problems


@pytest.mark.parametrize(
    ("text", "size"),
    [
        ("10MB", 10 * 2**20),
        ("512 kb", 2**19),
        ("1GB", GB),
        ("1.5KB", 1536),
        ("4096", 4096),
        ("7B", 7),
        (4096, 4096),
    ],
)
def test_sizes_are_read_with_their_unit(text, size):
    assert load(log_rotation_size=text).log_rotation_size == size


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("500ms", 0.5),
        ("10s", 10),
        ("5min", 300),
        ("5m", 300),
        ("1h", 3600),
        ("1d", 86400),
        ("2.5", 2.5),
        (3, 3.0),
    ],
)
def test_durations_are_read_with_their_unit(text, seconds):
    assert load(cache_ttl_seconds=text).cache_ttl_seconds == seconds


@pytest.mark.parametrize("text", ["85", "85%", 85, 85.0, " 85 % "])
def test_percentages_are_read_with_and_without_their_sign(text):
    assert load(cpu_limit_percent=text).cpu_limit_percent == 85.0


@pytest.mark.parametrize("word", ["true", "True", "1", "yes", "ON", "sí", True])
def test_flags_are_read_as_true(word):
    assert load(cache_enabled=word).cache_enabled is True


@pytest.mark.parametrize("word", ["false", "False", "0", "no", "off", False])
def test_flags_are_read_as_false(word):
    assert load(cache_enabled=word).cache_enabled is False


def test_choices_are_read_in_either_case():
    settings = load(log_level="debug", audit_values="HASH")
    assert (settings.log_level, settings.audit_values) == ("DEBUG", "hash")


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("queue_size", value)
        for value in ["0", "-1", "1.5", "ten", "", "1_000", "٣", "9" * 30, 0, 1.0, True, None, [1], {"a": 1}]
    ]
    + [
        ("timeout_logging", value)
        for value in ["0", "-1", "1 week", "nan", "inf", "", False, float("nan"), 10**400, None, []]
    ]
    + [("log_rotation_size", value) for value in ["0", "10TB", "0.5", "1.0001KB", "MB", "9" * 400]]
    + [("cpu_limit_percent", value) for value in ["0", "101", "85%%", "", None]]
    + [("cache_enabled", value) for value in ["maybe", "", 1, 0, None, "2"]]
    + [("log_level", value) for value in ["LOUD", "", 10, None]]
    + [("audit_key", value) for value in ["short", "", 1234567890123456789]],
)
def test_a_value_that_does_not_fit_is_refused(name, value):
    (problem,) = problems(**{name: value})
    assert problem.startswith(f"{name} (argument): expected ")


def test_the_address_of_a_redis_is_asked_for_as_such():
    (problem,) = problems(rate_limit_storage="foo")
    assert problem == "rate_limit_storage (argument): expected the address of a Redis, as redis://host:6379/0"


@pytest.mark.parametrize("given", ["none", "None", None])
def test_what_may_be_none_is_none_by_that_word(given):
    settings = load(audit_keep_files=given, audit_keep_days=given, audit_compress=given)
    assert (settings.audit_keep_files, settings.audit_keep_days, settings.audit_compress) == (
        None,
        None,
        None,
    )


def test_retention_is_read_in_files_and_days():
    settings = load(audit_keep_files="0", audit_keep_days="365 d", audit_compress="GZ")
    assert (settings.audit_keep_files, settings.audit_keep_days, settings.audit_compress) == (0, 365.0, "gz")
    wrong = problems(audit_keep_files="-1", audit_keep_days=0, audit_compress="lzma", audit_on_full="never")
    assert [problem.partition(":")[0].split()[0] for problem in wrong] == [
        "audit_keep_files",
        "audit_keep_days",
        "audit_compress",
        "audit_on_full",
    ]
