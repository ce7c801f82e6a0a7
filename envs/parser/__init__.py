"""The intent parser in the loop of the IIoT case study: sentences in, availability out.

`sentences` writes a tenant's words for tiers, `tiers` makes tiers of what the interpreter read, and
`loop` plays the case study on what was read and judges it by what was meant.
"""
