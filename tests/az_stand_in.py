"""A strict stand-in for `az` for the tests of the administrator's scripts, with a directory in a JSON file.

It supports the commands, requests and queries of these scripts, and refuses all others. AZ_DIRECTORY names the file;
`new_directory` shows what it contains.
"""

import contextlib
import itertools
import json
import re
import shutil
import socketserver
import threading
from pathlib import Path
from urllib.parse import parse_qsl, urlsplit

GRAPH = "00000003-0000-0000-c000-000000000000"
TENANT = "7e000000-0000-4000-8000-000000000001"
# By the host of Graph: the name of the cloud in the Azure CLI, the host for sign-in, and the host of the issuer.
CLOUDS = {
    "graph.microsoft.com": ("AzureCloud", "login.microsoftonline.com", "login.microsoftonline.com"),
    "graph.microsoft.us": ("AzureUSGovernment", "login.microsoftonline.us", "login.microsoftonline.us"),
    "dod-graph.microsoft.us": ("AzureUSGovernment", "login.microsoftonline.us", "login.microsoftonline.us"),
    "microsoftgraph.chinacloudapi.cn": (
        "AzureChinaCloud",
        "login.chinacloudapi.cn",
        "login.partner.microsoftonline.cn",
    ),
}
_PARAMETERS = {
    "account show": "--subscription --query",
    "cloud show": "--query",
    "functionapp identity show": "--name --resource-group --subscription --query",
    "functionapp config appsettings set": "--name --resource-group --settings --subscription --query",
    "keyvault show": "--name --subscription --query",
    "role assignment list": "--assignee --role --scope --include-inherited --subscription --query",
    "role assignment create": "--assignee-object-id --assignee-principal-type --role --scope --subscription --query",
    "rest": "--method --url --resource --query --headers --body --skip-authorization-header",
}
_FLAGS = ("--include-inherited", "--skip-authorization-header", "--only-show-errors")
_PROGRAM = """\
#!{bash}
exec 3<>/dev/tcp/127.0.0.1/{port}
printf '%s\\0' "$#" "$AZ_DIRECTORY" "$@" >&3
read -r status <&3
IFS= read -r -d '' printed <&3
if [ "$status" = 0 ]; then printf %s "$printed"; else printf %s "$printed" >&2; fi
exit "$status"
"""
_ID = r"[\w()-]+"


class Refused(Exception):
    """An error that az prints before it exits with 1."""


def new_directory(**changes):
    """A tenant with apps, groups, users and a key vault, in which nothing is set up yet."""
    return {
        "account": ["admin@contoso.com", "user"],
        "subscription": "default",  # of az
        "subscriptions": {"default": TENANT, "azds": TENANT, "elsewhere": "another tenant"},
        "asked": [],  # the subscriptions of all calls so far
        "cloud_shell": None,
        "line_end": "\n",
        "cloud": "AzureCloud",
        "applications": {},
        "servicePrincipals": {
            "graph": {
                "appId": GRAPH,
                "servicePrincipalType": "Application",
                "alternativeNames": [],
                "appRoles": [
                    {"id": "role-conversation", "value": "Group-Conversation.ReadWrite.All"},
                    {"id": "role-members", "value": "GroupMember.Read.All"},
                ],
                "oauth2PermissionScopes": [
                    {"id": f"scope-{value}", "value": value}
                    for value in (
                        "Group-Conversation.ReadWrite.All",
                        "openid",
                        "profile",
                        "offline_access",
                        "Group.ReadWrite.All",
                    )
                ],
            },
            "system": _managed("system-app", "sites/bridge"),
            "assigned": _managed("assigned-app", "userAssignedIdentities/bridge"),
        },
        "users": {"sponsor@contoso.com": {"id": "sponsor"}, "service@contoso.com": {"id": "service"}},
        "groups": {
            "group-1": {"displayName": "Platform", "groupTypes": ["Unified"], "members": []},
            "security": {"displayName": "Admins", "groupTypes": [], "members": []},
        },
        "oauth2PermissionGrants": {},
        "apps": {
            "bridge": {"principalId": "system", "userAssignedIdentities": None},
            "assigned": {
                "principalId": None,
                "userAssignedIdentities": {"/id": {"clientId": "assigned-app", "principalId": "assigned"}},
            },
            "bare": {"principalId": None, "userAssignedIdentities": None},
        },
        "vaults": {"vault": {"id": "/vault", "uri": "https://vault.vault.azure.net/", "roles": True}},
        "roles": [],
        "writes": [],
        "late": 0,  # how many requests fail because a new object is not visible yet
        "refuse": "",  # the beginning of method and path of the requests that Graph refuses
        **changes,
    }


def _managed(app, name):
    return {
        "appId": app,
        "servicePrincipalType": "ManagedIdentity",
        "alternativeNames": ["isExplicit=True", f"/subscriptions/s/resourcegroups/r/providers/x/{name}"],
        "appRoleAssignments": [],
    }


class Az:
    """One call of az."""

    def __init__(self, directory):
        self.directory = directory

    def run(self, arguments):
        """The output of az."""
        command, given = _parsed(arguments)
        if not self.directory["account"] and command != "cloud show":
            raise Refused("ERROR: Please run 'az login' to setup account.")
        subscription = given.get("--subscription", self.directory["subscription"])
        if self.directory["subscription"] and "--subscription" in _PARAMETERS[command]:
            self.directory["asked"].append(subscription)
        result = {
            "account show": lambda: {
                "tenantId": _named(self.directory["subscriptions"], subscription),
                "user": {
                    **dict(zip(("name", "type"), self.directory["account"], strict=True)),
                    "cloudShellID": self.directory["cloud_shell"],
                },
            },
            "cloud show": lambda: {"name": self.directory["cloud"]},
            "functionapp identity show": lambda: _named(self.directory["apps"], given["--name"]),
            "functionapp config appsettings set": lambda: self._set(given),
            "keyvault show": lambda: self._vault(given),
            "role assignment list": lambda: self._roles(given),
            "role assignment create": lambda: self._give_role(given),
            "rest": lambda: self._rest(given),
        }[command]()
        return _tsv(queried(given["--query"], result)).replace("\n", self.directory["line_end"])

    def _set(self, given):
        _named(self.directory["apps"], given["--name"])["settings"] = given["--settings"]
        self.directory["writes"].append("appsettings set")
        return {"name": given["--name"]}

    def _vault(self, given):
        vault = _named(self.directory["vaults"], given["--name"])
        properties = {"vaultUri": vault["uri"], "enableRbacAuthorization": vault["roles"]}
        return {"id": vault["id"], "properties": properties}

    def _roles(self, given):
        wanted = [given["--assignee"], given["--role"], given["--scope"]]
        return [{"id": "assignment"}] if wanted in self.directory["roles"] else []

    def _give_role(self, given):
        if given["--assignee-principal-type"] != "ServicePrincipal":
            raise Refused("ERROR: wrong type")
        self.directory["roles"].append([given["--assignee-object-id"], given["--role"], given["--scope"]])
        self.directory["writes"].append("role assignment create")
        return {"id": "assignment"}

    def _rest(self, given):
        url = urlsplit(given["--url"])
        if "--skip-authorization-header" in given:
            hosts = {login: issuer for _, login, issuer in CLOUDS.values()}
            if url.path != f"/{TENANT}/v2.0/.well-known/openid-configuration" or url.hostname not in hosts:
                raise Refused(f"ERROR: Not Found({url.path})")
            return {"issuer": f"https://{hosts[url.hostname]}/{TENANT}/v2.0"}
        host = str(url.hostname)
        if CLOUDS.get(host, ("",))[0] != self.directory["cloud"] or given["--resource"] != f"https://{host}":
            raise Refused(f"ERROR: no token for {host}")
        if not url.path.startswith("/v1.0/"):
            raise Refused("ERROR: not v1.0")
        body = None
        if "--body" in given:
            body = json.loads(given["--body"])
            if given.get("--headers") != "OData-Version=4.0":
                raise Refused("ERROR: without OData-Version")
        return self._graph(given["--method"], url.path.removeprefix("/v1.0"), dict(parse_qsl(url.query)), body)

    def _graph(self, method, path, query, body):
        refuse = self.directory["refuse"]
        if refuse and f"{method} {path}".startswith(refuse):
            raise Refused(
                'ERROR: Forbidden({"error":{"code":"Authorization_RequestDenied","message":"No privileges"}})'
            )
        is_write = method != "get" and not path.endswith("/checkMemberGroups")
        if is_write and self.directory["writes"] and self.directory["late"]:
            self.directory["late"] -= 1
            raise Refused("ERROR: Bad Request(Object with id 5 not found.)")
        for wanted, pattern, answer in _REQUESTS:
            match = re.fullmatch(pattern, path)
            if match and method == wanted:
                result = answer(self.directory, query, body, *match.groups())
                break
        else:
            raise Refused(f"ERROR: Not Found({method} {path})")
        if is_write:
            self.directory["writes"].append(f"{method} {path}")
        return result


def _listed(kind, type_=None, need=()):
    """Answer a list request with the objects that match $filter."""

    def answer(directory, query, body):
        rows = [{"id": key, **row} for key, row in directory[kind].items() if type_ in (None, row.get("@type"))]
        match = re.fullmatch(r"(\w+) eq '([^']*)'", query.get("$filter", ""))
        if not match or match[1] not in need:
            raise Refused(f"ERROR: Bad Request(invalid filter {query.get('$filter')})")
        return {"value": [row for row in rows if row.get(match[1]) == match[2]]}

    return answer


def _made(kind, type_=None, need=(), **more):
    """Answer a request that creates an object with exactly these properties."""

    def answer(directory, query, body):
        if set(body) != set(need.split()):
            raise Refused(f"ERROR: Bad Request(properties {sorted(body)})")
        key = f"{kind}-{len(directory[kind])}"
        row = {**body, **more, "@type": type_}
        if kind == "applications":
            row |= {"appId": f"app-of-{key}", "federatedIdentityCredentials": []}
        directory[kind][key] = row
        return {"id": key, **row}

    return answer


def _got(kind):
    return lambda directory, query, body, key: {"id": key, **_named(directory[kind], key)}


def _patched(kind):
    def answer(directory, query, body, key):
        _named(directory[kind], key).update(body)

    return answer


def _application(directory, key, type_):
    """An application; credentials of blueprints have a path of their own."""
    application = _named(directory["applications"], key)
    if application.get("@type") != type_:
        raise Refused("ERROR: Bad Request(the path is not that of the type)")
    return application


def _credentials(type_):
    return lambda directory, query, body, key: {
        "value": _application(directory, key, type_)["federatedIdentityCredentials"]
    }


def _trusted(type_):
    def answer(directory, query, body, key):
        if set(body) != {"name", "issuer", "subject", "audiences"} or len(body["audiences"]) != 1:
            raise Refused("ERROR: Bad Request(credential)")
        _application(directory, key, type_)["federatedIdentityCredentials"].append(body)
        return {"id": "credential"}

    return answer


def _app_roles(directory, query, body, key):
    return {"value": _named(directory["servicePrincipals"], key)["appRoleAssignments"]}


def _granted(directory, query, body, key):
    if key != "graph" or set(body) != {"principalId", "resourceId", "appRoleId"} or body["resourceId"] != "graph":
        raise Refused("ERROR: Bad Request(assignment)")
    _named(directory["servicePrincipals"], body["principalId"])["appRoleAssignments"].append({"id": "grant", **body})
    return {"id": "grant"}


def _member_of(directory, query, body, user):
    return {"value": [group for group in body["groupIds"] if user in directory["groups"][group]["members"]]}


def _joined(directory, query, body, group):
    (link,) = body.values()
    _named(directory["groups"], group)["members"].append(link.rpartition("/directoryObjects/")[2])


_AGENT = "microsoft.graph.agentIdentity"
_BLUEPRINT = f"{_AGENT}Blueprint"
_USER = "microsoft.graph.agentUser"
_REQUESTS = (
    ("get", "/servicePrincipals", _listed("servicePrincipals", need=("appId",))),
    ("get", f"/servicePrincipals/{_AGENT}", _listed("servicePrincipals", _AGENT, ("displayName",))),
    ("get", f"/servicePrincipals/({_ID})", _got("servicePrincipals")),
    ("post", "/servicePrincipals", _made("servicePrincipals", need="appId")),
    ("post", f"/servicePrincipals/{_AGENT}BlueprintPrincipal", _made("servicePrincipals", need="appId")),
    (
        "post",
        f"/servicePrincipals/{_AGENT}",
        _made("servicePrincipals", _AGENT, "displayName agentIdentityBlueprintId sponsors@odata.bind"),
    ),
    ("get", f"/servicePrincipals/({_ID})/appRoleAssignments", _app_roles),
    ("post", f"/servicePrincipals/({_ID})/appRoleAssignedTo", _granted),
    ("get", "/applications", _listed("applications", need=("displayName",))),
    ("get", f"/applications/{_AGENT}Blueprint", _listed("applications", _AGENT + "Blueprint", ("displayName",))),
    ("get", f"/applications/({_ID})", _got("applications")),
    ("patch", f"/applications/({_ID})", _patched("applications")),
    ("post", "/applications", _made("applications", need="displayName signInAudience web requiredResourceAccess")),
    (
        "post",
        f"/applications/{_AGENT}Blueprint",
        _made("applications", _AGENT + "Blueprint", "displayName sponsors@odata.bind"),
    ),
    ("get", f"/applications/({_ID})/federatedIdentityCredentials", _credentials(None)),
    ("post", f"/applications/({_ID})/federatedIdentityCredentials", _trusted(None)),
    (
        "get",
        f"/applications/({_ID})/{_AGENT}Blueprint/federatedIdentityCredentials",
        _credentials(_AGENT + "Blueprint"),
    ),
    ("post", f"/applications/({_ID})/{_AGENT}Blueprint/federatedIdentityCredentials", _trusted(_AGENT + "Blueprint")),
    ("get", f"/users/{_USER}", _listed("users", _USER, ("userPrincipalName",))),
    (
        "post",
        f"/users/{_USER}",
        _made("users", _USER, "displayName userPrincipalName mailNickname accountEnabled identityParentId"),
    ),
    ("post", f"/users/({_ID})/checkMemberGroups", _member_of),
    ("get", r"/users/([\w.@-]+)", lambda directory, query, body, key: _named(directory["users"], key)),
    ("get", "/oauth2PermissionGrants", _listed("oauth2PermissionGrants", need=("clientId",))),
    (
        "post",
        "/oauth2PermissionGrants",
        _made("oauth2PermissionGrants", need="clientId consentType principalId resourceId scope"),
    ),
    ("patch", f"/oauth2PermissionGrants/({_ID})", _patched("oauth2PermissionGrants")),
    ("get", f"/groups/({_ID})", _got("groups")),
    ("post", rf"/groups/({_ID})/members/\$ref", _joined),
)


def queried(query, data):
    """The result of a query: JMESPath, as far as the scripts use it."""
    for pattern, find in _QUERIES:
        match = re.fullmatch(pattern, query)
        if match:
            return find(data, *match.groups())
    raise Refused(f"ERROR: argument --query: invalid jmespath_type value: {query!r}")


def _at(data, path):
    for name in path.split("."):
        data = data.get(name) if isinstance(data, dict) else None
    return data


def _equal(row, conditions):
    return all(row.get(name) == value for name, value in re.findall(r"(\w+)\s*==\s*'([^']*)'", conditions))


def _flat(rows, names):
    return [_at(row, name) for row in rows for name in names.split(",")]


_QUERIES = (
    (r"([\w.]+)", _at),
    (r"\[([\w.,]+)\]", lambda data, names: [_at(data, name) for name in names.split(",")]),
    (r"\[0\]\.(\w+)", lambda data, name: data[0][name] if data else None),
    (r"value\[0\]", lambda data: next(iter(data["value"]), None)),
    (r"value\[0\]\.(\w+)", lambda data, name: data["value"][0][name] if data["value"] else None),
    (r"value\[\]\.\[([\w,]+)\] \| \[\]", lambda data, names: _flat(data["value"], names)),
    (
        r"value\[\?([^|]+)\]\.\[([\w,]+)\] \| \[\]",
        lambda data, conditions, names: _flat([row for row in data["value"] if _equal(row, conditions)], names),
    ),
    (
        r"(\w+)\[\?([^|]+)\]\.(\w+) \| \[0\]",
        lambda data, key, conditions, name: next((row[name] for row in data[key] if _equal(row, conditions)), None),
    ),
    (
        r"oauth2PermissionScopes\[\?(.+)\]\.id",
        lambda data, conditions: [
            row["id"]
            for row in data["oauth2PermissionScopes"]
            if any(_equal(row, condition) for condition in conditions.split("||"))
        ],
    ),
    (
        r"userAssignedIdentities\.\*\.\[clientId,principalId\] \| \[\]",
        lambda data: _flat((data["userAssignedIdentities"] or {}).values(), "clientId,principalId"),
    ),
    (
        r"\[displayName,contains\(groupTypes,'Unified'\)\]",
        lambda data: [data["displayName"], "Unified" in data["groupTypes"]],
    ),
    (
        r"\[servicePrincipalType,appId,contains\(join\(' ',alternativeNames\),'/userAssignedIdentities/'\)\]",
        lambda data: [
            data["servicePrincipalType"],
            data["appId"],
            "/userAssignedIdentities/" in " ".join(data["alternativeNames"]),
        ],
    ),
)


def _tsv(result):
    if result is None:
        return ""
    rows = result if isinstance(result, list) else [result]
    return "".join(f"{str(row).lower() if isinstance(row, bool) else row}\n" for row in rows)


def _named(objects, name):
    if name not in objects:
        raise Refused(f"ERROR: Not Found(Resource '{name}' does not exist)")
    return objects[name]


def _parsed(arguments):
    words = [argument for argument in arguments if not argument.startswith("-")]
    command = next((name for name in _PARAMETERS if words[: len(name.split())] == name.split()), None)
    if command is None:
        raise Refused(f"ERROR: '{' '.join(words[:2])}' is misspelled or not recognized by the system.")
    given, rest = {}, arguments[len(command.split()) :]
    while rest:
        name = rest.pop(0)
        if name not in (*_PARAMETERS[command].split(), "--output", "--only-show-errors") or name in given:
            raise Refused(f"ERROR: unrecognized arguments: {name}")
        if name == "--settings":
            several = list(itertools.takewhile(lambda word: not word.startswith("--"), rest))
            given[name], rest = several, rest[len(several) :]
        else:
            given[name] = "" if name in _FLAGS else rest.pop(0)
    if given.get("--output") != "tsv" or "--query" not in given:
        raise Refused("ERROR: the scripts only read tsv, from a query")
    return command, given


def _call(file, arguments):
    """Answer one call of az over the directory in the file: the exit status, and what az prints."""
    directory = json.loads(file.read_text("utf-8"))
    try:
        return 0, Az(directory).run(arguments)
    except Refused as refused:
        return 1, f"{refused}\n"
    finally:
        file.write_text(json.dumps(directory), "utf-8")


class _Caller(socketserver.StreamRequestHandler):
    """Answers PROGRAM: the number of arguments, the directory and the arguments come in, each ended by NUL."""

    def handle(self):
        number, file = self._until_nul(), self._until_nul()
        arguments = [self._until_nul() for _ in range(int(number))]
        status, printed = _call(Path(file), arguments)
        self.wfile.write(f"{status}\n{printed}".encode())

    def _until_nul(self):
        return b"".join(iter(lambda: self.rfile.read(1).rstrip(b"\0"), b"")).decode()


@contextlib.contextmanager
def serving():
    """Serve calls, and give the text of a program `az` that makes them. A Python for each of them would take long."""
    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), _Caller) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
        thread.start()
        try:
            yield _PROGRAM.format(bash=shutil.which("bash"), port=server.server_address[1])
        finally:
            server.shutdown()
            thread.join()
