"""The local host runs functions as the Azure Functions host does."""

import asyncio
import contextlib
import logging
import threading
import time
from datetime import UTC, datetime
from functools import partial

import azure.functions as func
import pytest
import requests
from starlette.applications import Starlette

from bridge.errors import CommandError
from bridge.files import ROOT
from bridge.local import config
from bridge.local.config import QueueOptions
from bridge.local.host.functions import TimerFunction, index
from bridge.local.host.host import Host
from bridge.local.host.http_functions import MAX_BODY
from bridge.local.host.queue_functions import GRACE
from bridge.local.host.timers import next_run, run_timer
from bridge.local.serving import listen
from bridge.outbox.sqlite_queue import SqliteQueue
from tests.graph_servers import in_thread

PATIENCE = 20.0
SOON = QueueOptions(batch_size=2, max_dequeue_count=3, visibility_timeout=0.0, max_polling_interval=60.0)


@contextlib.contextmanager
def hosting(app, path, options=SOON, lease=30.0):
    """Serve the functions of the app; yield the address."""
    host = Host(app, partial(SqliteQueue, path / "queue.sqlite"), options, lease)

    @contextlib.asynccontextmanager
    async def lifespan(_):
        async with host.running():
            yield

    with listen(0) as listener, in_thread(Starlette(routes=host.routes(), lifespan=lifespan), listener) as address:
        yield address


def wait_until(condition):
    deadline = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def http_app(answer=None, **route):
    """An app with one HTTP function, which answers with what it received."""
    app = func.FunctionApp()

    def echo(req: func.HttpRequest) -> func.HttpResponse:
        received = req.method, dict(req.params), req.headers.get("X-Two"), len(req.get_body()), dict(req.route_params)
        return func.HttpResponse(repr(received), headers={"X-Own": "1"})

    app.function_name("echo")(app.route(**route)(answer or echo))
    return app


def test_a_function_receives_the_whole_request(tmp_path):
    with hosting(http_app(route="items/{id}", auth_level=func.AuthLevel.ANONYMOUS), tmp_path) as address:
        answer = requests.put(f"{address}/api/items/7", b"abc", params={"a": "1"}, headers={"X-Two": "x"}, timeout=9)
    assert (answer.status_code, answer.headers["X-Own"]) == (200, "1")
    assert answer.headers["Content-Type"] == "text/plain; charset=utf-8"
    assert answer.text == repr(("PUT", {"a": "1"}, "x", 3, {"id": "7"}))


def test_a_functions_default_route_is_its_name_and_a_wrong_method_is_404(tmp_path):
    with hosting(http_app(methods=["POST"], auth_level=func.AuthLevel.ANONYMOUS), tmp_path) as address:
        assert requests.post(f"{address}/api/echo", timeout=9).status_code == 200
        assert requests.get(f"{address}/api/echo", timeout=9).status_code == 404
        assert requests.post(f"{address}/echo", timeout=9).status_code == 404


@pytest.mark.parametrize(
    ("request_options", "status"),
    [
        ({}, 401),
        ({"params": {"code": "wrong"}}, 401),
        ({"params": {"code": "ключ"}}, 401),
        ({"params": {"code": "local"}}, 200),
        ({"headers": {"x-functions-key": "local"}}, 200),
    ],
)
def test_the_function_key_is_required(tmp_path, request_options, status):
    with hosting(http_app(route="echo"), tmp_path) as address:
        assert requests.get(f"{address}/api/echo", **request_options, timeout=9).status_code == status


def test_a_body_over_the_hosts_limit_is_413(tmp_path):
    with hosting(http_app(route="echo", auth_level=func.AuthLevel.ANONYMOUS), tmp_path) as address:
        assert requests.post(f"{address}/api/echo", bytes(MAX_BODY + 1), timeout=60).status_code == 413


def test_a_failing_function_is_500_and_the_reason_is_logged(tmp_path, caplog):
    def fail(req: func.HttpRequest) -> func.HttpResponse:
        raise ZeroDivisionError

    with hosting(http_app(fail, route="fail", auth_level=func.AuthLevel.ANONYMOUS), tmp_path) as address:
        assert requests.get(f"{address}/api/fail", timeout=9).status_code == 500
    assert "The function echo failed" in caplog.text
    assert "ZeroDivisionError" in caplog.text


class Pipe:
    """An app whose HTTP function puts messages into a queue, and whose queue function calls `run` for each."""

    def __init__(self, run):
        self.app = func.FunctionApp()
        self.received = []
        self.ids = []

        def put(req: func.HttpRequest, out: func.Out[list]) -> func.HttpResponse:
            out.set(req.get_body().decode().split())
            return func.HttpResponse(status_code=202)

        def take(message: func.QueueMessage) -> None:
            self.received.append((message.get_body().decode(), message.dequeue_count))
            self.ids.append((message.id, message.pop_receipt))
            run(message)

        put = self.app.queue_output(arg_name="out", queue_name="items", connection="AzureWebJobsStorage")(put)
        route = self.app.route("put", auth_level=func.AuthLevel.ANONYMOUS)
        self.app.function_name("put")(route(put))
        trigger = self.app.queue_trigger(arg_name="message", queue_name="items", connection="AzureWebJobsStorage")
        self.app.function_name("take")(trigger(take))


def put(address, text):
    assert requests.post(f"{address}/api/put", text.encode(), timeout=9).status_code == 202


def test_messages_go_from_an_output_to_the_function_of_their_queue(tmp_path):
    pipe = Pipe(lambda _: None)
    with hosting(pipe.app, tmp_path) as address:
        put(address, "a b")
        wait_until(lambda: len(pipe.received) == 2)
    assert sorted(pipe.received) == [("a", 1), ("b", 1)]
    assert all(all(pair) for pair in pipe.ids)


def test_no_more_functions_run_at_once_than_the_batch_size(tmp_path):
    gate, running, most = threading.Semaphore(0), [], []

    def run(message):
        running.append(message)
        most.append(len(running))
        gate.acquire()
        running.pop()

    pipe = Pipe(run)
    with hosting(pipe.app, tmp_path) as address:
        put(address, "a b c d e")
        for done in range(2, 6):
            wait_until(lambda done=done: len(pipe.received) >= done)
            gate.release()
        gate.release()
    assert max(most) == 2
    assert len(pipe.received) == 5


def test_a_message_whose_function_keeps_failing_becomes_poison(tmp_path, caplog):
    def run(message):
        raise ZeroDivisionError

    pipe = Pipe(run)
    with (
        contextlib.closing(SqliteQueue(tmp_path / "queue.sqlite", "items")) as queue,
        hosting(pipe.app, tmp_path) as address,
    ):
        put(address, "a")
        wait_until(queue.poisoned)
        assert [message.body for message in queue.poisoned()] == ["a"]
    assert pipe.received == [("a", 1), ("a", 2), ("a", 3)]
    assert "The function take failed" in caplog.text


def test_a_function_that_outlasts_its_lease_runs_once(tmp_path):
    pipe = Pipe(lambda _: time.sleep(1.0))
    with (
        contextlib.closing(SqliteQueue(tmp_path / "queue.sqlite", "items")) as queue,
        hosting(pipe.app, tmp_path, lease=0.3) as address,
    ):
        put(address, "a")
        wait_until(lambda: pipe.received and queue.next_visible() is None)
    assert pipe.received == [("a", 1)]


def test_a_function_that_takes_long_holds_up_no_other(tmp_path):
    gate = threading.Event()
    pipe = Pipe(lambda message: message.get_body() == b"a" and gate.wait(PATIENCE))
    with hosting(pipe.app, tmp_path) as address:
        put(address, "a b c")
        wait_until(lambda: len(pipe.received) == 3)
        gate.set()
    assert sorted(pipe.received) == [("a", 1), ("b", 1), ("c", 1)]


def test_the_host_ends_at_once_though_a_function_runs_and_its_message_comes_again(tmp_path):
    gate = threading.Event()
    pipe = Pipe(lambda _: gate.wait(PATIENCE))
    options = QueueOptions(batch_size=1)
    with hosting(pipe.app, tmp_path, options, lease=0.5) as address:
        put(address, "a b")
        wait_until(lambda: pipe.received)
        ends = time.monotonic()
    assert time.monotonic() - ends < GRACE + 1.5
    gate.set()
    again = Pipe(lambda _: None)
    with hosting(again.app, tmp_path):
        wait_until(lambda: len(again.received) == 2)
    assert {body for body, _ in again.received} == {"a", "b"}


def test_messages_are_removed_together_with_what_is_taken_next(tmp_path):
    pipe = Pipe(lambda _: None)
    with contextlib.closing(SqliteQueue(tmp_path / "queue.sqlite", "items")) as queue:
        queue.put_all([str(number) for number in range(40)])
    writes = []

    class Counted(SqliteQueue):
        def exchange(self, done, lease, most):
            writes.append((len(done), most))
            return super().exchange(done, lease, most)

    host = Host(pipe.app, partial(Counted, tmp_path / "queue.sqlite"), QueueOptions(batch_size=10))

    async def run():
        async with host.running():
            await asyncio.to_thread(wait_until, lambda: len(pipe.received) == 40)

    asyncio.run(run())
    assert sum(done for done, _ in writes) == 40
    assert len([done for done, _ in writes if done]) <= 12


def test_messages_survive_a_restart_of_the_host(tmp_path):
    pipe = Pipe(lambda _: None)
    with contextlib.closing(SqliteQueue(tmp_path / "queue.sqlite", "items")) as queue:
        queue.put("a")
    with hosting(pipe.app, tmp_path):
        wait_until(lambda: pipe.received)
    assert pipe.received == [("a", 1)]


def test_an_unreadable_queue_is_logged_and_tried_again(tmp_path, caplog):
    pipe = Pipe(lambda _: None)
    with hosting(pipe.app, tmp_path, QueueOptions(max_polling_interval=0.05)) as address:
        with contextlib.closing(SqliteQueue(tmp_path / "queue.sqlite", "items")) as queue:
            queue._file.connection.execute("ALTER TABLE message RENAME TO moved")
            wait_until(lambda: "The queue cannot be read" in caplog.text)
            queue._file.connection.execute("ALTER TABLE moved RENAME TO message")
        put(address, "a")
        wait_until(lambda: pipe.received)


def test_an_asynchronous_function_runs(tmp_path):
    async def answer(req: func.HttpRequest) -> func.HttpResponse:
        await asyncio.sleep(0)
        return func.HttpResponse("done")

    with hosting(http_app(answer, route="wait", auth_level=func.AuthLevel.ANONYMOUS), tmp_path) as address:
        assert requests.get(f"{address}/api/wait", timeout=9).text == "done"


def test_an_unsupported_trigger_is_named():
    app = func.FunctionApp()

    def look(file: func.InputStream) -> None: ...

    app.function_name("look")(app.blob_trigger(arg_name="file", path="a/b", connection="AzureWebJobsStorage")(look))
    with pytest.raises(ValueError, match=r"look has a trigger that this host does not support: blobTrigger\."):
        index(app)


NOON = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)  # a Monday


@pytest.mark.parametrize(
    ("schedule", "expected"),
    [
        ("* * * * * *", datetime(2026, 11, 23, 12, 0, 1, tzinfo=UTC)),
        ("0 */5 * * * *", datetime(2026, 11, 23, 12, 5, tzinfo=UTC)),
        ("30 0 12 * * *", datetime(2026, 11, 23, 12, 0, 30, tzinfo=UTC)),
        ("0 0 12 * * *", datetime(2026, 11, 24, 12, 0, tzinfo=UTC)),
        ("0 15,45 3 * * *", datetime(2026, 11, 24, 3, 15, tzinfo=UTC)),
        ("0 0 0 1 1 *", datetime(2027, 1, 1, tzinfo=UTC)),
        ("0 0 0 * * 0", datetime(2026, 11, 29, tzinfo=UTC)),
        ("0 0 0 29 2 *", datetime(2028, 2, 29, tzinfo=UTC)),
    ],
)
def test_the_next_run_of_a_schedule(schedule, expected):
    assert next_run(schedule, NOON) == expected


@pytest.mark.parametrize("schedule", ["* * * * *", "61 * * * * *", "a * * * * *", "0 0 0 31 2 *"])
def test_an_invalid_schedule_is_refused(schedule):
    with pytest.raises(ValueError, match=r".+"):
        next_run(schedule, NOON)


def test_a_timer_runs_again_after_a_failure(caplog):
    runs = []

    def run(timer: func.TimerRequest) -> None:
        runs.append(timer.past_due)
        raise ZeroDivisionError

    async def twice():
        enough = asyncio.Event()
        timer = asyncio.create_task(
            run_timer(
                TimerFunction("tick", "* * * * * *", "timer", run), lambda: enough.set() if len(runs) == 2 else None
            )
        )
        await asyncio.wait_for(enough.wait(), PATIENCE)
        timer.cancel()

    caplog.set_level(logging.ERROR)
    asyncio.run(twice())
    assert runs == [False, False]
    assert caplog.text.count("The function tick failed") == 2


def test_queue_options_are_read_from_host_json(tmp_path):
    (tmp_path / "host.json").write_text(
        '{"version": "2.0", "extensions": {"queues": {"batchSize": 4, "visibilityTimeout": "00:01:30"}}}'
    )
    assert config.queue_options(tmp_path / "host.json") == QueueOptions(batch_size=4, visibility_timeout=90.0)
    with pytest.raises(CommandError, match="cannot be read: No such file"):
        config.queue_options(tmp_path / "nothing")


def test_urls_in_the_settings_file_are_changed_to_the_port(tmp_path):
    values = '{"Values": {"BRIDGE_GRAPH_URL": "http://127.0.0.1:7071/graph/v1.0"}}'
    (tmp_path / "local.settings.json").write_text(values)
    assert config.environment({}, tmp_path, 8080)["BRIDGE_GRAPH_URL"] == "http://127.0.0.1:8080/graph/v1.0"
    given = {"BRIDGE_GRAPH_URL": "https://graph.microsoft.com/v1.0", "NO_PROXY": "internal"}
    env = config.environment(given, tmp_path, 8080)
    assert (env["BRIDGE_GRAPH_URL"], env["no_proxy"]) == (given["BRIDGE_GRAPH_URL"], "internal,127.0.0.1")


def test_without_a_settings_file_the_environment_is_enough(tmp_path):
    env = {"BRIDGE_GROUP": "g"}
    assert config.settings_file(tmp_path, env) is None
    assert config.environment(env, tmp_path, 7071)["BRIDGE_GROUP"] == "g"
    assert "BRIDGE_GITHUB_SECRET" not in config.environment(env, tmp_path, 7071)


def test_in_an_empty_folder_the_example_settings_are_used(tmp_path):
    assert config.settings_file(tmp_path, {}) == ROOT / "local.settings.example.json"
    assert config.environment({}, tmp_path, 7071)["BRIDGE_GROUP"]


def test_the_stand_in_permits_everything_or_what_microsoft_does():
    assert [config.permissions(env) for env in ({}, {"BRIDGE_LOCAL_PERMISSIONS": " microsoft "})] == [
        "open",
        "microsoft",
    ]
    with pytest.raises(CommandError, match="BRIDGE_LOCAL_PERMISSIONS must be open or microsoft"):
        config.permissions({"BRIDGE_LOCAL_PERMISSIONS": "Microsoft Graph"})
