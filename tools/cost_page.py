"""The tables of docs/deploy.md about costs: list prices, and quantities that follow from the code.

Tests count what EXECUTIONS and REQUESTS say. Memory comes from the template, how often the host looks into the queue
from host.json.
"""

import json
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

# Of a webhook whose event comes alone: its own execution, its entry's and its wake's; requests to Azure Storage.
EXECUTIONS = 3
REQUESTS = 13
SWEEPS = 30 * 24 * 12  # a month
PROBES = 3 * 30 * 24 * 4  # of the availability test, a month
MONTH = 30 * 86400  # seconds

# List prices of West Europe in US dollars.
_EXECUTION, _FREE_EXECUTIONS = 0.0000004, 250_000
_SECOND, _FREE_SECONDS = 0.000026, 100_000  # a GB-s on demand
_WAITING_SECOND, _READY_SECOND = 0.000004, 0.000016  # a GB-s of an always-ready instance: while it waits, while it runs
_TRANSACTION = 0.0004 / 10_000
_ALERTS, _TEST = 3 * 1.5 + 2 * 0.5, PROBES * 0.0005 + 0.1
_ENDPOINTS, _ZONES = 4 * 720 * 0.01, 4 * 0.5

_MARKS = "<!-- costs -->\n", "<!-- end of costs -->\n"
_ROOT = Path(__file__).parents[1]


def with_costs(text: str) -> str:
    """The page with the tables for the memory that the template gives an instance by default."""
    host = json.loads((_ROOT / "host.json").read_text("utf-8"))
    hours, minutes, seconds = map(int, host["extensions"]["queues"]["maxPollingInterval"].split(":"))
    looks = MONTH // (3600 * hours + 60 * minutes + seconds)
    few, many = (Month(webhooks, default_memory(), looks) for webhooks in (1_000, 100_000))
    before, _, rest = text.partition(_MARKS[0])
    _, _, after = rest.partition(_MARKS[1])
    tables = "\n".join([_counted(few, many), _switched_on(few, many), _altogether(few, many)])
    return f"{before}{_MARKS[0]}{tables}{_MARKS[1]}{after}"


def default_memory() -> int:
    """Megabytes of an instance."""
    template = json.loads((_ROOT / "azuredeploy.json").read_text("utf-8"))
    return int(template["parameters"]["instanceMemory"]["defaultValue"])


def waiting(instances: int) -> str:
    """What always-ready instances of the default size cost while they wait."""
    return f"{_about(_waiting(instances))} a month"


def _waiting(instances: int = 1) -> float:
    return instances * default_memory() / 1024 * MONTH * _WAITING_SECOND


@dataclass(frozen=True)
class Month:
    """A month with so many webhooks. memory: of an instance, in MB. looks: into the queue, with nothing to do."""

    webhooks: int
    memory: int
    looks: int

    @property
    def executions(self) -> int:
        """Executions, each charged as one second."""
        return EXECUTIONS * self.webhooks + SWEEPS

    @property
    def transactions(self) -> int:
        """Requests to Azure Storage."""
        return self.looks + REQUESTS * self.webhooks

    def time(self, *, test: bool = False, ready: bool = False, ready_to_post: bool = False) -> float:
        """Dollars for execution time. ready: always-ready instances receive; ready_to_post: they post, too."""
        seconds = self.seconds(self.executions + (PROBES if test else 0))
        always = self.seconds((self.webhooks + (PROBES if test else 0)) if ready else 0)
        always += self.seconds((EXECUTIONS - 1) * self.webhooks if ready_to_post else 0)
        return max(0, seconds - always - _FREE_SECONDS) * _SECOND + always * _READY_SECOND

    def seconds(self, executions: int) -> float:
        """GB-s of so many executions."""
        return executions * self.memory / 1024

    def sum(self, *, test: bool = False, ready: bool = False) -> float:
        """Dollars for what every month costs, without the switches' own prices."""
        executions = max(0, self.executions + (PROBES if test else 0) - _FREE_EXECUTIONS) * _EXECUTION
        return executions + self.time(test=test, ready=ready) + self.transactions * _TRANSACTION


def _counted(few: Month, many: Month) -> str:
    size = f"{few.memory / 1024:g} GB"
    return _table(
        ("", *_headings(few, many)),
        [
            (f"executions: {EXECUTIONS} a webhook, and {SWEEPS:,} sweeps", *map(_executions, (few, many))),
            (f"execution time: one second x {size} each", *map(_time, (few, many))),
            (
                f"storage: {REQUESTS} transactions a webhook, and {few.looks:,} looks into the queue",
                *map(_storage, (few, many)),
            ),
            (
                "log: 3 KB a webhook at $2.76 a GB",
                "3 MB, within the 5 GB that are free",
                "0.3 GB, within the 5 GB that are free",
            ),
            ("key vault: operations", "below $0.01", "below $0.01"),
            ("workbook, budget", "nothing", "nothing"),
            ("**sum**", f"**{_about(few.sum())}**", f"**{_about(many.sum())}**"),
        ],
    )


def _switched_on(few: Month, many: Month) -> str:
    one = round(_waiting(), 2)
    large = Month(many.webhooks, 2048, many.looks)
    tested = many.time(test=True) - many.time()
    rows = [
        ("alerts: 3 rules every 5 minutes, 2 every 15", "3 x $1.50 = $4.50, and 2 x $0.50 = $1.00", "the same"),
        (
            "availability test: 3 places x 2,880, and its alert for $0.10",
            f"{PROBES:,} x $0.0005 = ${PROBES * 0.0005:.2f}",
            f"the same, and {many.seconds(PROBES):,.0f} GB-s x $0.000026 = ${tested:.2f}",
        ),
        (
            "one always-ready instance for webhooks: it costs while it waits, and none of its execution time is free",
            f"{few.memory / 1024:g} x {MONTH:,} x $0.000004 = ${one:.2f}",
            f"${one:.2f}, and {_difference(many.time(ready=True) - many.time())} for execution time",
        ),
        (
            "one always-ready instance for posting",
            f"${one:.2f}",
            f"${one:.2f}, and {_difference(many.time(ready_to_post=True) - many.time())} for execution time",
        ),
        (
            "zone redundancy: 2 always-ready instances",
            f"2 x ${one:.2f} = ${2 * one:.2f}",
            "the same; ZRS storage costs a quarter more: below $1",
        ),
        (
            "private network: 4 endpoints (5 with `service-account`), 4 zones",
            f"4 x 720 x $0.01 = ${_ENDPOINTS:.2f}, and 4 x $0.50 = ${_ZONES:.2f}",
            "the same, and $0.01 a GB",
        ),
        (
            f"2 GB instances instead of {few.memory} MB",
            "nothing: the time is within what is free",
            f"{_difference(large.time() - many.time())} for execution time; what waits costs four times as much",
        ),
    ]
    title = "What the [switches](#switches) add each month of 30 days:\n\n"
    return title + _table(("", *_headings(few, many)), rows)


def _altogether(few: Month, many: Month) -> str:
    def row(name: str, switches: float, *, test: bool = False, ready: bool = False) -> tuple[str, str, str]:
        first, second = (_about(month.sum(test=test, ready=ready) + switches) for month in (few, many))
        return name, first, second

    watched = _ALERTS + _TEST
    return _table(
        ("altogether", *_headings(few, many)),
        [
            row("nothing switched on", 0),
            row("alerts, availability test, budget", watched, test=True),
            row("the same, and an always-ready instance for webhooks", watched + _waiting(), test=True, ready=True),
            row(
                "the same, private network and zone redundancy",
                watched + _waiting(2) + _ENDPOINTS + _ZONES,
                test=True,
                ready=True,
            ),
        ],
    )


def _executions(month: Month) -> str:
    return _charged(f"{month.executions:,}", month.executions, _FREE_EXECUTIONS, _EXECUTION, "$0.0000004")


def _time(month: Month) -> str:
    seconds = month.seconds(month.executions)
    return _charged(f"{seconds:,.0f} GB-s", seconds, _FREE_SECONDS, _SECOND, "$0.000026")


def _charged(quantity: str, amount: float, free: float, price: float, shown: str) -> str:
    if amount <= free:
        return f"{quantity}, within the {free:,} that are free"
    return f"{quantity}: {amount - free:,.0f} x {shown} = ${(amount - free) * price:.2f}"


def _storage(month: Month) -> str:
    cost = month.transactions * _TRANSACTION
    return f"{month.transactions / 1e6:.1f} million x $0.0004 / 10,000 = ${cost:.2f}"


def _about(dollars: float) -> str:
    return "below $1" if dollars < 1 else f"about ${dollars:.0f}"


def _difference(dollars: float) -> str:
    return f"${abs(dollars):.2f} {'less' if dollars < 0 else 'more'}"


def _headings(*months: Month) -> Iterable[str]:
    return [f"{month.webhooks:,} webhooks a month" for month in months]


def _table(head: Iterable[str], rows: Iterable[Iterable[str]]) -> str:
    lines = [tuple(head), ("---",) * 3, *map(tuple, rows)]
    return "".join(_line(cells) for cells in lines)


def _line(cells: tuple[str, ...]) -> str:
    if cells[0] == "---":
        return f"|{'|'.join(cells)}|\n"
    return f"| {' | '.join(cells)} |\n".replace("|  |", "| |").replace(" x ", " \N{MULTIPLICATION SIGN} ")
