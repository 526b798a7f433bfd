"""Values beside their limits: what is drawn as a bar, and what must not be."""

import pytest

from bridge.rendering.measures import against, explained

QUERY = "avg(last_5m):avg:tank.level{host:a AND site:b} > 90"


@pytest.mark.parametrize(
    ("value", "condition", "meter"),
    [
        ("93.4", QUERY, (93.4, 90, "93.4, limit 90")),
        (93, 90, (93, 90, "93, limit 90")),
        ("93 %", "90", (93, 90, "93 %, limit 90 %")),
        ("1.7 bar", "pump_pressure_bar < 2", (1.7, 2, "1.7 bar, limit 2 bar")),
        ("12400", "requests >= 9000", (12400, 9000, "12,400, limit 9000")),
        ("95%", "used / size > 0.9", (95, 90, "95 %, limit 90 %")),
        ("5%", "free / size < 0.1", (5, 10, "5 %, limit 10 %")),
        ("95%", "100 * used / size > 90", (95, 90, "95 %, limit 90 %")),
        ("0.7%", "errors_percent > 0.5", (0.7, 0.5, "0.7 %, limit 0.5 %")),
    ],
)
def test_a_value_stands_beside_its_limit(value: object, condition: object, meter: object) -> None:
    number, limit, text = against(value, condition)
    assert (number, limit) == pytest.approx(meter[:2])
    assert text == meter[2]


@pytest.mark.parametrize(
    ("value", "condition"),
    [
        (None, 90),
        ("", QUERY),
        ("93.4", None),
        ("93.4", ""),
        (True, 90),
        ("nearly full", QUERY),
        ("12", QUERY),  # not what was compared: the query does not hold for it
        ("1.2k", QUERY),
        ("3Gi", QUERY),
        ("95%", "errors > 0.5"),  # a share of one or a percentage: nobody says
        ("5", "a > 1 and b > 2"),
        ("5", "a > 1 or b > 2"),
        ("3", "up == 2"),
        ("3", "a > bool 2"),
        ("-3", "temperature < 2"),
        (0, 0),
    ],
)
def test_a_value_that_is_missing_or_cannot_be_compared_has_no_meter(value: object, condition: object) -> None:
    assert against(value, condition) == ()


def test_a_trigger_is_explained_with_the_unit_of_its_value() -> None:
    assert explained("41.2>38", "41.2 A") == (41.2, 38, "41.2 A, limit 38 A")
    assert explained("39.5>38", "41.2 A") == (39.5, 38, "39.5, limit 38")
    assert explained("last(/pump/current)>38", "41.2 A") == ()
    assert explained("", "41.2 A") == ()
