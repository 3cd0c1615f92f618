"""ID tokens of a service account, fetched from the real local token endpoint and kept while they are good."""

import asyncio
from dataclasses import replace
from pathlib import Path

import pytest

from local.id_tokens import Credentials, IdTokens, NoToken
from local.identity.keys import Keyring, write_key_file
from tests.engines import start

EMAIL = "agenthub-gateway@agenthub-local.iam.gserviceaccount.com"


def test_a_token_is_kept_by_audience_and_a_refusal_is_an_error_with_its_cause(tmp_path: Path) -> None:
    engine = start("identity", tmp_path / "identity")
    keyring = Keyring(tmp_path / "identity" / "keys")
    write_key_file(keyring, tmp_path / "key.json", EMAIL, "agenthub-local", f"http://{engine.address}/token")
    credentials = Credentials.read(tmp_path / "key.json")

    async def play() -> None:
        tokens = IdTokens(credentials)
        first, again, other = await asyncio.gather(*(tokens.token(a) for a in ("http://a", "http://a", "http://b")))
        assert first == again
        assert first != other
        await tokens.aclose()
        stranger = IdTokens(replace(credentials, email="stranger@example.test"))
        with pytest.raises(NoToken, match="http://a"):
            await stranger.token("http://a")
        await stranger.aclose()
        engine.kill()
        late = IdTokens(credentials)
        with pytest.raises(NoToken):
            await late.token("http://a")
        await late.aclose()

    try:
        asyncio.run(play())
    finally:
        engine.kill()
