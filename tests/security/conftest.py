"""A small public key infrastructure: three operators, and whoever tries to pass for one."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from deploy.certificates import ensure_development_certificates
from domains.security import Identity

SERVER = "spiffe://north.example/domain/radio"
TRUST_DOMAINS = ("north.example", "e2e.example", "south.example")

Forge = Callable[..., Identity]


@pytest.fixture(scope="session")
def authorities(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder in which every trust domain has its CA."""
    folder = tmp_path_factory.mktemp("certificates")
    names = [f"spiffe://{trust_domain}/auditor/first" for trust_domain in TRUST_DOMAINS]
    ensure_development_certificates(folder, names, datetime.now(UTC))
    return folder


@pytest.fixture(scope="session")
def identity_of(authorities: Path) -> Callable[[str], Identity]:
    """An honest party's identity, by SPIFFE id."""

    def make(spiffe_id: str) -> Identity:
        made = ensure_development_certificates(authorities, [spiffe_id], datetime.now(UTC))
        return Identity.load(made[spiffe_id])

    return make


@pytest.fixture(scope="session")
def forge(authorities: Path) -> Forge:
    """A certificate that an honest authority would not issue, signed by a real one's key.

    forge("north.example", "spiffe://south.example/..", starts=-2 days, ends=-1 day)
    """

    def make(
        issuer: str,
        *uris: str,
        starts: timedelta = timedelta(minutes=-1),
        ends: timedelta = timedelta(hours=1),
    ) -> Identity:
        signer = serialization.load_pem_private_key(
            (authorities / "ca" / f"{issuer}.key.pem").read_bytes(), password=None
        )
        assert isinstance(signer, ec.EllipticCurvePrivateKey)
        authority = x509.load_pem_x509_certificate(
            (authorities / "ca" / f"{issuer}.pem").read_bytes()
        )
        key = ec.generate_private_key(ec.SECP256R1())
        names: list[x509.GeneralName] = [x509.UniformResourceIdentifier(uri) for uri in uris]
        now = datetime.now(UTC)
        certificate = (
            x509.CertificateBuilder()
            .subject_name(x509.Name([]))
            .issuer_name(authority.subject)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now + starts)
            .not_valid_after(now + ends)
            .add_extension(
                x509.SubjectAlternativeName([*names, x509.DNSName("localhost")]), critical=False
            )
            .sign(signer, hashes.SHA256())
        )
        return Identity(
            certificate.public_bytes(serialization.Encoding.PEM),
            key.private_bytes(
                serialization.Encoding.PEM,
                serialization.PrivateFormat.PKCS8,
                serialization.NoEncryption(),
            ),
            {path.stem: path.read_bytes() for path in (authorities / "ca").glob("*.example.pem")},
        )

    return make


@pytest.fixture(scope="session")
def stranger(tmp_path_factory: pytest.TempPathFactory) -> Identity:
    """A coordinator by its own account: right names everywhere, an authority of its own."""
    name = "spiffe://e2e.example/coordinator/c1"
    folder = tmp_path_factory.mktemp("stranger")
    return Identity.load(ensure_development_certificates(folder, [name], datetime.now(UTC))[name])
