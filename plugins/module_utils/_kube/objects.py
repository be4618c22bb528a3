# Copyright (c) 2026, asm.lanes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A set of Kubernetes objects as one desired state: look once, compare, try, write only what differs.

Written is by server-side apply: the server knows the merge of each kind, and refuses when a field is somebody
else's (a scaler's, an operator's, kubectl's) who has set it to something else.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from itertools import groupby
from typing import Any

from .._at_once import at_once
from .client import Api
from .compare import as_stated, readable, same
from .errors import KubeError

Object = dict[str, Any]
#: apiVersion, kind and namespace ("" for objects of the whole cluster).
Group = tuple[str, str, str]

MANAGER = "asm.lanes"
"""Who the fields belong to (``metadata.managedFields``)."""

CREATED, PATCHED, DELETED, UNCHANGED = "created", "patched", "deleted", "unchanged"


@dataclass
class Step:
    """What is to be done about one object, and what has come of it.

    Attributes:
        wanted: the object as stated; empty when it shall go.
        found: as it is on the server, None when it is not there.
        change: ``created``, ``patched``, ``deleted`` or ``unchanged``.
        after: as it is, or by a dry run would be, in the end; None when it is gone.
        written: whether that was really done.
    """

    wanted: Object
    found: Object | None
    change: str
    after: Object | None = None
    written: bool = False

    @property
    def object(self) -> Object:
        """The object in its last known form."""
        return self.after or self.found or self.wanted

    @property
    def title(self) -> str:
        """Kind and name."""
        return title(self.object)

    def result(self) -> Object:
        """For a module's result."""
        metadata = self.object["metadata"]
        names = {"namespace": metadata.get("namespace"), "name": metadata["name"]}
        kind = {"api_version": self.object["apiVersion"], "kind": self.object["kind"]}
        return {**kind, **names, "change": self.change}

    def send(self, api: Api, *, force: bool, dry_run: bool) -> tuple[Object, bool]:
        """Write it, or let the server say what would come of it.

        Args:
            api: the server.
            force: take over fields that another manager has set to something else.
            dry_run: keep nothing.

        Returns:
            The server's version of the object, and whether it is new.

        Raises:
            KubeError: the server refuses.
        """
        return api.apply(self.wanted, MANAGER, force=force, dry_run=dry_run)

    def diff(self) -> Object:
        """Before and after, as Ansible shows differences."""
        return {
            "before_header": self.title,
            "after_header": self.title,
            "before": readable(self.found),
            "after": readable(self.after),
        }


@dataclass
class Outcome:
    """The steps of a run, in order."""

    steps: list[Step] = field(default_factory=list)

    @property
    def changes(self) -> list[Step]:
        """The steps that are not ``unchanged``."""
        return [step for step in self.steps if step.change != UNCHANGED]

    @property
    def written(self) -> list[str]:
        """Titles of what was really written."""
        return [step.title for step in self.steps if step.written]


def own_labels(part_of: str) -> dict[str, str]:
    """The labels by which the modules of this collection find again what they have made."""
    return {"app.kubernetes.io/managed-by": MANAGER, "app.kubernetes.io/part-of": part_of}


def title(item: Object) -> str:
    """Kind and name of an object."""
    return f"{item['kind']} {item['metadata']['name']}"


def group_of(item: Object) -> Group:
    """Where an object is found: its kind, in its namespace."""
    return item["apiVersion"], item["kind"], item["metadata"].get("namespace") or ""


def present(
    api: Api,
    wanted: Sequence[Object],
    labels: Mapping[str, str],
    check_mode: bool,
    outcome: Outcome,
    *,
    force: bool = False,
    expect_new: bool = False,
    first: Iterable[Step] = (),
    together: Callable[[Object], object] = group_of,
) -> None:
    """Make the objects so. Everything is tried by a dry run before anything is written.

    Args:
        api: the server.
        wanted: the objects in the order in which they are written; each with name and, where its kind has
            one, namespace.
        labels: that all of the objects carry; ``{}`` when they share none.
        check_mode: try only.
        outcome: told every step.
        force: take over fields that another manager has set to something else.
        expect_new: do not look for the objects first: the dry run meets those that are there.
        first: steps that are tried and written before those of *wanted*.
        together: objects that follow each other are written at the same time where it gives the same; by
            default those of one kind.

    Raises:
        KubeError: the server cannot be read, or refuses an object (``failure="conflict"``: because of another
            manager); the message names it, and what was written before.
    """
    # Whether a namespace is there decides what a dry run can try.
    sought = [item for item in wanted if item["kind"] == "Namespace"] if expect_new else wanted
    found = look(api, sought, labels)
    outcome.steps = [*first, *(_step(item, found.get(_key(item))) for item in wanted)]
    to_come = {s.object["metadata"]["name"] for s in outcome.changes if s.object["kind"] == "Namespace"}

    def attempt(step: Step) -> None:
        # A server cannot try an object in a namespace that it has only pretended to create.
        if step.object["metadata"].get("namespace") in to_come:
            step.after = step.wanted
        else:
            new = _write(api, step, force=force, dry_run=True)
            if step.change == CREATED and not new:
                _adopt(api, step)

    def write(step: Step) -> None:
        _write(api, step, force=force, dry_run=False)
        step.written = True

    with _telling(outcome):
        at_once(attempt, outcome.changes)
        if check_mode:
            return
        for _same, steps in groupby(outcome.changes, lambda step: together(step.object)):
            at_once(write, list(steps))


def absent(
    api: Api,
    groups: Iterable[Group],
    labels: Mapping[str, str],
    check_mode: bool,
    timeout: float,
    outcome: Outcome,
) -> None:
    """Remove all objects of some kinds that carry *labels*, kind after kind, each with what it owns.

    Args:
        api: the server.
        groups: kinds and namespaces, in the order of removal.
        labels: what marks the objects; never empty.
        check_mode: look only.
        timeout: seconds in which the objects of one kind must have gone.
        outcome: told every step.

    Raises:
        KubeError: the server cannot be read, refuses, or keeps an object (``failure="timeout"``).
    """
    for group in groups:
        steps = [Step({}, item, DELETED) for item in _list(api, group, label_selector=selector(labels))]
        outcome.steps += steps
        if check_mode or not steps:
            continue
        for step in steps:
            with _telling(outcome), _named(step):
                api.delete(step.object, exactly=False)
            step.written = True
        _await_gone(api, group, labels, timeout)


def _await_gone(api: Api, group: Group, labels: Mapping[str, str], timeout: float) -> None:
    left: list[str] = []
    api_version, kind, namespace = group
    for known in api.snapshots(
        api_version, kind, namespace, label_selector=selector(labels), timeout=timeout
    ):
        left = sorted(known)
        if not left:
            return
    raise KubeError(
        f"{kind} {', '.join(left)} in namespace {namespace} still exists {timeout:g} s after its deletion. "
        f"Look for finalizers: kubectl --kubeconfig {api.kubeconfig} -n {namespace} get {kind} {left[0]} "
        "-o yaml",
        failure="timeout",
    )


def look(api: Api, wanted: Sequence[Object], labels: Mapping[str, str]) -> dict[tuple[str, ...], Object]:
    """What is seen of *wanted*, by kind, namespace and name: a list for a kind, a get for a single object.

    An object that is there without the labels is not seen by a list: what tries to write it does.
    """
    asks: list[Callable[[], list[Object]]] = []
    for group, items in _grouped(wanted).items():
        if labels and len(items) > 1:
            asks.append(partial(_list, api, group, label_selector=selector(labels)))
        else:
            asks += [partial(_single, api, item) for item in items]
    known = {_key(item) for item in wanted}
    answers = at_once(lambda ask: ask(), asks)
    return {_key(item): item for answer in answers for item in answer if _key(item) in known}


def _list(api: Api, group: Group, **selected: str) -> list[Object]:
    api_version, kind, namespace = group
    items = api.list(api_version, kind, namespace or None, **selected)
    # Items of a list do not say what they are.
    return [{"apiVersion": api_version, "kind": kind, **item} for item in items]


def _single(api: Api, item: Object) -> list[Object]:
    metadata = item["metadata"]
    found = api.get(item["apiVersion"], item["kind"], metadata["name"], metadata.get("namespace") or None)
    return [] if found is None else [found]


def groups(wanted: Iterable[Object]) -> list[Group]:
    """The kinds of some objects in the reverse order of their first appearance: what came last goes first."""
    return list(reversed(_grouped(wanted)))


def selector(labels: Mapping[str, str]) -> str:
    """Labels as a label selector."""
    return ",".join(f"{key}={value}" for key, value in labels.items())


def _grouped(wanted: Iterable[Object]) -> dict[Group, list[Object]]:
    grouped: dict[Group, list[Object]] = {}
    for item in wanted:
        grouped.setdefault(group_of(item), []).append(item)
    return grouped


def _key(item: Object) -> tuple[str, ...]:
    metadata = item["metadata"]
    return item["kind"], metadata.get("namespace") or "", metadata["name"]


def _step(wanted: Object, found: Object | None) -> Step:
    if found is None:
        return Step(wanted, None, CREATED)
    return Step(wanted, found, UNCHANGED if as_stated(found, wanted, MANAGER) else PATCHED, found)


def _write(api: Api, step: Step, *, force: bool, dry_run: bool) -> bool:
    """Apply, or let the server say what would come of it; whether the object is new."""
    with _named(step):
        step.after, new = step.send(api, force=force, dry_run=dry_run)
    _compare(step)
    return new


def _adopt(api: Api, step: Step) -> None:
    """Take in an object that is there already: without the labels, or since a moment ago.

    By a list, as the others, so that nobody needs a right for this alone.
    """
    metadata = step.wanted["metadata"]
    group, name = group_of(step.wanted), f"metadata.name={metadata['name']}"
    with _named(step):
        step.found = next(iter(_list(api, group, field_selector=name)), None)
    step.change = PATCHED if step.found else CREATED
    _compare(step)


def _compare(step: Step) -> None:
    if step.found is not None and step.after is not None and same(step.found, step.after):
        # Said otherwise and meant the same, or others have already set all of it: nothing to write.
        step.change = UNCHANGED


@contextmanager
def _named(step: Step) -> Iterator[None]:
    """Say in an error which object it was about."""
    try:
        yield
    except KubeError as error:
        namespace = step.object["metadata"].get("namespace")
        where = f" in namespace {namespace}" if namespace else ""
        error.message = f"{step.title}{where}: {error.message}"
        raise


@contextmanager
def _telling(outcome: Outcome) -> Iterator[None]:
    """Say in an error what had been written by then."""
    try:
        yield
    except KubeError as error:
        written = ", ".join(outcome.written)
        done = f"Written before: {written}." if written else "Nothing was written."
        error.message = f"{error.message} {done}"
        raise
