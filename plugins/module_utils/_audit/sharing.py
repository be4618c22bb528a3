# Copyright (c) 2026, asm.lanes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Which calls were made for the answer to the client, and which for the broadcast. Pure.

Without changing the application nothing in a call says so. But the texts that the client received do: they
name a version, often the pod itself. A call goes to the text that names its pod, else to one that names its
version. Calls of which the texts tell no difference are shared out in the client's favour: the answer takes
one that carries the lane, if there is one, and the broadcast one that does not. So lanes that differ in no
version cannot show an answer and a broadcast that changed their contexts; a lane with versions of its own
shows it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from .trace import Hop

Named = Callable[[str], Sequence[tuple[str, str]]]
"""Text -> pairs of service (``namespace/name``) and version that it names."""


def share_out(
    hops: Sequence[Hop],
    answer: str | None,
    broadcast: str | None,
    named: Named,
    version_label: str,
    carries: Callable[[Hop], bool],
) -> tuple[list[Hop], list[Hop]]:
    """The calls of the answer and those of the broadcast, each in order.

    answer, broadcast: the texts; None when there was none. carries: whether a call carries the lane.
    """
    if broadcast is None:
        return list(hops), []
    own: list[Hop] = []
    others: list[Hop] = []
    for service in dict.fromkeys(hop.service for hop in hops):
        calls = [hop for hop in hops if hop.service == service]
        mine = _best(calls, answer, named, version_label, prefer=carries)
        own += [mine] if mine else []
        others += [hop for hop in calls if hop is not mine]
    return own, others


def _best(
    calls: Sequence[Hop], text: str | None, named: Named, label: str, prefer: Callable[[Hop], bool]
) -> Hop | None:
    """The call that the text fits best; of equals one that is preferred, then the first."""
    if text is None or not calls:
        return None
    return max(calls, key=lambda hop: (_fit(hop, text, named, label), prefer(hop), -hop.sent.start))


def _fit(hop: Hop, text: str, named: Named, label: str) -> int:
    if hop.pod is None:
        return 0
    if hop.pod.name.partition("/")[2] in text:
        return 2
    version = hop.pod.labels.get(label)
    return int(any(service == hop.service and found == version for service, found in named(text)))
