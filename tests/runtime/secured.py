"""A Temporal server that asks for a client's certificate and for a signed key, as a process."""

import ipaddress
import json
import os
import shutil
import socket
import subprocess
import time
from collections.abc import Generator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from bench.authority.signer import Signer, published

PROGRAM = shutil.which("temporal-server") or ""
_READY_S = 45.0
_PORTS = ("frontend", "internal-frontend", "history", "matching", "worker")


@dataclass(frozen=True)
class Secured:
    """The running server.

    Attributes:
        folder: `ca.pem`, `client.pem` and `client.key`; `other-ca.pem` is a stranger's.
        key: An API key: a name with its rights, signed.
    """

    address: str
    folder: Path
    key: str


@contextmanager
def secured(folder: Path) -> Generator[Secured]:
    """Start the server with certificates and keys of its own; it ends with the context."""
    ca = _authority(folder, "ca")
    _authority(folder, "other-ca")
    _certificate(folder, "server", ca)
    _certificate(folder, "client", ca)
    signer = Signer()
    with published(signer) as source, (folder / "server.log").open("wb") as log:
        ports = {name: (_port(), _port()) for name in _PORTS}
        (folder / "secured.yaml").write_text(json.dumps(_config(folder, ports, source)))
        running = subprocess.Popen(  # noqa: S603 - the server under test
            [PROGRAM, "--root", str(folder), "--config", ".", "--env", "secured", "start"]
            + [f"--service={name}" for name in _PORTS],
            stdout=log,
            stderr=log,
            env={"PATH": os.environ["PATH"], "HOME": str(folder)},
        )
        try:
            _await(ports["frontend"][0], running)
            yield Secured(
                f"127.0.0.1:{ports['frontend'][0]}",
                folder,
                signer.name("worker", ["temporal-system:admin"]),
            )
        finally:
            running.terminate()
            running.wait(20)


def _config(folder: Path, ports: dict[str, tuple[int, int]], source: str) -> dict[str, object]:
    # JSON is YAML as well.
    sql = {
        "pluginName": "sqlite",
        "databaseName": str(folder / "server.db"),
        "connectAddr": "localhost",
        "connectProtocol": "tcp",
        "connectAttributes": {"cache": "private", "setup": "true"},
        "maxConns": 1,
        "maxIdleConns": 1,
        "maxConnLifetime": "1h",
    }
    server_side = {
        "certFile": str(folder / "server.pem"),
        "keyFile": str(folder / "server.key"),
        "requireClientAuth": True,
        "clientCaFiles": [str(folder / "ca.pem")],
    }
    frontend = f"127.0.0.1:{ports['frontend'][0]}"
    return {
        "log": {"stdout": True, "level": "warn"},
        "persistence": {
            "numHistoryShards": 1,
            "defaultStore": "one",
            "visibilityStore": "one",
            "datastores": {"one": {"sql": sql}},
        },
        "global": {
            "membership": {"maxJoinDuration": "30s", "broadcastAddress": "127.0.0.1"},
            "tls": {
                "frontend": {
                    "server": server_side,
                    "client": {"serverName": "temporal", "rootCaFiles": [str(folder / "ca.pem")]},
                }
            },
            "authorization": {
                "jwtKeyProvider": {"keySourceURIs": [source], "refreshInterval": "1m"},
                "permissionsClaimName": "permissions",
                "authorizer": "default",
                "claimMapper": "default",
            },
        },
        "services": {
            name: {"rpc": {"grpcPort": grpc, "membershipPort": own, "bindOnIP": "127.0.0.1"}}
            for name, (grpc, own) in ports.items()
        },
        "clusterMetadata": {
            "enableGlobalNamespace": False,
            "failoverVersionIncrement": 10,
            "masterClusterName": "active",
            "currentClusterName": "active",
            "clusterInformation": {
                "active": {
                    "enabled": True,
                    "initialFailoverVersion": 1,
                    "rpcName": "frontend",
                    "rpcAddress": frontend,
                }
            },
        },
    }


_Issuer = tuple[x509.Certificate, ec.EllipticCurvePrivateKey]


def _authority(folder: Path, name: str) -> _Issuer:
    key = ec.generate_private_key(ec.SECP256R1())
    made = _named(name, key, None)
    made = made.add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
    certificate = made.sign(key, hashes.SHA256())
    (folder / f"{name}.pem").write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    return certificate, key


def _certificate(folder: Path, name: str, issuer: _Issuer) -> None:
    key = ec.generate_private_key(ec.SECP256R1())
    names = x509.SubjectAlternativeName(
        [x509.DNSName("temporal"), x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]
    )
    made = _named(name, key, issuer[0]).add_extension(names, critical=False)
    certificate = made.sign(issuer[1], hashes.SHA256())
    (folder / f"{name}.pem").write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    private = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    (folder / f"{name}.key").write_bytes(private)


def _named(
    name: str, key: ec.EllipticCurvePrivateKey, issuer: x509.Certificate | None
) -> x509.CertificateBuilder:
    now = datetime.now(UTC)
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer.subject if issuer else subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(hours=1))
        .not_valid_after(now + timedelta(days=1))
    )


def _port() -> int:
    with closing(socket.socket()) as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _await(port: int, running: subprocess.Popen[bytes]) -> None:
    until = time.monotonic() + _READY_S
    while running.poll() is None and time.monotonic() < until:
        with closing(socket.socket()) as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.05)
    raise RuntimeError(f"temporal-server does not listen on {port}")
