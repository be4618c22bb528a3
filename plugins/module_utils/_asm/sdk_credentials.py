# Copyright (c) 2026, asm.lanes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Keys for an identity, through the providers of the official ``alibabacloud_credentials``.

``sdk`` is its package ``provider``, which the client imports when it needs it.
"""

from __future__ import annotations

import logging
from typing import Any, NamedTuple

from .errors import AsmError, Kind, from_exception
from .identity import ECS_ROLE, OIDC, PROFILE, Identity, Role

ACTION = "Finding credentials"
_NETWORK = frozenset({Kind.UNREACHABLE, Kind.TLS, Kind.TIMEOUT, Kind.INTERRUPTED})


class Keys(NamedTuple):
    """What requests are signed with. token: None for keys that do not expire."""

    key_id: str
    secret: str
    token: str | None = None


def find_keys(sdk: Any, identity: Identity, keys: Keys | None) -> Keys:
    """The keys of an identity, which may ask STS or the metadata service.

    keys: those of the options. They are fetched once: a session lasts longer than a task should.
    Raises what the SDK raises, see ``explain``.
    """
    # It logs a request that failed with its URL, tokens and all (verified in 1.0.12).
    logging.getLogger("credentials").disabled = True
    if identity.source == OIDC:
        return _keys(oidc_provider(sdk, identity).get_credentials())
    keys = keys or _find_source(sdk, identity)
    return _keys(role_provider(sdk, identity.role, keys).get_credentials()) if identity.role else keys


def explain(error: Exception, obj: str) -> AsmError:
    """The AsmError for what ``find_keys`` raised."""
    if isinstance(error, AsmError):
        return error
    if isinstance(error, ValueError) or getattr(error, "filename", None):
        return AsmError(Kind.CREDENTIALS, ACTION, obj, str(error))
    found = from_exception(error, ACTION, obj)
    if found.kind in _NETWORK:
        found.hint = "Check the network and proxies between here and STS or the metadata service."
    return found


def role_provider(sdk: Any, role: Role, keys: Keys) -> Any:
    """The SDK's provider that assumes the role with these keys."""
    return sdk.RamRoleArnCredentialsProvider(
        access_key_id=keys.key_id,
        access_key_secret=keys.secret,
        security_token=keys.token,
        role_arn=role.arn,
        role_session_name=role.session_name,
        duration_seconds=role.expiration,
        sts_endpoint=role.sts_endpoint,
    )


def oidc_provider(sdk: Any, identity: Identity) -> Any:
    """The SDK's provider that assumes the identity's role with its OIDC token."""
    role = identity.role or Role("")
    return sdk.OIDCRoleArnCredentialsProvider(
        role_arn=role.arn,
        oidc_provider_arn=identity.oidc_provider_arn,
        oidc_token_file_path=identity.oidc_token_file,
        role_session_name=role.session_name,
        duration_seconds=role.expiration,
        sts_endpoint=role.sts_endpoint,
    )


def _find_source(sdk: Any, identity: Identity) -> Keys:
    if identity.source == PROFILE:
        return _find_in_profile(sdk, identity.profile)
    if identity.source == ECS_ROLE:
        # Without the thread that would refresh them.
        provider = sdk.EcsRamRoleCredentialsProvider(
            role_name=identity.ecs_role_name, async_update_enabled=False
        )
        return _keys(provider.get_credentials())
    return _keys(sdk.DefaultCredentialsProvider().get_credentials())


def _find_in_profile(sdk: Any, name: str | None) -> Keys:
    reasons = []
    # In the order of the SDK's default chain.
    for provider in (
        sdk.CLIProfileCredentialsProvider(profile_name=name),
        sdk.ProfileCredentialsProvider(profile_name=name),
    ):
        try:
            return _keys(provider.get_credentials())
        except Exception as error:  # providers raise what they like
            reasons.append(explain(error, "").message)
    raise AsmError(Kind.CREDENTIALS, ACTION, f"profile {name}", "; ".join(reasons))


def _keys(found: Any) -> Keys:
    return Keys(found.get_access_key_id(), found.get_access_key_secret(), found.get_security_token() or None)
