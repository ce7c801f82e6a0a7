"""The environments' Gymnasium ids. A change of what a seed yields is a new version."""

from gymnasium.envs.registration import register, registry


def register_all() -> None:
    """Makes `gymnasium.make` and `make_vec` know our ids; may be called again."""
    for version, departures in ((1, False), (2, True)):
        name = f"entente/SliceOrch-v{version}"
        if name not in registry:
            register(
                id=name,
                entry_point="envs.sliceorch.env:SliceOrchEnv",
                vector_entry_point="envs.sliceorch.env:SliceOrchVectorEnv",
                kwargs={"departures": departures},
            )
    if "entente/Embedding-v0" not in registry:
        register(
            id="entente/Embedding-v0",
            entry_point="envs.embedding.env:EmbeddingEnv",
            vector_entry_point="envs.embedding.env:EmbeddingVectorEnv",
        )
