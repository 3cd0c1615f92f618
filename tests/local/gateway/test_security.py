"""Where the gateway reads an issuer's keys, on a laptop and in a cluster."""

from local.gateway.security import published_at

CERTIFICATES = "https://www.googleapis.com/robot/v1/metadata/x509/someone@example.test"


def test_the_local_identity_server_publishes_what_google_publishes() -> None:
    assert published_at("http://127.0.0.1:9/")(CERTIFICATES) == (
        "http://127.0.0.1:9/www.googleapis.com/robot/v1/metadata/x509/someone@example.test"
    )
    assert published_at("http://127.0.0.1:9")("https://other.test/keys") == "https://other.test/keys"


def test_without_one_the_keys_are_googles_own() -> None:
    assert published_at(None)(CERTIFICATES) == CERTIFICATES
