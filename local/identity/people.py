"""Everybody who signed up, their refresh tokens and their one-time codes, in one durable SQLite file.

Secrets are stored as hashes only: passwords by scrypt, tokens and codes (random, so no salt is needed) by SHA-256.
"""

import hashlib
import hmac
import secrets
import sqlite3
import threading
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from local.durability import SYNCHRONOUS

_SCRYPT = {"n": 2**14, "r": 8, "p": 1, "maxmem": 64 * 1024 * 1024}
_CODE_SECONDS = 3600
_SCHEMA = """
create table if not exists people (
  local_id text primary key, email text not null unique, display_name text, salt blob, password blob,
  custom_attributes text not null default '{}', disabled integer not null default 0,
  created_at integer not null, last_login_at integer not null, valid_since integer not null
);
create table if not exists refresh_tokens (
  hash blob primary key, local_id text not null references people on delete cascade, auth_time integer not null
);
create index if not exists refresh_tokens_by_person on refresh_tokens (local_id);
create table if not exists codes (
  hash blob primary key, local_id text not null references people on delete cascade, kind text not null,
  expires_at integer not null
);
"""


@dataclass(frozen=True)
class Person:
    """One account; times in seconds, but `created_at` and `last_login_at` in milliseconds as Google shows them."""

    local_id: str
    email: str
    display_name: str | None
    custom_attributes: str
    disabled: bool
    created_at: int
    last_login_at: int
    valid_since: int


class EmailTaken(Exception):
    """Somebody has signed up with this address."""


class People:
    """The accounts in `<folder>/identity.db`; safe from several threads and several processes."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._lock = threading.Lock()
        self._db = sqlite3.connect(folder / "identity.db", check_same_thread=False, isolation_level=None, timeout=10)
        self._db.row_factory = sqlite3.Row
        self._db.executescript(f"pragma journal_mode=wal; pragma synchronous={SYNCHRONOUS}; pragma foreign_keys=on;")
        self._db.executescript(_SCHEMA)

    def close(self) -> None:
        """Close the file; the object is of no use afterwards."""
        self._db.close()

    def sign_up(
        self, email: str, password: str, display_name: str | None = None, local_id: str | None = None
    ) -> Person:
        """A new account, under an id of its own unless one is given, as an import does. Raises EmailTaken."""
        salt = secrets.token_bytes(16)
        local_id = local_id or secrets.token_urlsafe(21)
        now = _milliseconds()
        try:
            self._write(
                "insert into people"
                " (local_id, email, display_name, salt, password, created_at, last_login_at, valid_since)"
                " values (?, ?, ?, ?, ?, ?, ?, ?)",
                (local_id, _address(email), display_name, salt, _hash(password, salt), now, now, now // 1000),
            )
        except sqlite3.IntegrityError as error:
            raise EmailTaken(email) from error
        return self._required(local_id)

    def by_email(self, email: str) -> Person | None:
        """The account with this address, whatever its case."""
        return _person(self._one("select * from people where email = ?", (_address(email),)))

    def by_id(self, local_id: str) -> Person | None:
        """The account with this id."""
        return _person(self._one("select * from people where local_id = ?", (local_id,)))

    def with_password(self, email: str, password: str) -> Person | None:
        """The account, if the password is its own. Takes the same time for an address that nobody has."""
        row = self._one("select * from people where email = ?", (_address(email),))
        salt = row["salt"] if row else b"\0" * 16
        right = hmac.compare_digest(_hash(password, salt), row["password"] if row else b"")
        return _person(row) if right else None

    def logged_in(self, local_id: str) -> None:
        """Remember the time of this sign-in."""
        self._write("update people set last_login_at = ? where local_id = ?", (_milliseconds(), local_id))

    def set_password(self, local_id: str, password: str) -> None:
        """Change the password; every refresh token and code of before ends."""
        salt = secrets.token_bytes(16)
        self._write(
            "update people set salt = ?, password = ?, valid_since = ? where local_id = ?",
            (salt, _hash(password, salt), _milliseconds() // 1000, local_id),
        )
        self.revoke(local_id)
        self._write("delete from codes where local_id = ?", (local_id,))

    def change(self, local_id: str, **columns: Any) -> Person:
        """Set display_name, email, custom_attributes, disabled or valid_since. Raises EmailTaken."""
        allowed = {"display_name", "email", "custom_attributes", "disabled", "valid_since"}
        assert columns.keys() <= allowed
        if "email" in columns:
            columns["email"] = _address(columns["email"])
        sets = ", ".join(f"{name} = ?" for name in columns)
        try:
            self._write(f"update people set {sets} where local_id = ?", (*columns.values(), local_id))
        except sqlite3.IntegrityError as error:
            raise EmailTaken(columns["email"]) from error
        return self._required(local_id)

    def delete(self, local_id: str) -> None:
        """Remove the account with its tokens and codes."""
        self._write("delete from people where local_id = ?", (local_id,))

    def new_refresh_token(self, local_id: str, auth_time: int) -> str:
        """A token that gives ID tokens until the password changes or the account is disabled."""
        token = secrets.token_urlsafe(48)
        self._write("insert into refresh_tokens values (?, ?, ?)", (_digest(token), local_id, auth_time))
        return token

    def by_refresh_token(self, token: str) -> tuple[Person, int] | None:
        """Whose token this is and when that person signed in, if it still counts."""
        row = self._one("select local_id, auth_time from refresh_tokens where hash = ?", (_digest(token),))
        person = self.by_id(row["local_id"]) if row else None
        if row is None or person is None or row["auth_time"] < person.valid_since:
            return None
        return person, row["auth_time"]

    def revoke(self, local_id: str) -> None:
        """End every refresh token of a person."""
        self._write("delete from refresh_tokens where local_id = ?", (local_id,))

    def new_code(self, local_id: str, kind: str) -> str:
        """A one-time code for a mail, good for an hour."""
        code = secrets.token_urlsafe(32)
        expires = _milliseconds() // 1000 + _CODE_SECONDS
        self._write("insert into codes values (?, ?, ?, ?)", (_digest(code), local_id, kind, expires))
        return code

    def by_code(self, code: str) -> tuple[Person, str, bool] | None:
        """Whose code this is, what it is for, and whether it has expired."""
        row = self._one("select * from codes where hash = ?", (_digest(code),))
        person = self.by_id(row["local_id"]) if row else None
        if row is None or person is None:
            return None
        return person, row["kind"], row["expires_at"] <= _milliseconds() // 1000

    def use_code(self, code: str) -> bool:
        """Take a code out of use; False if another request was quicker."""
        return self._write("delete from codes where hash = ?", (_digest(code),)) == 1

    def _required(self, local_id: str) -> Person:
        person = self.by_id(local_id)
        assert person is not None
        return person

    def _one(self, sql: str, values: tuple[Any, ...]) -> sqlite3.Row | None:
        with self._lock:
            row: sqlite3.Row | None = self._db.execute(sql, values).fetchone()
            return row

    def _write(self, sql: str, values: tuple[Any, ...]) -> int:
        with self._lock:
            return self._db.execute(sql, values).rowcount


def _person(row: sqlite3.Row | None) -> Person | None:
    if row is None:
        return None
    return Person(
        row["local_id"],
        row["email"],
        row["display_name"],
        row["custom_attributes"],
        bool(row["disabled"]),
        row["created_at"],
        row["last_login_at"],
        row["valid_since"],
    )


def _address(email: str) -> str:
    return email.strip().lower()


def _hash(password: str, salt: bytes) -> bytes:
    return hashlib.scrypt(password.encode(), salt=salt, **_SCRYPT)


def _digest(secret: str) -> bytes:
    return hashlib.sha256(secret.encode()).digest()


def _milliseconds() -> int:
    return time.time_ns() // 1_000_000
