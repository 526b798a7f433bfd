"""A process that starts as a worker does, and answers one webhook: its headers and body are on standard input."""

import json
import sys
from types import SimpleNamespace

import azure.functions as func

import function_app

CONTEXT = SimpleNamespace(trace_context=SimpleNamespace(trace_parent=""))


class Messages(func.Out):
    def set(self, val):
        self.messages = val

    def get(self):
        return self.messages


def main() -> None:
    given = json.load(sys.stdin)
    functions = {function.get_function_name(): function for function in function_app.app.get_functions()}
    request = func.HttpRequest(
        "POST", "/api/webhooks/github", headers=given["headers"], params={}, body=given["body"].encode()
    )
    out = Messages()
    answer = functions["webhook_github"].get_user_function()(request, out, CONTEXT)
    assert answer.status_code == 202
    assert out.get()


if __name__ == "__main__":
    main()
