"""Orders that strangers hide in letters, and letters that only look like it.

Made for this project by a generator. Every text follows from its seed, so a figure can be had
again, and from seeds that nobody looked at while the detector was made.
"""
