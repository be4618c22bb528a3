"""A bounded Kubernetes API server for the lab.

It does what kubernetes.core, kubectl and the Kubernetes clients need to create, change, watch and delete
objects, over HTTPS with bearer tokens, in memory. What it does not do is refused with a clear Status (code
501 or 415); ``README.md`` beside this file lists that, and what is simpler than in a cluster.
"""

from __future__ import annotations

from .server import KubeApiServer

__all__ = ["KubeApiServer"]
