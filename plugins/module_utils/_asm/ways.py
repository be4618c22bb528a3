# Copyright (c) 2026, asm.lanes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The two ways to the lane groups of a mesh, for a module's parameters, each made when it is needed."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from ansible.module_utils.basic import AnsibleModule, missing_required_lib

from .backend import LaneBackend
from .client import AsmClient, Record
from .deadline import Deadline
from .errors import Kind
from .module import connect_module
from .openapi import OpenApiLanes, find_cluster
from .transforms import Cluster

if TYPE_CHECKING:
    from .custom_resource import CustomResourceLanes

AUTO, OPENAPI, CUSTOM_RESOURCE = "auto", "openapi", "custom_resource"
BACKENDS = [AUTO, OPENAPI, CUSTOM_RESOURCE]

# What goes into AnsibleModule besides the options.
REQUIRED_IF = [("backend", CUSTOM_RESOURCE, ["mesh_kubeconfig"])]
REQUIRED_BY = {"mesh_context": "mesh_kubeconfig"}


def backend_argument_spec() -> dict[str, Any]:
    """The options of the doc fragment ``asm.lanes.lane_backend``, and ``backend``."""
    return {
        "backend": {"type": "str", "choices": BACKENDS, "default": AUTO},
        "mesh_kubeconfig": {"type": "path"},
        "mesh_context": {"type": "str"},
    }


def known_cluster(params: Mapping[str, Any]) -> Cluster | None:
    """The cluster that a task brings with it; None where it is not the one that is meant."""
    known = params.get("known_cluster")
    if not known or known["mesh_id"] != params["mesh_id"]:
        return None
    fits = params.get("cluster") in (None, "", known["name"], known["id"])
    return Cluster(known["name"], known["id"]) if fits else None


class Ways:
    """Ends the module when a way cannot be made."""

    def __init__(self, module: AnsibleModule) -> None:
        self._module = module
        self._deadline = Deadline(module.params["timeout"])
        self._client: AsmClient | None = None
        self._resources: CustomResourceLanes | None = None

    @property
    def has_kubeconfig(self) -> bool:
        """Whether custom resources can be reached at all."""
        return bool(self._module.params["mesh_kubeconfig"])

    @property
    def records(self) -> list[Record]:
        """The calls made so far: those of the OpenAPI, then those of the Kubernetes API."""
        return [
            *(self._client.calls if self._client else ()),
            *(self._resources.records if self._resources else ()),
        ]

    def to(self, name: str) -> LaneBackend:
        """The way of that name. Raises AsmError."""
        return self._custom_resource() if name == CUSTOM_RESOURCE else self._openapi()

    def _openapi(self) -> OpenApiLanes:
        return OpenApiLanes(
            self._connect(), self._module.params.get("cluster"), known_cluster(self._module.params)
        )

    def _connect(self) -> AsmClient:
        self._client = self._client or connect_module(self._module, self._deadline)
        return self._client

    def _custom_resource(self) -> CustomResourceLanes:
        # Imported here: most runs go through the OpenAPI, and the Kubernetes client takes 0.2 s to import.
        from .._kube.client import IMPORT_ERROR, connect
        from .._kube.errors import KubeError
        from .custom_resource import CustomResourceLanes, from_kube_error

        params = self._module.params
        if IMPORT_ERROR is not None:
            self._module.fail_json(
                msg=missing_required_lib("kubernetes"),
                exception=str(IMPORT_ERROR),
                failure={"kind": Kind.LIBRARY, "message": str(IMPORT_ERROR)},
            )
        try:
            api = connect(params["mesh_kubeconfig"], params["mesh_context"], params["request_timeout"])
        except KubeError as error:
            raise from_kube_error(error, "Connection", f"mesh {params['mesh_id']}") from None
        self._resources = CustomResourceLanes(api, self._deadline, self._find_cluster, params.get("cluster"))
        return self._resources

    def _find_cluster(self) -> Cluster:
        params = self._module.params
        return known_cluster(params) or find_cluster(self._connect(), params.get("cluster"))
