"""How good negotiation is: the same trace without it, in one shot, in rounds, and at the optimum.

Domains are the real ones, in this process: technologies, agents, ledgers, holds and confirms of a
shipped federation with a tenth of its capacity. Only the wire and the words are left out.
"""
