"""Checks what `dco demo --json` printed: argument 1 is the file with its output, whose last line is one JSON object."""

import json
import sys

COUNTS = [
    "image_bytes",
    "blocks",
    "transfers_stored",
    "devices",
    "activated",
    "failed",
    "refused_over_allowance",
    "service_days",
]


def check(report):
    """Yields a sentence for each thing that is wrong with the report."""
    for key in COUNTS:
        value = report.get(key)
        if isinstance(value, bool) or not isinstance(value, int) or value < 0:
            yield f"{key} must be a whole number, it is {value!r}"
    released = report.get("released_per_service_day")
    capacity = report.get("capacity_per_service_day")
    if not isinstance(released, list) or not released:
        yield f"released_per_service_day must be a list with each service day, it is {released!r}"
        return
    if not isinstance(capacity, (int, list)):
        yield f"capacity_per_service_day must be a number or a list, it is {capacity!r}"
        return
    capacities = capacity if isinstance(capacity, list) else [capacity] * len(released)
    for day, (used, most) in enumerate(zip(released, capacities, strict=True)):
        if not 0 <= used <= most:
            yield f"service day {day} released {used}, its capacity is {most}"
    for key in ["blocks", "transfers_stored", "activated", "refused_over_allowance"]:
        if report.get(key) == 0:
            yield f"{key} is 0: the demo did not show it"


def main():
    with open(sys.argv[1], encoding="utf-8") as file:
        lines = file.read().splitlines()
    if not lines:
        sys.exit("the demo printed nothing")
    try:
        report = json.loads(lines[-1])
    except ValueError as error:
        sys.exit(f"the last line of the demo is not JSON ({error}): {lines[-1][:200]}")
    wrong = list(check(report)) if isinstance(report, dict) else ["it is not one JSON object"]
    for sentence in wrong:
        print(sentence)
    sys.exit(1 if wrong else 0)


main()
