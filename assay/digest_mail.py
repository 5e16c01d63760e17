"""A digest as a mail: text, the same as HTML with its pictures inside, and how to get no more."""

from dataclasses import replace
from datetime import date
from email.headerregistry import BaseHeader, HeaderRegistry, UnstructuredHeader
from email.message import EmailMessage
from email.policy import Policy, default
from html import escape

from api.digest.edition import UNSUBSCRIBE, Edition
from assay.digest_plan import Planned
from assay.digest_settings import Post
from domain.unsubscribing import PATH, Unsubscribing

_ASK = "ask whoever runs Tokenassay here"


class _Whole(UnstructuredHeader, BaseHeader):
    """A header on one line: a long address would be broken into encoded words, and be none."""

    def fold(self, *, policy: Policy) -> str:
        """The line."""
        return f"{self.name}: {self}{policy.linesep}"


_HEADERS = HeaderRegistry()
_HEADERS.map_to_type("list-unsubscribe", _Whole)
_POLICY = default.clone(header_factory=_HEADERS)


def unsubscribe_url(post: Post, links: Unsubscribing, identity: str) -> str | None:
    """Where this recipient ends their digests; None while nobody can reach the pages."""
    if post.public_url is None:
        return None
    return f"{post.public_url}{PATH}?token={links.token(identity)}"


def addressed(edition: Edition, url: str | None) -> Edition:
    """An edition that says how its reader gets no more of them."""
    link = f'<a href="{escape(url)}" style="color:inherit">unsubscribe</a>' if url else _ASK
    return replace(
        edition,
        text=edition.text.replace(UNSUBSCRIBE, url or _ASK),
        html=edition.html.replace(UNSUBSCRIBE, link),
    )


def mail(
    edition: Edition,
    planned: Planned,
    week: date,
    post: Post,
    links: Unsubscribing,
    *,
    again: bool = False,
) -> EmailMessage:
    """The mail of one recipient.

    Its id is the same whenever this copy of this week is tried; ``again`` says that it goes out on
    purpose a second time, and must not be taken for the first.
    """
    identity = planned.copy.recipient
    url = unsubscribe_url(post, links, identity)
    told = addressed(edition, url)
    message = EmailMessage(policy=_POLICY)
    message["Subject"] = " ".join(told.subject.split())
    message["To"] = planned.address
    message["Auto-Submitted"] = "auto-generated"
    if not again:
        name = links.message_id(identity, week.isoformat(), planned.copy.scope.value)
        message["Message-ID"] = f"<digest.{week}.{name}@tokenassay>"
    if url is not None:
        message["List-Unsubscribe"] = f"<{url}>"
        if url.startswith("https://"):
            message["List-Unsubscribe-Post"] = "List-Unsubscribe=One-Click"
    # In seven bits: not every server on the way takes eight.
    message.set_content(told.text, cte="quoted-printable")
    message.add_alternative(told.html, subtype="html", cte="quoted-printable")
    if told.pictures:
        page = message.get_payload()[1]  # type: ignore[index]
        for name, picture in told.pictures.items():
            page.add_related(  # type: ignore[union-attr]
                picture,
                "image",
                "png",
                cid=f"<{name}>",
                disposition="inline",
                filename=f"{name}.png",
            )
    return message
