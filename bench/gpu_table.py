#!/usr/bin/env python3
"""quant_bench's JSON of a GPU as Markdown.

    gpu_table.py quant_bench.json 'card: ...' 'driver: ...' > bench/gpu/card.md

Further arguments are facts, a line each. A kernel has one line: GB/s and, in brackets, the share of the bandwidth
that was measured in the same run, for each kind of data.
"""
import json
import sys


def columns_of(benchmarks):
    return list(dict.fromkeys((b["dtype"], b["distribution"]) for b in benchmarks))


def cell(benchmark):
    if benchmark is None:
        return ""
    if benchmark.get("error_occurred"):
        return "WRONG"
    speed = f"{benchmark['bytes_per_second'] / 1e9:.0f}"
    share = benchmark.get("share_of_bandwidth")
    return speed if share is None else f"{speed} ({share:.2f})"


def table_of(place, benchmarks):
    columns = columns_of(benchmarks)
    yield "| " + " | ".join([place, *(f"{dtype}, {distribution}" for dtype, distribution in columns)]) + " |"
    yield "|---" * (len(columns) + 1) + "|"
    for kernel in dict.fromkeys(b["kernel"] for b in benchmarks):
        found = {(b["dtype"], b["distribution"]): b for b in benchmarks if b["kernel"] == kernel}
        yield "| " + " | ".join([kernel, *(cell(found.get(column)) for column in columns)]) + " |"


def main():
    with open(sys.argv[1], encoding="utf-8") as file:
        results = json.load(file)
    print("Written by tools/gpu_check.sh.\n")
    for fact in sys.argv[2:]:
        print(f"* {fact}")
    for name, value in results["context"].items():
        if name.endswith("_bandwidth_bytes_per_second"):
            print(f"* {name.removesuffix('_bandwidth_bytes_per_second')}: {float(value) / 1e9:.0f} GB/s")
    benchmarks = results["benchmarks"]
    for b in benchmarks:
        b["place"], b["kernel"], b["dtype"], b["distribution"], b["elements"] = b["name"].split("/")[:5]
    print("\nGB/s, and the share of that bandwidth, of tensors of "
          f"{', '.join(dict.fromkeys(b['elements'] for b in benchmarks))} elements.")
    for place in dict.fromkeys(b["place"] for b in benchmarks):
        print()
        print("\n".join(table_of(place, [b for b in benchmarks if b["place"] == place])))


if __name__ == "__main__":
    main()
