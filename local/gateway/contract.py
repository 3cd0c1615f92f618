"""Reads api-gateway.yaml: OpenAPI 3.0 with Google's extensions, placeholders filled, mistakes refused by name.

What API Gateway refuses when a configuration is created is refused here too, so that it fails on the laptop first.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import yaml

from local.gateway.templates import TemplateError, segments

METHODS = ("get", "put", "post", "delete", "options", "head", "patch", "trace")
DEFAULT_DEADLINE = 15.0
MAX_DEADLINE = 3600.0
_PLACEHOLDER = re.compile(r"\$\{([^}]+)\}")


class ContractError(Exception):
    """What is wrong in the contract and where."""


@dataclass(frozen=True)
class Backend:
    """Where a request goes. `audience` None means that the client's own Authorization passes untouched."""

    address: str
    audience: str | None
    constant: bool
    deadline: float


@dataclass(frozen=True)
class Location:
    """Where a token may stand: a header (with a prefix) or a query parameter."""

    header: str | None = None
    prefix: str = ""
    query: str | None = None


@dataclass(frozen=True)
class Provider:
    """One issuer of JWTs."""

    name: str
    issuer: str
    jwks_uri: str
    audiences: frozenset[str]
    locations: tuple[Location, ...]


@dataclass(frozen=True)
class Operation:
    """One method of one path. `providers` are alternatives; empty means public."""

    method: str
    template: str
    backend: Backend
    providers: tuple[Provider, ...]
    key_locations: tuple[Location, ...] | None
    costs: Mapping[str, int]


@dataclass(frozen=True)
class Contract:
    """Everything that the gateway does. `limits` are calls a minute by metric."""

    operations: tuple[Operation, ...] = ()
    wildcards: frozenset[tuple[str, str]] = frozenset()
    limits: Mapping[str, int] = field(default_factory=dict)
    allow_cors: bool = False


_DEFAULT_LOCATIONS = (
    Location(header="authorization", prefix="Bearer "),
    Location(header="x-goog-iap-jwt-assertion"),
    Location(query="access_token"),
)


def fill(text: str, values: Mapping[str, str]) -> str:
    """Replace `${name}` by its value; names are compared without case and with `_` for every other sign.

    Raises ContractError that names every unknown placeholder.
    """
    known = {_plain(name): value for name, value in values.items()}
    missing = sorted({m[1] for m in _PLACEHOLDER.finditer(text) if _plain(m[1]) not in known})
    if missing:
        raise ContractError(f"no value for the placeholders {', '.join(missing)}")
    return _PLACEHOLDER.sub(lambda match: known[_plain(match[1])], text)


def placeholder_values(project: str, addresses: Mapping[str, str], identity: str, public_url: str) -> dict[str, str]:
    """The values that a local contract may ask for: project, public and identity address, and each deployment's."""
    values = {"project": project, "project_id": project, "identity": identity, "identity_url": identity}
    values |= {"public_url": public_url, "gateway_url": public_url, "api_url": public_url, "gateway": public_url}
    values |= {"host": public_url.partition("://")[2], "gateway_host": public_url.partition("://")[2]}
    for deployment, url in addresses.items():
        for name in (deployment, f"{deployment}_url", f"{deployment}_address", f"addresses_{deployment}"):
            values[name] = url
    return values


def parse(text: str) -> Contract:
    """The contract in a filled document. Raises ContractError."""
    try:
        document = yaml.load(text, Loader=yaml.CSafeLoader)  # libyaml: seven times as fast on 14,000 lines
    except yaml.YAMLError as error:
        raise ContractError(f"not YAML: {error}") from error
    if not isinstance(document, dict) or not str(document.get("openapi", "")).startswith("3."):
        raise ContractError("not an OpenAPI 3 document")
    return _Reader(document).contract()


class _Reader:
    def __init__(self, document: dict[str, Any]) -> None:
        self.document = document
        self.management: dict[str, Any] = document.get("x-google-api-management") or {}
        schemes = (document.get("components") or {}).get("securitySchemes") or {}
        self.keys = {n: _key_locations(s) for n, s in schemes.items() if s.get("type") == "apiKey"}
        self.providers = {n: self._provider(n, s) for n, s in schemes.items() if s.get("type") != "apiKey"}
        self.backends = {n: _backend(n, b) for n, b in (self.management.get("backends") or {}).items()}
        self.limits = {
            str(limit["metric"]): int(limit["values"])
            for limit in ((self.management.get("quota") or {}).get("limits") or {}).values()
        }

    def contract(self) -> Contract:
        issuers = [provider.issuer for provider in self.providers.values()]
        if len(set(issuers)) != len(issuers):
            raise ContractError("two security schemes have the same issuer")
        operations, wildcards = [], set()
        for template, item in (self.document.get("paths") or {}).items():
            for method in METHODS:
                if method in item:
                    operations.append(self._operation(template, method, item[method]))
                    for parameter in (item.get("parameters") or []) + (item[method].get("parameters") or []):
                        if (parameter.get("x-google-parameter") or {}).get("pattern") == "**":
                            wildcards.add((template, str(parameter["name"])))
        return Contract(tuple(operations), frozenset(wildcards), self.limits, self._endpoint().get("allowCors") is True)

    def _operation(self, template: str, method: str, operation: dict[str, Any]) -> Operation:
        where = f"{method.upper()} {template}"
        try:
            segments(template)
        except TemplateError as error:
            raise ContractError(f"{where}: {error}") from error
        name = operation.get("x-google-backend", self.document.get("x-google-backend"))
        if not isinstance(name, str) or name not in self.backends:
            raise ContractError(f"{where}: x-google-backend {name!r} names no backend")
        security = operation.get("security", self.document.get("security")) or []
        providers, key_locations = self._security(where, security)
        quota = operation.get("x-google-quota") or {}
        costs = {str(metric): int(cost) for metric, cost in (quota.get("metricCosts") or {}).items()}
        if unknown := costs.keys() - self.limits.keys():
            raise ContractError(f"{where}: no quota limit for the metric {min(unknown)}")
        return Operation(method.upper(), template, self.backends[name], providers, key_locations, costs)

    def _security(
        self, where: str, security: list[dict[str, Any]]
    ) -> tuple[tuple[Provider, ...], tuple[Location, ...] | None]:
        providers: list[Provider] = []
        key_locations: tuple[Location, ...] | None = None
        optional = False
        for alternative in security:
            tokens = [name for name in alternative if name not in self.keys]
            if unknown := [name for name in tokens if name not in self.providers]:
                raise ContractError(f"{where}: security scheme {unknown[0]} is not defined")
            if len(tokens) > 1:
                raise ContractError(f"{where}: two JWT schemes at once are not supported")
            providers += [self.providers[name] for name in tokens]
            for name in alternative:
                key_locations = self.keys.get(name, key_locations)
            optional = optional or not alternative
        if optional and providers:
            raise ContractError(f"{where}: a JWT cannot be optional")
        return tuple(providers), None if optional else key_locations

    def _provider(self, name: str, scheme: dict[str, Any]) -> Provider:
        auth = scheme.get("x-google-auth")
        if not isinstance(auth, dict) or not auth.get("issuer") or not auth.get("jwksUri"):
            raise ContractError(f"security scheme {name}: x-google-auth needs issuer and jwksUri")
        audiences = auth.get("audiences") or [f"https://{self._server_host()}"]
        if not isinstance(audiences, list):
            raise ContractError(f"security scheme {name}: audiences must be a list")
        locations = tuple(
            Location(query=str(at["query"]))
            if "query" in at
            else Location(header=str(at["header"]).lower(), prefix=str(at.get("valuePrefix", "")))
            for at in auth.get("jwtLocations") or []
        )
        return Provider(
            name,
            str(auth["issuer"]),
            str(auth["jwksUri"]),
            frozenset(str(audience) for audience in audiences),
            locations or _DEFAULT_LOCATIONS,
        )

    def _endpoint(self) -> dict[str, Any]:
        marked = [s for s in self.document.get("servers") or [] if "x-google-endpoint" in s]
        if len(marked) > 1:
            raise ContractError("only one server may carry x-google-endpoint")
        return (marked[0]["x-google-endpoint"] or {}) if marked else {}

    def _server_host(self) -> str:
        for server in self.document.get("servers") or []:
            if "x-google-endpoint" in server:
                return str(server.get("url", "")).partition("://")[2].partition("/")[0]
        return ""


def _backend(name: str, backend: dict[str, Any]) -> Backend:
    translation = backend.get("pathTranslation", backend.get("path_translation", "APPEND_PATH_TO_ADDRESS"))
    if translation not in ("APPEND_PATH_TO_ADDRESS", "CONSTANT_ADDRESS"):
        raise ContractError(f"backend {name}: pathTranslation {translation!r} is unknown")
    address = str(backend.get("address", "")).rstrip("/")
    if not re.match(r"https?://[^/]+", address):
        raise ContractError(f"backend {name}: {address!r} is not an address")
    deadline = float(backend.get("deadline") or 0)
    if deadline > MAX_DEADLINE:
        raise ContractError(f"backend {name}: a deadline is at most {MAX_DEADLINE:.0f} s")
    default_audience = "/".join(address.split("/")[:3])
    audience = backend.get("jwtAudience", backend.get("jwt_audience", default_audience))
    disabled = backend.get("disableAuth", backend.get("disable_auth")) is True
    return Backend(
        address,
        None if disabled else str(audience),
        translation == "CONSTANT_ADDRESS",
        deadline if deadline > 0 else DEFAULT_DEADLINE,
    )


def _key_locations(scheme: dict[str, Any]) -> tuple[Location, ...]:
    name = str(scheme.get("name", ""))
    return (Location(query=name),) if scheme.get("in") == "query" else (Location(header=name.lower()),)


def _plain(name: str) -> str:
    return re.sub(r"[^a-z0-9]+", "_", name.lower()).strip("_")
