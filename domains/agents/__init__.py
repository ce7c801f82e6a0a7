"""A domain's agent: what it discloses, at which margin, how it concedes, and why in one sentence.

The solver (`domains.technologies`, `domains.offers`) knows exactly what is feasible and what it
costs; the operator's policy file says what may be done with it; an engine decides within both. In
the words of the contract net (Smith, "The Contract Net Protocol", IEEE Trans. Computers C-29,
1980; FIPA SC00029):

    call      RequestOffers: a slice profile per domain
    bid       a menu: points of the frontier, each with a price that is sealed for this tenant
    counter   RequestOffers again, naming an offer that is declined and the price that would do
    award     CreateHold of one offer, then ConfirmHold; the bids of the others run out unanswered

A bid keeps no state: its id is a code over load, option, price, tenant, round and time, made with
a secret of the domain. Whoever awards it shows the price that it was made at, and whoever counters
it proves that the earlier round took place.
"""
