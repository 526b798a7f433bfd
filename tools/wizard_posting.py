"""The wizard's first page: the group, and how posts get into it."""

from collections.abc import Sequence

from tools.wizard_elements import ADDRESS, ID, ONE_LINE, Element, choice, equal, info, text

# Every region that Functions offers Flex Consumption in: what `az functionapp list-flexconsumption-locations` asks.
_REGIONS = "/providers/Microsoft.Web/geoRegions?sku=FlexConsumption&api-version=2024-11-01"
_GROUPS = "/v1.0/groups?$filter=groupTypes/any(c:c eq 'Unified')&$select=id,displayName&$top=999"
_LISTED = "string(coalesce(steps('posting').directory.value, parse('[]')))"


def elements() -> Sequence[Element]:
    """The page."""
    regions = "string(coalesce(steps('posting').regions.value, parse('[]')))"
    here = f"contains(toLower(replace({regions}, ' ', '')), concat('\"', location(), '\"'))"
    pasted = "and(equals(steps('posting').groupFrom, 'paste'), not(empty(steps('posting').group)))"
    unknown = f"[and({pasted}, contains({_LISTED}, '\"id\"'), not(contains({_LISTED}, steps('posting').group)))]"
    return [
        _request("regions", "Microsoft.Solutions.ArmApiControl", f"[concat(subscription().id, '{_REGIONS}')]"),
        info(
            "regionInfo",
            "This region has no Flex Consumption plans: choose another one on the previous page.",
            icon="Error",
            visible=f"[and(contains({regions}, '\"name\"'), not({here}))]",
        ),
        _request("directory", "Microsoft.Solutions.GraphApiControl", _GROUPS),
        choice(
            "groupFrom",
            "Default group",
            "The Microsoft 365 group that receives events that no route sends elsewhere.",
            {"pick": "Choose it from a list", "paste": "Paste its object id"},
            "pick",
            kind="OptionsGroup",
        ),
        _picked_group(),
        text(
            "group",
            "Object id of the group",
            "Entra admin center: Groups, the group, Object ID.",
            placeholder="00000000-0000-0000-0000-000000000000",
            rule=ID,
            required=equal("posting", "groupFrom", "paste"),
            visible=equal("posting", "groupFrom", "paste"),
        ),
        info(
            "groupInfo",
            "None of the Microsoft 365 groups that you may list has this id. Security groups and distribution lists "
            "have no conversations.",
            icon="Warning",
            visible=unknown,
        ),
        *_ways(),
    ]


def _request(name: str, kind: str, path: str) -> Element:
    return {"name": name, "type": kind, "request": {"method": "GET", "path": path}}


def _picked_group() -> Element:
    """The groups that the directory lists: which are known only in the portal."""
    found = "coalesce(steps('posting').directory.value, parse('[]'))"
    label = "parse(concat('{\"label\":\"', replace(item.displayName, '\"', ''), '\",\"value\":\"', item.id, '\"}'))"
    return {
        "name": "pickedGroup",
        "type": "Microsoft.Common.DropDown",
        "label": "Group",
        "toolTip": "The Microsoft 365 groups of your tenant. If the list is empty, paste the object id.",
        "filter": True,
        "constraints": {
            "required": equal("posting", "groupFrom", "pick"),
            "allowedValues": f"[map({found}, (item) => {label})]",
        },
        "visible": equal("posting", "groupFrom", "pick"),
    }


def _ways() -> Sequence[Element]:
    mail, account, agent = (equal("posting", "way", way) for way in ("mail", "service-account", "agent-user"))
    return [
        choice(
            "way",
            "How posts get into the group",
            "Microsoft lets users create group threads, but not applications. None of the ways needs a client secret.",
            {
                "mail": "Mail from a shared mailbox (start here)",
                "service-account": "As a licensed user who signs in once",
                "agent-user": "As a user of Entra Agent ID",
            },
            "mail",
            kind="OptionsGroup",
        ),
        info(
            "mailInfo",
            "The bridge sends each post from one shared mailbox to the group's address, and the group turns it into a "
            "conversation. After the deployment an Exchange administrator runs one script, which creates the mailbox "
            "and limits the bridge to it. No licence is needed below 50 GB.",
            "identity.md#managed-identity-and-the-channel-mail",
            visible=mail,
        ),
        text(
            "mailFrom",
            "Shared mailbox",
            "Address from which posts are sent. The script creates the mailbox if there is none.",
            placeholder="bridge@contoso.com",
            rule=ADDRESS,
            required=mail,
            visible=mail,
        ),
        info(
            "accountInfo",
            "A user of yours with an Exchange Online licence writes the posts, and does nothing else. After the "
            "deployment one script makes the app registration, and a person signs in once as that user.",
            "identity.md#service-account",
            visible=account,
        ),
        info(
            "agentInfo",
            "The user of an agent writes the posts. This needs Microsoft Agent 365, and nobody has reported yet that "
            "such a user may post into groups. After the deployment one script creates agent and user.",
            "identity.md#agent-user",
            visible=agent,
        ),
        *(
            text(name, label, f"{tip} Leave it empty until the script has printed it.", rule=rule, visible=visible)
            for name, label, tip, rule, visible in (
                ("appId", "Client id of the app registration", "To which the user signs in.", ID, account),
                ("blueprintId", "Client id of the blueprint", "The agent identity blueprint.", ID, agent),
                ("agentId", "Client id of the agent", "The agent identity.", ID, agent),
                ("agentUserId", "User of the agent", "Object id or user principal name.", ONE_LINE, agent),
            )
        ),
    ]
