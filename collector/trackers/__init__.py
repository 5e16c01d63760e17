"""The tracker table: which module understands which tracker's webhooks.

Adding a tracker is a module, a row below, a folder of payloads under ``tests/payloads``, and a page
under ``docs/trackers``. A tracker that can also be read has a row in ``collector.sources``.
"""

from collector.provider import Provider
from collector.trackers import jira, linear

TRACKERS: tuple[Provider, ...] = (jira.TRACKER, linear.TRACKER)
