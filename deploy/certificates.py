"""Development certificates: one CA per trust domain, one SPIFFE identity per party.

For a laptop and for tests. In production each operator's own authority issues the leaves (SPIRE, or
any CA that writes a SPIFFE id into the URI SAN), and only CA certificates cross the boundary.

    folder/ca/<trust domain>.pem, <trust domain>.key.pem      never leaves this folder
    folder/<trust domain>/<role>/<name>/svid.pem, key.pem     what `Identity.load` reads
    folder/<trust domain>/<role>/<name>/bundle/<trust domain>.pem
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from ipaddress import ip_address
from pathlib import Path

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from domains.security import Principal

CA_LIFE = timedelta(days=365)
LEAF_LIFE = timedelta(days=30)
RENEW_BEFORE = timedelta(days=2)
"""A certificate that ends within this is replaced; a demonstration never outlasts it."""

CLOCK_SKEW = timedelta(minutes=5)
"""Certificates begin this much earlier, for a party whose clock is behind."""

HOSTS = ("localhost", "127.0.0.1")


@dataclass(frozen=True, slots=True)
class _Issued:
    certificate: x509.Certificate
    key: ec.EllipticCurvePrivateKey


def ensure_development_certificates(
    folder: Path, identities: Sequence[str], now: datetime, hosts: Sequence[str] = HOSTS
) -> dict[str, Path]:
    """Make what is missing or about to expire; leave alone what is good.

    Args:
        folder: where everything goes; made if missing.
        identities: SPIFFE ids, `spiffe://{trust_domain}/{role}/{name}`.
        now: aware of its time zone.
        hosts: names and addresses at which the leaves may be met as servers.

    Returns:
        The folder of each identity, by SPIFFE id. Every folder's bundle names every trust domain
        that has a CA here.

    Raises:
        NotPermitted: an id is not of that form.
    """
    principals = [Principal.parse(identity) for identity in identities]
    authorities = {
        trust_domain: _authority(folder / "ca", trust_domain, now)
        for trust_domain in {principal.trust_domain for principal in principals}
    }
    for known in (folder / "ca").glob("*.key.pem"):
        trust_domain = known.name.removesuffix(".key.pem")
        if trust_domain not in authorities:
            authorities[trust_domain] = _authority(folder / "ca", trust_domain, now)
    homes = {}
    for principal in principals:
        home = folder / principal.trust_domain / principal.role.value / principal.name
        _leaf(home, principal, authorities[principal.trust_domain], now, hosts)
        _bundle(home / "bundle", authorities)
        homes[principal.spiffe_id] = home
    return homes


def _authority(folder: Path, trust_domain: str, now: datetime) -> _Issued:
    kept = _read(folder / f"{trust_domain}.pem", folder / f"{trust_domain}.key.pem")
    if kept and _lasts(kept.certificate, now):
        return kept
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, f"{trust_domain} development CA")])
    certificate = (
        _builder(name, name, key.public_key(), now, CA_LIFE)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(_usage(signs_certificates=True), critical=True)
        .add_extension(_uri_names(f"spiffe://{trust_domain}"), critical=False)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .sign(key, hashes.SHA256())
    )
    issued = _Issued(certificate, key)
    _write(folder / f"{trust_domain}.pem", folder / f"{trust_domain}.key.pem", issued)
    return issued


def _leaf(
    home: Path, principal: Principal, authority: _Issued, now: datetime, hosts: Sequence[str]
) -> None:
    names = _uri_names(principal.spiffe_id, *hosts)
    kept = _read(home / "svid.pem", home / "key.pem")
    if kept and _lasts(kept.certificate, now) and _is_of(kept.certificate, authority, names):
        return
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, principal.name[:64])])
    ends = authority.certificate.not_valid_after_utc - now
    certificate = (
        _builder(
            subject, authority.certificate.subject, key.public_key(), now, min(LEAF_LIFE, ends)
        )
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(_usage(signs_certificates=False), critical=True)
        .add_extension(
            x509.ExtendedKeyUsage(
                [ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.CLIENT_AUTH]
            ),
            critical=False,
        )
        .add_extension(names, critical=False)
        .add_extension(
            x509.AuthorityKeyIdentifier.from_issuer_public_key(authority.key.public_key()),
            critical=False,
        )
        .sign(authority.key, hashes.SHA256())
    )
    _write(home / "svid.pem", home / "key.pem", _Issued(certificate, key))


def _bundle(folder: Path, authorities: dict[str, _Issued]) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for trust_domain, authority in authorities.items():
        path = folder / f"{trust_domain}.pem"
        wanted = authority.certificate.public_bytes(serialization.Encoding.PEM)
        if not path.exists() or path.read_bytes() != wanted:
            _replace(path, wanted, 0o644)


def _builder(
    subject: x509.Name,
    issuer: x509.Name,
    key: ec.EllipticCurvePublicKey,
    now: datetime,
    life: timedelta,
) -> x509.CertificateBuilder:
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - CLOCK_SKEW)
        .not_valid_after(now + life)
    )


def _usage(signs_certificates: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not signs_certificates,
        key_cert_sign=signs_certificates,
        crl_sign=signs_certificates,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        encipher_only=False,
        decipher_only=False,
    )


def _uri_names(spiffe_id: str, *hosts: str) -> x509.SubjectAlternativeName:
    names: list[x509.GeneralName] = [x509.UniformResourceIdentifier(spiffe_id)]
    for host in hosts:
        try:
            names.append(x509.IPAddress(ip_address(host)))
        except ValueError:
            names.append(x509.DNSName(host))
    return x509.SubjectAlternativeName(names)


def _lasts(certificate: x509.Certificate, now: datetime) -> bool:
    ends = certificate.not_valid_after_utc
    return certificate.not_valid_before_utc <= now and ends - now > RENEW_BEFORE


def _is_of(
    certificate: x509.Certificate, authority: _Issued, names: x509.SubjectAlternativeName
) -> bool:
    try:
        certificate.verify_directly_issued_by(authority.certificate)
        written = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName)
    except (ValueError, TypeError, InvalidSignature, x509.ExtensionNotFound):
        return False
    return written.value == names


def _read(certificate: Path, key: Path) -> _Issued | None:
    """What an earlier run left, or None where it is missing, broken or of another kind."""
    try:
        private = serialization.load_pem_private_key(key.read_bytes(), password=None)
        public = x509.load_pem_x509_certificate(certificate.read_bytes())
    except (OSError, ValueError):
        return None
    if not isinstance(private, ec.EllipticCurvePrivateKey):
        return None
    return _Issued(public, private) if public.public_key() == private.public_key() else None


def _write(certificate: Path, key: Path, issued: _Issued) -> None:
    key.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    private = issued.key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    _replace(key, private, 0o600)
    _replace(certificate, issued.certificate.public_bytes(serialization.Encoding.PEM), 0o644)


def _replace(path: Path, content: bytes, mode: int) -> None:
    """Write beside and rename, so that no reader ever meets half a file or a loose mode."""
    beside = path.with_name(f".{path.name}.{os.getpid()}")
    beside.unlink(missing_ok=True)
    descriptor = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
    with os.fdopen(descriptor, "wb") as file:
        file.write(content)
    beside.replace(path)
