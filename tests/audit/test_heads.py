"""The file that remembers the last line, and anchors noted down elsewhere: a log that was cut is found."""

from __future__ import annotations

import pytest

from helpers.audit import KEY, kinds, spread, write_chain
from morosidad.audit import verify
from morosidad.audit.chain.hashing import ChainPosition, new_chain, parse_line
from morosidad.audit.chain.paths import head_path, pack_head, read_head


def test_a_head_is_read_as_it_was_written(path):
    last = ChainPosition("0123456789ab", 10**17, "e" * 64)
    assert read_head(path) is None
    head_path(path).write_bytes(pack_head(last))
    assert read_head(path).position == last
    assert (read_head(path).fits(None), read_head(path).fits(KEY)) == (True, False)
    head_path(path).write_bytes(pack_head(last, KEY))
    assert (read_head(path).position, read_head(path).fits(KEY), read_head(path).fits(b"otra")) == (
        last,
        True,
        False,
    )
    assert len(pack_head(last, KEY)) == len(pack_head(new_chain())) == 200


@pytest.mark.parametrize("key", [None, KEY])
@pytest.mark.parametrize("head", [None, b"", b"nada", b"\0" * 200])
def test_a_log_without_its_head_is_not_sound(path, key, head):
    lines = write_chain(path, 4, key=key)
    spread(path, lines[:2])
    head_path(path).unlink() if head is None else head_path(path).write_bytes(head)
    (problem,) = verify(path, key=key).problems
    assert (problem.kind, problem.file) == ("faltan", str(head_path(path)))
    path.unlink()
    if head is None:
        with pytest.raises(FileNotFoundError):
            verify(path, key=key)


def test_with_a_key_a_head_that_was_rewritten_is_found(path):
    lines = write_chain(path, 4, key=KEY)
    spread(path, lines[:2])
    cut = parse_line(lines[1], KEY).position
    genuine = head_path(path).read_bytes()
    for head in (pack_head(cut), pack_head(cut, b"otra"), genuine.replace(b"-4 ", b"-2 ")):
        head_path(path).write_bytes(head)
        assert kinds(verify(path, key=KEY)) == ["alterada"]


def test_only_an_anchor_finds_an_earlier_state_that_was_put_back(path):
    lines = write_chain(path, 4, key=KEY)
    anchor = verify(path, key=KEY).digest
    spread(path, lines[:2])
    head_path(path).write_bytes(pack_head(parse_line(lines[1], KEY).position, KEY))
    assert verify(path, key=KEY).ok
    assert kinds(verify(path, key=KEY, anchor=[anchor])) == ["faltan"]


def test_each_of_several_anchors_must_be_there(path):
    lines = write_chain(path, 4)
    digests = [parse_line(line, None).position.digest for line in lines]
    assert verify(path, anchor=digests).ok
    assert kinds(verify(path, anchor=[*digests, "0" * 64, "1" * 64])) == ["faltan"] * 2
