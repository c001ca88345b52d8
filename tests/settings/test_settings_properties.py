"""Properties of settings for any content, and the table of their page."""

from __future__ import annotations

import contextlib
import dataclasses
import json
import re

from hypothesis import given
from hypothesis import strategies as st

import morosidad.settings.settings as module
from helpers.settings import load
from morosidad.errors import SettingsError
from morosidad.settings import Settings
from support import ROOT

DOCS = ROOT / "docs" / "reference" / "settings.md"


values = (
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.lists(st.integers(), max_size=2)
)
setting_names = st.sampled_from(sorted(module._NAMES))


@given(st.dictionaries(setting_names | st.text(), values, max_size=4))
def test_any_json_gives_settings_or_a_settings_error(tmp_path_factory, content):
    path = tmp_path_factory.mktemp("json") / "s.json"
    path.write_text(json.dumps(content))
    with contextlib.suppress(SettingsError):
        assert load(path).sources()


@given(st.text() | st.lists(st.tuples(setting_names, st.text())).map(lambda p: "\n".join(map("=".join, p))))
def test_any_dotenv_text_gives_settings_or_a_settings_error(tmp_path_factory, text):
    path = tmp_path_factory.mktemp("dotenv") / "e.env"
    path.write_text(text, encoding="utf-8", errors="replace")
    with contextlib.suppress(SettingsError):
        assert load(dotenv=path).sources()


@given(st.integers(1, 10**12), st.sampled_from(["", "KB", "MB", "GB"]))
def test_a_size_is_its_number_times_its_unit(number, unit):
    factor = 1024 ** ["", "KB", "MB", "GB"].index(unit)
    if number * factor < 2**53:
        assert load(log_rotation_size=f"{number}{unit}").log_rotation_size == number * factor


def test_the_page_names_every_setting_its_default_and_its_names():
    rows = dict(re.findall(r"^\| `(\w+)` \|(.*)$", DOCS.read_text(encoding="utf-8"), re.M))
    for field in dataclasses.fields(Settings):
        if field.init:
            for name in field.metadata["names"]:
                assert f"`{name}`" in rows[field.name]
            plain = f"{field.default:g}" if isinstance(field.default, float) else str(field.default)
            words = {"True": "true", "False": "false", "None": "–", "()": "–"}
            sizes = {str(10 * 2**20): "10MB", str(2**20): "1MB"}
            shown = (words | sizes).get(plain, plain)
            assert rows[field.name].startswith(f" {shown} |")
    assert rows.keys() == module._TYPES.keys()
