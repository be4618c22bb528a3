# Copyright (c) 2026, asm.lanes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""When a process reads the machine's certificates: once, and only to verify with them. OpenSSL 3 needs 50 ms.

What libraries verify stays the same; they only read in advance, and again and again. aiohttp reads when it is
imported, once of it for a context that verifies nothing, and the SDK for every endpoint, plain HTTP included.
"""

from __future__ import annotations

import contextlib
import ssl
import threading
from collections.abc import Callable, Iterator
from typing import Any

_CONNECTING = ("wrap_bio", "wrap_socket")
"""How a context comes to verify somebody."""


def share_one_context() -> Callable[[], None]:
    """Have `ssl.create_default_context`, called without arguments, always return one and the same context.

    It reads the certificates when it first connects. The SDK adds those of certifi, so what a proof verifies
    with is made with arguments (module_utils/_probe/client_options.py).

    Returns:
        What has it read them at once, where it has not yet.
    """
    make, load = ssl.create_default_context, ssl.SSLContext.load_default_certs
    with _replaced("load_default_certs", lambda *_purpose: None):
        shared: Any = make()
    reading = threading.Lock()

    def read() -> None:
        with reading:
            if _CONNECTING[0] in vars(shared):
                load(shared)
                for name in _CONNECTING:
                    delattr(shared, name)

    def first(name: str) -> Callable[..., Any]:
        def connect(*arguments: Any, **more: Any) -> Any:
            read()
            return getattr(shared, name)(*arguments, **more)

        return connect

    for name in _CONNECTING:
        setattr(shared, name, first(name))

    def context(*arguments: Any, **more: Any) -> ssl.SSLContext:
        found: ssl.SSLContext = make(*arguments, **more) if arguments or more else shared
        return found

    ssl.create_default_context = context
    return read


@contextlib.contextmanager
def only_to_verify_with() -> Iterator[None]:
    """Meanwhile, have contexts that verify nothing read no certificates."""
    some: Any = ssl.SSLContext
    read = some.set_default_verify_paths

    def read_to_verify(context: ssl.SSLContext) -> None:
        if context.verify_mode is not ssl.CERT_NONE:
            read(context)

    with _replaced("set_default_verify_paths", read_to_verify):
        yield


@contextlib.contextmanager
def _replaced(name: str, method: Callable[..., None]) -> Iterator[None]:
    """Meanwhile, have contexts do something else."""
    before = getattr(ssl.SSLContext, name)
    setattr(ssl.SSLContext, name, method)
    try:
        yield
    finally:
        setattr(ssl.SSLContext, name, before)
