# Copyright (c) 2026, asm.lanes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Calls to one ASM instance through the official SDK: credentials, retries, deadline, record.

The SDK is imported when the first client is made: its import costs about 300 ms, and a
missing library must become one clear message.
"""

from __future__ import annotations

import re
import traceback
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from .budget import CallBudget, SharedBuckets
from .credentials import Connection
from .deadline import Deadline
from .errors import AsmError, Kind, from_exception
from .retry import RetryPolicy
from .sdk_credentials import Keys, explain, find_keys

LIBRARY = "alibabacloud-servicemesh20200111"
MINIMUM = "3.4.0"  # the first whose models have the fields that lanes need (its changelog)
DEFAULT_ENDPOINT = "servicemesh.aliyuncs.com"  # the SDK's, for all regions (verified)
CONNECT_TIMEOUT = 5.0  # seconds; the SDK's own default
_ENDPOINT = re.compile(r"([A-Za-z0-9.-]+|\[[0-9A-Fa-f:]+\])(:\d+)?")


class LibraryMissingError(Exception):
    """The SDK is not installed, or too old. details: the traceback of the import, or what is too old."""

    def __init__(self, details: str) -> None:
        super().__init__(f"{LIBRARY} >= {MINIMUM} is needed")
        self.details = details


@dataclass(frozen=True)
class Record:
    """One attempt at a call, for the module's ``api_calls``.

    request_id: the server's, None when it did not answer or the call is only planned.
    error: the server's code or the kind of failure, None when it succeeded.
    """

    action: str
    object: str
    request_id: str | None = None
    error: str | None = None

    def as_dict(self) -> dict[str, Any]:
        result: dict[str, Any] = {"action": self.action, "object": self.object, "request_id": self.request_id}
        return {**result, "error": self.error} if self.error else result


class AsmClient:
    """The ASM instance ``mesh_id``; every call is recorded in ``calls``.

    Raises LibraryMissingError, and AsmError when the options make no sense or no credentials
    are to be found.
    """

    def __init__(
        self, connection: Connection, mesh_id: str, deadline: Deadline, policy: RetryPolicy | None = None
    ) -> None:
        self.mesh_id = mesh_id
        self.deadline = deadline
        self.policy = policy or RetryPolicy()
        self.calls: list[Record] = []
        self._connection = connection
        self._budget = self._make_budget()
        self._secrets = [s for s in (connection.access_key_secret, connection.security_token) if s]
        self._sdk = _import_sdk()
        self._client = self._connect()

    @property
    def secrets(self) -> list[str]:
        """Secret values in use, wherever they came from: for Ansible's no_log."""
        return list(self._secrets)

    def call(self, action: str, obj: str, **parameters: Any) -> dict[str, Any]:
        """Carry out one API action and return its answer, in the API's own names.

        action: such as ``GetSwimLaneGroupList``. obj: what it is about, for messages.
        parameters: of the SDK's request class in snake_case, without the mesh id; None is
        not sent. Repeats what is safe to repeat (see RetryPolicy) within the deadline. Waits
        for its turn where the connection has a budget of calls per second.

        Raises AsmError; its ``ambiguous`` says that a write may have been carried out.
        """
        repeatable = action.startswith(("Get", "Describe"))
        attempt = 0
        while True:
            attempt += 1
            try:
                return self._attempt(action, obj, parameters)
            except AsmError as caught:
                error = caught
            pause = self.policy.pause(error, attempt, repeatable)
            if pause is not None and self.deadline.allows(pause):
                self.deadline.pause(pause)
                if not self.deadline.expired:
                    continue
            if attempt > 1:
                error.notes.append(f"Tried {attempt} times")
            if pause is not None:
                error.notes.append(f"The task's {self.deadline.seconds:g} s are used up")
            raise error

    def _attempt(self, action: str, obj: str, parameters: dict[str, Any]) -> dict[str, Any]:
        self._wait_for_turn(action, obj)
        if self.deadline.expired:
            raise AsmError(Kind.DEADLINE, action, obj, f"the task's {self.deadline.seconds:g} s are used up")
        method = re.sub(r"(?<!^)(?=[A-Z])", "_", action).lower() + "_with_options"
        request = getattr(self._sdk.models, f"{action}Request")(service_mesh_id=self.mesh_id, **parameters)
        try:
            response = getattr(self._client, method)(request, self._runtime())
            answer: dict[str, Any] = response.body.to_map()
        except Exception as exc:  # the SDK raises a dozen unrelated types
            error = self._blank(from_exception(exc, action, obj))
            self.calls.append(Record(action, obj, error.request_id, error.code or error.kind))
            raise error from None
        self.calls.append(Record(action, obj, answer.get("RequestId")))
        return answer

    def _make_budget(self) -> CallBudget | None:
        rate = self._connection.calls_per_second
        try:
            if rate is None:
                return None
            where = self._connection.endpoint or DEFAULT_ENDPOINT
            return CallBudget(rate, shared=SharedBuckets.of_user(), name=where)
        except ValueError as error:
            hint = "Write a number above 0 into the option calls_per_second."
            raise AsmError(
                Kind.INVALID, "Connection", f"mesh {self.mesh_id}", str(error), hint=hint
            ) from None

    def _wait_for_turn(self, action: str, obj: str) -> None:
        if self._budget is None or self.deadline.expired:
            return
        wait = self._budget.take(self.deadline.remaining)
        if wait is None:
            words = (
                f"at {self._budget.rate:g} calls per second its turn comes only after the task's "
                f"{self.deadline.seconds:g} s"
            )
            hint = "Raise the timeout option or calls_per_second."
            raise AsmError(Kind.DEADLINE, action, obj, words, hint=hint)
        if wait:
            self.deadline.pause(wait)

    def _runtime(self) -> Any:
        left = max(self.deadline.remaining, 0.1)
        return self._sdk.runtime_options(
            connect_timeout=int(min(CONNECT_TIMEOUT, left) * 1000),
            read_timeout=int(min(self._connection.request_timeout, left) * 1000),
            autoretry=False,
        )

    def _connect(self) -> Any:
        connection = self._connection
        role = connection.identity.role
        self._check_endpoint("endpoint", connection.endpoint, "the scheme goes into the protocol option")
        self._check_endpoint(
            "sts_endpoint", role.sts_endpoint if role else None, "STS is always reached by https"
        )
        keys = self._find_keys()
        config = self._sdk.config(
            access_key_id=keys.key_id,
            access_key_secret=keys.secret,
            security_token=keys.token,
            region_id=connection.region,
            endpoint=connection.endpoint,
            protocol=connection.protocol,
            user_agent="ansible-asm.lanes",
        )
        return self._sdk.client(config)

    def _check_endpoint(self, option: str, value: str | None, scheme: str) -> None:
        if value and not _ENDPOINT.fullmatch(value):
            words = f"{value!r} is not an endpoint"
            hint = f"Write the {option} option as host or host:port; {scheme}."
            raise AsmError(Kind.INVALID, "Connection", f"mesh {self.mesh_id}", words, hint=hint)

    def _find_keys(self) -> Keys:
        connection = self._connection
        identity, subject = connection.identity, f"mesh {self.mesh_id}"
        if identity.problem:
            hint = "Name one source of credentials; role_arn may go with any of them."
            raise AsmError(Kind.INVALID, "Connection", subject, identity.problem, hint=hint)
        own = None
        if connection.access_key_id and connection.access_key_secret:
            own = Keys(connection.access_key_id, connection.access_key_secret, connection.security_token)
            if identity.role is None:
                return own
        # Only here, because the default chain always builds the ECS provider with a thread of its own
        # (verified). Resolved now, so that missing credentials are told before the first call.
        try:
            keys = find_keys(self._sdk.providers, identity, own)
        except Exception as exc:  # providers raise what they like
            raise self._blank(explain(exc, subject)) from None
        self._secrets += [s for s in (keys.secret, keys.token) if s]
        return keys

    def _blank(self, error: AsmError) -> AsmError:
        """Take the secrets out of a message: a server may echo what it was sent."""
        for secret in self._secrets:
            # STS echoes what was signed, where everything is quoted twice.
            for form in (secret, quote(secret, ""), quote(quote(secret, ""), "")):
                error.message = error.message.replace(form, "********")
        return error


@dataclass(frozen=True)
class _Sdk:
    """The parts of the SDK in use."""

    client: Any
    models: Any
    config: Any
    runtime_options: Any
    providers: Any


def _import_sdk() -> _Sdk:
    try:
        from alibabacloud_credentials import provider as providers
        from alibabacloud_servicemesh20200111 import models
        from alibabacloud_servicemesh20200111.client import Client
        from alibabacloud_tea_openapi.models import Config
        from alibabacloud_tea_util.models import RuntimeOptions
    except ImportError:
        raise LibraryMissingError(traceback.format_exc()) from None
    if not hasattr(models.CreateSwimLaneGroupRequest(), "ingress_gateway_namespace"):
        raise LibraryMissingError(f"the installed {LIBRARY} is older than {MINIMUM}")
    return _Sdk(Client, models, Config, RuntimeOptions, providers)
