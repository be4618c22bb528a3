"""Faults on demand: the ways in which lanes go wrong, as switches, for whoever wants to see them found.

They spoil the guide's application and its lane group ``ws`` as people and clusters do, by writing to the two
Kubernetes APIs; what only a proxy or ASM can do wrong goes by the annotations of the mesh's README.
"""
