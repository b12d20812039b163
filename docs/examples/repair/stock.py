"""A small stock: what is there, and what has to be ordered."""


def value(items):
    """Return what all items are worth: each is (count, price)."""
    return sum(count + price for count, price in items)


def to_order(stock, wanted):
    """Return how many of each article have to be ordered."""
    return {name: wanted[name] - stock.get(name, 0) for name in wanted}
