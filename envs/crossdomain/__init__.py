"""entente/CrossDomain-v0: one agent per domain, bids under a mask, the coordinator's merge decides.

network   configuration files -> technologies and what they show of themselves
demand    the service catalogue -> classes of requests, and how episodes draw them
options   what each domain could offer for each class: the live functions, asked once
tables    the same as arrays
merge     the coordinator's choice among offers, for many environments at once
core      residuals, requests and verdicts of B environments
env       B environments as arrays; `single`, `multi_agent` (RLlib), `parallel` (PettingZoo): one
workload  domains that bid on workload files; `export`: episodes as such files
"""
