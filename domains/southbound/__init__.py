"""Southbound: from confirmed holds to network functions that run and traffic that is shaped.

`driver` is the seam: `simulated` (traffic models, seeded) and `netns` (Linux network namespaces,
real processes, real packets) are behind it, and one contract suite runs over every driver. What
joins namespaces is a `trunk`: two routers with HTB, or in `openflow` a switch with meters.
"""
