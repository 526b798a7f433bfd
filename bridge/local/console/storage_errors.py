"""Why a storage account cannot be read or written by a person, and the command that helps."""

from dataclasses import dataclass

from azure.core.exceptions import (
    AzureError,
    ClientAuthenticationError,
    HttpResponseError,
    ResourceNotFoundError,
    ServiceRequestError,
)

from bridge.errors import redacted_line

# By the beginnings of the addresses of a storage account: the roles for reading and for writing.
_ROLES = {
    "table": ("Storage Table Data Reader", "Storage Table Data Contributor"),
    "queue": ("Storage Queue Data Reader", "Storage Queue Data Contributor"),
    "blob": ("Storage Blob Data Reader", "Storage Blob Data Reader"),
}
_GRANT = (
    'az role assignment create --assignee-object-id {person} --assignee-principal-type {kind} --role "{role}"'
    ' --scope "$(az storage account show --name {account} --query id --output tsv)"'
)


@dataclass(frozen=True)
class Explainer:
    """Explains what storage raises.

    account: its name. person: the object id of the one who is signed in. kind: `User` or `ServicePrincipal`. writes:
    whether the page may write.
    """

    account: str
    person: str = "<object id>"
    kind: str = "User"
    writes: bool = False

    def explain(self, error: Exception) -> str:
        """What is wrong, and what helps."""
        status = error.status_code if isinstance(error, HttpResponseError) else None
        code = str(getattr(error, "error_code", "") or "").rpartition(".")[2]
        if status == 403 and code in ("AuthorizationFailure", "AUTHORIZATION_FAILURE"):
            return self._closed()
        if status == 403:
            return self._no_role(error)
        if isinstance(error, ClientAuthenticationError):
            return nobody_signed_in(error)
        if isinstance(error, ResourceNotFoundError):
            return (
                f"The storage account {self.account} has no table of the bridge: check that it is the app's, and that"
                " the app has received its first webhook."
            )
        if isinstance(error, ServiceRequestError):
            return (
                f"The storage account {self.account} is not found from here: its name is wrong, or it has only private"
                " endpoints. In that case start the console in the virtual network, or through a VPN into it."
            )
        name = type(error).__name__
        return f"The storage account {self.account} cannot be used: {name}: {redacted_line(_first_line(error))}"

    def _closed(self) -> str:
        return (
            f"The storage account {self.account} takes no requests from this network. Start the console in the app's"
            " virtual network, or through a VPN into it; or, if the account is open to selected networks, add yours:"
            f" az storage account network-rule add --account-name {self.account} --ip-address <your address>"
        )

    def _no_role(self, error: Exception) -> str:
        roles = [pair[self.writes] for pair in self._services(error)]
        commands = [
            _GRANT.format(person=self.person, kind=self.kind, role=role, account=self.account) for role in roles
        ]
        names = " and ".join(roles)
        return f"It takes the role {names} on {self.account}, some minutes after this: {'; '.join(commands)}"

    def _services(self, error: Exception) -> list[tuple[str, str]]:
        """The roles of the service that refused, or of those that the page needs if the error does not say which."""
        response = getattr(error, "response", None)
        host = str(getattr(getattr(response, "request", None), "url", "")).partition("/")[2]
        named = [pair for service, pair in _ROLES.items() if f".{service}." in host]
        return named or [_ROLES["table"], *([_ROLES["queue"]] if self.writes else [])]


def nobody_signed_in(error: AzureError) -> str:
    """What to do if there is no token, with what Azure CLI says, if it was asked."""
    lines = [line.strip() for line in str(error.message).splitlines()]
    asked = next((line for line in lines if line.startswith("AzureCliCredential: ")), _first_line(error))
    return f"Nobody is signed in: run `az login`. ({redacted_line(asked.removeprefix('AzureCliCredential: '))})"


def _first_line(error: Exception) -> str:
    text = error.message if isinstance(error, AzureError) else str(error)
    return (str(text).strip().splitlines() or [""])[0]
