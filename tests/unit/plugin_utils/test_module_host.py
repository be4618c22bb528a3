"""The processes that import once and run the modules: answers, errors, and that none is left."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import textwrap
import time
from pathlib import Path

import certifi
import pytest

BEGIN = """
import gc, json, os, signal, subprocess, sys, time
from ansible_collections.asm.lanes.plugins.plugin_utils import _module_host as host
host.COMMON, host.EARLY = (), {host.SDK: ("no.such.library",), host.KUBERNETES: ()}
"""
ARGUMENTS = json.dumps({"ANSIBLE_MODULE_ARGS": {"kubeconfig": "/no/where", "objects": []}})


def run(script: str) -> str:
    """What a program prints that starts hosts of its own; it must end by itself, and none may be left."""
    done = subprocess.run(
        [sys.executable, "-c", BEGIN + textwrap.dedent(script)],
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path), "MARK": (mark := f"mark{time.time()}")},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert not done.stderr, done.stderr
    assert ended(mark)
    return done.stdout


def ended(mark: str) -> bool:
    """Whether no process with that in its environment is left, after two seconds at most."""
    for _attempt in range(100):
        if not any(mark.encode() in _environment(folder) for folder in Path("/proc").glob("[0-9]*")):
            return True
        time.sleep(0.02)
    return False


def _environment(folder: Path) -> bytes:
    try:
        return (folder / "environ").read_bytes()
    except OSError:
        return b""


def test_an_answer_and_an_error_come_back() -> None:
    told = run(
        """
        print(host.hosts()[host.SDK].call(sorted, [3, 1, 2]))
        try:
            host.hosts()[host.KUBERNETES].call(int, "none")
        except ValueError as error:
            print(error)
        """
    )
    assert told == "[1, 2, 3]\ninvalid literal for int() with base 10: 'none'\n"


def test_each_call_has_a_process_of_its_own() -> None:
    told = run("print(*{host.hosts()[host.SDK].call(os.getpid) for _number in range(5)}, os.getpid())")
    assert len(set(told.split())) == 6


def test_what_is_alone_is_done_by_the_host_itself() -> None:
    told = run(
        """
        sdk = host.hosts()[host.SDK]
        print(len({sdk.call(os.getpid, alone=True) for _number in range(5)}))
        print(sdk.call(os.getpid, alone=True) == sdk.call(os.getppid))
        for alone in (True, False):
            try:
                sdk.call(int, "none", alone=alone)
            except ValueError as error:
                print(error)
        try:
            sdk.call(eval, "(_ for _ in ())", alone=True)
        except host.HostError as error:
            print(error)
        print(sdk.call(sorted, [2, 1], alone=True))
        """
    )
    error = "invalid literal for int() with base 10: 'none'"
    assert told.splitlines() == ["1", "True", error, error, "eval ended without a result", "[1, 2]"]


def test_no_module_has_the_warnings_of_the_one_before_it() -> None:
    told = run(
        f"""
        from ansible.module_utils.common.warnings import deprecate, warn
        sdk = host.hosts()[host.SDK]
        sdk.call(warn, "of another", alone=True)
        sdk.call(deprecate, "of another", "9.9", alone=True)
        print(sdk.call(host.run_module, "kube_objects", {ARGUMENTS.encode()!r}, "legacy", alone=True))
        """
    )
    assert json.loads(told)["msg"] == "objects: there is none."
    assert not {"warnings", "deprecations"} & set(json.loads(told))


def test_a_module_prints_its_result_and_a_crash_is_a_result_too() -> None:
    told = run(
        f"""
        sdk = host.hosts()[host.SDK]
        print(sdk.call(host.run_module, "kube_objects", {ARGUMENTS.encode()!r}, "legacy"))
        print(sdk.call(host.run_module, "no_such_module", b"", "legacy"))
        """
    )
    good, crash = (json.loads(line) for line in told.splitlines() if line)
    assert good["failed"] is True
    assert good["msg"] == "objects: there is none."
    assert crash["msg"].startswith("ModuleNotFoundError")
    assert "Traceback" in crash["exception"]


def test_what_runs_there_has_no_terminal_and_holds_no_pipe_open() -> None:
    program = ["sh", "-c", "cat; echo out; echo err >&2"]
    told = run(f"import subprocess\nprint(host.hosts()[host.SDK].call(subprocess.call, {program!r}))")
    assert told == "0\n"


@pytest.mark.parametrize("alone", [True, False])
def test_one_host_asks_the_other_and_that_one_nobody(alone: bool) -> None:
    told = run(
        f"""
        from ansible_collections.asm.lanes.plugins.module_utils import _elsewhere
        sdk, kubernetes = (host.hosts()[name] for name in host.EARLY)
        def ask(*way):
            return kubernetes.call(_elsewhere.call, *way, alone={alone})
        both = [sdk.call(os.getpid, alone=True), kubernetes.call(os.getpid, alone=True)]
        who = os.getpid if {alone} else os.getppid
        print(both.index(ask(host.SDK, who)))
        print(both.index(ask(host.SDK, _elsewhere.call, host.KUBERNETES, who)))
        print(sdk.call(_elsewhere.call, host.KUBERNETES, divmod, 7, 2, alone={alone}))
        print(_elsewhere.call(host.SDK, divmod, 7, 2))
        """
    )
    assert told.splitlines() == ["0", "0", "(3, 1)", "(3, 1)"]


def test_one_context_reads_the_machines_certificates_when_it_first_connects(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", certifi.where())  # not every machine has its own in one file
    told = run(
        """
        def seen():
            import ssl
            made = [ssl.create_default_context() for _number in range(2)]
            other = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
            before = len(made[0].get_ca_certs())
            made[0].wrap_bio(ssl.MemoryBIO(), ssl.MemoryBIO(), server_hostname="a.example")
            after = [(each.verify_mode, each.check_hostname, each.get_ca_certs()) for each in made]
            return before, after[0], after[0] == after[1], other in made
        host.seen, seen.__module__ = seen, host.__name__
        both = host.hosts()
        import ssl
        mine = ssl.create_default_context()
        mine = mine.verify_mode, mine.check_hostname, mine.get_ca_certs()
        for name in host.EARLY:
            for alone in (True, False):
                before, after, same, other = both[name].call(seen, alone=alone)
                print(name, alone, before == len(mine[2]), after == mine, same, other)
        """
    )
    assert told.splitlines() == [
        "sdk True False True True False",
        "sdk False True True True False",  # for its forks the host reads them, once
        "kubernetes True True True True False",
        "kubernetes False True True True False",
    ]


def test_imports_read_certificates_only_for_contexts_that_verify(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", certifi.where())  # not every machine has its own in one file
    told = run(
        """
        host.EARLY[host.SDK] = ("aiohttp.connector",)
        def numbers():
            import ssl
            from aiohttp import connector
            gc.unfreeze()  # else it tells nothing of what was imported
            theirs = [each for each in gc.get_objects() if isinstance(each, ssl.SSLContext)]
            own = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
            own.check_hostname, own.verify_mode = False, ssl.CERT_NONE
            own.set_default_verify_paths()
            return [
                {bool(each.get_ca_certs()) for each in theirs if each.verify_mode is ssl.CERT_REQUIRED},
                connector._SSL_CONTEXT_UNVERIFIED.get_ca_certs(),
                len(own.get_ca_certs()) - len(connector._SSL_CONTEXT_VERIFIED.get_ca_certs()),
            ]
        host.numbers, numbers.__module__ = numbers, host.__name__
        sdk = host.hosts()[host.SDK]
        time.sleep(1)
        print(*sdk.call(numbers))
        """
    )
    assert told == "{True} [] 0\n"


def test_what_is_said_on_the_way_comes_through_all_hosts() -> None:
    told = run(
        """
        from ansible_collections.asm.lanes.plugins.module_utils import _elsewhere
        def inner(number):
            _elsewhere.say(f"inner {number}")
            return number
        def outer(number):
            _elsewhere.say(f"outer {number}")
            return _elsewhere.call("kubernetes", inner, number + 1)
        for function in (inner, outer):
            setattr(host, function.__name__, function)
            function.__module__ = host.__name__
        both = host.hosts()
        for alone in (True, False):
            _elsewhere.show = print
            print(both["sdk"].call(outer, 1, alone=alone))
            _elsewhere.show = None  # nobody to tell
            print(both["sdk"].call(outer, 3, alone=alone))
        """
    )
    assert told.splitlines() == ["outer 1", "inner 2", "2", "4"] * 2


def test_a_fork_that_dies_and_a_function_that_is_unknown_leave_no_answer() -> None:
    told = run(
        """
        hosts = host.hosts()
        def here_only(): pass
        for function, *arguments in ((os._exit, 3), (here_only,), (os.getppid,)):
            try:
                print(bool(hosts[host.SDK].call(function, *arguments)))
            except host.HostError as error:
                print(error)
        """
    )
    assert told.splitlines() == ["_exit ended without a result", "here_only ended without a result", "True"]


def test_a_host_that_is_killed_is_told_of() -> None:
    told = run(
        """
        hosts = host.hosts()
        os.kill(hosts[host.SDK].call(os.getppid), signal.SIGKILL)
        time.sleep(0.2)
        try:
            hosts[host.SDK].call(os.getpid)
        except host.HostError as error:
            print(error)
        """
    )
    assert told == "getpid ended without a result\n"


@pytest.mark.parametrize("alone", [True, False])
def test_work_ends_with_the_worker_that_asked_for_it(alone: bool) -> None:
    """A job that is cancelled kills the workers; `run` sees that what they had asked for has ended, too."""
    run(
        f"""
        hosts = host.hosts()
        worker = os.fork()
        if not worker:
            hosts[host.SDK].call(subprocess.call, ["sleep", "50"], alone={alone})
            os._exit(0)
        time.sleep(0.5)
        os.kill(worker, signal.SIGKILL)
        os.waitpid(worker, 0)
        """
    )


def test_hosts_end_with_a_program_that_is_killed() -> None:
    done = subprocess.run(
        [sys.executable, "-c", BEGIN + "host.hosts()[host.SDK].call(os.getpid); os.kill(os.getpid(), 9)"],
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path), "MARK": (mark := f"mark{time.time()}")},
        check=False,
        timeout=60,
    )
    assert done.returncode == -9
    assert ended(mark)
