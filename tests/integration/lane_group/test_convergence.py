"""Random groups through the official SDK: any group becomes any other, and check mode says how."""

from __future__ import annotations

from dataclasses import replace

from ansible_collections.asm.lanes.plugins.module_utils._lanes.model import GatewayRule, LaneGroup, merge
from ansible_collections.asm.lanes.plugins.module_utils._lanes.words import as_spec
from hypothesis import HealthCheck, Phase, given, settings
from unit.lanes.strategies import pairs

RANDOM = settings(
    max_examples=20,
    deadline=None,
    phases=[Phase.explicit, Phase.reuse, Phase.generate],  # shrinking would take minutes
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)


def without_ingress(group: LaneGroup) -> LaneGroup:
    """The OpenAPI cannot write a lane's way in at the gateway; the backend leaves it alone."""
    lanes = tuple(replace(lane, ingress_rules=None, ingress_weight=None) for lane in group.lanes or ())
    return replace(group, ingress_routing=None, lanes=lanes)


@given(pair=pairs())
@RANDOM
def test_any_group_becomes_any_other_and_back(asm, lanes, pair):
    asm.reset()
    pair = tuple(map(without_ingress, pair))
    for group in (*pair, pair[0]):
        before = asm.writes
        checked = lanes.ensure(group, check=True)
        assert asm.writes == before
        made = lanes.ensure(group)
        assert made.facts() == checked.facts()
        asked = [change for change in made.plan.changes if not change.by_itself]
        assert asm.writes - before == len(asked) == len(checked.planned)
        assert made.done == len(made.plan.changes)
        # The gateway rule's namespace is the one thing that cannot be read back.
        expected = replace(merge(None, group), gateway_rule=GatewayRule("gw"))
        assert as_spec(lanes.read("g")) == as_spec(expected)
        assert not lanes.ensure(group).plan.changed
        assert asm.writes - before == len(asked)
