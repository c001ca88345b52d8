from __future__ import annotations

import io
import zipfile
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from morosidad import Scorer
from morosidad.errors import ArtifactCorrupted, ArtifactError, ArtifactKeyError, ArtifactVersionError
from morosidad.model_file import artifact
from morosidad.training.shipped import PATH

CONTENT = artifact.Content(
    {"name": "m", "numbers": [1, 2.5]},
    [np.arange(6.0).reshape(2, 3), np.array([1, -2], dtype=np.int32), np.empty((0, 4)), np.array(True)],
    {"note.txt": b"hello"},
)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "m.morosidad"
    artifact.save(path, CONTENT)
    return path


def rewrite(path: Path, change: dict[str, bytes | None], compression: int = zipfile.ZIP_STORED) -> None:
    """Write the file anew with some members changed, added or (None) taken out."""
    with zipfile.ZipFile(path) as archive:
        members: dict[str, bytes | None] = {name: archive.read(name) for name in archive.namelist()}
    with zipfile.ZipFile(path, "w", compression) as archive:
        for name, data in (members | change).items():
            if data is not None:
                archive.writestr(name, data)


def manifest(path: Path) -> dict[str, Any]:
    with zipfile.ZipFile(path) as archive:
        found: dict[str, Any] = msgspec.json.decode(archive.read("manifest.json"))
    return found


def test_what_was_saved_comes_back(path: Path) -> None:
    loaded = artifact.load(path)
    assert loaded.manifest == CONTENT.manifest
    assert dict(loaded.members) == {"note.txt": b"hello"}
    for found, saved in zip(loaded.arrays, CONTENT.arrays, strict=True):
        assert found.dtype == saved.dtype
        assert found.shape == saved.shape
        np.testing.assert_array_equal(found, saved)
    assert artifact.digest(loaded) == artifact.digest(CONTENT)


def test_the_same_content_gives_the_same_bytes(tmp_path: Path, path: Path) -> None:
    artifact.save(tmp_path / "again", CONTENT)
    assert (tmp_path / "again").read_bytes() == path.read_bytes()


def test_other_content_has_another_digest() -> None:
    arrays = [array.copy() for array in CONTENT.arrays]
    arrays[0][0, 0] = np.nextafter(arrays[0][0, 0], 1)
    assert artifact.digest(artifact.Content(CONTENT.manifest, arrays, CONTENT.members)) != artifact.digest(
        CONTENT
    )


def test_saving_replaces_the_file_and_leaves_nothing_else(path: Path) -> None:
    artifact.save(path, artifact.Content({"name": "other"}))
    assert artifact.load(path).manifest == {"name": "other"}
    assert [entry.name for entry in path.parent.iterdir()] == [path.name]


@given(cut=st.floats(0, 1, exclude_max=True))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=60, deadline=None)
def test_a_truncated_file_is_corrupted(path: Path, cut: float) -> None:
    data = path.read_bytes()
    short = path.with_name("short")
    short.write_bytes(data[: int(len(data) * cut)])
    with pytest.raises(ArtifactCorrupted):
        artifact.load(short)


@given(place=st.integers(0, 10_000), bit=st.integers(0, 7))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=300, deadline=None)
def test_a_changed_bit_is_noticed_or_changes_nothing(path: Path, place: int, bit: int) -> None:
    data = bytearray(path.read_bytes())
    data[place % len(data)] ^= 1 << bit
    changed = path.with_name("changed")
    changed.write_bytes(bytes(data))
    try:
        loaded = artifact.load(changed)
    except ArtifactError:
        return
    assert artifact.digest(loaded) == artifact.digest(CONTENT)


@pytest.mark.parametrize("junk", [b"", b"PK", b"not a zip at all" * 100])
def test_what_is_no_zip_is_corrupted(tmp_path: Path, junk: bytes) -> None:
    (tmp_path / "junk").write_bytes(junk)
    with pytest.raises(ArtifactCorrupted, match="junk"):
        artifact.load(tmp_path / "junk")


def test_an_altered_member_is_corrupted(path: Path) -> None:
    rewrite(path, {"note.txt": b"hellO"})
    with pytest.raises(ArtifactCorrupted, match="altered"):
        artifact.load(path)


@pytest.mark.parametrize("change", [{"extra": b"x"}, {"note.txt": None}])
def test_a_member_more_or_less_is_corrupted(path: Path, change: dict[str, bytes | None]) -> None:
    rewrite(path, change)
    with pytest.raises(ArtifactCorrupted, match="altered"):
        artifact.load(path)


def test_a_file_without_manifest_is_corrupted(path: Path) -> None:
    rewrite(path, {"manifest.json": None})
    with pytest.raises(ArtifactCorrupted, match="no manifest"):
        artifact.load(path)


@pytest.mark.parametrize(
    "text",
    [b"[]", b"{", b"{}", b'{"format": 1}', b'{"format": "x", "members": {}}', b"[" * 9999, b'{"\xff": 1}'],
)
def test_a_manifest_that_is_none_is_corrupted(path: Path, text: bytes) -> None:
    rewrite(path, {"manifest.json": text})
    with pytest.raises(ArtifactCorrupted, match="manifest"):
        artifact.load(path)


def test_another_format_says_which_can_be_read(path: Path) -> None:
    rewrite(path, {"manifest.json": msgspec.json.encode(manifest(path) | {"format": 99})})
    with pytest.raises(ArtifactVersionError) as caught:
        artifact.load(path)
    assert (caught.value.found, caught.value.supported) == (99, artifact.FORMAT)


def test_a_zip_bomb_is_refused_before_it_unfolds(path: Path) -> None:
    rewrite(path, {"bomb": bytes(50_000_000)}, zipfile.ZIP_DEFLATED)
    assert path.stat().st_size < 100_000
    with pytest.raises(ArtifactCorrupted, match="unfold"):
        artifact.load(path)


def test_two_members_of_one_name_are_refused(path: Path) -> None:
    with pytest.warns(UserWarning, match="Duplicate"), zipfile.ZipFile(path, "a") as archive:
        archive.writestr("note.txt", b"other")
    with pytest.raises(ArtifactCorrupted, match="two of one name"):
        artifact.load(path)


def test_too_many_members_are_refused(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(artifact, "MAX_MEMBERS", 3)
    with pytest.raises(ArtifactCorrupted, match="too many"):
        artifact.load(path)


def npy(array: Any, **options: Any) -> bytes:
    buffer = io.BytesIO()
    np.lib.format.write_array(buffer, np.asarray(array), **options)
    return buffer.getvalue()


@pytest.mark.parametrize(
    "data",
    [
        npy([1.0, 2.0], version=(1, 0))[:-1],
        npy([1.0, 2.0], version=(1, 0)) + b"x",
        npy([1.0, 2.0], version=(2, 0)),
        npy(np.array(["a"]), version=(1, 0)),
        npy(np.array([object()]), version=(1, 0), allow_pickle=True),
        npy(np.asfortranarray(np.ones((2, 2))), version=(1, 0)),
        npy([1.0], version=(1, 0)).replace(b"(1,)", b"(9**99,)"),
        b"\x93NUMPY",
        b"",
    ],
    ids=["short", "long", "version", "text", "pickle", "fortran", "expression", "cut", "empty"],
)
def test_an_array_that_is_not_what_it_says_is_corrupted(path: Path, data: bytes) -> None:
    digests = manifest(path)
    digests["members"]["arrays/0.npy"] = artifact._digest(data)
    rewrite(path, {"arrays/0.npy": data, "manifest.json": msgspec.json.encode(digests)})
    with pytest.raises(ArtifactCorrupted, match="array"):
        artifact.load(path)


def test_a_gap_among_the_arrays_is_corrupted(path: Path) -> None:
    facts = manifest(path)
    facts["members"]["arrays/9.npy"] = facts["members"].pop("arrays/0.npy")
    with zipfile.ZipFile(path) as archive:
        data = archive.read("arrays/0.npy")
    change = {"arrays/0.npy": None, "arrays/9.npy": data, "manifest.json": msgspec.json.encode(facts)}
    rewrite(path, change)
    with pytest.raises(ArtifactCorrupted, match="array"):
        artifact.load(path)


def test_a_signed_file_opens_with_its_key_only(path: Path) -> None:
    artifact.save(path, CONTENT, b"secret")
    assert artifact.load(path, b"secret").manifest == CONTENT.manifest
    with pytest.raises(ArtifactKeyError, match="another key"):
        artifact.load(path, b"other")
    with pytest.raises(ArtifactKeyError, match="give the key"):
        artifact.load(path)


@pytest.mark.parametrize("key", ["secret", b"", bytearray(), 7])
def test_a_key_that_signs_nothing_is_refused(path: Path, key: Any) -> None:
    before = path.read_bytes()
    with pytest.raises(ArtifactKeyError, match="a key of bytes was expected"):
        artifact.save(path, CONTENT, key)
    with pytest.raises(ArtifactKeyError, match="a key of bytes was expected"):
        artifact.load(path, key)
    assert path.read_bytes() == before


def test_a_key_refuses_an_unsigned_file(path: Path) -> None:
    with pytest.raises(ArtifactKeyError, match="not signed"):
        artifact.load(path, b"secret")


def test_whoever_alters_a_signed_file_with_fresh_digests_is_caught(path: Path) -> None:
    artifact.save(path, CONTENT, b"secret")
    facts = manifest(path)
    facts["members"]["note.txt"] = artifact._digest(b"evil")
    rewrite(path, {"note.txt": b"evil", "manifest.json": msgspec.json.encode(facts)})
    with pytest.raises(ArtifactKeyError):
        artifact.load(path, b"secret")


def test_a_missing_file_and_a_folder_are_named(tmp_path: Path) -> None:
    with pytest.raises(ArtifactError, match="no such file") as caught:
        artifact.load(tmp_path / "absent")
    assert caught.value.path == str(tmp_path / "absent")
    with pytest.raises(ArtifactError, match="can't be read"):
        artifact.load(tmp_path)


def test_a_file_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    with pytest.raises(ArtifactError, match="can't be written"):
        artifact.save(tmp_path / "no" / "such" / "folder", CONTENT)


def test_a_write_that_fails_leaves_the_old_file(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(artifact.os, "fsync", full)
    with pytest.raises(ArtifactError, match="No space left"):
        artifact.save(path, artifact.Content({"name": "new"}))
    assert artifact.load(path).manifest == CONTENT.manifest
    assert [entry.name for entry in path.parent.iterdir()] == [path.name]


@pytest.mark.parametrize(
    "change",
    [
        {"check": {"rows": [], "answers": [0.5]}},
        {"notes": [1]},
        {"threshold": "x"},
        {"reference": 99},
        {"schema": {"name": 5, "version": "1", "target": None, "fields": []}},
        {"form": {"root": {"type": "Additive", "of": {"intercept": 0.0, "terms": [], "n_fields": 10**9}}}},
        {"form": {"root": {"type": "Function", "of": {"of": 1, "name": "exec"}}, "shared": []}},
    ],
    ids=lambda change: next(iter(change)),
)
def test_content_that_describes_no_model_is_corrupted(tmp_path: Path, change: dict[str, Any]) -> None:
    content = artifact.load(PATH)
    artifact.save(tmp_path / "m", artifact.Content({**content.manifest, **change}, content.arrays))
    with pytest.raises(ArtifactCorrupted):
        Scorer.load(tmp_path / "m")


def test_a_boolean_that_is_neither_true_nor_false_is_corrupted(tmp_path: Path) -> None:
    odd = np.array([0, 1, 175], dtype=np.uint8).view(np.bool_)
    artifact.save(tmp_path / "m", artifact.Content({}, [odd]))
    with pytest.raises(ArtifactCorrupted, match="neither true nor false"):
        artifact.load(tmp_path / "m")
