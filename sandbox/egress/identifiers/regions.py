"""The region codes that identity numbers and credit codes begin with (GB/T 2260), retired ones included.

A number keeps the code of the year in which it was issued, so that a code is never taken out: of
the regions, leagues and autonomous prefectures (21 to 43) most have become cities since 1983.
"""

PROVINCES = frozenset(
    [
        "11",
        "12",
        "13",
        "14",
        "15",
        "21",
        "22",
        "23",
        "31",
        "32",
        "33",
        "34",
        "35",
        "36",
        "37",
        "41",
        "42",
        "43",
        "44",
        "45",
        "46",
        "50",
        "51",
        "52",
        "53",
        "54",
        "61",
        "62",
        "63",
        "64",
        "65",
        "71",
        "81",
        "82",
        "83",
    ]
)
"""The first two digits; 81, 82 and 83 stand on residence permits of Hong Kong, Macau and Taiwan residents."""

_CITIES = {
    **dict.fromkeys(("11", "12", "31"), "01-02"),
    "13": "01-11 90",
    "14": "01-11",
    "15": "01-09",
    "21": "01-14",
    "22": "01-08 90",
    "23": "01-12",
    "32": "01-14 90",
    "33": "01-11",
    "34": "01-18",
    "35": "01-09",
    "36": "01-11",
    "37": "01-17 90",
    "41": "01-17 90",
    "42": "01-13 90",
    "43": "01-14 90",
    "44": "01-20 51-53 90",
    "45": "01-14",
    "46": "00-04 90",
    "50": "00-03",
    "51": "01-20 90",
    "52": "01-06",
    "53": "01-09",
    "54": "01-06",
    "61": "01-10",
    "62": "01-12",
    "63": "01-03",
    "64": "01-05",
    "65": "01-05 90",
    **dict.fromkeys(("71", "81", "82", "83"), "00-99"),
}
"""Cities by province, digits 3 and 4; 90 are counties under the province itself."""
_REGIONS = "21-43"
_WITHOUT_REGIONS = frozenset(("11", "12", "31", "50"))


def _numbers(ranges: str) -> list[str]:
    bounds = (part.partition("-") for part in ranges.split())
    return [f"{n:02d}" for low, _, high in bounds for n in range(int(low), int(high or low) + 1)]


PREFECTURES = frozenset(
    province + number
    for province, cities in _CITIES.items()
    for number in _numbers(cities if province in _WITHOUT_REGIONS else f"{cities} {_REGIONS}")
)
"""The first four digits."""
