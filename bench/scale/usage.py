"""Processor time and memory by what a process is for."""

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import psutil

from bench.cluster.rig import Cluster
from bench.drill.rig import Rig
from runtime import devserver

GROUPS: Final = ("workers", "temporal", "postgres", "model", "bench")
Usage = Mapping[str, float]


@dataclass(frozen=True)
class Groups:
    """Process ids by group; a group counts its processes' children too."""

    pids: Mapping[str, Sequence[int]]

    @classmethod
    def of(cls, rig: Rig) -> "Groups":
        """Return the groups of a cluster, or of the embedded server."""
        model = [rig.stack.offline.pid] if rig.stack.offline else []
        own = {"model": model, "bench": [os.getpid()]}
        if isinstance(rig, Cluster):
            services = [program.pid for program in rig.server.named()]
            workers = [worker.pid for worker in rig.workers]
            postgres = [rig.database.server.pid]
            return cls(own | {"workers": workers, "temporal": services, "postgres": postgres})
        server = devserver.find(rig.stack.settings)
        return cls(own | {"workers": [rig.worker.pid], "temporal": [server.pid] if server else []})

    def cpu_s(self) -> Usage:
        """Return seconds of processor time since the processes began."""
        return {name: sum(map(_cpu_s, pids)) for name, pids in self.pids.items()}

    def rss(self) -> Usage:
        """Return bytes of memory; what PostgreSQL's processes share is counted once for each."""
        return {
            name: sum(psutil.Process(pid).memory_info().rss for pid in pids)
            for name, pids in self.pids.items()
        }


def _cpu_s(pid: int) -> float:
    """Return what a process, its children, and those that have ended, have used."""
    process = psutil.Process(pid)
    own = process.cpu_times()
    total = own.user + own.system
    if pid == os.getpid():  # its children are the others
        return total
    total += own.children_user + own.children_system
    for child in process.children(recursive=True):
        try:
            spent = child.cpu_times()
        except psutil.NoSuchProcess:
            continue
        total += spent.user + spent.system
    return total
