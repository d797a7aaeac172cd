"""The site: open the index, build the interface, launch."""

from __future__ import annotations

import argparse
import os
import socket
import sys
from collections.abc import Sequence

os.environ.setdefault("GRADIO_ANALYTICS_ENABLED", "False")  # read when gradio is imported

from lookbook import settings
from lookbook.search import Index

MAX_UPLOAD = "100mb"  # far more than images accepts, so that its sentence is the one shown


def main(argv: Sequence[str] | None = None) -> int:
    """Serve the site until it is stopped; 2 when there is no index to serve."""
    try:
        args = settings.parser(settings.APP, prog="app.py", description=__doc__).parse_args(argv)
        index = Index.open(args.index, args.engine)
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


def serve(index: Index, args: argparse.Namespace) -> None:
    """Launch and stay."""
    from lookbook.pairing import encoder_of
    from lookbook.ui import build_site
    from lookbook.ui.theme import CSS, theme

    site = build_site(index, lambda: encoder_of(index, args.model, args.device), args.results)
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
    )


if __name__ == "__main__":
    sys.exit(main())
