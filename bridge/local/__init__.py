"""The bridge on one machine: the functions host, a stand-in for Microsoft Graph, and the page that shows both."""
