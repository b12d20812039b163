"""The stand-in's rules for searching: quotes the sentences that share most words with its task."""

from agents.offline import Conversation, Reply, answer, calls
from agents.reading.standin import best_sentences, shown, told
from agents.reading.words import STOP, words


def reply(conversation: Conversation) -> Reply:
    """Search by the instruction and by the question, then quote."""
    task = told(conversation.task)
    instruction, question = str(task.get("instruction", "")), str(task.get("question", ""))
    if not conversation.results_of("search_passages"):
        queries = dict.fromkeys(_query(text) for text in (instruction, question))
        tools = ["search_passages", *_lent(conversation)]
        wanted = [(name, {"query": query}) for query in queries if query for name in tools]
        if wanted:
            return calls(wanted)
    found = best_sentences(shown(conversation), instruction or question)
    gaps = [] if found else [f"the documents say nothing on: {instruction or question}"[:300]]
    return answer({"found": found, "gaps": gaps})


def _lent(conversation: Conversation) -> list[str]:
    """Return the tools of others that take a query and need nothing else."""
    own = {"search_passages", "read_passages", "read_artifact"}
    return [
        name
        for name in conversation.tools
        if name not in own and conversation.schemas.get(name, {}).get("required") == ["query"]
    ]


def _query(text: str) -> str:
    return " ".join(word for word in words(text) if word not in STOP)[:480]
