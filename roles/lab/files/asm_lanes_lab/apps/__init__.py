"""Stand-ins for the guide's images: small HTTP and socket.io servers, one process per container.

All of them read the same environment, which the lab's kubelet sets:

- ``HOST``, ``PORT``: where to listen (default ``127.0.0.1``, ``5000``).
- ``SERVICE``, ``VERSION``, ``POD_NAME``: who answers; the pod's labels ``app`` and ``version`` and its name.
- ``HTTP_PROXY``: the pod's sidecar, through which every outgoing call goes.
"""
