"""Step 9, assure: measurements in; keep, scale, reroute, return, renegotiate or tell out.

| module       | in -> out                                                              |
|--------------|------------------------------------------------------------------------|
| `telemetry`  | readings as domains send them -> samples that may be believed, faults  |
| `forecast`   | loads so far -> loads to come, with a guard that knows when it is wrong |
| `decide`     | state, samples, time -> new state, actions                             |
| `experience` | what slices give beside what was promised -> lessons for later orders  |
| `watch`      | the shell: streams, the clock, orders, the decision record             |
| `history`    | the last samples of each slice, on disk, bounded                       |
| `remembered` | what the loop remembers of each slice -> the same after a restart      |

What decides is pure: time is an argument. Actions take the path of every other order.
"""
