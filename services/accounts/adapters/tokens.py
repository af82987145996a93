"""Ed25519: making signing keys, and signing what a credential says."""

import base64
import secrets
from datetime import datetime

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from services.accounts.domain.credentials import Credential
from services.accounts.domain.signing import SigningPair
from turnus_runtime.credentials import public_key_text, sign_token


def new_pair(generation: str, now: datetime) -> SigningPair:
    """A fresh key for that generation."""
    private = Ed25519PrivateKey.generate()
    return SigningPair(
        id=generation,
        key_id=f"sgn_{secrets.token_hex(13)}",
        public_key=public_key_text(private.public_key()),
        private_key=base64.urlsafe_b64encode(private.private_bytes_raw()).decode(),
        created_at=now,
    )


def signed(credential: Credential, pair: SigningPair) -> str:
    """The token of a credential; always the same one, for as long as the key is there."""
    private = Ed25519PrivateKey.from_private_bytes(base64.urlsafe_b64decode(pair.private_key))
    return sign_token(
        private,
        pair.key_id,
        credential_id=credential.id,
        member_id=credential.member_id,
        workspace_id=credential.workspace_id,
        role=credential.role,
        scopes=credential.scopes,
        issued_at=credential.created_at,
        expires_at=credential.expires_at,
        assigned_only=credential.assigned_only,
    )
