"""Measure an index, an encoder or recommenders, and print or write the figures."""

from __future__ import annotations

import argparse
import json
import sys
from dataclasses import asdict
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from lookbook.catalog import Catalog
    from lookbook.evaluation.retrieval import Results


def run(args: argparse.Namespace) -> None:
    """Measure what `args` ask for and print it; raises ValueError where they ask for nothing."""
    if args.interactions:
        _evaluate_recommenders(args)
    elif args.compare:
        _compare(args)
    elif not any((args.index, args.data, args.phone, args.transfer)):
        raise ValueError(
            "evaluate needs --index, --compare, --data, --phone, --transfer or --interactions"
        )
    elif args.report:
        _report(args)
    else:
        _print_results(_of_index(args) if args.index else _of_encoder(args), args.json)


def _print_results(results: Results, as_json: bool) -> None:
    if as_json:
        plain = {t: {m: asdict(f) for m, f in row.items()} for t, row in results.items()}
        print(json.dumps(plain, indent=2))
        return
    wide = max(map(len, results), default=0)
    lines = [f"{t:{wide}} {m:7} {f}" for t, row in results.items() for m, f in row.items()]
    print("\n".join(lines))


def _report(args: argparse.Namespace) -> None:
    from lookbook.evaluation.quality_report import quality_report
    from lookbook.evaluation.report_page import write_report
    from lookbook.search.index import Index

    index = Index.open(args.index)
    report = quality_report(index, sample=args.sample, seed=args.seed)
    for path in write_report(report, index, args.report):
        print(path, file=sys.stderr)
    if args.json:
        print(json.dumps(report, ensure_ascii=False))


def _compare(args: argparse.Namespace) -> None:
    from lookbook.evaluation.quality_report import compare, read_report
    from lookbook.evaluation.report_page import write_comparison

    one, other = (read_report(p, sample=args.sample, seed=args.seed) for p in args.compare)
    comparison = compare(one, other)
    if args.report:
        names = (str(args.compare[0]), str(args.compare[1]))
        for path in write_comparison(comparison, names, args.report):
            print(path, file=sys.stderr)
    if args.json:
        print(json.dumps(comparison, ensure_ascii=False, indent=2))
    elif not args.report:
        for attribute, measures in comparison["attributes"].items():
            for measure, row in measures.items():
                d = row["difference"]
                shown = f"{d['value']:+.3f} ({d['low']:+.3f} to {d['high']:+.3f}, n={d['n']})"
                print(f"{attribute:16} {measure:13} {row['a']:.3f} {row['b']:.3f}  {shown}")


def _evaluate_recommenders(args: argparse.Namespace) -> None:
    from lookbook.evaluation.recommendation import evaluate_files, to_json

    if not args.split_day or not (args.items or args.index):
        raise ValueError("--interactions needs --split-day, and --items or --index")
    columns = {role: getattr(args, f"{role}_column") for role in ("user", "item", "time", "price")}
    results = evaluate_files(
        args.interactions,
        args.items,
        args.split_day,
        index=args.index,
        encoder=args.encoder,
        id_column=args.id_column,
        columns=columns,
        damping=args.popularity_damping,
        tell=lambda sentence: print(sentence, file=sys.stderr),
    )
    if args.json:
        print(json.dumps({"models": to_json(results)}, indent=2))
    else:
        for name, groups in results.items():
            for group, row in groups.items():
                print("\n".join(f"{name:10} {group:10} {m:20} {f}" for m, f in row.items()))


def _of_index(args: argparse.Namespace) -> Results:
    from lookbook.evaluation import evaluate_index
    from lookbook.search.index import Index

    return evaluate_index(Index.open(args.index))


def _of_encoder(args: argparse.Namespace) -> Results:
    from lookbook.catalog import open_catalog
    from lookbook.encoding.encoder import DEFAULT_MODEL, Encoder
    from lookbook.evaluation import evaluate_encoder

    def catalogue(name: str | None) -> Catalog | None:
        return open_catalog(name) if name else None

    encoder = Encoder.load(
        args.encoder or DEFAULT_MODEL,
        pooling=args.pooling,
        precision=args.precision,
        device=args.device,
        backend=args.backend,
    )
    return evaluate_encoder(
        encoder,
        products=catalogue(args.data),
        larger=catalogue(args.larger),
        phone=catalogue(args.phone),
        transfer=catalogue(args.transfer),
        by=args.by,
    )
