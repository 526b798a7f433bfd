"""Resolves an ARM template: its parameters, variables and resources, as a deployment would.

Only the functions that the template uses; another one is an error.
https://learn.microsoft.com/azure/azure-resource-manager/templates/template-functions
"""

import base64
import hashlib
import ipaddress
import json
import re
import uuid
from dataclasses import dataclass, field

SUBSCRIPTION = "11111111-1111-4111-8111-111111111111"
GROUP = f"/subscriptions/{SUBSCRIPTION}/resourceGroups/rg-bridge"
_TOKEN = re.compile(r"\s*(?:(?P<name>[A-Za-z]\w*)|(?P<number>-?\d+)|(?P<text>'(?:[^']|'')*')|(?P<sign>[(),.\[\]]))")


@dataclass(frozen=True)
class Azure:
    """Where it is deployed, and by whom. principal: of the managed identity."""

    location: str = "westeurope"
    principal: str = "aaaaaaaa-0000-4000-8000-000000000001"
    deployer: str = "dddddddd-0000-4000-8000-000000000001"
    cloud: str = "AzureCloud"
    month: str = "2026-11-01"


@dataclass
class Resource:
    """One resource of a deployment. needs: the symbolic names it waits for, in its own template."""

    symbol: str
    type: str
    version: str
    name: str
    id: str
    body: dict
    needs: set = field(default_factory=set)


class Template:
    """A template with values for its parameters."""

    def __init__(self, document, values, azure=None, parent=None):
        self.document, self.azure, self.parent = document, azure or Azure(), parent
        unknown = set(values) - set(document.get("parameters", {}))
        assert not unknown, f"no such parameters: {unknown}"
        self._values, self._known, self._copy, self._lambda = dict(values), {}, [], {}
        self._references = set()

    def parameter(self, name):
        declared = self.document["parameters"][name]
        if name not in self._values:
            assert "defaultValue" in declared, f"{name} has no value"
            self._values[name] = self.resolve(declared["defaultValue"])
        value = self._values[name]
        kinds = {"int": int, "bool": bool, "array": list, "object": dict, "secureobject": dict}
        assert isinstance(value, kinds.get(declared["type"].lower(), str)), (name, value)
        assert value in declared.get("allowedValues", [value]), (name, value)
        return value

    def variable(self, name):
        if name not in self._known:
            self._known[name] = self.resolve(self.document["variables"][name])
        return self._known[name]

    def resolve(self, value):
        """The value without expressions."""
        if isinstance(value, dict):
            return {self.resolve(name): self.resolve(inner) for name, inner in value.items()}
        if isinstance(value, list):
            return [self.resolve(inner) for inner in value]
        if isinstance(value, str) and value.startswith("[") and value.endswith("]") and not value.startswith("[["):
            return self._evaluated(_parsed(value[1:-1]))
        return value

    def resources(self):
        """Every resource that is deployed, also of nested deployments."""
        declared = self.document["resources"]
        pairs = declared.items() if isinstance(declared, dict) else ((str(n), r) for n, r in enumerate(declared))
        for symbol, resource in pairs:
            for index in range(self.resolve(resource["copy"]["count"]) if "copy" in resource else 1):
                self._copy.append(index)
                # A condition is looked at first; what it leaves out is not resolved.
                if self.resolve(resource.get("condition", True)):
                    yield from self._resource(symbol, resource)
                self._copy.pop()

    def _resource(self, symbol, resource):
        kind, name = resource["type"], self.resolve(resource["name"])
        self._references = set()
        if kind == "Microsoft.Resources/deployments":
            properties = resource["properties"]
            values = {key: self.resolve(inner["value"]) for key, inner in properties["parameters"].items()}
            nested = Template(properties["template"], values, self.azure, self)
            needs = set(resource.get("dependsOn", ())) | self._references
            yield Resource(symbol, kind, resource["apiVersion"], name, _id(GROUP, kind, name), {}, needs)
            for inner in nested.resources():
                inner.needs = needs
                inner.symbol = f"{symbol}/{inner.symbol}"
                yield inner
            return
        left_out = ("copy", "condition", "dependsOn", "name", "type", "apiVersion")
        body = {key: self.resolve(inner) for key, inner in resource.items() if key not in left_out}
        needs = set(resource.get("dependsOn", ())) | self._references
        scope = body.get("scope", GROUP)
        yield Resource(symbol, kind, resource["apiVersion"], name, _id(scope, kind, name), body, needs)

    def outputs(self):
        found = {}
        for name, output in self.document["outputs"].items():
            if "copy" not in output:
                found[name] = self.resolve(output["value"])
                continue
            found[name] = []
            for index in range(self.resolve(output["copy"]["count"])):
                self._copy.append(index)
                found[name].append(self.resolve(output["copy"]["input"]))
                self._copy.pop()
        return found

    # Expressions.

    def _evaluated(self, node):
        kind, *rest = node
        if kind == "value":
            return rest[0]
        if kind == "member":
            return self._evaluated(rest[0])[rest[1]]
        if kind == "index":
            return self._evaluated(rest[0])[self._evaluated(rest[1])]
        name, arguments = rest
        if name == "if":
            return self._evaluated(arguments[1 if self._evaluated(arguments[0]) else 2])
        if name == "lambda":
            return arguments[0][1], arguments[1]
        return getattr(self, f"_{name.lower()}")(*(self._evaluated(argument) for argument in arguments))

    def _called(self, function, value):
        variable, body = function
        before = self._lambda.get(variable)
        self._lambda[variable] = value
        try:
            return self._evaluated(body)
        finally:
            self._lambda[variable] = before

    def _parameters(self, name):
        return self.parameter(name)

    def _variables(self, name):
        return self.variable(name)

    def _lambdavariables(self, name):
        return self._lambda[name]

    def _copyindex(self):
        return self._copy[-1]

    def _reference(self, symbol):
        self._references.add(symbol)
        assert symbol in self.document["resources"], symbol
        return {
            "principalId": self.azure.principal,
            "clientId": "cccccccc-0000-4000-8000-000000000001",
            "ConnectionString": "InstrumentationKey=0",
            "defaultHostName": "app.azurewebsites.net",
        }

    def _resourceid(self, kind, *names):
        return _id(GROUP, kind, "/".join(names))

    def _subscriptionresourceid(self, kind, *names):
        return _id(f"/subscriptions/{SUBSCRIPTION}", kind, "/".join(names))

    def _subscription(self):
        return {"id": f"/subscriptions/{SUBSCRIPTION}", "subscriptionId": SUBSCRIPTION}

    def _resourcegroup(self):
        return {"id": GROUP, "name": "rg-bridge", "location": self.azure.location}

    def _tenant(self):
        return {"tenantId": "7e000000-0000-4000-8000-000000000001"}

    def _deployer(self):
        return {"objectId": self.azure.deployer}

    def _environment(self):
        suffixes = {
            "AzureCloud": {"storage": "core.windows.net", "keyvaultDns": ".vault.azure.net"},
            "AzureUSGovernment": {"storage": "core.usgovcloudapi.net", "keyvaultDns": ".vault.usgovcloudapi.net"},
            "AzureChinaCloud": {"storage": "core.chinacloudapi.cn", "keyvaultDns": ".vault.azure.cn"},
        }
        return {"name": self.azure.cloud, "suffixes": suffixes[self.azure.cloud]}

    def _newguid(self):
        return str(uuid.uuid4())

    def _utcnow(self, form):
        assert form == "yyyy-MM-01"
        return self.azure.month

    def _uniquestring(self, *texts):
        return base64.b32encode(hashlib.sha256("|".join(texts).encode()).digest()).decode().lower()[:13]

    def _guid(self, *texts):
        return str(uuid.uuid5(uuid.NAMESPACE_URL, "|".join(texts)))

    def _format(self, pattern, *values):
        return re.sub(r"\{(\d+)\}", lambda match: str(values[int(match[1])]), pattern)

    def _concat(self, first, *others):
        return (
            [*first, *(item for other in others for item in other)]
            if isinstance(first, list)
            else first + "".join(others)
        )

    def _union(self, first, *others):
        if isinstance(first, dict):
            return {name: value for each in (first, *others) for name, value in each.items()}
        return list(dict.fromkeys(item for each in (first, *others) for item in each))

    def _items(self, value):
        return [{"key": name, "value": value[name]} for name in sorted(value)]

    def _map(self, values, function):
        return [self._called(function, value) for value in values]

    def _filter(self, values, function):
        return [value for value in values if self._called(function, value)]

    def _toobject(self, values, key, value):
        return {self._called(key, one): self._called(value, one) for one in values}

    def _createobject(self, *pairs):
        return dict(zip(pairs[::2], pairs[1::2], strict=True))

    def _createarray(self, *values):
        return list(values)

    def _and(self, *values):
        return all(values)

    def _or(self, *values):
        return any(values)

    def _not(self, value):
        return not value

    def _equals(self, one, other):
        return one == other

    def _greater(self, one, other):
        return one > other

    def _add(self, one, other):
        return one + other

    def _div(self, one, other):
        return one // other

    def _max(self, *values):
        return max(values)

    def _empty(self, value):
        return not value

    def _length(self, value):
        return len(value)

    def _contains(self, container, value):
        return value in container

    def _startswith(self, text, start):
        return text.lower().startswith(start.lower())

    def _replace(self, text, old, new):
        return text.replace(old, new)

    def _split(self, text, sign):
        return text.split(sign)

    def _substring(self, text, start, length):
        assert start + length <= len(text), text
        return text[start : start + length]

    def _tolower(self, text):
        return text.lower()

    def _toupper(self, text):
        return text.upper()

    def _string(self, value):
        return value if isinstance(value, str) else json.dumps(value)

    def _null(self):
        return None

    def _cidrsubnet(self, network, prefix, index):
        return str(list(ipaddress.ip_network(network).subnets(new_prefix=prefix))[index])


def _id(scope, kind, name):
    namespace, *kinds = kind.split("/")
    names = name.split("/")
    assert len(kinds) == len(names), (kind, name)
    return f"{scope}/providers/{namespace}/" + "/".join(f"{k}/{n}" for k, n in zip(kinds, names, strict=True))


def _parsed(code):
    tokens, at = [], 0
    while at < len(code.rstrip()):
        match = _TOKEN.match(code, at)
        assert match, f"{code[at:]!r} in {code!r}"
        tokens.append((match.lastgroup, match[match.lastgroup]))
        at = match.end()
    node, rest = _expression(tokens)
    assert not rest, code
    return node


def _expression(tokens):
    (kind, text), tokens = tokens[0], tokens[1:]
    if kind == "text":
        node = ("value", text[1:-1].replace("''", "'"))
    elif kind == "number":
        node = ("value", int(text))
    else:
        assert kind == "name", text
        assert tokens[0] == ("sign", "("), text
        arguments, tokens = [], tokens[1:]
        while tokens[0] != ("sign", ")"):
            argument, tokens = _expression(tokens)
            arguments.append(argument)
            tokens = tokens[1:] if tokens[0] == ("sign", ",") else tokens
        node, tokens = ("call", text, arguments), tokens[1:]
    while tokens and tokens[0] in (("sign", "."), ("sign", "[")):
        if tokens[0][1] == ".":
            node, tokens = ("member", node, tokens[1][1]), tokens[2:]
        else:
            inner, tokens = _expression(tokens[1:])
            assert tokens[0] == ("sign", "]")
            node, tokens = ("index", node, inner), tokens[1:]
    return node, tokens
