"""The lab: an ASM instance with its cluster, on one machine, for trying and proving lanes."""
