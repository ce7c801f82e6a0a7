"""What surrounds a service in a request: qualifiers, openers, joiners, background."""

from __future__ import annotations

from collections.abc import Mapping

from coordinator.intent.catalogue import Quality
from envs.intent_heads.cells import ECONOMICS, LATENCY, RELIABILITY, THROUGHPUT, Cell, lines
from envs.intent_heads.critical import CRITICAL
from envs.intent_heads.everyday import EVERYDAY

SERVICES: Mapping[Cell, tuple[str, ...]] = {**CRITICAL, **EVERYDAY}


QUALIFIERS: Mapping[Quality | None, tuple[str, ...]] = {
    LATENCY: lines(
        """
        at most {ms} ms
        latency below {ms} ms
        within {ms} milliseconds
        it has to respond right away
        no lag please
        delay under {ms} ms end to end
        every millisecond counts
        ultra-low latency
        with a latency of {ms} ms
        round trip of {ms} ms
        {ms} ms one way
        commands within {ms} ms
        must arrive immediately
        as little delay as possible
        """
    ),
    RELIABILITY: lines(
        """
        {nines} % availability
        reliability of {nines} %
        it must never fail
        it may not go down
        whatever happens
        no message may get lost
        five nines
        {nines} percent uptime
        with a redundant path
        failure is not an option
        highest availability
        people's lives depend on it
        packet loss below 0.01 %
        """
    ),
    THROUGHPUT: lines(
        """
        {rate} Mbps
        {rate} Mbit/s each
        {rate} Mbps up and {ms} Mbps down
        with {rate} Mbps per user
        at least {rate} megabits per second
        1 Gbps downlink
        in the best quality
        as much bandwidth as possible
        a uplink of {rate} Mbps per camera
        {rate} Mbit/s symmetric
        """
    ),
    ECONOMICS: lines(
        """
        as cheap as possible
        at low cost
        the cheapest option
        best effort is fine
        price matters more than speed
        ten years on a battery
        low power
        we have a small budget
        at most 5 euros per hour
        cost-efficient
        """
    ),
    None: lines(
        """
        for {count} {crowd}
        for {count} devices
        {count} of them
        about {count} in total
        {place}
        for {days} days
        from Monday on
        until the end of the month
        keep it isolated
        separate from public traffic
        in Berlin
        from Hamburg to Munich
        at 80 km/h
        billed separately
        please
        thanks
        both need the same
        with priority
        latency does not matter
        no video
        speed is secondary
        starting next week
        """
    ),
}
"""Clauses that only qualify a service, by the quality they put first."""

OPENERS = lines(
    """
    we need {s}
    I need {s}
    please set up {s}
    set up a slice for {s}
    create a slice for {s}
    create a network slice: {s}
    deploy {s}
    deploy a slice for {s}
    provision {s}
    provide {s}
    enable {s}
    establish a link for {s}
    establish connectivity for {s}
    configure {s}
    we would like {s}
    I'd like to have {s}
    could you give us {s}
    we want to run {s}
    looking for a network for {s}
    connect {s}
    reserve capacity for {s}
    book {s}
    support {s}
    roll out {s}
    hi, can you get us {s}
    our plan is {s}
    {s} please
    {s}
    {s}
    {s}
    slice for {s}
    quote for {s}
    a private network for {s}
    our {s}
    let us do {s}
    implement {s}
    the service is {s}
    use case: {s}
    requirements for {s}
    what can you offer for {s}
    we are building {s}
    build a network for {s}
    allocate resources for {s}
    orchestrate {s}
    let {s}
    initiate an intent for {s}
    request: {s}
    setup {s}
    facilitate {s}
    deliver {s}
    activate {s}
    ensure {s}
    realise {s}
    optimise the network for {s}
    combine everything for {s}
    a network for {s}
    guarantee {s}
    find us a network for {s}
    all I want is {s}
    prioritise {s}
    """
)
JOINERS = (" and ", " plus ", ", and also ", "; ", ". Also ", ", then ", " as well as ", ". ")

BACKGROUND = lines(
    """
    we are {firm}
    we are {firm} with {count} employees
    our company is {firm} and was founded in 1987
    we have been making {product} for {days} years
    our family has made {product} since 1953
    I am responsible for IT at {firm}
    I am a student writing a thesis
    I look after the network of {firm}
    last year the old radio system broke down
    until now we have rented fibre
    in previous years we used the hall's wifi
    our current network is from the nineties
    the board decided in spring to modernise
    the regulator asks for proof
    my name is on the contract of {firm}
    we sell {product} in {count} countries
    good morning
    dear operator
    dear team
    best regards
    kind regards, the plant engineering team
    subject: request
    thank you in advance
    every plant has about {count} machines
    the director told me to write to you
    we are a start-up with {count} people
    accidents have become a problem {place}
    our customers complain about the old solution
    the hall was built two years ago
    staff use 4G for their phones
    the supplier says it cannot be done by cable
    our {site} seats {count} people
    nurses walk long distances
    the village has no cable
    young families move away
    we are shooting a commercial next week
    a lost message would be a disaster
    I manage {firm}
    the contract with the old operator ends in May
    our family has bred {thing} for five generations
    the {site} reopened in 2021 after a fire
    since then everything has been wired
    we want to replace the cables
    as every year we cover the {event}
    our {site} employs {count} people
    with {count} employees we are {firm}
    we are {count} people at {firm}
    {firm} of {count} beds
    a club of {count} members
    the {site} draws {count} guests a day
    last month a {machine} hit a rack
    last winter the lines were cut
    we never want that again
    {crowd} walk a lot
    as you know we spoke at the fair
    as promised here are the figures
    you may know us from television
    I am the technician of the {site}
    my father is old and lives alone
    the {site} has {count} rooms
    reference 77-B
    head of automation
    could you please let me have a price
    could you set up something for us
    we have two needs
    here is what we need
    """
)
