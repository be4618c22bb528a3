# Copyright (c) 2026, asm.lanes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Documentation of the options in which a lane group is stated: as one group, as one of many, to compare."""

from __future__ import annotations

from textwrap import indent

# References between the options begin with a dot, which stands for where the options are.
_GROUP = r"""
name:
  description: Name of the lane group.
  type: str
  required: true
mode:
  description:
    - In V(permissive) mode a call to a service that the lane of the request does not contain is answered
      by the baseline. Each lane contains any part of the services, the baseline all of them.
    - In V(strict) mode every lane contains every service of the group.
    - A new group is permissive unless stated otherwise. Fixed once the group exists.
  type: str
  choices: [permissive, strict]
route_header:
  description:
    - Request header whose value is the name of the lane, such as C(version).
    - Needed in permissive mode. An ordinary header, neither C(baggage) nor a trace id.
    - Fixed once the group exists.
  type: str
trace_header:
  description:
    - Header that the applications pass on along the call chain, needed in permissive mode.
    - V(baggage) chooses the baggage mode, the same header as O(.route_header) the custom header mode,
      anything else the trace id mode.
    - Fixed once the group exists.
  type: str
gateway_rule:
  description:
    - The Istio C(Gateway) through which the traffic of the group enters. Needed for a new group.
    - Fixed once the group exists.
  type: dict
  suboptions:
    name:
      description: Name of the C(Gateway).
      type: str
      required: true
    namespace:
      description:
        - Namespace of the C(Gateway).
        - No call of the OpenAPI returns it, so a difference between this and the namespace that a group was
          created with goes unnoticed, unless the group is read from its custom resources.
      type: str
services:
  description: The services of the call chain, each as C(namespace/name). Needed for a new group.
  type: list
  elements: str
baseline:
  description:
    - Name of the lane that answers where no other does. Needed in permissive mode when there are lanes.
  type: str
service_fallback:
  description:
    - Services, each as C(namespace/name), for which another lane than the baseline answers, with the name
      of that lane.
    - Needs ASM 1.21 or later.
  type: dict
ingress_routing:
  description:
    - How requests that carry no lane yet find one at the gateway. A new group is rule based unless stated
      otherwise.
    - Another strategy than the present one clears the rules and weights of all lanes that state none.
  type: dict
  suboptions:
    strategy:
      description:
        - V(rule_based) takes the O(.lanes[].ingress_rules) of each lane.
        - V(weighted) splits what matches here by the O(.lanes[].ingress_weight) of each lane.
      type: str
      choices: [rule_based, weighted]
      default: rule_based
    hosts:
      description: Hosts whose requests are split, with V(weighted) only. When omitted, all (V(*)).
      type: list
      elements: str
    matches:
      description: Which requests are split, with V(weighted) only; any of them suffices. When omitted, all.
      type: list
      elements: dict
      suboptions:
        uri:
          description: What the path must match; exactly one of the three.
          type: dict
          suboptions: &string_match
            exact:
              description: The whole of it.
              type: str
            prefix:
              description: Its beginning.
              type: str
            regex:
              description: A regular expression (RE2) that matches the whole of it.
              type: str
        headers:
          description:
            - Names of headers that must match, each with a dictionary of one of C(exact), C(prefix) and
              C(regex) as above.
          type: dict
lanes:
  description:
    - The lanes of the group. The name of a lane is the value of O(.route_header) that selects it.
  type: list
  elements: dict
  suboptions:
    name:
      description: Name of the lane.
      type: str
      required: true
    label_selector:
      description:
        - The labels that the pods of the lane carry.
        - The OpenAPI takes exactly one, and tells one.
      type: dict
      required: true
    services:
      description: Those services of the group that the lane contains, each as C(namespace/name).
      type: list
      elements: str
      required: true
    ingress_rules:
      description:
        - Which requests the gateway sends into the lane, with the strategy V(rule_based).
        - Only custom resources can express them.
        - Rules that were switched off in ASM's console route nothing and are left alone.
      type: list
      elements: dict
      suboptions:
        name:
          description: Name of the rule, within the lane.
          type: str
          required: true
        hosts:
          description: Hosts that it is for. When omitted, all (V(*)).
          type: list
          elements: str
        match:
          description: What a request must match. When omitted, every request does.
          type: dict
          suboptions:
            uri:
              description: What the path must match; exactly one of the three.
              type: dict
              suboptions: *string_match
            headers:
              description: See O(.ingress_routing.matches[].headers).
              type: dict
        destination:
          description: Where the request goes.
          type: dict
          required: true
          suboptions: &destination
            service:
              description: One of the group's services, as C(namespace/name).
              type: str
            port:
              description: Port of the service.
              type: int
    ingress_weight:
      description:
        - The lane's part of the traffic that is split, with the strategy V(weighted).
        - Only custom resources can express it. An empty dictionary states that there is none.
      type: dict
      suboptions:
        weight:
          description: A whole number; the lane gets this of the sum over all lanes.
          type: int
        destination:
          description: Where the request goes.
          type: dict
          suboptions: *destination
"""

_WISH = r"""
state:
  description:
    - V(present) makes the group as stated.
    - V(absent) removes its lanes, the baseline last, and then the group.
  type: str
  choices: [present, absent]
  default: present
purge_lanes:
  description:
    - Whether to remove the lanes that O(.lanes) does not list. Else they are left alone, with a warning.
    - Without O(.lanes) nothing is removed.
  type: bool
  default: false
on_existing:
  description:
    - What to do with a group of that name that was not made by this collection and is not as stated.
    - V(adopt) takes it over and changes what is stated; what is not stated stays as it is.
    - V(refuse) fails before anything is written. A group that is as stated already is no failure.
    - Custom resources that this collection makes carry the label C(app.kubernetes.io/managed-by=asm.lanes).
      Through the OpenAPI nobody can tell who made a group, so that V(refuse) then fails on every change of
      an existing group.
  type: str
  choices: [adopt, refuse]
  default: adopt
recreate:
  description:
    - Whether the group may be deleted and created anew, with all its lanes, when something differs that is
      fixed once a group exists. Without it such a difference is an error.
    - From the first deletion until the last creation requests are not laned. The plan shows all steps.
  type: bool
  default: false
"""

_MANY = r"""
options:
  groups:
    description:
      - The lane groups, each as M(asm.lanes.lane_group) takes one.
      - Groups of the mesh that are not in this list are left alone.
    type: list
    elements: dict
    required: true
    suboptions:
"""

_GIVEN = r"""
options:
  lane_group:
    description:
      - The lane group, as M(asm.lanes.lane_group) takes it, with its gateway rule, services and lanes.
      - Permissive unless stated otherwise.
    type: dict
    required: true
    suboptions:
"""


class ModuleDocFragment:
    """The options in C(module_utils/_asm/lane_options.py).

    DOCUMENTATION: one group, and what shall become of it. GROUPS: a list of them. STATED: one group, to
    compare. GIVEN: one group whose lanes are tried. WRITING: how they are written.
    """

    # With a type, because ansible-test reads plain assignments as literal YAML.
    DOCUMENTATION: str = "options:" + indent((_GROUP + _WISH).replace("O(.", "O("), " " * 2)

    GROUPS: str = _MANY + indent((_GROUP + _WISH).replace("O(.", "O(groups[]."), " " * 6)

    STATED: str = "options:" + indent(_GROUP.replace("O(.", "O("), " " * 2)

    GIVEN: str = _GIVEN + indent(_GROUP.replace("O(.", "O(lane_group."), " " * 6)

    WRITING = r"""
options:
  wait:
    description:
      - Whether to wait until ASM shows what was asked for and objects to nothing.
      - The objections of ASM, such as a service that does not exist, are then part of the failure.
    type: bool
    default: true
  backend:
    description:
      - The way to the mesh. One way carries out all changes of a task.
      - V(openapi) is the ASM OpenAPI. It cannot write rules and weights of lanes, nor several labels of a
        lane, and cannot read the namespace of the gateway rule.
      - V(custom_resource) are C(ASMSwimLaneGroup) and C(ASMSwimLane) of the mesh's control plane; it needs
        O(mesh_kubeconfig). Edits that others make during the run are noticed and not overwritten.
        What the resources have beyond these options stays as it is. The OpenAPI is only asked for the cluster
        when no service of the group tells it.
      - V(auto) takes the OpenAPI, unless what is stated, or has to be changed, needs custom resources.
        RV(backend) says which it was, and why.
    type: str
    choices: [auto, openapi, custom_resource]
    default: auto
  cluster:
    description:
      - Name or ID of the Kubernetes cluster that the services are in.
      - Needed only when the mesh has several clusters.
    type: str
  known_cluster:
    description:
      - That cluster, where it has been found before - M(asm.lanes.preflight) returns it - so that ASM is not
        asked for it again.
      - Passed over where it is of another mesh than O(mesh_id), or is not the one of O(cluster).
    type: dict
    suboptions:
      mesh_id:
        description: ID of the ASM instance.
        type: str
        required: true
      name:
        description: Name of the cluster.
        type: str
        required: true
      id:
        description: ID of the cluster.
        type: str
        required: true
"""
