"""A domain that fronts several SDN controllers, and looks like any other from outside.

Each controller is a `port.Domain` of its own, over gRPC with a port and a certificate of its own.
Their abstract topologies meet at border points that two of them share; the domain shows the others,
and one link for whole chains of theirs. A hold of the domain is a hold at each controller on the
way, all or none: identifiers are derived, so nothing has to be remembered to try again, and what
the ledger does not know to be alive is given back.

A counter is first met from the domain's own margin. What that does not cover is asked of the
controllers on the way, one call each and round; what they have conceded stands while the domain
remembers it, a minute long. An offer that rests on it is gone with the domain's memory.
"""
