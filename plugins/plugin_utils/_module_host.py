# Copyright (c) 2026, asm.lanes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Processes that import the libraries of this collection's modules once, and run the modules.

A module costs a quarter of a second before it does anything and its libraries half a second more, every time:
Ansible packs it, starts Python, unpacks and imports. The hosts, one for the Kubernetes client and one for the
SDK, are forked from ``ansible-playbook`` while that still reads the playbook, and import on other cores. The
worker process of a task hands the name of a module and its arguments to one of them, which finds everything
in memory, calls the module's own ``main`` and sends back what it prints.

It does so itself where no other task can want something meanwhile, and else has a fork do it. A fork costs
some 15 ms: what it touches of the libraries is copied, page by page.

``ansible-playbook`` itself imports none of it, so that its own workers are forked from a small process.
"""

from __future__ import annotations

import atexit
import contextlib
import gc
import importlib
import io
import json
import os
import select
import signal
import socket
import sys
import tempfile
import threading
import traceback
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import partial
from multiprocessing import Pipe
from multiprocessing.connection import Connection
from types import ModuleType
from typing import Any, NamedTuple, NoReturn

import ansible.module_utils.basic
import ansible.module_utils.common.warnings
from ansible import constants
from ansible_collections.asm.lanes.plugins.module_utils import _elsewhere

COLLECTION = "ansible_collections.asm.lanes.plugins"
SDK, KUBERNETES = "sdk", "kubernetes"
#: What both libraries import, and both hosts need of ours; the two part afterwards.
COMMON = ("requests", f"{COLLECTION}.module_utils._preflight.asm_reads")
#: By host: its libraries, and what else the tasks of ``asm.lanes.site`` need of it, in their order. In
#: pieces: a host answers between two of them.
EARLY = {
    SDK: (
        "alibabacloud_servicemesh20200111.client",
        "alibabacloud_credentials.provider",
        f"{COLLECTION}.module_utils._lanes.model",
        f"{COLLECTION}.module_utils._lanes.plan",
        f"{COLLECTION}.module_utils._asm.report",
        f"{COLLECTION}.modules.lane_group",
        "engineio",
        "socketio",  # the SDK has imported the rest of what clients need
        f"{COLLECTION}.module_utils._probe.cases",
        f"{COLLECTION}.modules.lane_probe",
    ),
    KUBERNETES: (
        f"{COLLECTION}.modules.preflight",  # with the Kubernetes client
        f"{COLLECTION}.modules.application",
        f"{COLLECTION}.modules.gateway_routing",
    ),
}


class HostError(RuntimeError):
    """A host, or its fork that was at work, has ended without an answer."""


class Task(NamedTuple):
    """What a host is asked to do.

    Attributes:
        function: of a module, which the host imports when it has not yet.
        arguments: values that can be pickled, as must be the answer.
        alone: whether nobody asks for anything else until this is done, so that it needs no fork.
    """

    function: Callable[..., Any]
    arguments: tuple[Any, ...]
    alone: bool


class Host:
    """One of the hosts, for those who ask it."""

    def __init__(self, asking: socket.socket) -> None:
        """asking: the end of a pair of sockets whose other end the host has."""
        self.asking = asking

    def call(self, function: Callable[..., Any], *arguments: Any, alone: bool = False) -> Any:
        """What a function returns or raises there; see `Task`.

        Raises:
            HostError: it ended without an answer.
        """
        mine, theirs = Pipe()
        with mine:
            try:
                with theirs:
                    # And the ways to all hosts, for the function may have a part of its work done by another;
                    # not for that part, since the one that waits for it can do nothing else.
                    ways = [] if _elsewhere.send else [host.asking.fileno() for host in _hosts.values()]
                    socket.send_fds(self.asking, [ASK], [theirs.fileno(), *ways])
                mine.send(Task(function, arguments, alone))
                while (told := mine.recv())[0] is SAID:
                    _elsewhere.say(told[1])
                good, answer = told
            except (EOFError, OSError) as error:
                raise HostError(f"{function.__name__} ended without a result") from error
        if not good:
            raise answer
        return answer


ASK, STOP = b"?", b"!"
#: In place of whether it went well: that it goes on, and how far it is.
SAID = None
_hosts: dict[str, Host] = {}


def hosts() -> Mapping[str, Host]:
    """The hosts that this process can ask, by name; the first call, in ``ansible-playbook``, starts them."""
    if not _hosts:
        pairs = {name: socket.socketpair() for name in EARLY}
        process = os.fork()
        if not process:
            _begin(pairs)
        for name, (asking, asked) in pairs.items():
            asked.close()
            _hosts[name] = Host(asking)
        gc.freeze()  # a look for garbage would copy what the hosts share
        atexit.register(_stop, os.getpid())
    return _hosts


def _stop(parent: int) -> None:
    """End the hosts. They are not waited for: to give back what they have in memory takes them 20 ms."""
    if os.getpid() == parent:
        gc.freeze()  # nor is it gone through at the very end, a tenth of a second
        for host in _hosts.values():
            with contextlib.suppress(OSError):
                host.asking.send(STOP)


def _begin(pairs: Mapping[str, tuple[socket.socket, socket.socket]]) -> NoReturn:
    """The first host: import what all need, fork the other, serve."""
    try:
        # As in the workers of Ansible: what runs here has no terminal, and holds nobody's pipe open.
        nothing = os.open(os.devnull, os.O_RDWR)
        for stream in range(3):
            os.dup2(nothing, stream)
        # The Kubernetes client writes certificates and keys to temporary files, and nobody here tidies up:
        # in this folder, which is the user's alone, ansible-playbook does so when it ends.
        tempfile.tempdir = constants.DEFAULT_LOCAL_TMP
        _be_a_group()
        _let_python_import()
        _be_no_controller()
        for name in COMMON:
            _import(name)
        # None keeps a way to another: a host whose last way is closed ends, however ansible-playbook ended.
        for asking, _asked in pairs.values():
            asking.close()
        other = os.fork()
        if not other:
            _be_a_group()
            pairs[KUBERNETES][1].close()
            _serve(pairs[SDK][1], EARLY[SDK], _certificates().share_one_context())
        else:
            pairs[SDK][1].close()
            _serve(pairs[KUBERNETES][1], EARLY[KUBERNETES])
            os.waitpid(other, 0)
    finally:
        os._exit(0)


def _be_a_group() -> None:
    """Leave the group of processes that a terminal interrupts; the end of who asks ends this one."""
    os.setsid()
    signal.signal(signal.SIGINT, signal.default_int_handler)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)


def _serve(asked: socket.socket, early: Iterable[str], fork_with: Callable[[], None] = lambda: None) -> None:
    """Import one thing after the other, and answer in between; until told to stop, or nobody can ask.

    fork_with: makes ready what forks would each make for themselves.
    """
    waiting, at_work = deque(early), set[int]()
    while True:
        if waiting and not select.select([asked], [], [], 0)[0]:
            _import(waiting.popleft())
            continue
        said, handles, _flags, _address = socket.recv_fds(asked, 1, 1 + len(EARLY))
        if said != ASK:
            return
        ways = [socket.socket(fileno=handle) for handle in handles[1:]]
        # What cannot be read, found or sent is for the asker to tell, who gets no answer.
        with Connection(handles[0]) as connection, contextlib.suppress(Exception):
            task: Task = connection.recv()
            with _ways_to(ways, task.alone):
                if task.alone:
                    connection.send(_done(task, connection))
                else:
                    fork_with()
                    at_work.add(_forked(task, connection, asked))
        for way in ways:
            way.close()
        at_work -= {fork for fork in at_work if os.waitpid(fork, os.WNOHANG)[0]}


@contextlib.contextmanager
def _ways_to(ways: Iterable[socket.socket], alone: bool) -> Iterator[None]:
    """Have what runs here, or in a fork, able to ask all hosts, or none; alone: see `Task`."""
    _hosts.update(zip(EARLY, map(Host, ways), strict=False))
    _elsewhere.send = partial(_send, alone)
    try:
        yield
    finally:
        _hosts.clear()
        _elsewhere.send = None


def _forked(task: Task, connection: Connection, asked: socket.socket) -> int:
    """Have a fork do it; returns its number."""
    fork = os.fork()
    if fork:
        return fork
    try:
        asked.close()
        _be_a_group()
        connection.send(_done(task, connection))
    finally:
        os._exit(0)


def _done(task: Task, connection: Connection) -> tuple[bool, Any]:
    """Whether it went well, and what came of it; this process ends when the one who asked is gone."""
    saying = threading.Lock()

    def show(line: str) -> None:
        with saying:
            connection.send((SAID, line))

    with _ending_with(connection):
        _elsewhere.show = show
        try:
            return True, task.function(*task.arguments)
        except Exception as error:
            return False, error
        finally:
            _elsewhere.show = None


@contextlib.contextmanager
def _ending_with(connection: Connection) -> Iterator[None]:
    """While this lasts, end this process and all that it has started when the other side is gone."""
    over, end = os.pipe()

    def watch() -> None:
        # Nothing more is ever said on the connection: it is the end.
        if over not in select.select([connection.fileno(), over], [], [])[0]:
            os.killpg(0, signal.SIGTERM)

    watching = threading.Thread(target=watch, daemon=True)
    watching.start()
    try:
        yield
    finally:
        os.close(end)
        watching.join()
        os.close(over)


def _let_python_import() -> None:
    """Take Ansible's importer of collections out of this process: it compiles all source anew in every run.

    The packages above the modules are imported already, and tell Python where to find what is below them.
    """
    all_importers: tuple[list[Any], list[Any]] = (sys.meta_path, sys.path_hooks)
    for importers in all_importers:
        for importer in tuple(importers):
            if type(getattr(importer, "__self__", importer)).__module__.startswith("ansible."):
                importers.remove(importer)
    sys.path_importer_cache.clear()


def _certificates() -> ModuleType:
    """With ssl, which ansible-playbook has no use for."""
    from ansible_collections.asm.lanes.plugins.plugin_utils import _certificates as certificates

    return certificates


def _be_no_controller() -> None:
    """Have Ansible's own code for modules take this for where modules run: a warning goes into the result.

    In ``ansible-playbook`` and its workers ansible-core 2.19 and later would show it, and nobody looks here.
    """
    with contextlib.suppress(ImportError):
        from ansible.module_utils import _internal

        _internal.is_controller = False


def _import(name: str) -> None:
    """Import ahead of need. What is missing is no error: a module says so, in words, when it needs it."""
    # A sixth of the time that the imports take goes to looking for garbage among what stays (measured).
    gc.disable()
    with contextlib.suppress(ImportError), _certificates().only_to_verify_with():
        importlib.import_module(name)
    # What is there now stays. A fork that does not go through it does not copy it either.
    gc.freeze()
    gc.enable()


def _send(alone: bool, process: str, function: Callable[..., Any], arguments: tuple[Any, ...]) -> Any:
    """See `_elsewhere`: to another host, if there is a way to one of that name."""
    if process not in _hosts:
        return function(*arguments)
    return _hosts[process].call(function, *arguments, alone=alone)


def run_module(name: str, arguments: bytes, profile: str) -> str:
    """Run a module here; returns what it prints.

    Args:
        name: without the collection's.
        arguments: JSON, as Ansible sends it to modules.
        profile: how arguments and results are written (ansible-core 2.19 and later).
    """
    basic: Any = ansible.module_utils.basic
    basic._ANSIBLE_ARGS, basic._ANSIBLE_PROFILE = arguments, profile  # where a module looks for them
    # Where it leaves its warnings, which are not those of the module before it.
    said: Any = ansible.module_utils.common.warnings
    said._global_warnings.clear()
    said._global_deprecations.clear()
    printed = io.StringIO()
    try:
        with contextlib.redirect_stdout(printed), contextlib.suppress(SystemExit):
            importlib.import_module(f"{COLLECTION}.modules.{name}").main()
    except Exception as error:
        failure = {"failed": True, "msg": f"{type(error).__name__}: {error}"}
        return json.dumps({**failure, "exception": traceback.format_exc()})
    return printed.getvalue()
