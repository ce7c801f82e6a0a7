"""Embedding: online placement and routing of request graphs on one network, as others pose it.

`model` and `files` say what a workload is, `generate` draws one, `paths` ranks routes, `core` steps
many episodes at once, `env` has the Gymnasium faces and `heuristics` replays the ranking rules.
"""
