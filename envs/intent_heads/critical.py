"""How services that must not fail or wait are said, by slice type and what matters most."""

from __future__ import annotations

from collections.abc import Mapping

from envs.intent_heads.cells import LATENCY, RELIABILITY, URLLC, V2X, Cell, lines

CRITICAL: Mapping[Cell, tuple[str, ...]] = {
    Cell(URLLC, LATENCY): lines(
        """
        control of the {machine}
        remote control of a {machine}
        remote operation of the {machine} {place}
        the {machine} is steered from a control room
        steering a {machine} remotely
        closed-loop control of the {machine}
        motion control for the {machine}
        operators drive the {machine} from an office
        a wireless pendant for the {machine}
        joystick commands for the {machine}
        synchronised axes of the {machine}
        emergency stop signals for the {machine}
        the {machine} has to react at once
        {machine} automation {place}
        autonomous {machine} {place}
        a fleet of {machine} units moving by themselves
        guidance corrections for a {machine}
        {machine}s that work hand in hand
        tele-operated {machine} {place}
        command link of the {flyer}
        flight control of a {flyer}
        piloting a {flyer} beyond line of sight
        coordination of the {flyer}
        {medic}
        {medic} {place}
        a {medic} controlled from another city
        haptic feedback
        force feedback for a {machine}
        tactile gloves
        a tactile internet demo
        musicians playing together in two cities
        wireless microphones and in-ear monitors on stage
        algorithmic trading
        order execution at the stock exchange
        industrial automation {place}
        factory automation
        robotic control systems
        real-time control traffic
        PLC to PLC communication
        a machine builder's control loop
        sub-millisecond synchronisation of drives
        the {machine} exchanges telegrams with its controller
        two {machine}s avoid collisions by exchanging positions in real time
        the operator feels the resistance of the {machine}
        pianists in two countries play a duet
        referee and actor headsets without delay
        microphones of the actors on stage
        lights, sound and pyrotechnics in step on stage
        discrete automation
        process automation
        collision avoidance of {machine}s {place}
        coordination of {machine}s
        tele-driving of the {machine} {place}
        a safe distance between {machine}s is kept by radio
        command and control link of the {flyer}
        trading desks
        the {machine} must stop within a moment
        a {machine} driven from home
        the lowest latency you have
        an ultra-low latency link
        fast reflexes for the {machine}
        orders between the bank's trading desks
        {count} {machine}s
        {count} {machine}s {place}
        {count} {machine}s that must not collide
        control loops of {count} axes
        {machine} {ms} ms
        {machine}s without drivers {place}
        driverless {machine}s {place}
        {count} autonomous {machine}s
        autonomous trucks in the mine
        tele-driving of {count} trucks in the mine
        we run {machine}s without drivers
        the {machine}s follow each other without a driver
        the {machine} is halted by radio from the control centre
        remote control of the {machine} and its camera
        a joystick with which the {crowd} take over the {machine}
        a technician takes over the {machine} from afar
        the joystick loop of the {machine}
        drive the {machine} around from a distance
        who presses the buzzer first is first
        wireless follow focus and camera control on the set
        two halves of a choir sing together in two places
        the organist plays in another town and nobody may notice
        orders to {machine}s that drive by themselves
        high-frequency traders for whom every microsecond counts
        quick fault isolation for the feeders of the {grid}
        referees and players hear each other without delay
        """
    ),
    Cell(URLLC, RELIABILITY): lines(
        """
        voice and data for the {rescuer}
        mission-critical push-to-talk for the {rescuer}
        communication of the {rescuer}
        radio network of the {rescuer} {place}
        a backup link for the {rescuer}
        emergency communication for the {rescuer}
        the {rescuer} during the operation
        command centre of the {rescuer}
        emergency priority {place}
        {grid}
        protection of the {grid}
        control and supervision of {grid}
        a fail-safe link for {grid}
        signals of the {grid} that may never get lost
        replace the copper line of the {grid}
        monitoring of the {grid}, mission critical
        {rail}
        {rail} {place}
        communication for {rail} with seamless handover
        a disaster recovery command centre
        temporary network after the flood for the {rescuer}
        safety PLCs of the {machine}
        interlocks and emergency shutdown {place}
        life support machines {place}
        ventilators in intensive care
        battlefield communication
        critical infrastructure {place}
        brake signal of the {machine} must always get through
        safety system of the {machine}
        evacuation announcements {place}
        nuclear and chemical process monitoring with sensors that trip the plant
        mission-critical communication for {rescuer}
        alarms of ventilators reach the nurses under all circumstances
        the {rescuer} talk to each other whatever happens
        smart lift safety {place}
        prioritise the traffic of the {rescuer}
        remote intensive care
        a secure and highly available link between {grid}
        an ultra-reliable slice
        {grid} must stay in control when the cell is overloaded
        traffic of the {rescuer} goes first
        resilient network for the {rescuer} after a storm
        {count} radios for the {rescuer}
        radios of the {crew} that never fail
        the {crew} talk over headsets, whatever happens
        voice for the {crew}, it must always work
        walkie-talkies for the {crew}
        push-to-talk sets for the {crew}
        the {crew} reach each other by voice even when the public network is down
        every one of the {crew} must hear the alarm
        a dependable channel for the {crew}
        a dependable line for the {crew}
        an emergency call in every lift
        the barrier has to close, every time
        the gates must open when we say so
        if it burns the fans have to start at once
        the shutdown command has to arrive
        commands to the {machine} that may never be lost
        brakes of the {machine}, signals that never get lost
        race control
        the robot and the alarms have to be online without interruption
        {count} breakers of the {grid}
        """
    ),
    Cell(V2X, RELIABILITY): lines(
        """
        {hazard}
        {hazard} for {vehicle}
        {hazard} {place}
        {hazard} between {vehicle}
        {vehicle} exchange {hazard}
        {vehicle} talk to traffic lights {place}
        {vehicle} warn each other {place}
        {vehicle} that drive themselves on public roads
        autonomous driving {place}
        connected and automated {vehicle}
        V2X for {vehicle}
        C-V2X roadside units {place}
        cooperative driving of {vehicle}
        priority at junctions for {vehicle}
        platoons of {vehicle}
        self-driving {vehicle}
        teleoperated driving of {vehicle}
        vehicle coordination {place}
        road safety messages
        {vehicle} share raw sensor data with each other
        {vehicle} announce themselves to signals and get green
        {vehicle} extend their perception beyond line of sight
        traffic lights tell {vehicle} the remaining green time
        school buses connected to other {vehicle}
        collision avoidance for {vehicle}
        a smart highway with vehicle-to-infrastructure warnings
        {vehicle} see around the corner
        roadside units tell {vehicle} about {hazard}
        a self-driving bus line {place}
        {count} {vehicle} exchange {hazard}
        {hazard} for {count} {vehicle}
        {vehicle} find green lights all the way
        {vehicle} talk to the traffic lights
        {vehicle} brake together
        {count} autonomous {vehicle} on public roads
        driverless {vehicle} on public roads ask the remote operator when they are stuck
        {vehicle} and the control centre that can halt them
        """
    ),
}
