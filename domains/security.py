"""Who is speaking, and whether they may: the same few lines in front of every gRPC method.

A party is its SPIFFE id, `spiffe://{trust_domain}/{role}/{name}`, the URI SAN of its certificate.
TLS checks that some trusted CA issued it; `Trust` checks that it was the CA of the very trust
domain that the id claims, so operator X can never speak as one of Y. `Guard` then asks the
permission table, where a method that has no row is refused to everybody.
"""

from __future__ import annotations

import ipaddress
import logging
import re
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Mapping
from contextvars import ContextVar
from dataclasses import dataclass, field
from enum import StrEnum
from functools import lru_cache
from inspect import isasyncgenfunction
from pathlib import Path
from typing import Any, cast

import grpc
from cryptography import x509
from cryptography.exceptions import InvalidSignature

from domains.errors import EntenteError, InvalidRequest, NotPermitted
from domains.status import abort, abort_unknown, decode

log = logging.getLogger(__name__)

CERTIFICATES_REMEMBERED_MAX = 4_096
"""Certificates whose check is remembered; beyond, all are forgotten and checked again."""

INSECURE_METADATA = "x-entente-principal"
"""Where a caller names itself when, on loopback and for debugging only, there is no TLS."""

_SPIFFE = re.compile(
    r"spiffe://(?P<trust_domain>[a-z0-9][a-z0-9._-]{0,254})"
    r"/(?P<role>[a-z]{1,32})/(?P<name>[A-Za-z0-9][A-Za-z0-9._-]{0,127})"
)


class Role(StrEnum):
    """What a party is to the others: the first path segment of its SPIFFE id."""

    TENANT = "tenant"
    COORDINATOR = "coordinator"
    DOMAIN = "domain"
    OPERATOR = "operator"
    AUDITOR = "auditor"


_ROLES = {role.value: role for role in Role}

HOME_ROLES = frozenset({Role.OPERATOR, Role.AUDITOR})
"""Roles that mean something only inside the trust domain of the server itself."""

Permissions = Mapping[str, frozenset[Role]]
"""Method -> roles; a method that is not in it is refused to all."""

EVERYONE: frozenset[Role] = frozenset(Role)

HEALTH: Permissions = {"Check": EVERYONE}
"""grpc.health.v1.Health, for whoever has a valid certificate; a stream of it is for nobody."""


@dataclass(frozen=True, slots=True)
class Principal:
    """A party, from its certificate."""

    trust_domain: str
    role: Role
    name: str

    @property
    def spiffe_id(self) -> str:
        return f"spiffe://{self.trust_domain}/{self.role.value}/{self.name}"

    @staticmethod
    def parse(spiffe_id: str) -> Principal:
        """From a SPIFFE id.

        Raises:
            NotPermitted: not of the form, or a role that we do not know.
        """
        found = _SPIFFE.fullmatch(spiffe_id)
        role = _ROLES.get(found["role"]) if found else None
        if found is None or role is None:
            raise NotPermitted("not a SPIFFE id of a role that is known here")
        return Principal(found["trust_domain"], role, found["name"])


@dataclass(frozen=True, slots=True)
class Identity:
    """What a party shows (certificate, key) and whom it believes (a CA per trust domain)."""

    certificate_pem: bytes
    key_pem: bytes = field(repr=False)
    trust_bundle: Mapping[str, bytes] = field(repr=False)

    @staticmethod
    def load(folder: Path) -> Identity:
        """From `svid.pem`, `key.pem` and `bundle/<trust_domain>.pem`.

        Raises:
            InvalidRequest: a file is missing or cannot be read.
        """
        try:
            bundle = {path.stem: path.read_bytes() for path in folder.glob("bundle/*.pem")}
            certificate, key = (folder / "svid.pem").read_bytes(), (folder / "key.pem").read_bytes()
        except OSError as error:
            raise InvalidRequest(f"no identity in {folder}: {error.strerror}") from error
        if not bundle:
            raise InvalidRequest(f"no identity in {folder}: bundle/ holds no trust domain")
        return Identity(certificate, key, bundle)

    @property
    def principal(self) -> Principal:
        """Whom this certificate says we are."""
        return Principal.parse(_spiffe_id(x509.load_pem_x509_certificate(self.certificate_pem)))


def server_credentials(identity: Identity) -> grpc.ServerCredentials:
    """TLS in which the client, too, has to show a certificate of a CA in the bundle."""
    return grpc.ssl_server_credentials(
        [(identity.key_pem, identity.certificate_pem)],
        root_certificates=b"".join(identity.trust_bundle.values()),
        require_client_auth=True,
    )


def channel_credentials(identity: Identity, trust_domain: str) -> grpc.ChannelCredentials:
    """TLS towards a server of one trust domain: no other operator's CA is believed there.

    Raises:
        InvalidRequest: our bundle has no CA of that trust domain.
    """
    try:
        authority = identity.trust_bundle[trust_domain]
    except KeyError:
        raise InvalidRequest(
            f"the trust bundle has no CA of {trust_domain!r}", trust_domain=trust_domain
        ) from None
    return grpc.ssl_channel_credentials(authority, identity.key_pem, identity.certificate_pem)


class Trust:
    """Turns a certificate that TLS let in into a principal, or refuses it."""

    def __init__(self, bundle: Mapping[str, bytes], now: Callable[[], float] = time.time) -> None:
        self._authorities = {
            trust_domain: x509.load_pem_x509_certificate(pem)
            for trust_domain, pem in bundle.items()
        }
        self._now = now
        self._known: dict[bytes, tuple[Principal, float]] = {}

    def principal(self, certificate_pem: bytes) -> Principal:
        """Whom the certificate stands for.

        Raises:
            NotPermitted: no SPIFFE id, an id outside its issuer's trust domain, or out of date:
                a connection may outlive the certificate it was opened with.
        """
        known = self._known.get(certificate_pem)
        if known is None:
            known = self._check(certificate_pem)
            if len(self._known) >= CERTIFICATES_REMEMBERED_MAX:
                self._known.clear()
            self._known[certificate_pem] = known
        principal, valid_until_s = known
        if self._now() > valid_until_s:
            raise NotPermitted("the certificate of this connection has expired")
        return principal

    def _check(self, certificate_pem: bytes) -> tuple[Principal, float]:
        certificate = x509.load_pem_x509_certificate(certificate_pem)
        principal = Principal.parse(_spiffe_id(certificate))
        authority = self._authorities.get(principal.trust_domain)
        if authority is None:
            raise NotPermitted("the certificate's trust domain is not known here")
        try:
            certificate.verify_directly_issued_by(authority)
        except (ValueError, TypeError, InvalidSignature):
            raise NotPermitted(
                "the certificate was not issued by the CA of the trust domain that it names"
            ) from None
        return principal, certificate.not_valid_after_utc.timestamp()


def _spiffe_id(certificate: x509.Certificate) -> str:
    """The one URI SAN (SPIFFE X509-SVID section 2: exactly one)."""
    try:
        names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except (x509.ExtensionNotFound, ValueError):
        raise NotPermitted("the certificate has no SPIFFE id") from None
    found = names.get_values_for_type(x509.UniformResourceIdentifier)
    if len(found) != 1:
        raise NotPermitted("the certificate has to have exactly one SPIFFE id")
    return found[0]


def is_loopback(address: str) -> bool:
    """Whether host:port can be reached from this machine only."""
    host = address.rpartition(":")[0].strip("[]")
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


_caller: ContextVar[Principal] = ContextVar("caller")


def principal_of(context: object) -> Principal:
    """Who makes the call that is being served.

    `Guard` put it there, in the call's own context, before the servicer ran; a servicer that was
    registered without a guard finds nothing and fails.
    """
    return _caller.get()


class Guard:
    """Stands for a server while services are registered on it, and guards each of their methods.

        add_DomainServiceServicer_to_server(servicer, Guard(server, tables, identity).as_server)

    Before a method runs: who calls, whether the table lets them, whether the bytes decode. After
    it: errors of `domains.errors` as their status, any other as INTERNAL with an id for our log.
    Handlers are wrapped once, here, which costs a call nothing that an interceptor would.

    Args:
        identity: None means no TLS: callers are believed. For loopback only; the caller checks.
    """

    def __init__(
        self,
        server: grpc.aio.Server,
        tables: Mapping[str, Permissions],
        identity: Identity | None,
        now: Callable[[], float] = time.time,
    ) -> None:
        self._server = server
        self._tables = tables
        self._trust = Trust(identity.trust_bundle, now) if identity else None
        self._home = identity.principal.trust_domain if identity else None

    @property
    def as_server(self) -> grpc.aio.Server:
        """Ourselves, under the type that generated code asks for."""
        return cast(grpc.aio.Server, self)

    def add_generic_rpc_handlers(self, handlers: Iterable[Any]) -> None:
        """Generated code registers twice; this form hides the methods, so only the other counts."""

    def add_registered_method_handlers(self, service: str, handlers: Mapping[str, Any]) -> None:
        table = self._tables.get(service, {})
        guarded = {
            method: self._guarded(handler, table.get(method, frozenset()))
            for method, handler in handlers.items()
        }
        self._server.add_generic_rpc_handlers(
            (grpc.method_handlers_generic_handler(service, guarded),)
        )
        self._server.add_registered_method_handlers(service, guarded)

    def _guarded(self, handler: Any, allowed: frozenset[Role]) -> Any:
        assert not handler.request_streaming, "no client streams: nobody could bound them"
        read, write = handler.request_deserializer, handler.response_serializer
        if not handler.response_streaming:
            unary = _guard_unary(handler.unary_unary, self._admit, allowed, read, write)
            return grpc.unary_unary_rpc_method_handler(unary)
        behaviour = handler.unary_stream
        if isasyncgenfunction(behaviour):
            stream = _guard_stream(behaviour, self._admit, allowed, read, write)
            return grpc.unary_stream_rpc_method_handler(stream)
        # A coroutine that writes to its context itself, like the health service's Watch.
        push = _guard_unary(behaviour, self._admit, allowed, read, write=None)
        return grpc.unary_stream_rpc_method_handler(push, response_serializer=write)

    def _admit(self, context: Any, allowed: frozenset[Role]) -> None:
        if self._trust is None:
            principal = _named_by_itself(context)
        else:
            (certificate,) = context.auth_context().get("x509_pem_cert", (b"",))
            principal = self._trust.principal(certificate)
        role, at_home = principal.role, principal.trust_domain == self._home
        if role not in allowed or (role in HOME_ROLES and not at_home and allowed is not EVERYONE):
            raise NotPermitted(f"a party of role {role.value} may not do this")
        _caller.set(principal)


_Admit = Callable[[Any, frozenset[Role]], None]


def _guard_unary(
    behaviour: Callable[[Any, Any], Awaitable[Any]],
    admit: _Admit,
    allowed: frozenset[Role],
    read: Callable[[bytes], Any],
    write: Callable[[Any], bytes] | None,
) -> Callable[[bytes, Any], Awaitable[Any]]:
    async def guarded(request: bytes, context: Any) -> Any:
        try:
            admit(context, allowed)
            reply = await behaviour(decode(read, request), context)
            return write(reply) if write else reply
        except EntenteError as error:
            await abort(context, error)
        except grpc.aio.AbortError:
            raise
        except Exception as error:
            await abort_unknown(context, error)

    return guarded


def _guard_stream(
    behaviour: Callable[[Any, Any], AsyncIterator[Any]],
    admit: _Admit,
    allowed: frozenset[Role],
    read: Callable[[bytes], Any],
    write: Callable[[Any], bytes],
) -> Callable[[bytes, Any], AsyncIterator[bytes]]:
    async def guarded(request: bytes, context: Any) -> AsyncIterator[bytes]:
        try:
            admit(context, allowed)
            async for reply in behaviour(decode(read, request), context):
                yield write(reply)
        except EntenteError as error:
            await abort(context, error)
        except grpc.aio.AbortError:
            raise
        except Exception as error:
            await abort_unknown(context, error)

    return guarded


def _named_by_itself(context: Any) -> Principal:
    for key, value in context.invocation_metadata() or ():
        if key == INSECURE_METADATA:
            return _parsed(str(value))
    raise NotPermitted(f"no TLS here: say who you are in the metadata {INSECURE_METADATA}")


_parsed = lru_cache(maxsize=CERTIFICATES_REMEMBERED_MAX)(Principal.parse)
