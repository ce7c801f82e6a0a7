"""Operators' agents: `deploy/agents.yaml` loaded, checked and run (Fig. 6 and 7 of the concept).

    spec       the YAML -> agents and tools, or an error that names the place
    planning   which tool is next: `rules` follow the tool graph, `llm` asks a model
    runner     runs tools, each with a deadline; takes back what a failed run has done
    toolbox    what the tools' names stand for
    requirements, experiments, simulator, recommending
               a sentence -> slicenet experiments -> recommendations
    feedback   words -> weights, remembered per operator
    report     table and picture

The YAML says who has which tools and what goes in and out; that alone decides the order. A model
may choose among what is possible and nothing else: it names a tool, it never makes up a value.
"""
