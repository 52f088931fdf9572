#!/usr/bin/env python3
"""Writes covering_array.csv beside itself: settings in which every three levels of three factors meet in a row.

The file is what tests/engine/combinations_test.cpp runs, and it proves there that no triple is missing. Run this
again after a change of FACTORS. The result depends on nothing but this text.

A greedy construction row by row, after Cohen, Dalal, Fredman, Patton, "The AETG system", IEEE TSE 23(7), 1997: a row
starts from a triple that is still missing, and the other factors, in shuffled order, take the level that covers most;
the best of several such rows is kept.
"""
import itertools
import pathlib
import random

FACTORS = {
    "method": ["maxmin", "percentile", "entropy", "mse", "diffs"],
    "round_mode": ["half_even", "half_up", "half_down", "std_round"],
    "symmetry": ["true", "false"],
    "signed": ["true", "false", "auto"],
    "narrow_range": ["false", "true"],
    "scale_type": ["float", "power_of_two"],
    "granularity": ["tensor", "axis0", "axis1"],
    "calib_statistic_method": ["modal", "max", "mean", "median"],
    "calib_scope": ["per_batch", "accumulated"],
    "bit_width": ["2", "3", "4", "5", "8", "12", "16"],
    "dtype": ["float32", "float16", "bfloat16", "float64"],
}
CANDIDATES = 20


def triples_of(row, new, chosen):
    """The triples that factor `new` completes with two of `chosen`."""
    for a, b in itertools.combinations(chosen, 2):
        yield tuple(sorted([(a, row[a]), (b, row[b]), (new, row[new])]))


def candidate_row(sizes, missing, start, order):
    row = dict(start)
    for factor in order:
        gains = []
        for level in range(sizes[factor]):
            row[factor] = level
            others = [other for other in row if other != factor]
            gains.append(sum(triple in missing for triple in triples_of(row, factor, others)))
        row[factor] = max(range(sizes[factor]), key=gains.__getitem__)
    covered = {tuple((f, row[f]) for f in factors) for factors in itertools.combinations(range(len(sizes)), 3)}
    return row, covered & missing


def covering_array(sizes):
    missing = {
        tuple(zip(factors, levels))
        for factors in itertools.combinations(range(len(sizes)), 3)
        for levels in itertools.product(*(range(sizes[f]) for f in factors))
    }
    rng = random.Random(1)
    rows = []
    while missing:
        candidates = []
        for _ in range(CANDIDATES):
            start = rng.choice(sorted(missing))
            order = [f for f in range(len(sizes)) if f not in dict(start)]
            rng.shuffle(order)
            candidates.append(candidate_row(sizes, missing, start, order))
        row, covered = max(candidates, key=lambda candidate: len(candidate[1]))
        missing -= covered
        rows.append(row)
    return rows


def main():
    names = list(FACTORS)
    rows = covering_array([len(FACTORS[name]) for name in names])
    lines = [",".join(names)]
    lines += [",".join(FACTORS[name][row[i]] for i, name in enumerate(names)) for row in rows]
    pathlib.Path(__file__).with_name("covering_array.csv").write_text("\n".join(lines) + "\n", encoding="ascii")


if __name__ == "__main__":
    main()
