"""Federated training: domains train on their own requests and share nothing but weights.

`message` is all that leaves a domain, `client` one domain with its own requests, and `rounds` the
averaging and what it is compared with. `python -m envs.federated` prints the table.
"""
