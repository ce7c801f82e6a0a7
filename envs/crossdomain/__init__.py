"""entente/CrossDomain-v0: one agent per domain, bids under a mask, the coordinator's merge decides.

network   configuration files -> technologies and what they show of themselves
demand    the service catalogue -> classes of requests, and how episodes draw them
tables    what each domain could offer for each class, as arrays: the live functions, run once
merge     the coordinator's choice among offers, for many environments at once
core      residuals, requests and verdicts of B environments
"""
