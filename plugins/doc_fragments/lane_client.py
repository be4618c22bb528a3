# Copyright (c) 2026, asm.lanes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Documentation of the options of the modules that talk to the application as its clients do."""

from __future__ import annotations


class ModuleDocFragment:
    """The options in C(module_utils/_probe/client_options.py)."""

    DOCUMENTATION = r"""
options:
  url:
    description:
      - The gateway as a client reaches it, such as V(http://192.0.2.10:30080).
      - User name and password do not belong here; use O(headers).
    type: str
    required: true
  path:
    description: Path of the socket.io server.
    type: str
    default: socket.io
  headers:
    description: More headers for every request, such as a token. Their values are treated as secrets.
    type: dict
  validate_certs:
    description: Whether to check the gateway's certificate when O(url) is C(https).
    type: bool
    default: true
  ca_path:
    description: A file of certificates (PEM) of the authorities to trust, instead of the system's.
    type: path
  entry:
    description:
      - How clients name their lane. When omitted, with the group's route header.
      - A cookie or a query parameter needs a routing at the gateway that honours it. Where the lanes have
        ingress rules, those are met instead.
    type: dict
    suboptions:
      via:
        description: What holds the name of the lane.
        type: str
        choices: [header, cookie, query]
        default: header
      name:
        description: Name of the header, cookie or parameter. Needed for cookies and parameters.
        type: str
  emit_event:
    description: The event that asks the server; it carries a random identifier. Empty when there is none.
    type: str
    default: test000
  answer_event:
    description: The event with which the server answers the client that asked. Empty when it has none.
    type: str
    default: hello
  broadcast_event:
    description: The event that the server sends to all. Empty when the application has none.
    type: str
    default: okok
  answered_by:
    description:
      - The services of the group, each C(namespace/name), whose versions the answers name.
      - More than one needs a group C(service) in O(answer_pattern), or an object in the answer at
        O(answer_path).
    type: list
    elements: str
    required: true
  answer_pattern:
    description:
      - Python regular expression that finds versions in an answer. The group C(version) holds the version.
      - A group C(service) holds the service's name where an answer names several services, for example
        V((?P<service>[\\w-]+\)=(?P<version>[\\w.]+\)).
    type: str
    default: 'version: (?P<version>[^,\s]+)'
  answer_path:
    description:
      - Where the version is in a JSON answer, as keys and list indexes with dots between, such as
        V(data.0.version). Takes the place of O(answer_pattern).
      - With several services it leads to an object whose keys are services and whose values are versions.
      - In a socket.io event it is the first argument that is read.
    type: str
  version_label:
    description: The label of the lanes' pods whose value is the version.
    type: str
    default: version
"""
