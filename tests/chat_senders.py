"""What well-known senders write, in the format of each chat service: firing or down, and resolved or up.

The forms are those of their templates; names and values are ours.
"""

from collections.abc import Callable, Mapping
from typing import Any

URL = "https://monitor.contoso.example/alerts"
Message = Mapping[str, Any]


def adaptive(body: list[Message], **more: Any) -> Message:
    """An Adaptive Card in the envelope of a message."""
    card = {"type": "AdaptiveCard", "version": "1.4", "body": body}
    return {
        "type": "message",
        "attachments": [{"contentType": "application/vnd.microsoft.card.adaptive", "content": card}],
        **more,
    }


def _alertmanager_title(bad: bool) -> str:
    # The second alert has another instance, so that it is no longer a label that all have in common.
    return "[FIRING:1] TankLow plant-2 (pump-7 critical)" if bad else "[RESOLVED] TankLow plant-2 (critical)"


_LABELS = "Labels:\n - alertname = TankLow\n - instance = pump-7\nAnnotations:\n - summary = Tank 4 is nearly empty\n"


def _alertmanager_text(bad: bool) -> str:
    return (
        f"# Alerts {'Firing' if bad else 'Resolved'}:\n\n{_LABELS}\nSource: https://prometheus.contoso.example/graph\n"
    )


def _alertmanager_slack(bad: bool) -> Message:
    title = _alertmanager_title(bad)
    attachment = {
        "title": title,
        "title_link": URL,
        "fallback": f"{title} | {URL}",
        "color": "danger" if bad else "good",
    }
    return {"channel": "#alerts", "username": "Alertmanager", "attachments": [attachment | {"text": "", "footer": ""}]}


def _alertmanager_card(bad: bool) -> Message:
    title = _alertmanager_title(bad)
    colour = "8C1A1A" if bad else "2DC72D"
    text = _alertmanager_text(bad)
    return {"type": "MessageCard", "title": title, "summary": title, "text": text, "themeColor": colour}


def _alertmanager_teams(bad: bool) -> Message:
    look = {"weight": "Bolder", "size": "Medium", "style": "heading", "color": "Attention" if bad else "Good"}
    return adaptive([
        {"type": "TextBlock", "text": _alertmanager_title(bad), **look},
        {"type": "TextBlock", "text": _alertmanager_text(bad), "wrap": True},
    ])  # fmt: skip


def _alertmanager_discord(bad: bool) -> Message:
    colour = 0x992D22 if bad else 0x2ECC71
    return {
        "content": "",
        "embeds": [{"title": _alertmanager_title(bad), "description": _alertmanager_text(bad), "color": colour}],
    }


def _grafana_title(bad: bool) -> str:
    return f"[{'FIRING:2, RESOLVED:1' if bad else 'RESOLVED'}] Tank low Plant (pump-7)"


def _grafana_text(bad: bool) -> str:
    return f"**{'Firing' if bad else 'Resolved'}**\n\nValue: A=8, C=1\n{_LABELS}Source: https://grafana.contoso.example/alerting/1\n"


def _grafana_slack(bad: bool) -> Message:
    title, colour = _grafana_title(bad), "#D63232" if bad else "#36a64f"
    attachment = {"title": title, "title_link": URL, "color": colour, "text": _grafana_text(bad), "fallback": title}
    return {"text": title, "attachments": [attachment | {"footer": "Grafana v12.2.1", "ts": 1795442580}]}


def _grafana_teams(bad: bool) -> Message:
    look = {"size": "large", "weight": "bolder", "color": "attention" if bad else "good"}
    body = [
        {"type": "TextBlock", "text": _grafana_title(bad), **look},
        {"type": "TextBlock", "text": _grafana_text(bad), "wrap": True},
        {"type": "ActionSet", "actions": [{"type": "Action.OpenUrl", "title": "View URL", "url": URL}]},
    ]
    return adaptive(body, summary=_grafana_title(bad))


def _grafana_discord(bad: bool) -> Message:
    embed = {"title": _grafana_title(bad), "url": URL, "type": "rich", "color": 14037554 if bad else 3581519}
    footer = {"text": "Grafana v12.2.1", "icon_url": "https://grafana.contoso.example/icon.png"}
    return {"username": "Grafana", "content": _grafana_text(bad), "embeds": [embed | {"footer": footer}]}


def _kuma_slack(bad: bool) -> Message:
    line = "[Pump] [🔴 Down] connect ECONNREFUSED 10.0.0.4:443" if bad else "[Pump] [✅ Up] 200 - OK"
    fields = [
        {"type": "mrkdwn", "text": f"*Message*\n{line}"},
        {"type": "mrkdwn", "text": "*Time (UTC)*\n2026-11-23 14:03:05"},
    ]
    blocks = [
        {"type": "header", "text": {"type": "plain_text", "text": "Uptime Kuma Alert"}},
        {"type": "section", "fields": fields},
    ]
    colour = "#e01e5a" if bad else "#2eb886"
    return {"text": f"Uptime Kuma Alert\n{line}", "attachments": [{"color": colour, "blocks": blocks}]}


def _kuma_card(bad: bool) -> Message:
    said = "🔴 Application [Pump] went down" if bad else "✅ Application [Pump] is back online"
    sections = [{"activityTitle": "**Uptime Kuma**"}, {"activityTitle": said}]
    facts = [{"name": "Monitor", "value": "Pump"}, {"name": "URL", "value": "https://pump.contoso.example"}]
    sections.append({"activityTitle": "**Description**", "text": "503" if bad else "200 - OK", "facts": facts})
    return {"@type": "MessageCard", "summary": said, "themeColor": "ff0000" if bad else "00e804", "sections": sections}


def _kuma_teams(bad: bool) -> Message:
    said = "[Pump] went down" if bad else "[Pump] is back online"
    icon = {"type": "Image", "width": "32px", "style": "Person", "url": "https://kuma.contoso.example/icon.png"}
    texts = [
        {"type": "TextBlock", "size": "Medium", "weight": "Bolder", "text": f"**{said}**"},
        {"type": "TextBlock", "size": "Small", "weight": "Default", "text": "Uptime Kuma Alert", "isSubtle": True},
    ]
    columns = [{"type": "Column", "items": [icon]}, {"type": "Column", "items": texts}]
    head = {"type": "ColumnSet", "style": "attention" if bad else "good", "columns": columns}
    url = "[https://pump.contoso.example](https://pump.contoso.example)"
    facts = {"type": "FactSet", "facts": [{"title": "Monitor", "value": "Pump"}, {"title": "URL", "value": url}]}
    return adaptive([{"type": "Container", "items": [head]}, facts], summary=f"{'🔴' if bad else '✅'} {said}")


def _kuma_discord(bad: bool) -> Message:
    title = "❌ Your service Pump went down. ❌" if bad else "✅ Your service Pump is up! ✅"
    fields = [{"name": "Service Name", "value": "Pump"}, {"name": "Went Offline", "value": "<t:1795442585:F>"}]
    embed = {"title": title, "color": 16711680 if bad else 65280, "timestamp": "2026-11-23T14:03:05Z", "fields": fields}
    return {"username": "Uptime Kuma", "embeds": [embed]}


def _argo_slack(bad: bool) -> Message:
    text = (
        f":exclamation: Application shop has degraded.\nApplication details: {URL}/shop."
        if bad
        else ":white_check_mark: Application shop is now running new version of deployments manifests."
    )
    fields = [{"title": "Sync Status", "value": "Synced", "short": True}]
    attachment = {"title": "shop", "title_link": f"{URL}/shop", "color": "#f4c030" if bad else "#18be52"}
    return {"text": text, "attachments": [attachment | {"fields": fields}]}


def _argo_card(bad: bool) -> Message:
    title = "Application shop has degraded." if bad else "New version of an application shop is up and running."
    facts = [{"name": "Sync Status", "value": "Synced"}]
    return {
        "@type": "MessageCard",
        "@context": "https://schema.org/extensions",
        "themeColor": "#FF0000" if bad else "#000080",
        "title": title,
        "summary": title,
        "sections": [{"facts": facts}],
        "potentialAction": [
            {"@type": "OpenUri", "name": "Open Application", "targets": [{"os": "default", "uri": f"{URL}/shop"}]}
        ],
    }


# By the format, what each sender writes; and whether good news end the thread.
SENDERS: Mapping[str, Mapping[str, Callable[[bool], Message]]] = {
    "slack": {
        "Alertmanager": _alertmanager_slack, "Grafana": _grafana_slack,
        "Uptime Kuma": _kuma_slack, "Argo CD": _argo_slack,
    },
    "teams": {
        "Alertmanager": _alertmanager_teams, "Grafana": _grafana_teams,
        "Uptime Kuma": _kuma_teams, "Argo CD": _argo_card,
    },
    "messagecard": {"Alertmanager": _alertmanager_card, "Uptime Kuma": _kuma_card, "Argo CD": _argo_card},
    "discord": {"Alertmanager": _alertmanager_discord, "Grafana": _grafana_discord, "Uptime Kuma": _kuma_discord},
}  # fmt: skip
