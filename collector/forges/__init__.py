"""The forge table: which module understands which forge's webhooks.

A forge is pure: a signature check, readers of the delivery's headers, and ``parse`` from a decoded
payload to domain values. Adding one is a module, a row below, a folder of payloads under
``tests/payloads``, and a page under ``docs/forges``. What texts refer to (sessions, reverts,
tickets) is read by ``references`` for all of them; the texts themselves go no further.
"""

from collector.forges import github
from collector.forges.forge import Forge

FORGES: tuple[Forge, ...] = (github.FORGE,)
