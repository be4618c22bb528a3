# Copyright (c) 2026, asm.lanes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Documentation of the options of every module that talks to ASM."""

from __future__ import annotations


class ModuleDocFragment:
    """The options in C(module_utils/_asm/module.py)."""

    DOCUMENTATION = r"""
options:
  mesh_id:
    description: ID of the ASM instance.
    type: str
    required: true
  access_key_id:
    description:
      - ID of the access key.
      - When omitted, the first of the environment variables E(ALIBABA_CLOUD_ACCESS_KEY_ID),
        E(ALICLOUD_ACCESS_KEY) and E(ALICLOUD_ACCESS_KEY_ID) that is set.
      - When none is set either, the default chain of the Alibaba Cloud SDK is used. It tries, in this order,
        OIDC (RRSA), the profile of the C(aliyun) command line tool, the credentials file
        C(~/.alibabacloud/credentials.ini), the RAM role of the ECS instance, and
        E(ALIBABA_CLOUD_CREDENTIALS_URI).
    type: str
  access_key_secret:
    description:
      - Secret of the access key.
      - When omitted, the first of the environment variables E(ALIBABA_CLOUD_ACCESS_KEY_SECRET),
        E(ALICLOUD_SECRET_KEY) and E(ALICLOUD_SECRET_ACCESS_KEY) that is set.
    type: str
  security_token:
    description:
      - Token of temporary (STS) credentials.
      - When omitted, E(ALIBABA_CLOUD_SECURITY_TOKEN), then E(ALICLOUD_SECURITY_TOKEN). A token of the
        environment is used only with an access key ID of the environment.
    type: str
  region:
    description:
      - Region of the SDK's configuration. The endpoint of ASM and the IDs of its instances are the same
        for all regions, so this hardly ever matters.
      - When omitted, E(ALIBABA_CLOUD_REGION_ID), E(ALICLOUD_REGION) or E(ALICLOUD_REGION_ID).
    type: str
    default: cn-hangzhou
  endpoint:
    description:
      - Where to reach the ASM API, as C(host) or C(host:port), without a scheme.
      - When omitted, the public endpoint, C(servicemesh.aliyuncs.com).
    type: str
  protocol:
    description: Protocol of the endpoint.
    type: str
    choices: [https, http]
    default: https
  request_timeout:
    description: Seconds to wait for one answer of the API.
    type: float
    default: 10
  calls_per_second:
    description:
      - Calls of the API that the task makes per second, repetitions included. After a rest, ten calls may be
        made at once, so that a run that finds nothing to change hardly ever waits.
      - A call whose turn would come only after O(timeout) fails at once. Tasks that run at the same time do
        not share a budget.
      - The API documents no limit; the default is a cautious choice.
    type: float
    default: 5
  timeout:
    description:
      - Seconds that the whole task may take, with all its calls, repetitions and waits.
      - Calls that are throttled, and calls that fail in a way that makes a repetition safe, are repeated
        within this time.
    type: float
    default: 120
requirements:
  - alibabacloud-servicemesh20200111 >= 3.4.0
notes:
  - The RAM identity needs the C(servicemesh) actions of the calls made (RV(ignore:api_calls) lists them),
    and a role within the mesh (mesh RBAC).
"""
