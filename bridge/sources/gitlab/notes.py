"""Comments and emoji reactions, and what they are on."""

from dataclasses import replace

from bridge.events import Event
from bridge.fields import Payload, dig, first, part
from bridge.rendering.text import in_words, one_line
from bridge.sources import forge, kit
from bridge.sources.base import identifier
from bridge.sources.gitlab.issues import about_issue
from bridge.sources.gitlab.merge_requests import about_merge_request, read
from bridge.sources.gitlab.places import home, moment

_COMMENTS = {"": "created", "create": "created", "update": "edited", "delete": "deleted"}
_REACTIONS = {"": "reacted", "award": "reacted", "revoke": "reaction_removed"}
# What people of GitLab use most often.
_EMOJI = {"thumbsup": "👍", "thumbsdown": "👎", "tada": "🎉", "heart": "❤️", "rocket": "🚀", "eyes": "👀"}


def note(event: Event) -> Event:
    """A comment on a merge request, an issue, a commit, a snippet or a wiki page."""
    remark, done = part(event.payload, "object_attributes"), dig(event.payload, "object_attributes.action")
    kind, about = _about(event)
    hidden = dig(remark, "internal", False) or dig(remark, "confidential", False)
    done = _COMMENTS.get(done, done)
    position = part(remark, "position")
    path = first(remark, ("position.new_path", "position.old_path", "st_diff.new_path"))
    return replace(
        about,
        kind=f"note.{identifier(kind)}",
        url=dig(remark, "url") or about.url,
        occurred=moment(remark, "updated_at", "created_at"),
        attributes=kit.with_attributes(about, confidential=hidden or about.attributes["confidential"]),
        details={
            **about.details,
            "action": f"internal_note_{done}" if hidden else forge.comment_action(done),
            "place": forge.place(path, kit.id_at(position, "new_line", "old_line")),
            "text": "" if done == "deleted" else first(remark, ("note", "description")),
            "quoted": True,
        },
    )


def emoji(event: Event) -> Event:
    """An emoji that was put on something, or taken off again."""
    award = part(event.payload, "object_attributes")
    name = dig(award, "name")
    done = first(award, ("action",)) or dig(event.payload, "event_type")
    _, about = _about(event)
    return replace(
        about,
        url=dig(award, "awarded_on_url") or about.url,
        occurred=moment(award, "created_at") if done == "award" else None,
        details={
            **about.details,
            "action": _REACTIONS.get(done, done),
            "emoji": _EMOJI.get(name) or (f":{name}:" if name else ""),
            "is_on_comment": dig(award, "awardable_type") == "Note",
            "text": dig(event.payload, "note.note"),
        },
    )


def _about(event: Event) -> tuple[str, Event]:
    """What a comment or an emoji is on, by its kind, and the event as one about it."""
    payload = event.payload
    if pull := part(payload, "merge_request"):
        return "merge_request", forge.pull_request(about_merge_request(event, pull), read(event, pull), "commented")
    epic = part(payload, "epic")
    if item := part(payload, "issue") or part(payload, "work_item") or ({"type": "Epic", **epic} if epic else {}):
        return "issue", about_issue(event, item)
    if commit := part(payload, "commit"):
        about = replace(event, url=dig(commit, "url") or event.url)
        message, sha = first(commit, ("title", "message")), kit.id_at(commit, "id", "sha")
        return "commit", forge.commit_comment(about, home(payload), sha, message, "commented")
    if page := part(payload, "wiki_page"):
        slug = dig(page, "slug") or dig(page, "title")
        return "wiki_page", _item(event, page, "wiki page", kit.key(home(payload), "wiki", slug))
    if snippet := part(payload, "snippet") or part(payload, "project_snippet"):
        number = kit.id_at(snippet, "id")
        about = _item(event, snippet, "snippet", kit.key(home(payload), "snippet", number))
        return "snippet", kit.with_details(about, reference=f"${number}" if number else "")
    kind = first(payload, ("object_attributes.noteable_type", "object_attributes.awardable_type"))
    number = kit.id_at(payload, "object_attributes.noteable_id", "object_attributes.awardable_id")
    noun = in_words(kind) or "item"
    return kind, _item(event, {}, noun, kit.key(home(payload), noun, "id" if number else "", number))


def _item(event: Event, item: Payload, noun: str, key: str) -> Event:
    name = one_line(dig(item, "title"), 180)
    return replace(
        event,
        correlation_key=key,
        title=kit.title(name or noun.capitalize()),
        url=dig(item, "url") or event.url,
        details={**event.details, "noun": noun, "name": name},
    )
