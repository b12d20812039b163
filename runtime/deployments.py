"""The versions of a worker deployment, as the Temporal server knows and routes to them."""

from collections.abc import AsyncGenerator
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from google.protobuf.field_mask_pb2 import FieldMask
from google.protobuf.timestamp_pb2 import Timestamp
from temporalio.api.common.v1 import WorkflowExecution
from temporalio.api.deployment.v1 import WorkerDeploymentInfo
from temporalio.api.enums.v1 import VersioningBehavior, WorkerDeploymentVersionStatus
from temporalio.api.workflow.v1 import (
    PostResetOperation,
    VersioningOverride,
    WorkflowExecutionOptions,
)
from temporalio.api.workflowservice.v1 import (
    DescribeWorkerDeploymentRequest,
    SetWorkerDeploymentCurrentVersionRequest,
    SetWorkerDeploymentRampingVersionRequest,
    UpdateWorkflowExecutionOptionsRequest,
)
from temporalio.client import Client, WorkflowExecutionDescription
from temporalio.service import RPCError, RPCStatusCode

_STATUS: Final = "WORKER_DEPLOYMENT_VERSION_STATUS_"
_ABSENT: Final = (RPCStatusCode.NOT_FOUND, RPCStatusCode.FAILED_PRECONDITION)
_PINNED: Final = VersioningBehavior.VERSIONING_BEHAVIOR_PINNED
# What lets a run go to the current build at its next task, whatever its code says.
_UPGRADE: Final = WorkflowExecutionOptions(
    versioning_override=VersioningOverride(
        behavior=VersioningBehavior.VERSIONING_BEHAVIOR_AUTO_UPGRADE, auto_upgrade=True
    )
)
_FIELDS: Final = FieldMask(paths=["versioning_override"])


class DeploymentNotFound(LookupError):
    """No worker has ever served as a version of the deployment."""


@dataclass(frozen=True)
class Version:
    """One build of a deployment.

    Attributes:
        status: `current`, `ramping`, `draining`, `drained`, `inactive` or `created`.
        percent: Of the new runs that go to it while it is ramping.
        since: When its part in the routing last changed.
    """

    build: str
    status: str
    percent: float
    since: datetime | None


class Deployments:
    """One deployment, on the server that a client is connected to."""

    def __init__(self, client: Client, name: str) -> None:
        self._client = client
        self.name = name

    async def versions(self) -> list[Version]:
        """Return its versions, the newest first.

        Raises:
            DeploymentNotFound: There is none of that name.
        """
        info = await self._described()
        if info is None:
            raise DeploymentNotFound(
                f"no deployment {self.name!r}: no worker has served with "
                f"HOLDFAST_DEPLOYMENT={self.name}; start one, and look again"
            )
        routing = info.routing_config
        ramping = routing.ramping_deployment_version.build_id
        percent = routing.ramping_version_percentage
        return [
            Version(
                build=each.deployment_version.build_id,
                status=WorkerDeploymentVersionStatus.Name(each.status)
                .removeprefix(_STATUS)
                .lower(),
                percent=percent if each.deployment_version.build_id == ramping else 0,
                since=_moment(each.routing_update_time),
            )
            for each in info.version_summaries
        ]

    async def current(self) -> str:
        """Return the current build; empty where there is none, so that runs wait."""
        info = await self._described()
        return info.routing_config.current_deployment_version.build_id if info else ""

    async def make_current(self, build: str, by: str, *, force: bool = False) -> None:
        """Send new runs, and those that are not pinned, to `build`.

        Args:
            build: Of this deployment.
            by: Who says so, for the server's record.
            force: Also where it does not serve every task queue that the current build does.
        """
        await self._client.workflow_service.set_worker_deployment_current_version(
            SetWorkerDeploymentCurrentVersionRequest(
                namespace=self._client.namespace,
                deployment_name=self.name,
                build_id=build,
                version=f"{self.name}.{build}",
                identity=by,
                ignore_missing_task_queues=force,
            )
        )

    async def ramp(self, build: str, percent: float, by: str, *, force: bool = False) -> None:
        """Send a part of the runs to `build`, 0 to 100."""
        await self._client.workflow_service.set_worker_deployment_ramping_version(
            SetWorkerDeploymentRampingVersionRequest(
                namespace=self._client.namespace,
                deployment_name=self.name,
                build_id=build,
                version=f"{self.name}.{build}",
                percentage=percent,
                identity=by,
                ignore_missing_task_queues=force,
            )
        )

    async def open_runs(self, build: str) -> int:
        """Return how many open runs were last served by `build`."""
        return (await self._client.count_workflows(self._query(build))).count

    async def pinned(self, build: str) -> AsyncGenerator[str]:
        """Yield the ids of the open runs that only workers of `build` can go on with."""
        query = f"{self._query(build)} AND TemporalWorkflowVersioningBehavior = 'Pinned'"
        async for run in self._client.list_workflows(query):
            yield run.id

    async def release(self, run_id: str) -> None:
        """Let a pinned run go to the current build at its next task."""
        await self._client.workflow_service.update_workflow_execution_options(
            UpdateWorkflowExecutionOptionsRequest(
                namespace=self._client.namespace,
                workflow_execution=WorkflowExecution(workflow_id=run_id),
                workflow_execution_options=_UPGRADE,
                update_mask=_FIELDS,
            )
        )

    def _query(self, build: str) -> str:
        version = f"TemporalWorkerDeploymentVersion = '{self.name}:{build}'"
        return f"{version} AND ExecutionStatus = 'Running'"

    async def _described(self) -> WorkerDeploymentInfo | None:
        request = DescribeWorkerDeploymentRequest(
            namespace=self._client.namespace, deployment_name=self.name
        )
        try:
            answer = await self._client.workflow_service.describe_worker_deployment(request)
        except RPCError as error:
            if error.status in _ABSENT:
                return None
            raise
        return answer.worker_deployment_info


def after_reset(run: WorkflowExecutionDescription) -> list[PostResetOperation]:
    """Return what a reset does to a pinned run: it would wait for a build that may be gone."""
    known = run.raw_description.workflow_execution_info.versioning_info
    if known.behavior != _PINNED:
        return []
    moved = PostResetOperation.UpdateWorkflowOptions(
        workflow_execution_options=_UPGRADE, update_mask=_FIELDS
    )
    return [PostResetOperation(update_workflow_options=moved)]


def _moment(given: Timestamp) -> datetime | None:
    return given.ToDatetime() if given.seconds else None
