"""Ask an agent of Holdfast over A2A, with the official client (pip install a2a-sdk).

python ask_over_a2a.py http://127.0.0.1:8090 TOKEN bench '{"turns": 2}'
"""

import asyncio
import sys
from uuid import uuid4

import httpx
from a2a.client import A2ACardResolver, ClientConfig, ClientFactory
from a2a.helpers import get_stream_response_text, new_text_part
from a2a.types.a2a_pb2 import Message, Role, SendMessageRequest, TaskState


async def main(address: str, token: str, agent: str, words: str) -> None:
    """Start a run with one message, and print what happens until it ends or asks a person."""
    headers = {"Authorization": f"Bearer {token}"}
    async with httpx.AsyncClient(headers=headers, timeout=600) as http:
        card = await A2ACardResolver(http, f"{address}/a2a/{agent}").get_agent_card()
        client = ClientFactory(ClientConfig(httpx_client=http)).create(card)
        message = Message(
            # Sent again under the same id, it is the same task.
            message_id=str(uuid4()),
            role=Role.ROLE_USER,
            parts=[new_text_part(words)],
        )
        async for news in client.send_message(SendMessageRequest(message=message)):
            kind = news.WhichOneof("payload")
            state = ""
            if kind == "task":
                state = f"{news.task.id} {TaskState.Name(news.task.status.state)}"
            if kind == "status_update":
                state = TaskState.Name(news.status_update.status.state)
            print(kind, state, get_stream_response_text(news))  # noqa: T201


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
