"""SliceOrch: the IIoT case study of arXiv:2512.20997 as a batched learning environment.

`core` steps, `instances` draws, `observation` encodes, `env` has the Gymnasium faces,
`policies` the references and `optimum` the clairvoyant bound.
"""
