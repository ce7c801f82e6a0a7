"""Development certificates: made once, kept while good, never loose."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509

from deploy.certificates import RENEW_BEFORE, ensure_development_certificates
from domains.errors import InvalidRequest, NotPermitted
from domains.security import Identity, Trust

NOW = datetime(2026, 1, 1, tzinfo=UTC)
RADIO = "spiffe://north.example/domain/radio"
COORDINATOR = "spiffe://e2e.example/coordinator/c1"


def contents(folder: Path) -> Mapping[Path, bytes]:
    return {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_every_identity_gets_what_identity_load_reads(tmp_path: Path) -> None:
    made = ensure_development_certificates(tmp_path, [RADIO, COORDINATOR], NOW)
    assert set(made) == {RADIO, COORDINATOR}
    for spiffe_id, folder in made.items():
        identity = Identity.load(folder)
        assert identity.principal.spiffe_id == spiffe_id
        assert set(identity.trust_bundle) == {"north.example", "e2e.example"}
        trust = Trust(identity.trust_bundle, NOW.timestamp)
        assert trust.principal(identity.certificate_pem).spiffe_id == spiffe_id


def test_a_server_is_met_at_localhost(tmp_path: Path) -> None:
    folder = ensure_development_certificates(tmp_path, [RADIO], NOW)[RADIO]
    certificate = x509.load_pem_x509_certificate((folder / "svid.pem").read_bytes())
    names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert names.get_values_for_type(x509.DNSName) == ["localhost"]
    assert [str(a) for a in names.get_values_for_type(x509.IPAddress)] == ["127.0.0.1"]


def test_keys_are_readable_by_their_owner_only(tmp_path: Path) -> None:
    ensure_development_certificates(tmp_path, [RADIO, COORDINATOR], NOW)
    keys = [path for path in contents(tmp_path) if "key" in path.name]
    assert len(keys) == 4
    assert all(path.stat().st_mode & 0o777 == 0o600 for path in keys)


def test_authority_keys_are_not_where_parties_look(tmp_path: Path) -> None:
    folder = ensure_development_certificates(tmp_path, [RADIO], NOW)[RADIO]
    assert {path.name for path in contents(folder)} == {"svid.pem", "key.pem", "north.example.pem"}


def test_a_second_run_changes_nothing(tmp_path: Path) -> None:
    ensure_development_certificates(tmp_path, [RADIO, COORDINATOR], NOW)
    before = contents(tmp_path)
    ensure_development_certificates(tmp_path, [RADIO, COORDINATOR], NOW + timedelta(days=1))
    assert contents(tmp_path) == before


def test_what_is_about_to_expire_is_renewed_and_the_authority_kept(tmp_path: Path) -> None:
    folder = ensure_development_certificates(tmp_path, [RADIO], NOW)[RADIO]
    before = Identity.load(folder)
    certificate = x509.load_pem_x509_certificate(before.certificate_pem)
    later = certificate.not_valid_after_utc - RENEW_BEFORE + timedelta(hours=1)
    ensure_development_certificates(tmp_path, [RADIO], later)
    after = Identity.load(folder)
    assert after.certificate_pem != before.certificate_pem
    assert after.trust_bundle == before.trust_bundle
    Trust(after.trust_bundle, later.timestamp).principal(after.certificate_pem)


def test_after_years_the_authority_is_renewed_with_all_it_issued(tmp_path: Path) -> None:
    folder = ensure_development_certificates(tmp_path, [RADIO], NOW)[RADIO]
    before = Identity.load(folder)
    later = NOW + timedelta(days=2000)
    ensure_development_certificates(tmp_path, [RADIO], later)
    after = Identity.load(folder)
    assert after.trust_bundle != before.trust_bundle
    Trust(after.trust_bundle, later.timestamp).principal(after.certificate_pem)


def test_a_party_that_joins_later_knows_and_is_known(tmp_path: Path) -> None:
    ensure_development_certificates(tmp_path, [RADIO], NOW)
    made = ensure_development_certificates(tmp_path, [COORDINATOR, RADIO], NOW)
    for folder in made.values():
        assert set(Identity.load(folder).trust_bundle) == {"north.example", "e2e.example"}


@pytest.mark.parametrize("broken", [b"", b"not a certificate"])
def test_a_broken_file_is_replaced(tmp_path: Path, broken: bytes) -> None:
    folder = ensure_development_certificates(tmp_path, [RADIO], NOW)[RADIO]
    (folder / "svid.pem").write_bytes(broken)
    ensure_development_certificates(tmp_path, [RADIO], NOW)
    assert Identity.load(folder).principal.spiffe_id == RADIO


def test_a_name_of_another_form_gets_nothing(tmp_path: Path) -> None:
    with pytest.raises(NotPermitted):
        ensure_development_certificates(tmp_path, ["spiffe://a/../../tenant/x"], NOW)
    assert not contents(tmp_path)


def test_a_folder_without_an_identity_says_so(tmp_path: Path) -> None:
    with pytest.raises(InvalidRequest) as refused:
        Identity.load(tmp_path)
    assert str(tmp_path) in refused.value.message
