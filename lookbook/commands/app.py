"""Serve the site: open the index, build the interface, launch."""

from __future__ import annotations

import argparse
import os
import socket
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

os.environ.setdefault("GRADIO_ANALYTICS_ENABLED", "False")  # read when gradio is imported
# gradio's summary of events, which nobody reads, is made anew after each: 6 to 17 ms with pandas
os.environ.setdefault("GRADIO_ANALYTICS_CACHE_FREQUENCY", str(10**9))
# One thread for each answer: with several visitors at once, threads that wait for each other cost
# more than they gain (37 ms instead of 23 for a single visitor, but no waits of seconds for many).
os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
if os.environ.get("SPACE_ID"):  # its proxy alone reaches the site, and says who asks
    os.environ.setdefault("FORWARDED_ALLOW_IPS", "*")

from lookbook import settings
from lookbook.index.engines.milvus import use_milvus
from lookbook.schema.product_links import ProductLinks
from lookbook.schema.thesaurus import use_shop_terms
from lookbook.search.availability import hide_sold_out
from lookbook.search.index import Index
from lookbook.search.mitigation import Mitigation, check_quota, use_mitigation

if TYPE_CHECKING:
    from lookbook.ui.branding import Branding
    from lookbook.ui.guard import GuardOptions
    from lookbook.ui.hub_login import HubLogin
    from lookbook.ui.site import Site

_MIB = 2**20
# the sites whose frames show a Space
_SPACE_FRAMES = "'self' https://huggingface.co https://*.huggingface.co https://*.hf.space"


def main(argv: Sequence[str] | None = None, prog: str = "app.py") -> int:
    """Serve the site until it is stopped; return 2 where it cannot be served."""
    try:
        args = settings.parser(settings.APP, prog=prog, description=__doc__).parse_args(argv)
        use_shop_terms(args.thesaurus)
        use_milvus(args.milvus_uri)
        index = Index.open(args.index, args.engine)
        chosen = Mitigation(
            args.exposure_quota, args.quota_tolerance, args.genderless, args.popularity_damping
        )
        check_quota(index, chosen)
        use_mitigation(chosen)
        hide_sold_out(args.hide_sold_out)
        if args.database_url:
            refuse_unusable(args.database_url)
        branding = branding_of(args)
        links = ProductLinks(args.shop_url or "", args.link_parameters or "")
        options, (users, hub) = guard_options(args), login_of(args)
        refuse_taken(args.host or os.environ.get("GRADIO_SERVER_NAME") or "127.0.0.1", args.port)
    except (ValueError, OSError) as error:
        print(f"{prog}: {error}", file=sys.stderr)
        return 2
    try:
        serve(index, args, branding, links, options, users, hub)
    except OSError as error:  # no folder for temporary files, a disk that is full
        print(f"{prog}: the site cannot start: {error}", file=sys.stderr)
        return 2
    return 0


def branding_of(args: argparse.Namespace) -> Branding:
    """Return what the shop set of its site; raises ValueError."""
    from lookbook.ui.branding import Branding, parse_links

    pages = [page.strip() for page in args.pages.split(",")]
    return Branding(
        name=args.name,
        tagline=args.tagline,
        logo=args.logo,
        accent=args.accent,
        links=parse_links(args.footer_links or ""),
        pages=tuple(page for page in pages if page and (args.api or page != "api")),
    )


def login_of(args: argparse.Namespace) -> tuple[dict[str, str], HubLogin | None]:
    """Return names and passwords, or the login by Hugging Face, of who may see the site.

    Neither of them: everybody. Raises ValueError.
    """
    from lookbook.ui.hub_login import HubLogin
    from lookbook.ui.login import parse_hub_names, parse_users

    text = args.auth or ""
    allowed = parse_hub_names(text)
    return (parse_users(text), None) if allowed is None else ({}, HubLogin.of(allowed, os.environ))


def refuse_taken(host: str, port: int) -> None:
    """Raise OSError where the address is taken, before anything is loaded."""
    with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            reason = error.strerror or error
            raise OSError(
                f"cannot listen on {host}:{port} ({reason}); try --port {port % 65535 + 1}"
            ) from None


def guard_options(args: argparse.Namespace) -> GuardOptions:
    """Return the limits and headers of the site; raises ValueError."""
    from lookbook.ui.guard import GuardOptions
    from lookbook.ui.owner import check_password

    if args.owner_password:
        check_password(args.owner_password)
    return GuardOptions(
        rate=args.rate,
        answer_seconds=args.answer_seconds,
        max_upload=args.max_upload * _MIB,
        max_body=args.max_body * _MIB,
        frame_ancestors=args.frame_ancestors or (_SPACE_FRAMES if is_space() else "'self'"),
        owner=bool(args.owner_password),
        owner_upload=args.owner_upload * _MIB,
        embed_origins=tuple((args.embed_origins or "").replace(",", " ").split()),
        metrics=args.metrics,
        metrics_token=args.metrics_token,
        api=args.api,
        language=None if args.language == "auto" else args.language,
    )


def mounted() -> Path | None:
    """Return the folder on a Space's mounted volume that outlives a restart, if it has one."""
    volume = Path("/data")
    if is_space() and volume.is_dir() and os.access(volume, os.W_OK):
        return volume / "lookbook"
    return None


def refuse_unusable(url: str) -> None:
    """Raise ValueError or OSError where events cannot be stored at this URL."""
    from lookbook.events import EventStore

    EventStore(url).close()


def serve(
    index: Index,
    args: argparse.Namespace,
    branding: Branding,
    links: ProductLinks,
    options: GuardOptions,
    users: dict[str, str],
    hub: HubLogin | None,
) -> None:
    """Launch the site and block until it is stopped."""
    from lookbook.encoding.cpu import limit_malloc_arenas
    from lookbook.ui.logs import configure
    from lookbook.ui.serving import block_until_stopped, launch

    configure(args.log_format)
    limit_malloc_arenas()
    site = _site(index, args, branding, links, with_login=bool(users or hub))
    print(f"Search: {index.describe_engines()}", flush=True)
    print(f"Lookbook: http://{args.host or '127.0.0.1'}:{args.port} (Ctrl+C stops it)", flush=True)
    launch(
        site,
        options,
        site.checks,
        queue_size=args.queue_size,
        connections=args.connections,
        branding=branding,
        routes=site.routes,
        head_tags=site.head_tags,
        picture_folder=site.picture_folder,
        server_name=args.host,
        server_port=args.port,
        share=args.share,
        quiet=not args.share,
        mcp_server=args.mcp and args.api,
        users=users,
        hub=hub,
    )
    configure(args.log_format)  # again: the server has set up its own log
    block_until_stopped(site)


def _site(
    index: Index,
    args: argparse.Namespace,
    branding: Branding,
    links: ProductLinks,
    with_login: bool,
) -> Site:
    """Build the site that the options describe."""
    from lookbook.images.fetching import fetch_picture
    from lookbook.search.opening import load_matching_encoder
    from lookbook.ui import build_site

    return build_site(
        index,
        lambda: load_matching_encoder(
            index, args.model, args.device, args.backend, concurrent=True
        ),
        args.results,
        state=args.state or mounted(),
        database_url=args.database_url,
        refresh=(args.refresh_hours, args.refresh_events),
        hemisphere=args.hemisphere,
        reload_seconds=args.reload_seconds,
        branding=branding,
        links=links,
        keep_days=args.keep_events,
        fetch=fetch_picture if args.fetch_urls else None,
        offer_api=args.api,
        owner_password=args.owner_password,
        with_login=with_login,
    )


def is_space() -> bool:
    """Tell whether this runs as a Space of Hugging Face."""
    return bool(os.environ.get("SPACE_ID"))
