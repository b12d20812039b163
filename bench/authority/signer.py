"""Signs names, as an identity provider does, and gives out the public key on loopback."""

import json
import threading
import time
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Final

import jwt
from cryptography.hazmat.primitives.asymmetric import rsa
from jwt.algorithms import RSAAlgorithm

_KEY_ID: Final = "bench-1"
_HOUR_S: Final = 3_600


class Signer:
    """One signer with a key of its own."""

    def __init__(self) -> None:
        self._key = rsa.generate_private_key(public_exponent=65_537, key_size=2_048)

    def name(
        self, who: str, permissions: Sequence[str], *, lasts_s: int = _HOUR_S, **more: Any
    ) -> str:
        """Return a signed name with what its holder may do: `namespace:read`."""
        claims = {"sub": who, "permissions": list(permissions), "exp": int(time.time()) + lasts_s}
        return jwt.encode(claims | more, self._key, algorithm="RS256", headers={"kid": _KEY_ID})

    def public(self) -> str:
        """Return the set of public keys, as the server fetches it."""
        key = RSAAlgorithm.to_jwk(self._key.public_key(), as_dict=True)
        return json.dumps({"keys": [{**key, "kid": _KEY_ID, "use": "sig", "alg": "RS256"}]})


@contextmanager
def published(signer: Signer) -> Generator[str]:
    """Yield the address where a signer's public keys are."""
    keys = signer.public().encode()

    class Keys(BaseHTTPRequestHandler):
        """Answers everything with the keys."""

        def do_GET(self) -> None:
            """Send them."""
            self.send_response(200)
            self.send_header("Content-Type", "application/json")
            self.end_headers()
            self.wfile.write(keys)

        def log_message(self, format: str, *args: Any) -> None:
            """Say nothing."""

    serving = ThreadingHTTPServer(("127.0.0.1", 0), Keys)
    thread = threading.Thread(target=serving.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{serving.server_port}/jwks.json"
    serving.shutdown()
    serving.server_close()
