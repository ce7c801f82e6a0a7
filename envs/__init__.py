"""Learning environments over the same domains and coordinator, without network or Ray.

Importing this package registers the environments with Gymnasium, where that is installed. The
batched cores, the reference policies and `envs.evaluate` do without it.
"""

from importlib.util import find_spec

if find_spec("gymnasium") is not None:
    from envs.registration import register_all

    register_all()
