"""The table of providers that can be read. What a source must offer: ``collector.source``."""

from collector.forges import (
    azure_devops_sync,
    bitbucket_cloud_sync,
    bitbucket_dc_sync,
    gitea_sync,
    github_sync,
    gitlab_sync,
)
from collector.source import Source
from collector.trackers import jira_sync, linear_sync

SOURCES: tuple[Source, ...] = (
    github_sync.SOURCE,
    gitlab_sync.SOURCE,
    gitea_sync.SOURCE,
    bitbucket_cloud_sync.SOURCE,
    bitbucket_dc_sync.SOURCE,
    azure_devops_sync.SOURCE,
    jira_sync.SOURCE,
    linear_sync.SOURCE,
)
