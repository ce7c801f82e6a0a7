"""What slices are asked for: things, places and people, as slots that templates fill."""

from __future__ import annotations

from collections.abc import Mapping


def _words(text: str) -> tuple[str, ...]:
    return tuple(word.strip() for word in text.split("|"))


NUMBERS: Mapping[str, tuple[str, ...]] = {
    "ms": ("1", "2", "5", "8", "10", "15", "20", "30", "50", "100", "150"),
    "nines": ("99.9", "99.95", "99.99", "99.999", "99.9999"),
    "rate": ("0.5", "2", "4", "10", "25", "50", "100", "200", "500"),
    "count": ("6", "12", "40", "90", "250", "600", "1200", "5,000", "20k", "two hundred"),
    "days": ("2", "3", "5", "7", "12", "90"),
}

SLOTS: Mapping[str, tuple[str, ...]] = {
    # What is steered: control of it is urgent, pictures of it are broad, sensors on it are cheap.
    "machine": _words(
        "robot arm|welding robot|painting robot|gantry crane|tower crane|ship-to-shore crane"
        "|excavator|wheel loader|forklift|conveyor|CNC mill|lathe|stamping press"
        "|printing machine|injection moulding machine|packaging line|bottling line"
        "|servo drive|spindle|pump|valve|turbine|blade pitch drive|generator|furnace"
        "|rolling mill|paper machine|mixing tank|reactor|centrifuge|drilling rig"
        "|tunnel boring machine|haul truck|bulldozer|harvester|tractor|sprayer|milking robot"
        "|cobot|humanoid robot|exoskeleton|delivery robot|inspection robot|underwater vehicle"
        "|tugboat|ferry|barge|telescope mount|camera crane|stage lift|roller coaster|ski lift"
        "|cable car|elevator|escalator|assembly cell|palletiser|sorting machine|wafer stepper"
        "|laser cutter|3D printer|wind turbine|demolition machine|grain dryer"
        "|locomotive shunter|baggage tug|airport tug|yard truck|AGV|guided vehicle"
        "|shuttle rack|pick-and-place machine|rover|crawler|mining drill|planer|loom|kiln"
        "|autoclave|hoist|winch|lock gate|weir|sluice|bridge crane|ladle crane|coil crane"
        "|reach stacker|straddle carrier|combine|seeder|feeding robot|pipe-laying ship"
        "|dredger|snow groomer|zip line brake|stage elevator|pharmacy robot|kitchen robot"
        "|sewing robot|window cleaning robot|telehandler|concrete pump|piling rig"
        "|elevator group controller|dosing unit|flow controller|saw|bending machine|plotter"
    ),
    "flyer": _words(
        "drone|quadcopter|inspection drone|delivery drone|survey drone|drone swarm|UAV fleet"
        "|spraying drone|rescue drone|light show drones|air taxi|unmanned helicopter"
    ),
    "medic": _words(
        "surgical robot|catheter robot|remote operation on a patient|robotic endoscope"
        "|telesurgery|remote surgery|robot-assisted surgery|tele-operated ultrasound probe"
        "|biopsy needle robot|laser scalpel|operation console|surgeon's console"
        "|microsurgery manipulator|rehabilitation robot|radiotherapy positioning"
        "|remote veterinary surgery|tele-dentistry drill|remote anaesthesia"
        "|tele-robotic rehabilitation|robotic pharmacy arms"
        "|remote intervention with a catheter|tele-operated syringe"
    ),
    "place": _words(
        "in the plant|in hall 3|on the shop floor|in our warehouse|at the port"
        "|at the terminal|in the harbour|on the construction site|in the quarry"
        "|in the open pit|in the mine|at the refinery|in the brewery|in the dairy|on the farm"
        "|in the vineyard|in the orchard|in the greenhouse|in the forest|on the island"
        "|in the valley|in the old town|in the city centre|along the motorway"
        "|on the ring road|at the railway station|along the line|in the tunnel|at the airport"
        "|on the apron|in the hospital|in the clinics|in the care home|at the university"
        "|on campus|in the schools|in the stadium|at the arena|at the trade fair"
        "|in the shopping centre|in our stores|in the hotel|on the cruise ship|on board"
        "|offshore|at the wind farm|at the substation|across the district|nationwide"
        "|across three sites|in the data centre|in the theatre|in the museum|at the campsite"
        "|on the beach|at the racetrack|in the mountains|near the border|in the laboratory"
        "|in the parking garage|downtown|at the edge|at the depot|at the canal|in the prison"
        "|in the courthouse|at the ski resort|in the zoo|in the national park|in the suburbs"
        "|at the depot|in the kindergarten|on the roof|in the bank|at the vaccination centre"
        "|in the dormitory|at the lock|in the observatory|in the chemical park"
    ),
    "sense": _words(
        "temperature|humidity|vibration|pressure|fill level|water level|flow|soil moisture"
        "|air quality|noise|CO2|dust|rainfall|wind speed|radiation|light|occupancy|footfall"
        "|position|tilt|strain|corrosion|voltage|energy use|water use|heat use|gas use|weight"
        "|pH value|oxygen|pollen|snow depth|wear|oil condition|door state|battery state"
        "|tyre pressure|leakage|location|stock level|movement|ground motion|river level"
    ),
    "thing": _words(
        "containers|pallets|parcels|wagons|trailers|bicycles|scooters|rental tools|beds"
        "|wheelchairs|gas bottles|beer kegs|roll cages|crates|vaccines|blood bags|suitcases"
        "|cattle|sheep|horses|beehives|trees|vines|street lamps|benches|waste bins|manholes"
        "|hydrants|parking spaces|bridges|dams|levees|tunnels|escalators|silos|tanks"
        "|pipelines|boilers|radiators|solar panels|inverters|transformers|machines|bearings"
        "|motors|compressors|fridges|freezers|vending machines|lockers|locks|windows|doors"
        "|buoys|boats|rivers|glaciers|slopes|forests|fields|greenhouses|orchards|wells"
        "|reservoirs|pumps|pools|lifts|laundry machines|postboxes|rental cars|street sweepers"
        "|charging stations|electric buses|parking meters|fire extinguishers|toilets"
        "|soap dispensers|coffee machines|sewers|chimneys|allotments|aquariums|terrariums"
        "|playgrounds|road surfaces|rails|sleepers|road signs|ladders"
    ),
    "gauge": _words(
        "sensors|probes|gauges|meters|tags|trackers|beacons|loggers|detectors|data loggers"
        "|measuring points|smart meters|thermometers|IoT devices|IoT nodes"
        "|battery-powered devices|telemetry units|collars|shelf labels|radio modules"
        "|transponders|counters|scales|door locks|smart locks|patches|end points"
        "|low-cost modules|tank sensors|climate sensors"
    ),
    "vehicle": _words(
        "cars|trucks|buses|trams|autonomous cars|self-driving shuttles|robotaxis|lorries"
        "|taxis|motorcycles|cyclists|emergency vehicles|snow ploughs|vehicles|connected cars"
        "|convoys"
    ),
    "video": _words(
        "4K video|8K video|HD video|live video|video streams|camera feeds|live pictures"
        "|uncompressed video|high-definition footage|multi-camera coverage|replays|films"
        "|movies|music videos|IPTV|video on demand|television|sports coverage|a livestream"
        "|live streaming|pictures from the helicopter"
        "|ultrasound images live to the specialist|what the camera films|an opera in Ultra HD"
        "|rushes on the director's tablet|guided video assistance|a drone feed"
    ),
    "camera": _words(
        "CCTV|surveillance cameras|security cameras|traffic cameras|body-worn cameras"
        "|dashcams|inspection cameras|machine vision cameras|number plate cameras"
        "|thermal cameras|drone cameras|webcams|dome cameras|broadcast cameras"
        "|backpack cameras|endoscope cameras"
    ),
    "crowd": _words(
        "visitors|spectators|fans|guests|tourists|passengers|students|pupils|teachers"
        "|employees|residents|households|campers|exhibitors|journalists|photographers"
        "|delegates|shoppers|commuters|subscribers|customers|patients|engineers|consultants"
        "|home workers|villagers|players|volunteers|contractors|tenants of the building"
        "|festival goers|trainees|staff|spectators on the stands|nurses|drivers|officers"
        "|families|farm workers|hikers|skiers|sailors|soldiers off duty|pensioners|couriers"
        "|ground staff|hotel guests|blind people|jurors|parties"
    ),
    "event": _words(
        "music festival|football final|marathon|trade fair|carnival|Christmas market|summit"
        "|election night|regatta|cycling race|open-air cinema|concert|wedding|graduation"
        "|air show|esports final|motor show|public viewing|film shoot|ski race|city fair"
        "|conference|parade|opera broadcast|online exam|auction|rally|fun run|church service"
        "|press conference|fashion show|open day|golf tournament|book fair|game convention"
        "|street festival|hackathon|premiere"
    ),
    "rescuer": _words(
        "fire brigade|police|paramedics|ambulances|coast guard|mountain rescue|lifeguards"
        "|disaster relief teams|civil protection|army units|emergency services"
        "|first responders|search and rescue teams|red cross helpers|bomb squad"
        "|incident command|911 dispatchers|emergency doctors|control room|border guards"
        "|security forces|mine rescue|airport ground staff|power line crews|riot police"
        "|firefighters near the chemical park|lifeboat crews|tactical units|crisis team"
        "|prison guards|nuclear emergency staff|helicopter crews"
    ),
    "crew": _words(
        "stewards|referees|guards|night watchmen|nurses|porters|doctors|miners|crew|film crew"
        "|line crews|drivers|pilots|deckhands|foresters|zoo keepers|lifeguards|marshals|medics"
        "|stage hands|security staff|dispatchers|fishermen|ground crew|mechanics|technicians"
    ),
    "grid": _words(
        "power grid|substations|transformer protection|differential protection|teleprotection"
        "|circuit breakers|fault isolation|distribution automation|microgrid control|SCADA"
        "|hydropower control|gas network control|water supply control|dam gates"
        "|district heating|pipeline shut-off valves|nuclear plant|chemical plant interlocks"
        "|tunnel safety systems|safety controllers|air traffic control|airfield lighting"
        "|lighthouse control|blast furnace safety|bank core systems"
        "|elevator emergency systems|oil platform|lock gates of the canal"
        "|nuclear reactor monitoring|ski lift safety|ladle crane brakes|hospital alarms"
        "|ventilator alarms|dike pumps|tunnel ventilation|satellite ground control"
        "|rocket launch control|data centre power|chlorine plant|gas compressor stations"
        "|sluice gates"
    ),
    "rail": _words(
        "train control|ETCS signalling|interlocking|CBTC|level crossings|metro signalling"
        "|railway dispatch radio|driverless metro|high-speed trains|tram signalling"
        "|railway communication|train-to-ground communication|shunting radio"
        "|freight rail control"
    ),
    "xr": _words(
        "augmented reality|virtual reality|mixed reality|XR|AR glasses|VR headsets"
        "|smart glasses|immersive training|holographic displays|a VR arcade|an AR tour"
        "|AR maintenance support|VR training|remote expert glasses|cloud-rendered VR"
        "|edge rendering|360 degree video|virtual showrooms|AR shopping|an AR guide"
        "|VR simulators|immersive classrooms|cloud-rendered CAD|remote 3D workstations"
        "|streamed 3D design|interactive 3D rendering"
    ),
    "holo": _words(
        "holograms|holographic calls|holographic telepresence|volumetric video"
        "|volumetric capture|a digital twin|a digital replica|a live 3D model"
        "|point cloud streaming|3D telepresence|the metaverse|a cyber-physical twin"
        "|real-time lidar mapping of the site|8K 360 degree tourism|interactive 360 cameras"
        "|holographic teachers|a holographic stage show|a virtual replica of the plant"
        "|light field video"
    ),
    "files": _words(
        "files|backups|database replicas|log archives|satellite images|genome data|CAD models"
        "|map updates|software updates|medical images|film rushes|raw footage"
        "|simulation results|measurement archives|scan data|training data|large data sets"
        "|documents|game downloads"
    ),
    "office": _words(
        "office|branch office|headquarters|pop-up store|call centre|co-working space|law firm"
        "|town hall|library|construction office|home office|remote workers|sales team|school"
    ),
    "pay": _words(
        "card terminals|cash registers|point-of-sale terminals|ATMs|ticket machines|payments"
        "|cashless payment|ticket gates|checkouts|parking meters taking cards"
        "|banking transactions|vending machine payments|toll collection|lottery terminals"
        "|order terminals at the stalls|ticket scanners|turnstile ticket checks"
        "|donation terminals|self-checkouts"
    ),
    "game": _words(
        "online gaming|multiplayer games|mobile gaming|esports|shooters|game servers"
        "|racing games|a gaming lounge|competitive gaming|an esports tournament"
        "|low-ping gaming|an esports bootcamp|console gaming|online chess|a LAN party"
    ),
    "body": _words(
        "vital signs|heart rates|blood pressure|glucose readings|oxygen saturation"
        "|ECG patches|fall detectors|emergency wristbands|infusion pumps|insulin pumps"
        "|elderly residents|premature babies|patients at home|patient monitors"
        "|health wearables|dementia patients"
    ),
    "alarm": _words(
        "fire alarms|smoke detectors|gas leak detectors|burglar alarms|flood alarms"
        "|panic buttons|avalanche sensors|radiation alarms|intrusion sensors|leak sensors"
        "|CO detectors|landslide sensors|earthquake sensors|dam monitoring|bridge monitoring"
        "|wildfire sensors"
    ),
    "hazard": _words(
        "hazard warnings|collision warnings|emergency brake messages|lane merging|platooning"
        "|cooperative adaptive cruise control|intersection assistance|green light priority"
        "|see-through overtaking|collective perception|sensor sharing|blind spot warnings"
        "|pedestrian warnings|wrong-way driver alerts|ice warnings|cooperative manoeuvres"
        "|vehicle-to-vehicle messages|vehicle-to-infrastructure messages|traffic light phases"
        "|road works warnings|valet parking of self-driving cars|remote driving fallback"
    ),
    "firm": _words(
        "a hospital group|a car maker|a family bakery|a logistics company|a utility"
        "|a port operator|a broadcaster|a start-up|a city council|a farm cooperative"
        "|a railway|a bank|a chemical company|a film studio|a school district|a shipping line"
        "|a brewery|a museum|a game studio|an airline|a hotel chain|a mining company"
        "|a water board|a university|a police force|a drone company|a wind farm operator"
        "|a steel mill|a construction firm|a theatre|a zoo|a prison|a court|a church"
        "|a sports club|a taxi company|a laundry chain|a bank branch"
    ),
    "product": _words(
        "bearings|gearboxes|chocolate|furniture|chips|engines|cheese|wine|pumps|trains"
        "|aircraft|software|games|films|medicines|steel|paper|glass|solar panels|bicycles"
        "|toys|tiles"
    ),
    "site": _words(
        "kitchen|restaurant|gym|spa|hotel|museum|courtroom|prison|zoo|library|aquarium|casino"
        "|bakery|church|theatre|cinema|school|campus|mall|shop|salon|clinic|farm shop|winery"
        "|cruise terminal|theme park|ice rink|swimming pool|nightclub|laundry|pet daycare"
        "|kindergarten|fashion store|bookshop|car dealership|coworking space|concert hall"
        "|community centre|food court|escape room|barber shop|tattoo studio|yoga studio"
    ),
    "expert": _words(
        "a specialist in the hospital|the control room|the director|headquarters|an engineer"
        "|the doctor on duty|the studio|the security desk|the trainer|an expert abroad"
    ),
}
