"""One administrative domain, complete in itself: what it has, what it promises, what it keeps.

A domain operator can install and audit this package alone. Nothing in here knows of the
coordinator; it learns of the world only through `port.Domain` and the gRPC service.
"""
