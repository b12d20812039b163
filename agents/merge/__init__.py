"""The agent that makes one answer of a batch's rows, and names the documents it rests on."""
