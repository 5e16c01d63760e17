"""The words of the project and pure arithmetic: no I/O, no clock, no other package of ours.

Everybody may import it; it imports the standard library and the price catalogue only.
Begin with ``events`` (what a coding tool told us), ``usage`` (token buckets and counters),
``work`` (what a forge told us) and ``labels`` (what we concluded).
"""
