# Copyright (c) 2026, asm.lanes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The domain: lane groups, the plan between two of them, and who answers which request.

Pure: no input or output, no Ansible, no SDK, no Kubernetes client. Everything else in
the collection, and the lab's lane controller, is built on it.
"""
