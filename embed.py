"""Index a catalogue of pictures: encode, build the search, publish a new generation.

python embed.py                                        the house collection
python embed.py --dataset ./photos --output shop       a folder of pictures
python embed.py --dataset owner/name --split train     a data set of the Hub
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence

from lookbook import settings


def main(argv: Sequence[str] | None = None) -> int:
    """Build and publish an index; return 0 when it is published, 2 for an invalid request."""
    try:
        print(_build(_options(argv)))
    except (ValueError, OSError) as error:  # every error of the library is one of these
        print(f"embed.py: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("\nembed.py: stopped; run the same command again to resume", file=sys.stderr)
        return 130
    return 0


def _options(argv: Sequence[str] | None) -> argparse.Namespace:
    parser = settings.parser(settings.EMBED, prog="embed.py", description=__doc__.splitlines()[0])
    parser.add_argument("--fresh", dest="resume", action="store_false", help="same as --no-resume")
    return parser.parse_args(argv)


def _build(args: argparse.Namespace) -> object:
    from lookbook.catalog.command import open_asked
    from lookbook.catalog.report import CatalogReport
    from lookbook.encoding.encoder import DEFAULT_MODEL, Encoder
    from lookbook.index.engines import get_engine
    from lookbook.indexing import build

    if get_engine(args.engine).file is None:
        settings.refuse_unused([settings.RECALL], args, (), f"with --engine {args.engine}")
    catalog = open_asked(args)
    print(CatalogReport.of(catalog).head(), flush=True)
    encoder = Encoder.load(
        args.model or DEFAULT_MODEL,
        pooling=args.pooling,
        precision=args.precision,
        device=args.device,
        denoise=args.denoise,
    )
    return build(
        catalog,
        encoder,
        args.output,
        model=args.model,
        dim=args.dim,
        metric=args.metric,
        engine=args.engine,
        trees=args.trees,
        recall=args.recall,
        near_duplicates=args.fold,
        licence=args.licence,
        seed=args.seed,
        draw_map=args.map,
        batch_size=args.batch_size,
        resume=args.resume,
    )


if __name__ == "__main__":
    sys.exit(main())
