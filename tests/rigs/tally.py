"""Adds up the JUnit reports of test runs: `tally.py FOLDER`, `tally.py --minutes REPORT`."""

import sys
from collections import defaultdict
from operator import itemgetter
from pathlib import Path
from xml.etree import ElementTree


def tally(folder: Path) -> tuple[int, int, int]:
    """The number of passed, failed and skipped tests of all reports in this folder."""
    total = failed = skipped = 0
    for report in sorted(folder.glob("*.xml")):
        for suite in ElementTree.parse(report).iter("testsuite"):
            total += int(suite.get("tests", 0))
            failed += int(suite.get("failures", 0)) + int(suite.get("errors", 0))
            skipped += int(suite.get("skipped", 0))
    return total - failed - skipped, failed, skipped


def minutes(report: Path) -> list[tuple[str, float]]:
    """The minutes of each suite (a folder or a file below tests/), longest first."""
    seconds = defaultdict[str, float](float)
    for case in ElementTree.parse(report).iter("testcase"):
        suite = case.get("classname", "").split(".")[1:2]
        seconds[suite[0] if suite else "other"] += float(case.get("time", 0))
    longest_first = sorted(seconds.items(), key=itemgetter(1), reverse=True)
    return [(suite, total / 60) for suite, total in longest_first]


def main(arguments: list[str]) -> int:
    """Print the minutes of a report, or the sums of a folder; 1 if a test failed or none ran."""
    if arguments[0] == "--minutes":
        for suite, total in minutes(Path(arguments[1])):
            sys.stdout.write(f"{total:5.1f}  {suite}\n")
        return 0
    passed, failed, skipped = tally(Path(arguments[0]))
    sys.stdout.write(f"{passed} passed, {failed} failed, {skipped} skipped\n")
    return 1 if failed or not passed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
