"""Estimate what limits 100,000 feeds in an hour, by simulating the hour with the costs from poll.py.

    python benchmarks/scale.py [--feeds N] [--processes P] [--concurrency C] [--gap SECONDS]

Feeds are spread over hosts by Zipf's law, as in reality: the largest of ten thousand hosts has every tenth
feed. A hash assigns hosts to processes, so that only one process polls a host. Each request takes some time
on the network, and two in a hundred run into the timeout. No request is actually made.
"""

from __future__ import annotations

import argparse
import heapq
import random
from collections import Counter
from zlib import crc32

HOSTS = 10_000
HOUR = 3600.0
LATENCY, TIMEOUT, DEAD = 0.5, 20.0, 0.02
"""Seconds, and the share of hosts that do not answer."""
UNCHANGED, CHANGED, TICK, WRITE = 0.004, 0.035, 0.0001, 0.0003
"""CPU seconds of a request that brings nothing; of one that brings something (reading, tagging, storing); of
checking when one feed is due, in each tick of the service; and of writing its state. Measured on the machine
of README.md in this folder; a quiet machine takes half.
"""
NEWS = 0.15
"""The share of polls, an hour apart, that bring something."""
TICKS = HOUR / 15
PER_HOST = 2


def deal(feeds: int, processes: int) -> list[Counter[int]]:
    """Return the number of feeds of each host, for each process."""
    draw = random.Random(1)
    weights = [1 / rank for rank in range(1, HOSTS + 1)]
    hosts = Counter(draw.choices(range(HOSTS), weights, k=feeds))
    shares = [Counter[int]() for _ in range(processes)]
    for host, count in hosts.items():
        shares[crc32(str(host).encode()) % processes][host] = count
    return shares


def poll_all(share: Counter[int], concurrency: int, gap: float) -> tuple[float, float]:
    """Return when a process has polled all of its feeds, and all but those of its slowest host.

    Requests to one host start a gap apart, with at most two at a time; `concurrency` limits all of them.
    """
    draw = random.Random(2)
    slots = [0.0] * concurrency
    heapq.heapify(slots)
    waiting = [(0.0, host) for host in share]
    heapq.heapify(waiting)
    left, ends, latest = dict(share), dict[int, float](), dict[int, list[float]]()
    dead = {host for host in share if draw.random() < DEAD}
    while waiting:
        ready, host = heapq.heappop(waiting)
        start = max(ready, heapq.heappop(slots))
        end = start + (TIMEOUT if host in dead else draw.expovariate(1 / LATENCY))
        heapq.heappush(slots, end)
        ends[host] = max(end, ends.get(host, 0.0))
        under_way = latest.setdefault(host, [0.0] * PER_HOST)
        under_way.append(end)
        under_way.pop(0)
        left[host] -= 1
        if left[host]:
            heapq.heappush(waiting, (max(start + gap, under_way[0]), host))
    ordered = sorted(ends.values())
    return ordered[-1], ordered[-2] if len(ordered) > 1 else ordered[-1]


def main() -> None:
    """Print what the hour needs."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--feeds", type=int, default=100_000)
    parser.add_argument("--processes", type=int, default=1)
    parser.add_argument("--concurrency", type=int, default=16)
    parser.add_argument("--gap", type=float, default=1.0)
    chosen = parser.parse_args()
    shares = deal(chosen.feeds, chosen.processes)
    busiest = max(shares, key=Counter.total)
    count = busiest.total()
    largest = max(max(share.values()) for share in shares)
    times = [poll_all(share, chosen.concurrency, chosen.gap) for share in shares]
    asking = count * ((1 - NEWS) * UNCHANGED + NEWS * CHANGED)
    looking = TICKS * TICK * count
    writing = chosen.feeds * WRITE
    print(f"{chosen.feeds} feeds an hour, {chosen.processes} processes, the busiest with {count}")
    print(f"the largest host: {largest} feeds, {largest * chosen.gap / HOUR:.1f} h at its gap")
    print(f"all polled after {max(last for last, _ in times) / HOUR:.2f} h,", end=" ")
    print(f"each process's slowest host left out after {max(but for _, but in times) / HOUR:.2f} h")
    print(f"a process's CPU: {asking / HOUR:.0%} of a core asking, {looking / HOUR:.0%} looking what is due")
    print(f"one database's lock: {writing / HOUR:.1%} of the time for states, entries apart")


if __name__ == "__main__":
    main()
