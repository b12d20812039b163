"""The search attributes that a run's state is listed by."""

from typing import Final

from temporalio.api.enums.v1 import IndexedValueType
from temporalio.api.operatorservice.v1 import (
    AddSearchAttributesRequest,
    ListSearchAttributesRequest,
)
from temporalio.client import Client
from temporalio.service import RPCError, RPCStatusCode

SEARCH_ATTRIBUTES: Final = {
    "AgentState": "Keyword",
    "AgentName": "Keyword",
    "Tenant": "Keyword",
    "CostUsd": "Double",
    "AwaitingApproval": "Bool",
    "WaitingSince": "Datetime",
}
"""Name and type; none may hold personal data, since encryption does not cover them."""

_TYPES: Final = {
    "Keyword": IndexedValueType.INDEXED_VALUE_TYPE_KEYWORD,
    "Double": IndexedValueType.INDEXED_VALUE_TYPE_DOUBLE,
    "Bool": IndexedValueType.INDEXED_VALUE_TYPE_BOOL,
    "Datetime": IndexedValueType.INDEXED_VALUE_TYPE_DATETIME,
}


class SearchAttributesMissing(RuntimeError):
    """The namespace lacks search attributes, and this client may not add them."""


async def ensure_search_attributes(client: Client) -> None:
    """Register what is missing in the client's namespace. Idempotent.

    Raises:
        SearchAttributesMissing: not permitted, or a name is taken by another type.
    """
    missing = await _missing(client)
    if not missing:
        return
    try:
        await client.operator_service.add_search_attributes(
            AddSearchAttributesRequest(
                namespace=client.namespace,
                search_attributes={name: _TYPES[kind] for name, kind in missing.items()},
            )
        )
    except RPCError as error:
        # Another worker that starts at the same moment has added them: as good as ours.
        if error.status is not RPCStatusCode.ALREADY_EXISTS:
            raise SearchAttributesMissing(_advice(client, missing, error)) from error


async def _missing(client: Client) -> dict[str, str]:
    try:
        known = await client.operator_service.list_search_attributes(
            ListSearchAttributesRequest(namespace=client.namespace)
        )
    except RPCError as error:
        raise SearchAttributesMissing(_advice(client, SEARCH_ATTRIBUTES, error)) from error
    for name, kind in SEARCH_ATTRIBUTES.items():
        found = known.custom_attributes.get(name)
        if found is not None and found != _TYPES[kind]:
            raise SearchAttributesMissing(
                f"the search attribute {name!r} of namespace {client.namespace!r} has the type "
                f"{IndexedValueType.Name(found)!r}, expected {kind!r}; use another namespace"
            )
    return {
        name: kind
        for name, kind in SEARCH_ATTRIBUTES.items()
        if name not in known.custom_attributes
    }


def _advice(client: Client, missing: dict[str, str], error: RPCError) -> str:
    flags = " ".join(f"--name {name} --type {kind}" for name, kind in missing.items())
    return (
        f"the search attributes {sorted(missing)} could not be registered in namespace "
        f"{client.namespace!r} ({error.status.name}: {error.message}); have an operator run: "
        f"temporal operator search-attribute create --namespace {client.namespace} {flags}"
    )
