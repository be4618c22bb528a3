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
      - When no option names another source of credentials and none of these is set,
        E(ALICLOUD_PROFILE) (as O(profile)), then E(ALICLOUD_ECS_ROLE_NAME) (as O(ecs_role_name)), unless a
        variable of the SDK's own is set.
      - Otherwise the default chain of the Alibaba Cloud SDK. It tries, in this order, OIDC (RRSA), the
        profile of the C(aliyun) command line tool, the credentials file
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
  role_arn:
    description:
      - ARN of a RAM role to assume (STS AssumeRole) with the credentials that the other options name, or
        those of the environment or the default chain when they name none.
      - When omitted, and no option names a source of credentials, E(ALICLOUD_ASSUME_ROLE_ARN).
      - E(ALIBABA_CLOUD_ROLE_ARN) is used only for OIDC, since clusters with RRSA put it into every pod.
    type: str
  role_session_name:
    description:
      - Name of the session, as it appears in ActionTrail. Used only when a role is assumed.
      - When omitted, E(ALIBABA_CLOUD_ROLE_SESSION_NAME), E(ALICLOUD_ASSUME_ROLE_SESSION_NAME), or
        C(asm-lanes).
    type: str
  role_session_expiration:
    description:
      - Seconds that the session lasts, 900 or more. Used only when a role is assumed. It must not end before
        the task does.
      - When omitted, E(ALICLOUD_ASSUME_ROLE_SESSION_EXPIRATION), or 3600.
    type: int
  sts_endpoint:
    description:
      - Where to reach STS when a role is assumed, as C(host) or C(host:port), such as
        C(sts-vpc.cn-hangzhou.aliyuncs.com) from within a VPC.
      - It is always reached by https, and its certificate is checked against the authorities of the Python
        package C(certifi), whatever the environment says.
      - When omitted, the SDK's own, V(sts.aliyuncs.com) unless E(ALIBABA_CLOUD_STS_REGION) and
        E(ALIBABA_CLOUD_VPC_ENDPOINT_ENABLED) name another.
    type: str
  ecs_role_name:
    description:
      - Name of the RAM role of the ECS instance on which the task runs; its metadata service tells the keys.
      - Excludes O(access_key_id), O(profile) and the options of OIDC, as these exclude one another. Access
        keys of the environment are then not used.
    type: str
  oidc_provider_arn:
    description:
      - ARN of the OIDC provider, to assume O(role_arn) with an OIDC token (RRSA).
      - Needed together with O(oidc_token_file) and O(role_arn); what the task leaves out is taken from
        E(ALIBABA_CLOUD_OIDC_PROVIDER_ARN), E(ALIBABA_CLOUD_OIDC_TOKEN_FILE) and E(ALIBABA_CLOUD_ROLE_ARN).
        Where these three are set, no option is needed, unless there are access keys in the environment too.
    type: str
  oidc_token_file:
    description: File with the OIDC token, on the machine on which the task runs. See O(oidc_provider_arn).
    type: path
  profile:
    description:
      - Name of a profile of the C(aliyun) command line tool (C(~/.aliyun/config.json)), else of a section of
        C(~/.alibabacloud/credentials.ini) or the file in E(ALIBABA_CLOUD_CREDENTIALS_FILE).
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
      - Calls of the API per second, repetitions included. After a rest, twenty calls may be made at once, so
        that a run that finds nothing to change hardly ever waits.
      - All tasks of a user on one machine share the budget of an endpoint, also those that run at the same
        time, as the forks of a play over many meshes do. It is kept in the folder C(asm.lanes) of
        E(XDG_CACHE_HOME), by default C(~/.cache).
      - A call whose turn would come only after O(timeout) fails at once.
      - Alibaba Cloud limits each operation of an account and shows the limits in its Quota Center. The
        default is about what one call after another makes. Calls that are throttled are repeated.
    type: float
    default: 20
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
