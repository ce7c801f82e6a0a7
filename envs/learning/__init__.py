"""Learning: PPO of RLlib on batched environments, from a configuration file to a policy file.

`batched` is what an environment has to offer, `tasks` are the ones there are, `runner` samples them
and `connector` makes train batches, without Python per agent and step; `networks` and `module` are
what learns, `imitation` gives it a start, `plan` is a configuration, `training` runs it and
`export` writes what a domain can load.
"""
