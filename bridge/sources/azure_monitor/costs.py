"""Budgets: https://learn.microsoft.com/azure/cost-management-billing/costs/cost-mgt-alerts-monitor-usage-spending."""

from bridge.events import Severity
from bridge.fields import Payload, dig, first, part
from bridge.sources.azure_monitor.words import Told, number


def budget(essentials: Payload, context: Payload) -> Told:  # noqa: ARG001  as all tellers are called
    """What was spent, or will be, passed a part of a budget."""
    data = part(context, "AlertData")
    forecast = dig(data, "ThresholdType").lower() == "forecasted"
    spent, total, limit = (
        dig(data, name) for name in ("SpentAmount", "BudgetThreshold", "NotificationThresholdAmount")
    )
    reached = first(data, ("ForecastedTotalForPeriod",)) if forecast else spent
    value, threshold = number(reached), number(limit or total)
    name = dig(data, "BudgetName")
    unit = dig(data, "Unit")
    text = f"{reached} of {total or limit}{f' {unit}' if unit else ''}"
    return Told(
        title=f"Budget {name}" if name else "",
        scope="Cost Management",
        after=f"{'The forecast for the period is' if forecast else 'So far'} {reached}, above {limit or total}"
        if reached
        else "",
        did="is forecast to be passed" if forecast else "is passed",
        word="forecast" if forecast else "budget",
        thread=f"budget {dig(data, 'BudgetId') or name}" if name else "",
        severity=Severity.WARNING if forecast else Severity.ERROR,
        facts={
            "Spent": spent,
            "Budget": total,
            "Since": dig(data, "BudgetStartDate"),
            "Creator": dig(data, "BudgetCreator"),
        },
        meters=[(value, threshold, text)] if value is not None and threshold else [],
    )
