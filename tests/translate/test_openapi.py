"""The published OpenAPI: complete, and kept for whatever requests it allows or forbids."""

from __future__ import annotations

import httpx

from coordinator.translation import Translation


async def test_the_published_schema_is_the_translation_and_allows_nothing_else(
    nobody: httpx.AsyncClient,
) -> None:
    document = (await nobody.get("/openapi.json")).json()
    answers = document["paths"]["/v1/intents:translate"]["post"]["responses"]
    assert {"200", "400", "413", "415", "422", "429"} <= answers.keys()
    assert answers["422"]["content"]["application/json"]["schema"]["$ref"].endswith("/Problem")
    schemas = document["components"]["schemas"]
    assert schemas["Translation"]["additionalProperties"] is False
    assert set(schemas["Translation"]["properties"]) == set(Translation.model_fields)
    assert "snssai" in schemas["PlmnInfo"]["properties"], "TS 28.541 is published as well"
