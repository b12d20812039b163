"""A PostgreSQL of the session's own, where its programs are installed."""

import os
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path


def programs() -> Path | None:
    """Return the folder of the server's programs, None where it is not installed."""
    on_path = shutil.which("initdb")
    if on_path:
        return Path(on_path).parent
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))
    return found[-1].parent if found else None


@dataclass(frozen=True)
class Cluster:
    """A PostgreSQL cluster in a folder, on a loopback port."""

    programs: Path
    home: Path
    port: int

    def start(self) -> None:
        """Make and start it."""
        if os.getuid() == 0:
            shutil.chown(self.home, "nobody")
        self._run("initdb", "-U", "holdfast", "-A", "trust", "-E", "UTF8")
        self.again()

    def again(self) -> None:
        """Start it where it was."""
        listen = f"-p {self.port} -k {self.home} -c listen_addresses=127.0.0.1 -c fsync=off"
        self._run("pg_ctl", "-l", str(self.home / "log"), "-w", "-o", listen, "start")

    def stop(self) -> None:
        """Stop it, whatever it is doing."""
        self._run("pg_ctl", "-m", "immediate", "stop")

    def _run(self, program: str, *arguments: str) -> None:
        # PostgreSQL refuses to run as root.
        user = ["setpriv", "--reuid=nobody", "--regid=nogroup", "--clear-groups"]
        subprocess.run(  # noqa: S603 - a fixed command
            [
                *(user if os.getuid() == 0 else []),
                str(self.programs / program),
                "-D",
                str(self.home / "data"),
                *arguments,
            ],
            check=True,
            capture_output=True,
            cwd=self.home,
            timeout=60,
        )
