"""The site: open the index, build the interface, launch."""

from __future__ import annotations

import argparse
import os
import socket
import sys
from collections.abc import Sequence
from pathlib import Path

os.environ.setdefault("GRADIO_ANALYTICS_ENABLED", "False")  # read when gradio is imported
# several visitors at once: threads that wait for each other inside one answer cost more than they
# bring (37 ms against 23 alone, but no second-long waits with company)
os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

from lookbook import settings
from lookbook.schema.thesaurus import use_shop_terms
from lookbook.search.index import Index

MAX_UPLOAD = "100mb"  # far more than images accepts, so that its sentence is the one shown


def main(argv: Sequence[str] | None = None) -> int:
    """Serve the site until it is stopped; 2 when there is no index to serve."""
    try:
        args = settings.parser(settings.APP, prog="app.py", description=__doc__).parse_args(argv)
        use_shop_terms(args.thesaurus)
        index = Index.open(args.index, args.engine)
        if args.database_url:
            refuse_unusable(args.database_url)
        refuse_taken(args.host or os.environ.get("GRADIO_SERVER_NAME") or "127.0.0.1", args.port)
    except (ValueError, OSError) as error:
        print(f"app.py: {error}", file=sys.stderr)
        return 2
    serve(index, args)
    return 0


def refuse_taken(host: str, port: int) -> None:
    """Raise OSError with a sentence when nobody can listen there: before anything is loaded."""
    with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            reason = error.strerror or error
            raise OSError(
                f"cannot listen on {host}:{port} ({reason}); try --port {port % 65535 + 1}"
            ) from None


def mounted() -> Path | None:
    """Where a Space keeps what shall outlive it: its mounted volume, if it has one."""
    volume = Path("/data")
    if os.environ.get("SPACE_ID") and volume.is_dir() and os.access(volume, os.W_OK):
        return volume / "lookbook"
    return None


def refuse_unusable(url: str) -> None:
    """Raise ValueError or OSError with a sentence when events cannot be kept there."""
    from lookbook.events import EventStore

    EventStore(url).close()


def serve(index: Index, args: argparse.Namespace) -> None:
    """Launch and stay."""
    from lookbook.search.opening import load_matching_encoder
    from lookbook.ui import build_site
    from lookbook.ui.theme import CSS, theme

    site = build_site(
        index,
        lambda: load_matching_encoder(index, args.model, args.device),
        args.results,
        state=args.state or mounted(),
        database_url=args.database_url,
        refresh=(args.refresh_hours, args.refresh_events),
        hemisphere=args.hemisphere,
        reload_seconds=args.reload_seconds,
    )
    print(f"Lookbook: http://{args.host or '127.0.0.1'}:{args.port} (Ctrl+C stops it)", flush=True)
    site.queue(default_concurrency_limit=8).launch(
        server_name=args.host,
        server_port=args.port,
        share=args.share,
        theme=theme(),
        css=CSS,
        max_file_size=MAX_UPLOAD,
        quiet=not args.share,
        footer_links=["api", "settings"],
        ssr_mode=False,
        show_error=True,
        run_history=False,
        mcp_server=True,
    )


if __name__ == "__main__":
    sys.exit(main())
