# Copyright (c) 2026, asm.lanes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""As whom ASM is called: decided from the options and the environment, without asking anybody.

The options of the task choose. The environment completes what they chose, and chooses only when
they say nothing; then the variables that the SDK reads itself belong to its default chain. So
``ALIBABA_CLOUD_ROLE_ARN``, which RRSA puts into a pod, never turns an access key into a role.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

KEYS, PROFILE, ECS_ROLE, OIDC, CHAIN = "keys", "profile", "ecs_role", "oidc", "chain"

SESSION_NAME = "asm-lanes"
SESSION_EXPIRATION = 3600  # seconds; the SDK's default
SHORTEST_SESSION = 900  # seconds; documented for AssumeRole

KEY_ID_VARIABLES = ["ALIBABA_CLOUD_ACCESS_KEY_ID", "ALICLOUD_ACCESS_KEY", "ALICLOUD_ACCESS_KEY_ID"]

# The options that choose each source.
_CHOOSING = {
    KEYS: ["access_key_id"],
    PROFILE: ["profile"],
    ECS_ROLE: ["ecs_role_name"],
    OIDC: ["oidc_provider_arn", "oidc_token_file"],
}

# What the SDK's default chain reads itself (verified in its source): where one of them is set, it decides.
_CHAIN_VARIABLES = [
    "ALIBABA_CLOUD_OIDC_TOKEN_FILE",
    "ALIBABA_CLOUD_PROFILE",
    "ALIBABA_CLOUD_CREDENTIALS_FILE",
    "ALIBABA_CLOUD_ECS_METADATA",
    "ALIBABA_CLOUD_CREDENTIALS_URI",
]

# Variables of the alibaba.alicloud collection and of Terraform, which the SDK does not know.
_PROFILE_VARIABLE = "ALICLOUD_PROFILE"
_ECS_ROLE_VARIABLE = "ALICLOUD_ECS_ROLE_NAME"
_ROLE_VARIABLE = "ALICLOUD_ASSUME_ROLE_ARN"

# What completes OIDC (RRSA) when the task chose it.
_OIDC_VARIABLES = {
    "role_arn": "ALIBABA_CLOUD_ROLE_ARN",
    "oidc_provider_arn": "ALIBABA_CLOUD_OIDC_PROVIDER_ARN",
    "oidc_token_file": "ALIBABA_CLOUD_OIDC_TOKEN_FILE",
}


@dataclass(frozen=True)
class Role:
    """A RAM role to assume. expiration: seconds. sts_endpoint: ``host[:port]``, None for the SDK's own."""

    arn: str
    session_name: str = SESSION_NAME
    expiration: int = SESSION_EXPIRATION
    sts_endpoint: str | None = None


@dataclass(frozen=True)
class Identity:
    """Where credentials come from, and the role to assume with them, if any.

    source: KEYS, PROFILE, ECS_ROLE, OIDC (its role is ``role``), or CHAIN, the SDK's default chain.
    problem: why the options make no sense, in words; None when they do.
    """

    source: str = CHAIN
    profile: str | None = None
    ecs_role_name: str | None = None
    oidc_provider_arn: str | None = None
    oidc_token_file: str | None = None
    role: Role | None = None
    problem: str | None = None


def choose_identity(options: Mapping[str, Any], environ: Mapping[str, str]) -> Identity:
    """The identity for a module's options; None and an empty string count as not given.

    access_key_id may come from the environment already, as a fallback: it is then told by its value.
    """
    stated = [
        (source, name)
        for source, names in _CHOOSING.items()
        for name in names
        if _states(options, name, environ)
    ]
    sources = list(dict.fromkeys(source for source, _name in stated))
    if len(sources) > 1:
        return Identity(problem=f"{_listed([name for _source, name in stated])} exclude each other")
    if sources == [OIDC]:
        return _oidc(options, environ)
    if sources:
        identity = _plain(sources[0], options.get("profile"), options.get("ecs_role_name"))
        return _with_role(identity, options, options.get("role_arn"))
    return _with_role(
        _from_environment(options, environ), options, options.get("role_arn") or environ.get(_ROLE_VARIABLE)
    )


def _states(options: Mapping[str, Any], name: str, environ: Mapping[str, str]) -> bool:
    value = options.get(name)
    from_environment = name == "access_key_id" and value in [environ.get(key) for key in KEY_ID_VARIABLES]
    return bool(value) and not from_environment


def _plain(source: str, profile: str | None, ecs_role_name: str | None) -> Identity:
    return Identity(
        source,
        profile=profile if source == PROFILE else None,
        ecs_role_name=ecs_role_name if source == ECS_ROLE else None,
    )


def _from_environment(options: Mapping[str, Any], environ: Mapping[str, str]) -> Identity:
    if options.get("access_key_id"):
        return Identity(KEYS)
    if any(environ.get(name) for name in _CHAIN_VARIABLES):
        return Identity(CHAIN)
    profile, ecs_role = environ.get(_PROFILE_VARIABLE), environ.get(_ECS_ROLE_VARIABLE)
    if profile:
        return _plain(PROFILE, profile, None)
    return _plain(ECS_ROLE, None, ecs_role) if ecs_role else Identity(CHAIN)


def _oidc(options: Mapping[str, Any], environ: Mapping[str, str]) -> Identity:
    found = {name: options.get(name) or environ.get(key) for name, key in _OIDC_VARIABLES.items()}
    missing = [f"{name} ({_OIDC_VARIABLES[name]})" for name, value in found.items() if not value]
    if missing:
        return Identity(problem=f"OIDC also needs {_listed(missing)}")
    identity = Identity(
        OIDC, oidc_provider_arn=found["oidc_provider_arn"], oidc_token_file=found["oidc_token_file"]
    )
    return _with_role(identity, options, found["role_arn"])


def _with_role(identity: Identity, options: Mapping[str, Any], arn: str | None) -> Identity:
    if not arn:
        return identity
    expiration = options.get("role_session_expiration") or SESSION_EXPIRATION
    if expiration < SHORTEST_SESSION:
        words = f"role_session_expiration is {expiration} s, and STS grants no less than {SHORTEST_SESSION} s"
        return Identity(problem=words)
    role = Role(
        arn,
        options.get("role_session_name") or SESSION_NAME,
        expiration,
        options.get("sts_endpoint") or None,
    )
    return Identity(
        identity.source,
        identity.profile,
        identity.ecs_role_name,
        identity.oidc_provider_arn,
        identity.oidc_token_file,
        role,
    )


def _listed(names: list[str]) -> str:
    return " and ".join(filter(None, [", ".join(names[:-1]), names[-1]]))
