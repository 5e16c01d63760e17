"""The forge table: which module understands which forge's webhooks.

Adding a forge is a module, a row below, a folder of payloads under ``tests/payloads``, and a page
under ``docs/forges``. What texts refer to (sessions, reverts, tickets) is read by ``references``
for all of them; the texts themselves go no further. A forge that can also be read has a row in
``collector.sources``.
"""

from collector.forges import azure_devops, bitbucket_cloud, bitbucket_dc, gitea, github, gitlab
from collector.provider import Provider

FORGES: tuple[Provider, ...] = (
    github.FORGE,
    gitlab.FORGE,
    bitbucket_cloud.FORGE,
    bitbucket_dc.FORGE,
    azure_devops.FORGE,
    gitea.FORGE,
)
