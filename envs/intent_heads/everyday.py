"""How services for people, things and dense traffic are said, by slice type and quality."""

from __future__ import annotations

from collections.abc import Mapping

from envs.intent_heads.cells import (
    ECONOMICS,
    EMBB,
    HDLLC,
    HMTC,
    LATENCY,
    MIOT,
    RELIABILITY,
    THROUGHPUT,
    Cell,
    lines,
)

EVERYDAY: Mapping[Cell, tuple[str, ...]] = {
    Cell(EMBB, THROUGHPUT): lines(
        """
        {video}
        {video} for {crowd}
        {video} from the {event}
        {video} {place}
        {video} from a {machine}
        {video} from the {flyer}
        broadcast of the {event}
        live coverage of the {event}
        {camera}
        {camera} {place}
        {camera} watching the {machine}
        video analytics for {camera}
        pictures of the {machine}
        video monitoring of {thing}
        camera inspection of {thing}
        internet for {crowd}
        wifi for {crowd} {place}
        broadband for {crowd}
        broadband {place}
        fast internet for {crowd} {place}
        connectivity for {crowd} at the {event}
        {crowd} share photos and videos
        {crowd} watch {video}
        {crowd} post their stories
        in-car entertainment for {crowd}
        on-board entertainment for {crowd}
        home internet for {crowd}
        fixed wireless access {place}
        upload of {files}
        transfer of {files}
        fat uplink for the {event}
        {files} to the cloud
        video calls for {crowd}
        video conferences of the {office}
        video consultations with patients
        doctors see patients in HD
        online lessons for {crowd}
        e-learning {place}
        network for the {office}
        tablets and laptops {place}
        handheld scanners and tablets {place}
        virtual desktops for {crowd}
        mobile broadband {place}
        a hotspot for {crowd}
        visual quality inspection of {product} by camera
        number plate recognition {place}
        crowd analytics from {camera}
        edge AI on {camera}
        telepathology slides and radiology pictures
        telepresence meetings for {crowd}
        backhaul for small cells {place}
        a film set {place}
        the media centre of the {event}
        audio guides streaming to {crowd}
        digital signage {place}
        connected {site}
        smart {site}
        smart {site} with cameras and screens
        configure connected {site}: {rate} Mbps per facility
        virtual {site} with video
        {crowd} sit in a train and stream series
        {crowd} transmit {video} to {expert}
        {expert} sees {video}
        {video} goes to {expert}
        the {flyer} sends {video} back
        the {rescuer} send {video} to {expert}
        video of the {rescuer}
        body cameras of the {rescuer}
        a {flyer} feed for the {rescuer}
        {crowd} watch the {machine} on a screen
        temporary network for the {event}
        temporary network for the pop-up centre {place}
        pop-up network {place}
        backhaul for the platform {place}
        social media uploads of {crowd}
        storage mirroring between data centres
        inter-data-centre link at {rate} Gbit/s
        a high throughput link
        {crowd} take an online exam
        proper internet for homes {place}
        ubiquitous connectivity for {crowd}
        wifi offload {place}
        patient entertainment tablets
        a remote consultation by video
        a camera crane's picture on a tablet
        guide {crowd} by live video
        security monitoring of the {site} by camera
        live viewing of pets by their owners
        {count} {camera}
        {count} {camera} {place}
        {video} for {count} {crowd}
        {count} {crowd} watch {video}
        {count} {crowd} share photos and videos
        wifi for {count} {crowd}
        video for {count} {crowd}
        {count} tablets {place}
        pictures from the {machine} to {expert}
        pictures from a microscope to a screen abroad
        {expert} sees the room in HD
        watch the fence with cameras
        the speech shall be on every screen
        adverts in the windows of the {site}
        slides, voice and subtitles for {crowd}
        a feed for the big screen
        the programme feed
        {rescuer} {flyer} feed
        {flyer} pictures
        see on a tablet what the {camera} film
        the operator flies by the video that the {flyer} sends
        connectivity of the {site} with {rate} Mbps
        monitoring of the {site}: {rate} Mbps in total
        people in the back seats watch films
        the {crowd} would like internet
        the {site} would like internet
        see it in stereo 4K
        a TV uplink from the {event}
        recordings of the {event} are uploaded
        video visits for {crowd}
        {crowd} get {rate} Mbps each
        {crowd} get {rate} Mbps each to read the news
        internet for the {site}
        tablets that show {crowd} the way
        {crowd} see the ship's sensors on their tablets
        {count} camera streams of {rate} Mbps
        {rate} Mbps for the {site}
        """
    ),
    Cell(EMBB, LATENCY): lines(
        """
        {game}
        {game} for {crowd}
        {game} {place}
        {crowd} playing {game}
        voice calls for {crowd}
        telephony for the {office}
        voice over IP {place}
        interactive remote desktops
        live auctions with bidding by video
        betting during the {event}
        conversational voice for {crowd}
        {game} for {count} players
        voice for {count} agents
        """
    ),
    Cell(EMBB, RELIABILITY): lines(
        """
        {pay}
        {pay} {place}
        {pay} at the {event}
        a card reader for paying at the door
        orders that waiters take at the tables reach the kitchen
        {count} {pay}
        exams that are taken online and must not break off
        dependable office network for the {office}
        business applications of the {office}
        booking system of {firm}
        order terminals {place}
        {firm} takes card payments
        archives where every byte must arrive
        dependable connectivity for the {site}
        secure links between branches of {firm}
        """
    ),
    Cell(EMBB, ECONOMICS): lines(
        """
        nightly transfer of {files}
        {files} overnight, price matters
        background synchronisation of {files}
        guest wifi for {crowd}, best effort
        everything else best effort
        best effort internet {place}
        a cheap data plan for {crowd}
        the remaining traffic can wait
        low priority downloads of {files}
        overnight backup of {files}
        """
    ),
    Cell(MIOT, ECONOMICS): lines(
        """
        {sense} {gauge}
        {sense} {gauge} {place}
        {sense} {gauge} on {thing}
        {sense} of {thing}
        monitoring the {sense} of {thing}
        measuring {sense} {place}
        {gauge} for {thing}
        {gauge} on {thing}
        {gauge} {place}
        tracking of {thing}
        track {thing} {place}
        where the {thing} are
        {thing} report their {sense}
        {thing} report once a day
        {sense} readings of {thing}
        reading {gauge} once an hour
        condition monitoring of the {machine}
        {sense} telemetry from the {machine}
        {sense} telemetry of {thing}
        predictive maintenance data of {thing}
        collect {sense} data {place}
        smart {thing}
        smart metering {place}
        electricity, gas and water meters {place}
        heat cost allocators
        environmental monitoring {place}
        IoT monitoring {place}
        an IoT network for {firm}
        agricultural monitoring
        inventory of {thing}
        cold chain of {product}
        low-power devices {place}
        a few bytes from {thing}
        logistics tracking of {product}
        fermentation and tank telemetry
        smart street furniture
        counting {crowd} at the doors
        {gauge} embedded in {thing} report wear
        see where the {thing} are and whether they are full
        {thing} announce when they are full
        {thing} supervised remotely, a status message every minute
        once in a while collect data of {thing}
        a door lock network
        smart {thing} on a tight budget
        bulk reading of {gauge} at night
        mMTC for {gauge}
        massive IoT {place}
        dust and noise monitoring {place}
        water chemistry {gauge}
        bed and wheelchair {gauge}
        {gauge} say when {thing} need service
        telemetry from racing cars
        telematics of {vehicle}
        position reports of {vehicle} once a minute
        wearable patches of {crowd}
        {count} {gauge}
        {count} {sense} {gauge}
        {count} {gauge} on {thing}
        {gauge} on {count} {thing}
        {count} smart {thing}
        {sense} of {count} {thing}
        track {count} {thing}
        cheap {gauge}
        smart farming on a budget
        {count} gas meters
        the dispatcher sees on a map where the {vehicle} are
        know where every one of the {thing} is
        locks of the {vehicle} say where they are
        {thing} send their counts
        {thing} should report by themselves when they are broken
        {gauge} only send a packet a minute
        {thing} monitored
        {gauge} tell us when they are full
        telemonitoring of {thing}
        telemetry from {count} {thing}
        {count} {thing} send values every minute
        trackers on {count} animals
        collars on {count} cows
        robots report only their battery and position
        a box that reports its temperature
        """
    ),
    Cell(MIOT, RELIABILITY): lines(
        """
        {body}
        monitoring of {body}
        monitoring of {body} {place}
        {body} are watched around the clock
        {body}, nothing may get lost
        {alarm}
        {alarm} {place}
        {alarm} that must always arrive
        {alarm}, every message counts
        dependable telemetry from {thing}
        reliable readings of {sense} {place}
        wristbands calling for help
        {alarm} at sea
        warning buoys
        nurses see the infusion pumps from the desk
        allergy patches of children
        the vital signs of the patient
        lost alarms of {body} would be a disaster
        {count} {alarm}
        vital signs of {count} patients
        telemonitoring for {count} patients at home
        a wristband that calls us if she falls
        an emergency button for {crowd}
        {count} call buttons for patients
        pumps and monitors watched from the nurses' desk
        intensive care alarms
        """
    ),
    Cell(HDLLC, LATENCY): lines(
        """
        {xr}
        {xr} for {crowd}
        {xr} {place}
        {crowd} use {xr}
        {xr} to repair the {machine}
        {crowd} see the {machine} through {xr}
        {xr} at the {event}
        cloud gaming
        game streaming from the edge
        immersive inspection of the {machine} with stereoscopic headsets
        untethered headsets {place}
        everyone in headsets
        avatars of {crowd} in a virtual world
        step-by-step instructions overlaid on the {machine}
        the technician sees the plan of the {machine} over the real one
        virtual reality, 2 players
        a virtual escape room
        {expert} is beamed into the glasses of {crowd}
        {count} headsets
        {xr} for {count} {crowd}
        {count} {crowd} in {xr}
        simulators whose pictures are computed in the cloud
        binoculars that show more than there is
        {crowd} duel in the arena without any lag
        goggles that show {crowd} what to do next
        """
    ),
    Cell(HDLLC, THROUGHPUT): lines(
        """
        {holo}
        {holo} of the {machine}
        {holo} {place}
        {holo} for {crowd}
        {holo} at the {event}
        {holo} fed by lidars and cameras
        virtual tourism with interactive 360 cameras
        volumetric {event}
        holograms of the singers on stage
        holographic lectures
        a hologram that designers in two cities turn together
        a 3D model that follows the {machine} live
        """
    ),
    Cell(HMTC, RELIABILITY): lines(
        """
        high-performance machine-type communication
        high-performance machine type communication for the {machine}
        HMTC {place}
        an HMTC slice for {machine}s
        dense machine-to-machine traffic at high rates and high reliability
        """
    ),
}
