# Copyright (c) 2026, asm.lanes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Waiting for Deployments, as modules offer it: options in, result out."""

from __future__ import annotations

from typing import Any

from ansible.module_utils.basic import missing_required_lib


def rollout_status(params: dict[str, Any]) -> dict[str, Any]:
    """Wait until Deployments are rolled out, one cannot be any more, or time is up.

    Args:
        params: the options of ``asm.lanes.rollout_status`` by name.

    Returns:
        ``deployments`` as that module returns them, where the server could be read. When they are not rolled
        out, also ``msg`` and what else it returns then.
    """
    # Here, since the Python client takes time that who has nothing to wait for need not spend.
    from .client import IMPORT_ERROR, connect
    from .errors import KubeError
    from .options import DEFAULT_KUBECONFIG
    from .wait import await_rollouts

    if IMPORT_ERROR is not None:
        return {"msg": missing_required_lib("kubernetes"), "exception": str(IMPORT_ERROR)}
    try:
        api = connect(params["kubeconfig"] or DEFAULT_KUBECONFIG, params["context"])
        outcome = await_rollouts(api, params["namespace"], params["deployments"], params["timeout"])
    except KubeError as error:
        return {"msg": error.message, "failure": error.failure}
    told: dict[str, Any] = {"deployments": [item.result() for item in outcome.rollouts]}
    if outcome.failure:
        told |= {"msg": outcome.message(), "failure": outcome.failure, "reasons": dict(outcome.reasons)}
    return told
