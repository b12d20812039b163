"""The offline model: a stand-in for a language model, for machines that have no key.

A process of its own on loopback that speaks both vendors' protocols and follows rules per agent.
It sees the bytes of a request and nothing else: no ledger, no database, no labels. It says in
every answer that it is a stand-in, and is never presented as intelligence.
"""
