"""Signing keys that survive a restart, so that tokens stay valid as long as they would in the cloud.

A key is one PEM file (private key and self-signed certificate), made on first use. Making is create-only, so the
supervisor and the identity server may both ask first without one overwriting the other.
"""

import base64
import datetime
import functools
import hashlib
import json
import os
import secrets
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import jwt
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa

from local.durability import fsync

SECURETOKEN = "securetoken"
GOOGLE = "google"
_BITS = 2048
_FOREVER = datetime.timedelta(days=3650)


@dataclass(frozen=True)
class SigningKey:
    """An RSA key with its certificate; `kid` is the SHA-1 of the certificate, as Google's are."""

    kid: str
    private: rsa.RSAPrivateKey
    certificate: str

    @property
    def private_pem(self) -> str:
        """The private key in PKCS 8, as a service-account key file holds it."""
        return self.private.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        ).decode()

    def token(self, claims: dict[str, Any]) -> str:
        """A JWT over `claims` as given, RS256, with this key's id."""
        return jwt.encode(claims, self.private, algorithm="RS256", headers={"kid": self.kid})

    def sign(self, data: bytes) -> bytes:
        """An RSASSA-PKCS1-v1_5 signature with SHA-256."""
        return self.private.sign(data, padding.PKCS1v15(), hashes.SHA256())

    def jwk(self) -> dict[str, str]:
        """The public half as a JSON Web Key."""
        numbers = self.private.public_key().public_numbers()
        return {
            "kty": "RSA",
            "alg": "RS256",
            "use": "sig",
            "kid": self.kid,
            "n": _integer(numbers.n),
            "e": _integer(numbers.e),
        }


class Keyring:
    """The keys in one folder by the name of their owner."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._loaded: dict[str, SigningKey] = {}

    def key(self, owner: str) -> SigningKey:
        """The key of `owner`, made if there is none."""
        return self.existing(owner) or self._make(owner)

    def existing(self, owner: str) -> SigningKey | None:
        """The key of `owner`, or None; makes nothing."""
        if owner not in self._loaded:
            path = self._path(owner)
            if not path.exists():
                return None
            self._loaded[owner] = _read(path.read_bytes())
        return self._loaded[owner]

    def secret(self, name: str) -> bytes:
        """32 random bytes under a name, made on first use."""
        path = self.folder / f"{name}.secret"
        if not path.exists():
            _create(path, secrets.token_bytes(32))
        return path.read_bytes()

    def _make(self, owner: str) -> SigningKey:
        private = rsa.generate_private_key(public_exponent=65537, key_size=_BITS)
        _create(self._path(owner), _pem(private, owner))
        self._loaded[owner] = _read(self._path(owner).read_bytes())
        return self._loaded[owner]

    def _path(self, owner: str) -> Path:
        if "/" in owner or owner.startswith("."):
            raise ValueError(f"not the name of an account: {owner!r}")
        return self.folder / f"{owner}.pem"


def user_key(email: str) -> str:
    """The owner's name of the key that stands in a service account's key file."""
    return f"user+{email}"


def system_key(email: str) -> str:
    """The owner's name of the key with which IAM Credentials signs for a service account."""
    return f"system+{email}"


def key_file(keyring: Keyring, email: str, project: str, token_uri: str) -> dict[str, str]:
    """The content of a service-account key file as Google hands it out, with our own `token_uri`."""
    key = keyring.key(user_key(email))
    return {
        "type": "service_account",
        "project_id": project,
        "private_key_id": key.kid,
        "private_key": key.private_pem,
        "client_email": email,
        "client_id": client_id(email),
        "token_uri": token_uri,
        "universe_domain": "googleapis.com",
    }


def write_key_file(keyring: Keyring, path: Path, email: str, project: str, token_uri: str) -> None:
    """Write a key file that only this user can read, all of it or nothing."""
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w") as file:
        json.dump(key_file(keyring, email, project, token_uri), file, indent=2)
    temporary.replace(path)


@functools.cache
def client_id(email: str) -> str:
    """The unique number of a service account: 21 digits that depend on the address alone."""
    return str(10**20 + int.from_bytes(hashlib.sha256(email.encode()).digest()[:8], "big"))


def _integer(number: int) -> str:
    data = number.to_bytes((number.bit_length() + 7) // 8, "big")
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def _pem(private: rsa.RSAPrivateKey, owner: str) -> bytes:
    now = datetime.datetime.now(datetime.UTC).replace(microsecond=0)
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, hashlib.sha256(owner.encode()).hexdigest()[:32])])
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(private.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + _FOREVER)
        .sign(private, hashes.SHA256())
    )
    key = private.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    return key + certificate.public_bytes(serialization.Encoding.PEM)


def _read(data: bytes) -> SigningKey:
    # Made by this module, so its primes are not tried again: that costs as much as making the key.
    private = serialization.load_pem_private_key(data, password=None, unsafe_skip_rsa_key_validation=True)
    assert isinstance(private, rsa.RSAPrivateKey)
    certificate = x509.load_pem_x509_certificate(data[data.index(b"-----BEGIN CERTIFICATE") :])
    kid = certificate.fingerprint(hashes.SHA1()).hex()
    return SigningKey(kid, private, certificate.public_bytes(serialization.Encoding.PEM).decode())


def _create(path: Path, data: bytes) -> None:
    """Write `path` whole and durably unless somebody else already has."""
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.{os.getpid()}.{secrets.token_hex(4)}")
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(data)
        file.flush()
        fsync(file.fileno())
    try:
        os.link(temporary, path)
    except FileExistsError:
        pass
    finally:
        temporary.unlink()
