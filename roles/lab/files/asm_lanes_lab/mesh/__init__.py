"""The lab's mesh: Istio and ASM objects in, configuration for real Envoys out.

Read in this order: `istio`, `asm` and `workloads` (what is understood of each object), `snapshot` (all of it
at one moment), `translate` (the pure step to Envoy configuration), `xds` (files), `controller` (watching).
"""
