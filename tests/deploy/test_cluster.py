"""The Temporal server's files of a cluster, and the rig that runs a server with them."""

import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import psutil
import pytest
import yaml

from bench.cluster.programs import bound, found, free_ports
from commands.errors import CommandError
from runtime.settings import PROJECT

FILES = PROJECT / "deploy" / "temporal"
LARGEST = 2**15 - 1  # of the column that Temporal on PostgreSQL keeps its processes' ports in


def _server(*arguments: str, **environ: str) -> str:
    """Ask the server's own program; skips where there is none."""
    try:
        program = found("temporal-server")
    except CommandError:
        pytest.skip("no temporal-server found; docs/cluster.md says how to get it")
    told = subprocess.run(  # noqa: S603 - a fixed command
        [str(program), "--config", ".", "--env", "postgresql", *arguments],
        check=True,
        capture_output=True,
        text=True,
        cwd=FILES,
        env={"PATH": os.defpath, **environ},
        timeout=30,
    )
    return told.stdout


def _rendered(**environ: str) -> dict[str, Any]:
    return yaml.safe_load(_server("render-config", **environ))


@pytest.mark.requirement("C6.8:server-files")
def test_the_server_takes_its_configuration() -> None:
    """It fills the template in from its environment, and finds nothing wrong."""
    made = _rendered(NUM_HISTORY_SHARDS="8", POSTGRES_SEEDS="db.internal", DB_PORT="6432")

    assert made["persistence"]["numHistoryShards"] == 8
    stores = made["persistence"]["datastores"].values()
    assert {store["sql"]["connectAddr"] for store in stores} == {"db.internal:6432"}
    assert made["global"]["authorization"]["authorizer"] == ""


def test_the_server_takes_certificates_and_tokens() -> None:
    """Both are named by variables alone, and clients must then prove who they are."""
    made = _rendered(
        TEMPORAL_TLS_FRONTEND_CERT="/tls/a.pem",
        TEMPORAL_TLS_CLIENT1_CA_CERT="/tls/ca.pem",
        TEMPORAL_JWT_KEY_SOURCE1="https://issuer/keys",
        USE_INTERNAL_FRONTEND="true",
    )

    frontend = made["global"]["tls"]["frontend"]["server"]
    assert (frontend["certFile"], frontend["requireClientAuth"]) == ("/tls/a.pem", True)
    assert made["global"]["authorization"]["authorizer"] == "default"
    assert "internal-frontend" in made["services"]


@pytest.mark.requirement("C6.8:server-files")
def test_the_server_knows_every_setting() -> None:
    """A name with a typing error would be passed over in silence."""
    assert _server("validate-dynamic-config", "dynamic.yaml").split() == ["dynamic.yaml"]


def test_ports_fit_where_the_server_keeps_them() -> None:
    """They are different, and below those that the column can hold."""
    ports = free_ports(9)

    assert len(set(ports)) == 9
    assert max(ports) <= LARGEST


@pytest.mark.requirement("C6.8:nothing-left")
def test_a_killed_bench_leaves_nothing_behind(tmp_path: Path) -> None:
    """The kernel ends what it started, though it was told nothing."""
    if shutil.which("setpriv") is None:
        pytest.skip("no setpriv found (Debian: util-linux)")
    line = bound(["sleep", "60"], last_signal="KILL")
    script = f"import subprocess; print(subprocess.Popen({line!r}).pid, flush=True); input()"
    with subprocess.Popen(  # noqa: S603 - a fixed command
        [sys.executable, "-c", script],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        cwd=tmp_path,
        text=True,
    ) as bench:
        assert bench.stdout is not None
        child = psutil.Process(int(bench.stdout.readline()))
        while child.name() != "sleep":  # setpriv becomes it
            assert child.is_running()
        bench.kill()

    assert child.wait(10) is None
