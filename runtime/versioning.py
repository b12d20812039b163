"""Worker versioning: which code a run goes on with while workers of two builds serve.

Off unless HOLDFAST_DEPLOYMENT names a deployment. Then a run of an agent that declares itself
`pinned` ends with the build it began with, and every other run goes to the current build at its
next step: those may wait for a person for days, and their workflow code replays every history.
"""

from collections.abc import Collection
from typing import TYPE_CHECKING, Final, TypedDict

import orjson
from temporalio.common import VersioningBehavior, WorkerDeploymentVersion
from temporalio.worker import (
    WorkerDeploymentConfig,
    WorkflowInstance,
    WorkflowInstanceDetails,
    WorkflowRunner,
)

from runtime.build import build_id
from runtime.settings import Settings

if TYPE_CHECKING:
    # Named for the checker only: the signatures that the SDK's own class has.
    from temporalio.bridge.proto.workflow_activation import WorkflowActivation
    from temporalio.bridge.proto.workflow_completion import WorkflowActivationCompletion
    from temporalio.converter import SerializationContext, StorageDriverStoreContext
    from temporalio.worker import _command_aware_visitor
    from temporalio.workflow import (
        Info,
        _Definition,
    )

_AGENTS: Final = "AgentWorkflow"


class Identity(TypedDict, total=False):
    """What a worker says of its code; keyword arguments of `Worker`."""

    build_id: str
    deployment_config: WorkerDeploymentConfig


def version(settings: Settings) -> WorkerDeploymentVersion | None:
    """Return the version that this process serves as; None where workers have no versions."""
    if settings.deployment is None:
        return None
    return WorkerDeploymentVersion(settings.deployment, settings.build_id or build_id())


def served_as(settings: Settings) -> dict[str, str]:
    """Return the version for a line of the log; nothing where there is none."""
    served = version(settings)
    return {"version": served.to_canonical_string()} if served else {}


def identity(settings: Settings) -> Identity:
    """Return what a worker says of its code."""
    served = version(settings)
    if served is None:
        return {"build_id": settings.build_id or build_id()}
    return {
        "deployment_config": WorkerDeploymentConfig(
            version=served,
            use_worker_versioning=True,
            default_versioning_behavior=VersioningBehavior.AUTO_UPGRADE,
        )
    }


def pinning(settings: Settings, runner: WorkflowRunner, pinned: Collection[str]) -> WorkflowRunner:
    """Return `runner`, which also pins the runs of the agents in `pinned` to this build.

    Without versions it is `runner` itself: the server refuses every task that speaks of
    versioning from a worker that has none.
    """
    if settings.deployment is None or not pinned:
        return runner
    return _Pinning(runner, frozenset(pinned))


class _Pinning(WorkflowRunner):
    """Pins by agent, where the SDK's annotation can only pin by workflow type."""

    def __init__(self, inner: WorkflowRunner, pinned: frozenset[str]) -> None:
        self._inner = inner
        self._pinned = pinned

    def prepare_workflow(self, defn: "_Definition") -> None:
        self._inner.prepare_workflow(defn)

    def create_instance(self, det: WorkflowInstanceDetails) -> WorkflowInstance:
        made = self._inner.create_instance(det)
        return _Pinned(made, self._pinned) if det.info.workflow_type == _AGENTS else made


class _Pinned(WorkflowInstance):
    """A run that says with each task whether it stays with this build."""

    def __init__(self, inner: WorkflowInstance, pinned: frozenset[str]) -> None:
        self._inner = inner
        self._pinned = pinned
        self._stays = False

    def activate(self, act: "WorkflowActivation") -> "WorkflowActivationCompletion":
        for job in act.jobs:
            if job.HasField("initialize_workflow"):
                given = job.initialize_workflow.arguments
                self._stays = bool(given) and _agent_of(given[0].data) in self._pinned
        done = self._inner.activate(act)
        if self._stays and done.HasField("successful"):
            done.successful.versioning_behavior = VersioningBehavior.PINNED.value
        return done

    def get_serialization_context(
        self, command_info: "_command_aware_visitor.CommandInfo | None"
    ) -> "SerializationContext | None":
        return self._inner.get_serialization_context(command_info)

    def get_external_store_context(
        self, command_info: "_command_aware_visitor.CommandInfo | None"
    ) -> "StorageDriverStoreContext":
        return self._inner.get_external_store_context(command_info)

    def get_info(self) -> "Info":
        return self._inner.get_info()

    def get_thread_id(self) -> int | None:
        return self._inner.get_thread_id()


def _agent_of(request: bytes) -> str:
    """Return the agent that a request names; empty where it is none of ours."""
    try:
        said = orjson.loads(request)
    except orjson.JSONDecodeError:
        return ""
    agent = said.get("agent", "") if isinstance(said, dict) else ""  # pyright: ignore[reportUnknownVariableType, reportUnknownMemberType]
    return agent if isinstance(agent, str) else ""
