"""What the stock promises."""

import unittest

from stock import to_order, value


class Stock(unittest.TestCase):
    """One test a promise."""

    def test_the_value_is_count_times_price(self):
        self.assertEqual(value([(2, 10), (1, 5)]), 25)

    def test_what_is_missing_is_ordered(self):
        self.assertEqual(to_order({"nail": 3}, {"nail": 10}), {"nail": 7})
