"""The step agent: carries out one step of a chain, by its instruction."""
