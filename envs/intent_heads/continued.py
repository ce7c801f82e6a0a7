"""What people say further of a service they have named: who, how much, what happens otherwise."""

from __future__ import annotations

from collections.abc import Mapping

from coordinator.model import SliceType
from envs.intent_heads.cells import EMBB, HDLLC, HMTC, MIOT, URLLC, V2X, lines

ANY = lines(
    """
    {count} of them
    about {count} of them altogether
    all of them {place}
    for {days} days
    {nines} % availability
    the link must be up {nines} % of the time
    with {nines} % uptime
    the price is secondary
    whatever it costs
    nothing fancy
    it has to work everywhere {place}
    it has to work in the cellar and in the lift as well
    they lose contact today
    we have coverage problems {place}
    one weekend only
    from morning to evening
    this is what we want to replace
    {place} and {place}
    no exceptions
    we had trouble with this last year
    please quote
    until the {event} is over
    the contract runs for two years
    keep it apart from the guests' traffic
    only the traffic of the {machine}
    """
)
"""Of any service."""

CONTINUED: Mapping[SliceType, tuple[str, ...]] = {
    URLLC: lines(
        """
        they need a reaction time below {ms} ms
        which must be steered in under {ms} ms
        one-way delay no worse than {ms} ms
        {ms} ms both ways together
        commands may take {ms} ms at most
        the round trip may take {ms} ms
        so the budget is {ms} ms
        cycle time {ms} ms
        {count} axes
        packet delivery {nines} %
        it has to stop the instant the operator lets go
        the control centre must be able to halt any of them within {ms} ms
        a {machine} that does not hear stop within {ms} ms is a danger
        anything slower than {ms} ms is dangerous
        anything above {ms} ms of delay makes the drivers' life miserable
        they must agree within {ms} ms who stops
        they have to obey within {ms} ms
        the driver sees four pictures and holds two levers
        video and joystick share one link
        each {machine} needs {rate} Mbps up as well
        a technician abroad takes over when something slips
        who takes over when it is stuck
        where the operator sits {count} metres away
        so that they react in real time
        never longer than {ms} ms
        {count} {machine}s run on one clock
        we lose a batch if more than one message in a million goes missing
        cable or no cable
        and it must open when we say so
        they have to get through, always
        also when the public network is down
        even when the cell is full
        when an alarm goes off everybody must hear it
        without the crowd's phones getting in the way
        the {rescuer} could not talk to each other then
        with no interruption
        without anybody noticing
        they must not collide
        {nines} %, {ms} ms
        """
    ),
    EMBB: lines(
        """
        each pushing {rate} Mbit/s back to the truck
        {rate} Mbps a camera
        {rate} Mbps per camera
        each one uploads at about {rate} Mbit/s
        all of it going up to the studio
        all to one production truck
        six cameras on each
        {rate} Mbit/s apiece
        {rate} Mbps a head is my rule of thumb
        {rate} Mbps each is plenty
        two-way 1080p at {rate} Mbps
        two-way video at {rate} Mbps per cart
        lag under {ms} ms
        with under a second of delay
        live to the control room
        live to {expert}
        nobody minds if it takes a second or two
        anything above 300 ms of delay makes the director's life miserable
        and it must not stall
        in 4K
        as sharp as possible
        an uplink total of {rate} Gbps
        everyone wants to post stories
        {crowd} complain about the internet
        they should be able to stream films
        most with two gadgets
        they want to see it on their tablets
        {count} tablets, {rate} Mbps each
        so at least {rate} Gbps up
        stereo sound back to the studio
        the picture must be there in {ms} ms
        {expert} watches on one tablet
        and {expert} answers
        and her voice back
        the handlers watch both on one screen
        the network should take it
        {rate} Mbps down and {rate} Mbps up
        two hours
        it must be done by six in the morning
        cost matters more than speed
        the cheaper the better
        """
    ),
    MIOT: lines(
        """
        each says where it is every ten minutes
        one reading a day
        one sensor in each
        a message when something changes
        the battery should last {days} years
        batteries have to survive {days} years
        with batteries we never want to change
        they only tell their weight and temperature
        they send a reading every few seconds
        they report twice a day
        and count what passes
        theft alarm included
        the alarms have to arrive {nines} % of the time
        the alarm has to be through in two seconds
        all watched from the nurses' desk
        speed is secondary
        as cheaply as possible
        we'd pay next to nothing
        at the lowest price you have
        two euros per device and month is our limit
        they may be late
        a status message every minute
        a lost alarm would be a disaster
        nothing may get lost
        they should report by themselves when they are broken
        coverage matters to us, bandwidth hardly
        a packet a minute is enough
        {count} pcs
        one at every {site}
        measured by little battery boxes
        the dispatcher would like to see on a map where each one is
        """
    ),
    V2X: lines(
        """
        they need a reaction time below {ms} ms
        messages with at most {ms} ms delay
        within {ms} ms
        {nines} % reliability
        {count} vehicles per km
        at up to {days}0 km/h
        the warning is worthless after {ms} ms
        cyclists included
        and asks the remote operator when it is stuck
        the control centre must be able to halt any of them within {ms} ms
        so that nobody gets hurt at the crossing
        on the ring road
        all the way to the hospital
        they brake together
        """
    ),
    HMTC: lines(
        """
        {nines} % reliability
        for the machines {place}
        at {rate} Mbps per machine
        """
    ),
    HDLLC: lines(
        """
        motion to photon {ms} ms
        {rate} Mbps per headset
        {rate} Mbps each
        each needs a hundred megabits down
        the picture must follow the head within {ms} ms
        mouse to screen in {ms} ms at worst
        without feeling sick from lag
        without any lag spoiling it
        no lag
        whose pictures are computed in the cloud
        and must not judder
        while the others see it turn at the same instant
        the professor is in one town, her students sit elsewhere
        and interact with her
        ping somewhere between 15 and {ms} ms
        {count} seats
        updated live from the scanners
        visitors should walk through an ancient city with it
        """
    ),
}
"""Of a service of this type, whatever else it is."""

LISTS: Mapping[SliceType, tuple[str, ...]] = {
    URLLC: lines(
        """
        {machine}s, {machine}s and {machine}s are driven in step over the air
        {machine}s and {machine}s without drivers {place}
        the {machine} and its camera are steered from an office
        the {rescuer}, the {rescuer} and the control room talk to each other
        {crowd}, {crowd} and {crowd} want to reach each other by voice, whatever happens
        a joystick and a picture from the {machine} {place}
        an emergency stop on every {machine} and {machine}
        """
    ),
    EMBB: lines(
        """
        {crowd} film, post and chat during the {event}
        talks, panels and workshops of the {event} are streamed
        {count} fixed cameras, two on cables and one on a {machine}
        {camera}, {camera} and a {flyer} for one broadcast
        {crowd} and {crowd} surf and watch films {place}
        an interpreter hears the speaker, sees the slides and speaks into the delegates' ears
        pictures from the microscope and {expert}'s voice back
        phones, laptops and tablets of {crowd}
        {crowd} carry a camera and {expert} watches
        """
    ),
    MIOT: lines(
        """
        {sense}, {sense} and {sense} of {thing}
        {thing}, {thing} and {thing} report their {sense}
        {sense} and {sense} {gauge} {place}
        {gauge} and {gauge} on {thing} and {thing}
        tracking of {thing} and {thing} between {site} and {site}
        {thing} get {gauge} for {sense}, {sense} and {sense}
        ventilators and syringe pumps on two wards, all watched from the nurses' desk
        """
    ),
    V2X: lines(
        """
        {vehicle}, {vehicle} and pedestrians warn one another
        {vehicle} and {vehicle} exchange {hazard} and {hazard}
        {vehicle} and traffic lights exchange {hazard}
        """
    ),
    HDLLC: lines(
        """
        {xr} and {xr} for {crowd} and {crowd}
        {expert} and {crowd} meet in {xr} and move things around
        """
    ),
    HMTC: (),
}
"""One service whose words are joined like two."""

ALSO = lines(
    """
    {s}
    {s}
    {s}
    {s} too
    one for {s}
    another for {s}
    one more slice for {s}
    we also need {s}
    a separate one for {s}
    the other is {s}
    the second is for {s}
    we want {s}
    there is {s}
    on the same site {s}
    they would like {s}
    separately, {s}
    """
)
"""How the next service is brought up."""

MEASURES = lines(
    """
    {rate} Mbps
    at {rate} Mbps
    with {rate} Mbps
    under {ms} ms
    <{ms} ms
    {ms} ms
    in {ms} ms
    ({ms} ms)
    ({count} pcs)
    ({count} of them, cheap)
    x {count}
    {nines} %
    at {rate} Mbps per user
    of {rate} Mbps each
    """
)
"""What stands right behind a service, without a joint."""

THEN = (
    ", and ",
    " and ",
    ", ",
    "; ",
    ". ",
    "\n- ",
    " plus ",
    " while ",
    ", as well as ",
    " + ",
    ". Also ",
)
MORE = (", ", ", ", ". ", "; ", " and ", ", and ", ": ", " - ", " with ")
"""Between two services, and before what is said further of one."""

HEADINGS = lines(
    """
    {site}
    smart {site}
    our {site} needs two slices
    we have two needs
    two things
    three services please
    for the {event}
    {firm} orders
    please set up the following
    the {site} wants
    three slices for the {site}
    the {event} needs
    """
)
"""What stands before a list of services."""

OF_ALL = ("both need {q}", "all of it {q}", "everything {q}", "each slice {q}")
"""What is said of all services, with a qualifier."""
