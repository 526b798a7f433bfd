"""Budgets: https://learn.microsoft.com/azure/cost-management-billing/costs/cost-mgt-alerts-monitor-usage-spending."""

from bridge.events import Severity
from bridge.fields import dig, part
from bridge.rendering.text import in_words
from bridge.sources import kit
from bridge.sources.azure_monitor.report import Alert, Report
from bridge.sources.azure_monitor.values import number, shown
from bridge.sources.azure_resources import resource
from bridge.sources.base import as_action

_KINDS = ("forecast", "actual")


def budget(alert: Alert) -> Report:
    """What was spent, or is forecast to be, passed a threshold of a budget, which has one correlation key."""
    data = part(alert.context, "AlertData")
    kind = dig(data, "ThresholdType")
    is_forecast, is_known = kind.lower().startswith("forecast"), not kind or kind.lower().startswith(_KINDS)
    names = ("BudgetName", "SpentAmount", "ForecastedTotalForPeriod", "BudgetThreshold", "NotificationThresholdAmount")
    unit = shown(data.get("Unit"))
    name, *amounts = (shown(data.get(field)) for field in names)
    # The older schema has bare numbers.
    spent, forecast, whole, limit = (
        f"{text} {unit}".strip() if text.replace(".", "").isdecimal() else text for text in amounts
    )
    reached, threshold = forecast if is_forecast else spent, limit or whole
    value, bar = number(reached), number(threshold)
    about = resource(dig(data, "Scope"))
    return Report(
        action="budget",
        details={
            "is_forecast": is_forecast,
            "reached": reached if is_known else "",
            "other": "" if is_known else in_words(kind),
            "threshold": threshold,
            "is_above": value is None or bar is None or value >= bar,
        },
        title=f"Budget {name}" if name else "",
        scope="Cost Management",
        what=name,
        link=about.url,
        url=about.url,
        word=_word(kind),
        stage="forecast" if is_forecast else "actual" if is_known else as_action(kind),
        text="" if name and name in alert.description else alert.description,
        correlation_key=kit.key("budget", dig(data, "BudgetId")) or kit.key("budget", about.id, name),
        severity=_severity(is_forecast, spent, whole) if is_known else Severity.INFO,
        facts={
            "Spent": spent,
            "Forecast": forecast,
            "Budget": whole,
            "Resource group": about.group,
            "Subscription": about.subscription,
            "Created by": shown(data.get("BudgetCreator")),
        },
        meters=[(value, bar, f"{reached}, threshold {threshold}")] if value is not None and bar else [],
    )


def _word(kind: str) -> str:
    """What the threshold is about."""
    if kind.lower().startswith("forecast"):
        return "forecast"
    return "budget" if not kind or kind.lower().startswith("actual") else in_words(kind)


def _severity(is_forecast: bool, spent: str, whole: str) -> Severity:
    """An error where all of the budget is gone, else a warning."""
    value, total = number(spent), number(whole)
    gone = not is_forecast and value is not None and total is not None and value >= total
    return Severity.ERROR if gone else Severity.WARNING
