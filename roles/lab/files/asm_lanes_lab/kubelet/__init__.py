"""Pods as local processes: an IP, the stand-in apps, a sidecar, and a status that is measured."""
