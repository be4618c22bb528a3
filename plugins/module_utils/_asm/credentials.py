# Copyright (c) 2026, asm.lanes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Who calls ASM, and where: the options of the doc fragment ``asm.lanes.credentials``."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from ansible.module_utils.basic import env_fallback

from .identity import KEY_ID_VARIABLES, KEYS, Identity, choose_identity

# The SDK's own variables first, then those of the alibaba.alicloud collection and of Terraform.
SECRET_VARIABLES = ["ALIBABA_CLOUD_ACCESS_KEY_SECRET", "ALICLOUD_SECRET_KEY", "ALICLOUD_SECRET_ACCESS_KEY"]
TOKEN_VARIABLES = ["ALIBABA_CLOUD_SECURITY_TOKEN", "ALICLOUD_SECURITY_TOKEN"]
SESSION_NAME_VARIABLES = ["ALIBABA_CLOUD_ROLE_SESSION_NAME", "ALICLOUD_ASSUME_ROLE_SESSION_NAME"]
SESSION_EXPIRATION_VARIABLES = ["ALICLOUD_ASSUME_ROLE_SESSION_EXPIRATION"]
REGION_VARIABLES = ["ALIBABA_CLOUD_REGION_ID", "ALICLOUD_REGION", "ALICLOUD_REGION_ID"]

# ASM has one central endpoint for all regions (verified in the SDK: rule `central`).
DEFAULT_REGION = "cn-hangzhou"

# Alibaba Cloud limits each operation of an account (documented); ASM's own figures are in the account's
# Quota Center only. One call after another, at 50 ms each, makes as many; a call that is throttled
# nevertheless is repeated.
CALLS_PER_SECOND = 20.0


def credentials_argument_spec() -> dict[str, Any]:
    """The options that every module talking to ASM has; pairs with REQUIRED_TOGETHER.

    Options that choose an identity have no fallback here: see ``choose_identity``.
    """
    return {
        "access_key_id": {"type": "str", "no_log": False, "fallback": (env_fallback, KEY_ID_VARIABLES)},
        "access_key_secret": {"type": "str", "no_log": True, "fallback": (env_fallback, SECRET_VARIABLES)},
        "security_token": {"type": "str", "no_log": True, "fallback": (env_fallback, TOKEN_VARIABLES)},
        "role_arn": {"type": "str"},
        "role_session_name": {"type": "str", "fallback": (env_fallback, SESSION_NAME_VARIABLES)},
        "role_session_expiration": {"type": "int", "fallback": (env_fallback, SESSION_EXPIRATION_VARIABLES)},
        "sts_endpoint": {"type": "str"},
        "ecs_role_name": {"type": "str"},
        "oidc_provider_arn": {"type": "str"},
        "oidc_token_file": {"type": "path", "no_log": False},
        "profile": {"type": "str"},
        "region": {"type": "str", "default": DEFAULT_REGION, "fallback": (env_fallback, REGION_VARIABLES)},
        "endpoint": {"type": "str"},
        "protocol": {"type": "str", "default": "https", "choices": ["https", "http"]},
        "request_timeout": {"type": "float", "default": 10.0},
        "calls_per_second": {"type": "float", "default": CALLS_PER_SECOND},
    }


REQUIRED_TOGETHER = [["access_key_id", "access_key_secret"]]


@dataclass(frozen=True)
class Connection:
    """Where to call and as whom. Secrets stay out of its repr.

    access_key_id: None means that the identity tells where to find keys. endpoint: ``host[:port]``
    without a scheme, None for the SDK's own. request_timeout: seconds for one answer.
    calls_per_second: None for as many as come. identity: by default the SDK's default chain.
    """

    access_key_id: str | None = None
    access_key_secret: str | None = field(default=None, repr=False)
    security_token: str | None = field(default=None, repr=False)
    region: str = DEFAULT_REGION
    endpoint: str | None = None
    protocol: str = "https"
    request_timeout: float = 10.0
    calls_per_second: float | None = None
    identity: Identity = field(default_factory=Identity)

    @classmethod
    def from_params(cls, params: Mapping[str, Any], environ: Mapping[str, str] | None = None) -> Connection:
        """From a module's parameters; an empty string counts as not given. environ: default the process's."""
        variables = os.environ if environ is None else environ
        identity = choose_identity(params, variables)
        # The environment's keys are not used where the task names another source.
        mine = params if identity.source == KEYS else {}
        return cls(
            access_key_id=mine.get("access_key_id") or None,
            access_key_secret=mine.get("access_key_secret") or None,
            security_token=_matching_token(params, variables) if mine else None,
            region=params["region"] or DEFAULT_REGION,
            endpoint=params["endpoint"] or None,
            protocol=params["protocol"],
            request_timeout=params["request_timeout"],
            calls_per_second=params["calls_per_second"],
            identity=identity,
        )


def _matching_token(params: Mapping[str, Any], environ: Mapping[str, str]) -> str | None:
    # A token in the environment belongs to the key in the environment. Ansible falls back option by
    # option, so a key given in the task would be paired with a token of somebody else.
    token, key_id = params["security_token"] or None, params["access_key_id"] or None
    from_environment = token in [environ[name] for name in TOKEN_VARIABLES if name in environ]
    if from_environment and key_id not in [environ[name] for name in KEY_ID_VARIABLES if name in environ]:
        return None
    return token
