"""Prints what oha measured; fails when a request failed.

usage: load.py RESULT.json
"""

import json
import sys

with open(sys.argv[1], encoding="utf-8") as file:
    result = json.load(file)
statuses = result["statusCodeDistribution"]
# Requests that the end of the time cut off are not failures.
errors = {
    text: number
    for text, number in result["errorDistribution"].items()
    if text != "aborted due to deadline"
}
percentiles = result["latencyPercentiles"]
print(f"requests per second  {result['summary']['requestsPerSec']:.0f}")
for name in ("p50", "p90", "p99", "p99.9"):
    if percentiles.get(name) is not None:
        print(f"latency {name:<6}       {percentiles[name] * 1000:.1f} ms")
print(f"statuses             {statuses}")
print(f"errors               {errors or 'none'}")
failed = bool(errors) or any(int(status) >= 400 for status in statuses) or not statuses
sys.exit(1 if failed else 0)
