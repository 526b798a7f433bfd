"""The channel `mail`: from one mailbox to the groups' addresses; each group turns its mail into threads.

Mail of one conversation stays together because each is a reply to the one before:
https://learn.microsoft.com/graph/api/message-createreplyall
"""

import contextlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import quote

from bridge.errors import AccessRefused, ContentRefused, GraphError, NotSent, OutcomeUnknown, ThreadGone
from bridge.graph.answers import NotFound
from bridge.graph.channel import DRAFT, Post, is_draft
from bridge.graph.client import GraphClient
from bridge.graph.shapes import attachment, attachments, body, recipient, topic

# With these ids a draft keeps its id after it was sent:
# https://learn.microsoft.com/graph/outlook-immutable-id
_IMMUTABLE = {"Prefer": 'IdType="ImmutableId"'}
# The copy of a sent message may appear in Sent Items that late; until then its id is not found.
_FILING = timedelta(minutes=15)


class MailToGroups:
    """Delivers posts as mail. A thread's reference is `mail:` and the id of its last message.

    mailbox: the sender's address. addresses: of groups, by object id; Graph is asked once for each of the others.
    permit: returns the seconds to wait before the next message may be sent. clock: the time, with its zone.
    """

    def __init__(
        self,
        client: GraphClient,
        mailbox: str,
        addresses: Mapping[str, str],
        permit: Callable[[], float],
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._client = client
        self._messages = f"/users/{quote(mailbox, safe='@')}/messages"
        self._addresses = dict(addresses)
        self._permit = permit
        self._clock = clock

    def prepare(self, post: Post, thread: str) -> Post:
        """Makes a draft of the post: https://learn.microsoft.com/graph/api/user-post-messages."""
        for abandoned in filter(is_draft, post.abandoned):
            # A draft that stays there harms nobody.
            with contextlib.suppress(GraphError):
                self._client.request("DELETE", self._message(abandoned), headers=_IMMUTABLE)
        wait = self._permit()
        if wait:
            raise NotSent("The mailbox has sent as many messages in this minute as Exchange allows.", wait)
        try:
            draft = self._draft_reply(thread, post) if thread else self._draft(post)
        except OutcomeUnknown as error:
            raise NotSent(f"{error} If so, it is only a draft; another one will be sent.") from None
        return replace(post, draft=DRAFT + draft)

    def start(self, post: Post) -> str:
        """Sends the draft: https://learn.microsoft.com/graph/api/message-send."""
        try:
            self._client.request("POST", f"{self._message(post.draft)}/send", headers=_IMMUTABLE)
        except NotFound as error:
            # A request before this one, whose answer was lost, may have sent it.
            raise OutcomeUnknown(f"{error} The draft is no longer there: it was sent or deleted.") from None
        return post.draft

    def reply(self, thread: str, post: Post) -> str:  # noqa: ARG002  the draft is a reply to it
        """Sends the draft, which becomes the thread's last message."""
        return self.start(post)

    def find(
        self,
        group: str,  # noqa: ARG002  the id of a message is enough
        tokens: Sequence[str],
        since: datetime,
        where: str = "",
    ) -> Mapping[str, str]:
        """All of the tokens, if the draft has been sent: https://learn.microsoft.com/graph/api/message-get."""
        if not is_draft(where):
            raise OutcomeUnknown("It was not sent by mail (BRIDGE_CHANNEL), and is not searched for in the mailbox.")
        try:
            message = self._client.request(
                "GET", self._message(where), params={"$select": "isDraft"}, headers=_IMMUTABLE
            )
        except NotFound as error:
            if self._clock() < since + _FILING:
                raise OutcomeUnknown(f"{error} It may be on its way to Sent Items: it is looked up again.") from None
            return {}  # Somebody has deleted the draft.
        return {} if message.get("isDraft") is not False else dict.fromkeys(tokens, where)

    def _draft(self, post: Post) -> str:
        pictures = {"attachments": attachments(post)} if post.pictures else {}
        content = {"subject": topic(post), **_headers(post), **self._content(post), **pictures}
        return self._created(self._messages, content)

    def _draft_reply(self, thread: str, post: Post) -> str:
        if not is_draft(thread):
            raise ThreadGone("The thread was not started by mail (BRIDGE_CHANNEL): it continues in a new one.")
        try:
            draft = self._reply_with_headers(f"{self._message(thread)}/createReplyAll", post)
        except NotFound as error:
            raise ThreadGone(f"{error} The last message of the thread was deleted.") from None
        # Not in the request before: Graph would quote the whole conversation below the body.
        self._client.request("PATCH", self._message(DRAFT + draft), json=self._content(post), headers=_IMMUTABLE)
        self._attach(draft, post)
        return draft

    def _reply_with_headers(self, path: str, post: Post) -> str:
        """Makes the draft of a reply; without headers, where Graph does not take them there.

        They can be given only when a message is made: https://learn.microsoft.com/graph/api/resources/message.
        """
        if _headers(post):
            with contextlib.suppress(ContentRefused):
                return self._created(path, {"message": _headers(post)})
        return self._created(path, {})

    def _attach(self, draft: str, post: Post) -> None:
        """Adds the pictures one by one, as a draft is not changed together with them.

        https://learn.microsoft.com/graph/api/message-post-attachments
        """
        path = f"{self._message(DRAFT + draft)}/attachments"
        try:
            for picture in post.pictures:
                self._client.request("POST", path, json=attachment(picture), headers=_IMMUTABLE)
        except GraphError:
            # Another draft will be made, and nobody is to find this one.
            with contextlib.suppress(GraphError):
                self._client.request("DELETE", self._message(DRAFT + draft), headers=_IMMUTABLE)
            raise

    def _created(self, path: str, content: Mapping[str, Any]) -> str:
        message = self._client.request("POST", path, json=content, headers=_IMMUTABLE)
        if not isinstance(message.get("id"), str):
            raise OutcomeUnknown(f"POST {path}: Graph gave the draft no id.")
        return str(message["id"])

    def _content(self, post: Post) -> Mapping[str, Any]:
        return {
            "body": body(post),
            "toRecipients": [recipient(self.address(post.group))],
            "ccRecipients": [recipient(participant) for participant in post.participants],
            **({"importance": "high"} if post.is_important else {}),
        }

    def address(self, group: str) -> str:
        """The address of a group, from the settings or from Graph: https://learn.microsoft.com/graph/api/group-get."""
        if group not in self._addresses:
            advice = "Or set the group's address in BRIDGE_CONFIG: { id = ..., mail = ... }."
            try:
                path = f"/groups/{quote(group, safe='')}"
                address = self._client.request("GET", path, params={"$select": "mail"}).get("mail")
            except AccessRefused as error:
                raise AccessRefused(f"{error} {advice}") from None
            if not isinstance(address, str) or not address:
                raise AccessRefused(f"GET {path}: the group has no address: it must be a Microsoft 365 group. {advice}")
            self._addresses[group] = address
        return self._addresses[group]

    def _message(self, reference: str) -> str:
        return f"{self._messages}/{quote(reference.removeprefix(DRAFT), safe='')}"


def _headers(post: Post) -> Mapping[str, Any]:
    """https://learn.microsoft.com/graph/api/resources/internetmessageheader."""
    found = [{"name": name, "value": value} for name, value in post.headers]
    return {"internetMessageHeaders": found} if found else {}
