# Copyright (c) 2026, asm.lanes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Alibaba Cloud Service Mesh (ASM): credentials, the client, and the lane groups behind its OpenAPI."""
