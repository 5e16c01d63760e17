"""Measurements: what ``docs/performance.md`` states. Nothing here asserts a time.

``python -m bench`` starts the real server as a process, loads it over its own ports from a second
process on the same machine, and prints one table; ``bench.others`` sets others' servers beside it
in the same run, ``bench.profile`` tells where the worker's time goes. Ratios within one run are
what to compare; walls vary from machine to machine and from run to run, and with what else the
machine does: each row says how many cores worked for others meanwhile.
"""
