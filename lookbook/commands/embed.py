"""Index a catalogue of pictures: encode, build the search, publish a new generation.

python embed.py                                        the house collection
python embed.py --dataset ./photos --output shop       a folder of pictures
python embed.py --dataset owner/name --split train     a data set of the Hub
python embed.py --dataset ./photos --watch             keep the index current until Ctrl+C
"""

from __future__ import annotations

import argparse
import json
import signal
import sys
from collections.abc import Sequence
from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING

from lookbook import settings

if TYPE_CHECKING:
    from lookbook.encoding.encoder import Encoder
    from lookbook.indexing import BuildOptions


def main(argv: Sequence[str] | None = None, prog: str = "embed.py") -> int:
    """Build and publish an index; return 0 when it is published, 2 for an invalid request."""
    watching = False
    try:
        args = _options(argv, prog)
        watching = args.watch
        run = _Run(args, prog)
        if watching:
            # a shell starts its background jobs with this signal ignored
            signal.signal(signal.SIGINT, signal.default_int_handler)
            run.watch()
        print(run.once())
    except (ValueError, OSError) as error:  # every error of the library is one of these
        print(f"{prog}: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print(f"\n{prog}: stopped; run the same command again to resume", file=sys.stderr)
        return 0 if watching else 130
    return 0


def _options(argv: Sequence[str] | None, prog: str) -> argparse.Namespace:
    parser = settings.parser(settings.EMBED, prog=prog, description=__doc__.splitlines()[0])
    parser.add_argument("--fresh", dest="resume", action="store_false", help="same as --no-resume")
    args = parser.parse_args(argv)
    if args.normalize and args.metric != "angular":
        print(
            f"{prog}: on vectors of norm 1 --metric {args.metric} ranks as angular does; "
            "--no-normalize makes it differ",
            file=sys.stderr,
        )
    if not args.watch:
        unused = [settings.WATCH_SECONDS]
        settings.refuse_unused(unused, args, (), "without --watch")
    if args.ray is None:
        settings.refuse_unused([settings.PARTS], args, (), "without --ray")
    return args


def _encoder(args: argparse.Namespace) -> Encoder:
    """Load the encoder that was asked for; raises EncoderError.

    Of no precision that was asked for, it is that of the published generation where it can be
    computed here: in another, all of its pictures would have to be encoded again.
    """
    from lookbook.encoding.encoder import DEFAULT_MODEL, Encoder
    from lookbook.encoding.errors import EncoderError
    from lookbook.indexing.reuse import precision_to_keep

    load = partial(
        Encoder.load,
        args.model or DEFAULT_MODEL,
        pooling=args.pooling,
        device=args.device,
        backend=args.backend,
        denoise=args.denoise,
        normalize=args.normalize,
    )
    encoder = load(precision=args.precision)
    if args.precision == "auto" and args.resume:
        kept = precision_to_keep(args.output, encoder.identity)
        if kept not in (None, encoder.precision):
            with suppress(EncoderError):
                return load(precision=kept)
    return encoder


def _build_options(args: argparse.Namespace) -> BuildOptions:
    """Return what is made of the catalogue."""
    from lookbook.indexing import BuildOptions

    return BuildOptions(
        metric=args.metric,
        engine=args.engine,
        trees=args.trees,
        recall=args.recall,
        seed=args.seed,
        dim=args.dim,
        near_duplicates=args.fold,
        draw_map=args.map,
        licence=args.licence,
        model=args.model,
        detail_size=args.detail_size,
        picture_quality=args.picture_quality,
        picture_format=args.picture_format,
    )


class _Run:
    """One command line: the encoder is loaded once, the data set opened for each run."""

    def __init__(self, args: argparse.Namespace, prog: str) -> None:
        from lookbook.index.engines import get_engine
        from lookbook.index.engines.milvus import use_milvus

        use_milvus(args.milvus_uri)
        if get_engine(args.engine).file is None:
            settings.refuse_unused([settings.RECALL], args, (), f"with --engine {args.engine}")
        self.args, self.prog = args, prog
        self.encoder: Encoder | None = None
        self.last_error = ""

    def once(self) -> str:
        """Build and publish; return what to print."""
        from lookbook.catalog.command import open_asked
        from lookbook.catalog.report import CatalogReport
        from lookbook.indexing import build

        args = self.args
        catalog = open_asked(args)
        if not args.json and self.encoder is None:
            print(CatalogReport.of(catalog).head(), flush=True)
        self.encoder = self.encoder or _encoder(args)
        summary = build(
            catalog,
            self.encoder,
            args.output,
            _build_options(args),
            batch_size=args.batch_size,
            resume=args.resume,
            quiet=args.json,
            ray=args.ray,
            parts=args.parts,
        )
        return json.dumps(summary.to_json(), ensure_ascii=False) if args.json else str(summary)

    def watch(self) -> None:
        """Build now and whenever the data change, until it is interrupted.

        A data set that cannot be read just now is an error of that run only: the index stays.
        """
        from lookbook.catalog.command import open_asked
        from lookbook.indexing.watch import local_fingerprint, watch

        def version() -> object:
            dataset = self.args.dataset
            local = local_fingerprint(dataset, self.args.output) if dataset else None
            return local or open_asked(self.args).source

        done = version()
        print(self.once(), flush=True)  # an error of the first run is one of the command line
        self.args.resume = True
        seconds = self.args.watch_seconds
        watch(version, self._again, done=done, seconds=seconds, failed=self._failed)

    def _again(self) -> None:
        print(self.once(), flush=True)
        self.last_error = ""

    def _failed(self, error: Exception, seconds: float) -> None:
        """Print an error when it first occurs."""
        if str(error) != self.last_error:
            line = f"{self.prog}: {error}; the index stays as it is, next try in {seconds:g} s"
            print(line, file=sys.stderr, flush=True)
        self.last_error = str(error)
