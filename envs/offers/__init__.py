"""Offers: which of its options a domain shows, learned on the cross-domain core and used live.

`policy` acts in the core exactly as `domains.ranking` does in a domain, `evolve` trains it and
`live` compares two policies on the same requests to real domains.
"""
