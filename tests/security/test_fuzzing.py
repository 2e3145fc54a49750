"""Whatever arrives from outside, no exception escapes, and what is kept of it is bounded."""

from __future__ import annotations

import json
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.security import fuzzing

SEEDS = list(fuzzing.corpus())
PUSHED = [one for one in SEEDS if one[0] == fuzzing.DOOR]
READ = [one for one in SEEDS if one[0] != fuzzing.DOOR]
WEIRD = (b"\0", b"\x1b[31m", b"\xff\xfe", b"\xed\xa0\x80", b"{", b"]", b'"', b"null", b"1e999", b"*a", b"&a ", b"<<: ")
STRANGE: tuple[object, ...] = (
    None,
    True,
    -1,
    1e308,
    "",
    "\x1b[2J",
    "x" * 5000,
    [],
    {},
    [[]],
    {"": {}},
    "projects//jobs/",
)


@pytest.mark.parametrize("raw", SEEDS, ids=lambda raw: f"{raw[0]}-{len(raw)}")
def test_what_is_real_is_read(raw: bytes) -> None:
    fuzzing.feed(raw)


@given(st.binary(max_size=2000))
@settings(max_examples=400, deadline=None)
def test_any_bytes_are_read(raw: bytes) -> None:
    fuzzing.feed(raw)


@given(seed=st.sampled_from(READ), dice=st.randoms(use_true_random=False))
@settings(max_examples=600, deadline=None)
def test_real_bytes_are_read_however_they_are_spoiled(seed: bytes, dice: Random) -> None:
    fuzzing.feed(_spoiled(seed, dice))


@given(seed=st.sampled_from([one for one in SEEDS if one[0] < 3]), dice=st.randoms(use_true_random=False))
@settings(max_examples=600, deadline=None)
def test_real_documents_are_read_whatever_stands_in_their_fields(seed: bytes, dice: Random) -> None:
    document = json.loads(seed[1:])
    for _ in range(dice.randint(1, 4)):
        document = bent(document, dice)
    fuzzing.feed(seed[:1] + json.dumps(document).encode())


@given(seed=st.sampled_from(PUSHED), dice=st.randoms(use_true_random=False))
@settings(max_examples=300, deadline=None)
def test_whatever_is_pushed_is_acknowledged_and_what_cannot_be_read_is_logged_with_its_id_and_counted(
    seed: bytes, dice: Random
) -> None:
    if dice.random() < 0.5:
        fuzzing.feed(seed[:2] + _spoiled(seed[1:], dice)[1:])
    else:
        fuzzing.feed(seed[:2] + json.dumps(bent(json.loads(seed[2:]), dice)).encode())


def _spoiled(raw: bytes, dice: Random) -> bytes:
    for _ in range(dice.randint(1, 8)):
        at = dice.randrange(1, len(raw) + 1)
        end = min(len(raw), at + dice.choice((0, 1, 5, 50)))
        raw = raw[:at] + dice.choice((b"", raw[1:at][-60:], *WEIRD)) + raw[end:]
    return raw


def bent(value: object, dice: Random) -> object:
    """The document with one field, somewhere, holding what nobody expects there."""
    if dice.random() < 0.15 or not isinstance(value, dict | list) or not value:
        return dice.choice(STRANGE)
    if isinstance(value, list):
        at = dice.randrange(len(value))
        return [bent(one, dice) if number == at else one for number, one in enumerate(value)]
    key = dice.choice(sorted(value))
    return {**value, key: bent(value[key], dice)}
