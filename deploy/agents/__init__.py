"""Operators' agents: `deploy/agents.yaml` loaded, checked and run (Fig. 6 and 7 of the concept).

    spec          the YAML -> agents and tools, or an error that names the place
    planning      which tool is next: `rules` follow the tool graph
    llm           the same, asking a model
    runner        runs tools, each with a deadline; takes back what a failed run has done
    toolbox       what the tools' names stand for
    requirements  a sentence -> a service and a constraint
    experiments   -> slicenet's YAML, each run by `simulator` in a process of its own
    observing     what slicenet showed, kept
    recommending  -> recommendations, by quotes and observations
    feedback      words -> weights, remembered per operator
    monitoring    what the domains measure, beside what was predicted
    report        table and picture
    whereabouts   the federation that a plan works on
    plan          all of it

The YAML says who has which tools and what goes in and out; that alone decides the order. A model
may choose among what is possible and nothing else: it names a tool, it never makes up a value.
"""
