"""Bearer tokens: the tenant's name and a keyed hash of it. Nothing to look up, nothing to store.

Whoever can read the secret can be every tenant: it lives in the state folder, 0600, next to the
keys of the development certificates, and never leaves it. Where tenants are not local users, a
proxy in front has to authenticate them and hand out tokens.
"""

from __future__ import annotations

import hashlib
import hmac
import re
import secrets
from pathlib import Path

from deploy.home import Home, write_private
from domains.errors import NotPermitted

ANONYMOUS = "anonymous"
"""Whoever shows no token: may translate and browse, may not order."""
_SECRET_BYTES = 32
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
_BEARER = re.compile(r"(?i:bearer) +(?P<tenant>[A-Za-z0-9._-]{1,64})~(?P<proof>[0-9a-f]{64})")


class Unauthenticated(NotPermitted):
    """No token, or one that proves nothing."""

    reason = "UNAUTHENTICATED"


class Tokens:
    """Makes and checks tokens under one secret."""

    def __init__(self, secret: bytes) -> None:
        assert len(secret) >= _SECRET_BYTES, "a short secret can be guessed"
        self._secret = secret

    @staticmethod
    def of(home: Home) -> Tokens:
        """With the secret of a state folder, made if it has none."""
        path: Path = home.root / "http-secret"
        if not path.exists():
            write_private(path, secrets.token_hex(_SECRET_BYTES))
        return Tokens(bytes.fromhex(path.read_text()))

    def token(self, tenant: str) -> str:
        """The token of a tenant.

        Raises:
            NotPermitted: no such name can be a tenant's.
        """
        if not _NAME.fullmatch(tenant) or tenant == ANONYMOUS:
            raise NotPermitted("a tenant's name has letters, digits, '.', '_' and '-'")
        return f"{tenant}~{self._proof(tenant)}"

    def tenant_of(self, authorization: str | None) -> str:
        """Who an `Authorization` header speaks for; `ANONYMOUS` without one.

        Raises:
            Unauthenticated: a header that is not a token of ours.
        """
        if authorization is None:
            return ANONYMOUS
        match = _BEARER.fullmatch(authorization.strip())
        if match and hmac.compare_digest(self._proof(match["tenant"]), match["proof"]):
            return match["tenant"]
        raise Unauthenticated("this is no token of ours; `entente token` prints yours")

    def _proof(self, tenant: str) -> str:
        return hmac.new(self._secret, tenant.encode(), hashlib.sha256).hexdigest()
