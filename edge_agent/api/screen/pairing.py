"""Codes by which a tablet is paired: eight characters that can be read out, for one use, within ten minutes."""

from __future__ import annotations

import hashlib
import hmac
import secrets
import threading
from dataclasses import dataclass

from edge_agent.ports import Clock

ALPHABET = "23456789ABCDEFGHJKMNPQRSTVWXYZ"
"""No two of them look alike: no 0 and O, no 1, I and L, no U beside V."""

LENGTH = 8
"""30 to the power of 8 codes: at ten guesses a minute and address, none is found in the ten minutes of its life."""

LASTS_S = 600.0
MOST = 10
"""So many codes may wait at a time; a further one takes the place of the oldest."""


@dataclass(frozen=True, slots=True)
class _Waiting:
    sha256: bytes
    ends_s: float


class PairingCodes:
    """Gives codes out and takes each back once. Only their hashes are kept, in memory: a restart ends them all."""

    def __init__(self, *, clock: Clock) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._waiting: list[_Waiting] = []

    def make(self) -> str:
        """A new code, as it is shown: two groups of four."""
        code = "".join(secrets.choice(ALPHABET) for _ in range(LENGTH))
        with self._lock:
            self._drop_old()
            self._waiting = [*self._waiting, _Waiting(_hash_of(code), self._clock.monotonic_s() + LASTS_S)][-MOST:]
        return f"{code[:4]}-{code[4:]}"

    def take(self, typed: str) -> bool:
        """Whether this is a code that waits; it does no longer then. Small letters, blanks and hyphens are forgiven."""
        given = _hash_of("".join(typed.upper().split()).replace("-", ""))
        with self._lock:
            self._drop_old()
            found = [each for each in self._waiting if hmac.compare_digest(each.sha256, given)]
            self._waiting = [each for each in self._waiting if each not in found]
        return bool(found)

    def _drop_old(self) -> None:
        now_s = self._clock.monotonic_s()
        self._waiting = [each for each in self._waiting if each.ends_s > now_s]


def _hash_of(code: str) -> bytes:
    return hashlib.sha256(code.encode("utf-8", "surrogatepass")).digest()
