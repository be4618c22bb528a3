"""Istio's own control plane as the lab's mesh: istiod, and what it is told of the lab's pods."""
