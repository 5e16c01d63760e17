"""One name for a repository, however a session's remote or its forge spells it."""

from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.repository import azure_name, repository_name


@pytest.mark.parametrize(
    ("told", "name"),
    [
        ("Acme/Payments", "acme/payments"),
        ("https://github.com/Acme/Payments.git", "acme/payments"),
        ("https://user:secret@github.com/acme/payments/", "acme/payments"),
        ("git@github.com:Acme/payments.git", "acme/payments"),
        ("ssh://git@github.com:22/acme/payments.git/", "acme/payments"),
        ("git://[2001:db8::1]:9418/acme/payments.git", "acme/payments"),
        ("https://gitlab.example/group/sub/payments.git", "group/sub/payments"),
        ("git@bitbucket.org:acme/payments.git", "acme/payments"),
        ("https://dev@bitbucket.org/acme/payments.git", "acme/payments"),
    ],
)
def test_a_remote_ends_with_the_name(told: str, name: str) -> None:
    assert repository_name(told) == name


@pytest.mark.parametrize(
    "told",
    [
        None,
        "",
        "payments",
        "not a / repository",
        "https://github.com/",
        "file:///srv/acme/payments",
        "https://dev.azure.com/acme/_git/",
        "https://dev.azure.com/acme/pay%0Aments/_git/web",
        "https://dev.azure.com/_git/web",
        "acme/pay\x00ments",
    ],
)
def test_what_is_no_name(told: str | None) -> None:
    assert repository_name(told) is None


@pytest.mark.parametrize(
    ("told", "name"),
    [
        ("https://git.example/scm/PAY/web.git", "pay/web"),
        ("https://dev@git.example:7990/bitbucket/scm/PAY/web.git", "pay/web"),
        ("ssh://git@git.example:7999/pay/web.git", "pay/web"),
        ("https://git.example/projects/PAY/repos/web/browse", "pay/web"),
        ("https://git.example/scm/~gopher/web.git", "~gopher/web"),
        ("https://git.example/scm/%7Egopher/web.git", "~gopher/web"),
        ("ssh://git@git.example:7999/~gopher/web.git", "~gopher/web"),
        ("https://git.example/users/gopher/repos/web/browse", "~gopher/web"),
    ],
)
def test_bitbucket_data_center(told: str, name: str) -> None:
    assert repository_name(told) == name


@pytest.mark.parametrize(
    "told",
    [
        "https://dev.azure.com/acme/Pay%20Team/_git/Web%20Shop",
        "https://acme@dev.azure.com/acme/Pay%20Team/_git/Web%20Shop",
        "https://dev.azure.com/acme/Pay%20Team/_git/_full/Web%20Shop",
        "https://dev.azure.com/acme/Pay%20Team/_git/_optimized/Web%20Shop",
        "https://acme.visualstudio.com/Pay%20Team/_git/Web%20Shop",
        "https://acme.visualstudio.com/DefaultCollection/Pay%20Team/_git/Web%20Shop",
        "git@ssh.dev.azure.com:v3/acme/Pay%20Team/Web%20Shop",
        "ssh://git@ssh.dev.azure.com:22/v3/acme/Pay%20Team/Web%20Shop",
        "acme@vs-ssh.visualstudio.com:v3/acme/Pay%20Team/Web%20Shop",
        "https://tfs.example/tfs/Acme/Pay%20Team/_git/Web%20Shop",
        "https://tfs.example/Acme/Pay%20Team/_git/Web%20Shop",
        "ssh://tfs.example:22/tfs/Acme/Pay%20Team/_git/Web%20Shop",
    ],
)
def test_azure_devops(told: str) -> None:
    assert repository_name(told) == "acme/pay team/web shop"


@pytest.mark.parametrize(
    "told",
    [
        "https://dev.azure.com/acme/_git/Payments",
        "https://dev.azure.com/acme/Payments/_git/Payments",
        "https://dev.azure.com/acme/DefaultCollection/_git/Payments",
        "https://acme.visualstudio.com/_git/Payments",
        "https://acme.visualstudio.com/DefaultCollection/_git/Payments",
        "git@ssh.dev.azure.com:v3/acme/Payments/Payments",
        "https://tfs.example/tfs/Acme/_git/Payments",
    ],
)
def test_azure_devops_leaves_out_a_project_named_like_its_repository(told: str) -> None:
    assert repository_name(told) == "acme/payments/payments"


def test_the_collection_of_an_azure_devops_server_is_its_organisation() -> None:
    collection = "https://tfs.example/below/tfs/DefaultCollection"
    assert repository_name(f"{collection}/Pay/_git/Web") == "defaultcollection/pay/web"
    short = "https://tfs.example/tfs/DefaultCollection/_git/Web"
    assert repository_name(short) == "defaultcollection/web/web"


PART = st.text(
    st.characters(codec="utf-8", exclude_categories=["Cc", "Cs", "Z"], exclude_characters="/@"),
    min_size=1,
    max_size=12,
).filter(lambda part: not part.endswith(".git") and part not in ("_git", "_full", "_optimized"))


@given(st.lists(PART, min_size=2, max_size=4))
def test_a_name_is_its_own_name(parts: list[str]) -> None:
    name = repository_name("/".join(parts))
    assert name is None or repository_name(name) == name


@given(st.from_regex(r"[a-z0-9]{1,12}", fullmatch=True), PART, PART)
def test_remotes_of_azure_devops_agree(organisation: str, project: str, repository: str) -> None:
    path = f"{quote(project, safe='')}/_git/{quote(repository, safe='')}"
    ssh = f"v3/{organisation}/{quote(project, safe='')}/{quote(repository, safe='')}"
    if "defaultcollection" in (organisation, project.lower(), repository.lower()):
        return
    names = {
        repository_name(f"https://dev.azure.com/{organisation}/{path}"),
        repository_name(f"https://{organisation}.visualstudio.com/{path}"),
        repository_name(f"git@ssh.dev.azure.com:{ssh}"),
        azure_name(organisation, project, repository),
    }
    assert len(names) == 1


@given(st.text(st.characters(codec=None)))
def test_any_text_is_a_name_or_none(told: str) -> None:
    name = repository_name(told)
    assert name is None or "/" in name
