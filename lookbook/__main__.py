"""The commands of `lookbook`, or `python -m lookbook`."""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from lookbook import settings
from lookbook.schema.deprecation import warn_renamed_on_command_line

if TYPE_CHECKING:
    from lookbook.search.mitigation import Mitigation


def app(argv: Sequence[str]) -> int:
    """Serve the site of an index."""
    from lookbook.commands.app import main

    return main(argv, _prog("app"))


def embed(argv: Sequence[str]) -> int:
    """Build an index of a catalogue of pictures and publish it."""
    from lookbook.commands.embed import main

    return main(argv, _prog("embed"))


def train(argv: Sequence[str]) -> int:
    """Continue training the shipped encoder on a catalogue."""
    from lookbook.commands.train import main

    return main(argv, _prog("train"))


def search(argv: Sequence[str]) -> int:
    """Find items by picture, by words, or by both."""
    args = _parser("search", settings.SEARCH, search).parse_args(argv)
    if args.image is None and not args.text:
        raise ValueError("search needs --image PHOTO, --text WORDS, or both")
    from lookbook.index.engines.milvus import use_milvus
    from lookbook.schema.thesaurus import use_shop_terms
    from lookbook.search import Query, photo_query, run
    from lookbook.search.opening import open_with_encoder

    use_shop_terms(args.thesaurus)
    use_milvus(args.milvus_uri)
    index, encoder = open_with_encoder(
        args.index, args.engine, args.model, args.device, args.backend
    )
    photos = [] if args.image is None else [photo_query(args.image, encoder, args.crop).vector]
    query = Query(
        tuple(photos), words=args.text or "", where=args.where, count=args.k, match=args.match or ""
    )
    answer = run(query, index, encoder)
    hits = answer.hits
    for note in answer.notes:
        print(note, file=sys.stderr)
    for word in answer.unknown_words:
        print(f"neither the model nor the catalogue knows the word {word!r}", file=sys.stderr)
    if args.json:
        rows = [
            # beside the attributes themselves, for programs of earlier releases
            h.item.attributes
            | {"id": h.id, "score": h.score, "title": h.item.title}
            | {"attributes": h.item.attributes}
            for h in hits
        ]
        print(json.dumps(rows, ensure_ascii=False, indent=2))
    else:
        print("\n".join(f"{hit.score:.3f}  {hit.id}  {hit.item.title}" for hit in hits))
    return 0


def house(argv: Sequence[str]) -> int:
    """Draw the house collection into a folder of pictures with metadata."""
    from house_collection.command import main

    return main(argv) or 0


def evaluate(argv: Sequence[str]) -> int:
    """Measure an index by its attributes, an encoder on pictures, or recommenders on purchases."""
    from lookbook.commands.evaluate import run

    args = _parser("evaluate", settings.EVALUATE, evaluate).parse_args(argv)
    settings.refuse_unused(settings.EVALUATE, args, *settings.used_by_evaluate(args))
    run(args)
    return 0


def events(argv: Sequence[str]) -> int:
    """Import past orders as events: `events import --interactions orders.csv`."""
    from lookbook.recommend.event_import import import_events
    from lookbook.search.index import Index

    if not argv or argv[0] not in ("import", "-h", "--help"):
        raise ValueError(f"events: expected import, found {argv[0] if argv else 'nothing'}")
    arguments = argv[1:] if argv[0] == "import" else argv
    args = _parser("events import", settings.EVENTS_IMPORT, events).parse_args(arguments)
    if args.interactions is None:
        raise ValueError("events import needs --interactions FILE")
    columns = {role: getattr(args, f"{role}_column") for role in ("user", "item", "time", "price")}
    done = import_events(
        args.interactions,
        Index.open(args.index, "exact"),
        args.state or args.index,
        database=args.database_url,
        columns=columns,
    )
    print(done)
    return 0


def audit(argv: Sequence[str]) -> int:
    """Measure who an index serves worse or shows less, by gender, colour, season ..."""
    from lookbook.evaluation.bias_audit import audit as measure
    from lookbook.evaluation.bias_audit import plot
    from lookbook.search.index import Index
    from lookbook.search.mitigation import Mitigation

    args = _parser("audit", settings.AUDIT, audit).parse_args(argv)
    chosen = Mitigation(args.exposure_quota, args.quota_tolerance, args.genderless)
    if chosen.active:
        return _cost(args, chosen)
    settings.refuse_unused(
        settings.EXPOSURE, args, settings.EXPOSURE[:1], "without --exposure-quota"
    )
    audited = measure(Index.open(args.index, "exact"), sample=args.sample, seed=args.seed)
    print(json.dumps(audited.to_json(), indent=2) if args.json else audited)
    if args.plot is not None:
        for path in plot(audited, args.plot):
            print(path, file=sys.stderr)
    return 0


def _cost(args: argparse.Namespace, chosen: Mitigation) -> int:
    from lookbook.evaluation.mitigation_cost import mitigation_cost
    from lookbook.search.opening import open_with_encoder

    index, encoder = open_with_encoder(args.index, "exact", None, "auto", "auto")
    costs = mitigation_cost(index, chosen, encoder, sample=args.sample, seed=args.seed)
    if args.json:
        print(json.dumps([cost.to_json() for cost in costs], indent=2))
    else:
        print(f"{'measure':46} off   on     difference")
        print("\n".join(map(str, costs)))
    return 0


def catalog(argv: Sequence[str]) -> int:
    """Show what embed.py would index of a data set, and why; nothing is fetched or written."""
    from lookbook.catalog.command import open_asked
    from lookbook.catalog.report import CatalogReport
    from lookbook.schema.columns import CatalogError
    from lookbook.schema.message import Message

    args = _parser("catalog", settings.CATALOG, catalog).parse_args(argv)
    try:
        report = CatalogReport.of(open_asked(args))
    except CatalogError as error:
        if args.json and isinstance(error.args[0], Message):
            print(json.dumps({"error": error.args[0].to_json()}, ensure_ascii=False))
        raise
    print(json.dumps(report.to_json(), ensure_ascii=False, indent=2) if args.json else report)
    return 0


def doctor(argv: Sequence[str]) -> int:
    """Check the installation, model, index, events and disks, and say what to do."""
    from lookbook.doctor import diagnose

    args = _parser("doctor", settings.DOCTOR, doctor).parse_args(argv)
    return diagnose(args.index, args.device, args.backend, args.state, args.database_url)


def tune(argv: Sequence[str]) -> int:
    """Measure an engine's effort for each kind of query, or build another; encodes nothing anew."""
    from lookbook.index.engines.milvus import use_milvus
    from lookbook.indexing.retune import retune
    from lookbook.search.index import Index
    from lookbook.search.opening import load_matching_encoder

    args = _parser("tune", settings.TUNE, tune).parse_args(argv)
    use_milvus(args.milvus_uri)
    index = Index.open(args.index, "exact")
    encoder = load_matching_encoder(index, args.model, args.device, args.backend)
    folder = retune(args.index, encoder, args.engine, args.recall)
    print(f"{folder}: {Index.open(args.index).describe_engines()}")
    return 0


def rollback(argv: Sequence[str]) -> int:
    """Publish the generation before the current one again, of the index or of its models."""
    from lookbook.index import rollback as publish_previous
    from lookbook.recommend.model_store import MODELS_FOLDER

    args = _parser("rollback", settings.ROLLBACK, rollback).parse_args(argv)
    used = settings.ROLLBACK if args.models else (settings.OWN_INDEX,)
    settings.refuse_unused(settings.ROLLBACK, args, used, "without --models")
    root = (args.state or args.index) / MODELS_FOLDER if args.models else args.index
    print(f"{root} now serves {publish_previous(root)}")
    return 0


def related(argv: Sequence[str]) -> int:
    """Write similar and matching items of each item to a file, for shops without a server."""
    from tqdm import tqdm

    from lookbook.outfits.related import related_items, write_related
    from lookbook.schema.product_links import ProductLinks
    from lookbook.search.availability import hide_sold_out
    from lookbook.search.index import Index

    args = _parser("related", settings.RELATED, related).parse_args(argv)
    hide_sold_out(args.hide_sold_out)
    index = Index.open(args.index)
    format = args.format or ("jsonl" if args.output.suffix in (".jsonl", ".ndjson") else "csv")
    items = tqdm(related_items(index, args.k), total=len(index), unit="item", disable=None)
    links = ProductLinks(args.shop_url or "", args.link_parameters or "")
    print(f"{args.output}: {write_related(items, args.output, format, links):,} items")
    return 0


def refresh(argv: Sequence[str]) -> int:
    """Retrain the recommenders on all events; publish them unless they are worse."""
    from lookbook.events import EventStore, database_url
    from lookbook.recommend.model_store import MODELS_FOLDER
    from lookbook.retraining import refresh as retrain
    from lookbook.search.index import Index

    args = _parser("refresh", settings.REFRESH, refresh).parse_args(argv)
    index = Index.open(args.index)
    if args.state is not None and not args.state.is_dir():
        raise ValueError(f"{args.state}: expected the folder that app.py keeps its --state in")
    store = EventStore(args.database_url or database_url(args.state or args.index))
    print(retrain(index, store, args.state and args.state / MODELS_FOLDER))
    return 0


COMMANDS: dict[str, Callable[[Sequence[str]], int]] = {
    "app": app,
    "embed": embed,
    "train": train,
    "search": search,
    "house": house,
    "catalog": catalog,
    "doctor": doctor,
    "evaluate": evaluate,
    "audit": audit,
    "events": events,
    "related": related,
    "refresh": refresh,
    "tune": tune,
    "rollback": rollback,
}
ALIASES = {"step-back": "rollback"}  # names of an earlier release


def _prog(name: str) -> str:
    return f"python -m lookbook {name}"


def _parser(
    name: str, options: Sequence[settings.Setting], command: Callable
) -> argparse.ArgumentParser:
    return settings.parser(options, prog=_prog(name), description=command.__doc__)


def _current_names(argv: list[str]) -> list[str]:
    """Replace the old name of a command, with a warning that names the new one."""
    if not argv or argv[0] not in ALIASES:
        return argv
    name = ALIASES[argv[0]]
    warn_renamed_on_command_line(argv[0], name)
    return [name, *argv[1:]]


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command; return 2 after one sentence on stderr for an invalid request."""
    argv = _current_names(list(sys.argv[1:] if argv is None else argv))
    if not argv or argv[0] in ("-h", "--help"):
        print("usage: python -m lookbook COMMAND [options]\n")
        print("\n".join(f"  {name:10} {command.__doc__}" for name, command in COMMANDS.items()))
        return 0
    if argv[0] not in COMMANDS:
        print(f"no command {argv[0]!r}; there are: {', '.join(COMMANDS)}", file=sys.stderr)
        return 2
    try:
        return COMMANDS[argv[0]](argv[1:])
    except BrokenPipeError:  # the reader of the output has closed it
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except (ValueError, OSError, LookupError) as error:
        print(f"{_prog(argv[0])}: {error}", file=sys.stderr)
        return 2


if __name__ == "__main__":
    sys.exit(main())
