"""What passwords are like, and how they are kept."""

from __future__ import annotations

from typing import Any

import pytest
from argon2 import PasswordHasher

from review.security import passwords

GOOD = "four words make one"


def test_a_password_is_known_by_its_hash_alone() -> None:
    kept = passwords.hash_of(GOOD)

    assert kept.startswith("$argon2id$")
    assert GOOD not in kept
    assert passwords.is_right(kept, GOOD)
    assert not passwords.is_right(kept, GOOD + " ")


def test_the_same_password_has_another_hash_each_time() -> None:
    assert passwords.hash_of(GOOD) != passwords.hash_of(GOOD)


def test_a_password_is_the_same_however_its_letters_are_composed() -> None:
    assert passwords.is_right(passwords.hash_of("Zo\u00eb likes caf\u00e9"), "Zoe\u0308 likes cafe\u0301")


@pytest.mark.parametrize("kept", [None, "", "not a hash"])
def test_nothing_is_right_for_somebody_without_a_password(kept: str | None) -> None:
    assert not passwords.is_right(kept, GOOD)
    assert not passwords.is_right(kept, "")


def test_a_name_that_nobody_has_costs_as_much_work(monkeypatch: pytest.MonkeyPatch) -> None:
    verified: list[str] = []

    class Counting(PasswordHasher):
        def verify(self, hash: Any, password: Any) -> Any:  # noqa: A002
            verified.append(str(hash).rsplit("$", 2)[0])
            return super().verify(hash, password)

    counting = Counting(time_cost=1, memory_cost=8, parallelism=1)
    monkeypatch.setattr(passwords, "hasher", lambda: counting)

    passwords.is_right(passwords.hash_of(GOOD), "a wrong password")
    passwords.is_right(None, "a wrong password")

    assert len(verified) == 2
    assert verified[0] == verified[1]


def test_a_hash_of_weaker_parameters_is_stale(monkeypatch: pytest.MonkeyPatch) -> None:
    weak = passwords.hash_of(GOOD)
    assert not passwords.is_stale(weak)

    stronger = PasswordHasher(time_cost=2, memory_cost=16, parallelism=1)
    monkeypatch.setattr(passwords, "hasher", lambda: stronger)

    assert passwords.is_stale(weak)
    assert passwords.is_right(weak, GOOD)


@pytest.mark.parametrize(
    ("password", "reason"),
    [
        ("short", "at least 12 characters; this one has 5"),
        ("x" * 501, "at most 500 characters"),
        ("aaaaaaaaaaaaaaa", "hardly any different"),
        ("Password12345!", "would guess"),
        ("123456789012", "would guess"),
        ("maria.silva12", "little more than the user's name"),
    ],
)
def test_a_poor_password_is_refused_with_its_reason(password: str, reason: str) -> None:
    assert reason in (passwords.refused(password, "maria.silva") or "")


def test_made_up_passwords_are_good_and_all_different() -> None:
    made = {passwords.made_up() for _ in range(50)}

    assert len(made) == 50
    assert all(passwords.refused(password, "maria") is None for password in made)
