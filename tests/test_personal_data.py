"""Canaries through a whole run: no name, number or address of a person stays anywhere.

Every process is real (coordinator, domains, the HTTP service), and afterwards every file that they
left is searched, with every prompt that a language model was sent.
"""

from __future__ import annotations

import json
from pathlib import Path

import httpx
import pytest

from coordinator.intent import encoder
from coordinator.intent.settings import EngineSettings, LlmSettings
from deploy import federation
from deploy.account import account
from deploy.client import Tenant
from deploy.home import Home
from deploy.hosts import Launcher
from deploy.processes import free_addresses
from deploy.runtime import Runtime
from deploy.web.tokens import Tokens
from tests.coordinator.openai_server import Server, serving
from tests.coordinator.test_intent_privacy import PERSONAL

pytestmark = [
    pytest.mark.skipif(not encoder.is_installed(), reason=f"not installed: {encoder.DEFAULT}"),
    pytest.mark.timeout(180),
]

CHANCE_DIGITS_MAX = 5
"""So few digits in a row stand in any file of identifiers and times."""
CANARIES = {
    canary
    for _, found in PERSONAL
    for canary in found
    if len(canary) > 3 and not (canary.isdecimal() and len(canary) <= CHANCE_DIGITS_MAX)
}
TEXTS = [". ".join(text for text, _ in PERSONAL[start : start + 6]) for start in range(0, 18, 6)]


async def ordered(home: Home, runtime: Runtime) -> None:
    """Every text as an order, answered, and one slice ended for a reason with a name in it."""
    async with Tenant(account(home, runtime.run, "clinic")) as tenant:
        made: list[str] = []
        for text in TEXTS:
            order = await tenant.settle(
                await tenant.create(f"Video surveillance with 5 cameras in Berlin. {text}")
            )
            if order.state == "proposed":
                order = await tenant.answer(order, True)
            made += [slice_["name"] for slice_ in order.slices]
        assert made
        (ended,) = (await tenant.settle(await tenant.terminate(made[0], PERSONAL[0][0]))).slices
        assert "[name]" in ended["reason"]


async def talked(home: Home, address: str) -> None:
    """The same texts over HTTP: translated, and said in a conversation."""
    headers = {"authorization": f"Bearer {Tokens.of(home).token('clinic')}"}
    async with httpx.AsyncClient(
        base_url=f"http://{address}", headers=headers, timeout=60
    ) as client:
        name = (await client.post("/v1/conversations", json={})).json()["name"]
        for text in TEXTS:
            body = {"text": f"Video conferencing for 5 people in Munich. {text}"}
            assert (await client.post("/v1/intents:translate", json=body)).status_code == 200
            said = await client.post(f"/v1/{name}/messages", json=body)
            assert said.status_code == 200, said.text


async def test_no_canary_in_any_store_prompt_or_log_of_a_whole_run(tmp_path: Path) -> None:
    answers = ["no json", json.dumps({"services": [], "question": "Which one?"})]
    with serving(Server(lambda intent, request: answers[len(intent) % 2])) as server:
        home = Home(tmp_path / "home").prepare()
        found = federation.load(federation.DEFAULT).on_free_ports()
        (address,) = free_addresses(1)
        engine = EngineSettings(llm=LlmSettings(server.url, "m", api_key="sk-canary-key"))
        with Runtime(home, found, Launcher.PROCESS, http=address, engine=engine) as runtime:
            await ordered(home, runtime)
            await talked(home, address)
        prompts = "\n".join(server.bodies)
    written = {
        path.relative_to(home.root).as_posix(): path.read_bytes()
        for path in home.root.rglob("*")
        if path.is_file() and path.suffix != ".pem"
    }
    # The words themselves are there, so that a search for canaries means something.
    for where in ("databases/coordinator.sqlite", "databases/conversations.sqlite", "memory/"):
        kept = b"".join(body for name, body in written.items() if name.startswith(where))
        assert b"5 " in kept, where
        assert b"cameras" in kept or b"conferencing" in kept, where
    assert "cameras" in prompts
    assert "conferencing" in prompts
    for canary in (*CANARIES, "sk-canary-key"):
        assert canary not in prompts, canary
        for name, body in written.items():
            assert canary.encode() not in body, (canary, name)
            assert canary.lower().encode() not in body, (canary, name)
