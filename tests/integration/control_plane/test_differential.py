"""The emulated Kubernetes API against the real one: the same random operations, the same answers.

``DIFFERENTIAL=600`` sets how many operations; the seed is fixed, so that what passes once passes again. What
differs for a documented reason is in ``known.py``.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from asm_lanes_lab.plane import EMULATED, REAL
from integration.lab_kube.harness import WIDGET_CRD
from planes import Http, RunningPlane, lab_crds

from .compare import differences, outcome
from .known import known
from .operations import operations
from .player import Player

COUNT = int(os.environ.get("DIFFERENTIAL", "600"))
SEED = int(os.environ.get("DIFFERENTIAL_SEED", "1"))

pytestmark = [pytest.mark.real, pytest.mark.timeout(600)]


@pytest.fixture(scope="module")
def players(tmp_path_factory: pytest.TempPathFactory) -> Iterator[list[Player]]:
    planes, players = [], []
    try:
        for kind in (EMULATED, REAL):
            plane = RunningPlane(tmp_path_factory.mktemp(kind), kind, lab_crds())
            planes.append(plane)
            players.append(Player(kind, Http(plane.kubeconfig("mesh"))))
        for player in players:
            player.prepare(WIDGET_CRD)
        yield players
    finally:
        for player in players:
            player.http.close()
        for plane in planes:
            plane.stop()


def test_the_same_answers(players: list[Player]) -> None:
    since = [player.version() for player in players]
    found = []
    for number, operation in enumerate(operations(SEED, COUNT)):
        answers = [player.play(operation) for player in players]
        lines = list(differences(*map(outcome, answers)))
        if new := [line for line in lines if not known(operation, line)]:
            told = [f"{one.name}: {_words(it.body)}" for one, it in zip(players, answers, strict=True)]
            found.append("\n  ".join([f"#{number} {operation}", *new, *told]))
        if not new and answers[0].code != answers[1].code:
            for player in players:  # for a known reason; it shall not go on from two different states
                player.remove(operation.path)
    left = [{path: outcome(answer) for path, answer in player.everything().items()} for player in players]
    found += [f"in the end: {line}" for line in differences(*left) if not known(None, line)]
    events = [player.history(version) for player, version in zip(players, since, strict=True)]
    found += [f"events: {line}" for line in differences(*events) if not known(None, line)]
    assert not found, f"{len(found)} differences:\n" + "\n".join(found)


def _words(body: object) -> str:
    return str(body.get("message") or "(an object)") if isinstance(body, dict) else str(body)[:200]


def test_reports_are_kept(tmp_path: Path) -> None:
    """The comparison itself sees a difference, and no difference where there is none."""
    one = {"code": 200, "object": {"spec": {"a": 1}}}
    assert list(differences(one, one)) == []
    assert list(differences(one, {"code": 200, "object": {"spec": {}}})) == ["object.spec.a: 1 != (none)"]
