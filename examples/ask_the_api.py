"""Ask a running site from a program: by picture, by words, and for a whole outfit.

python app.py &
python examples/ask_the_api.py http://127.0.0.1:7860 examples/street-sweaters.jpg
"""

from __future__ import annotations

import sys
from pathlib import Path

from gradio_client import Client, handle_file

HERE = Path(__file__).resolve().parent


def main(site: str = "http://127.0.0.1:7860", photo: str = "") -> None:
    """Print what looks like a photo, what goes with the best of it, and what words find."""
    client = Client(site, verbose=False)
    found = client.predict(
        picture=handle_file(photo or str(HERE / "street-sweaters.jpg")),
        words="",
        where=["masterCategory=Apparel"],
        count=3,
        variety=0,
        api_name="/search_by_picture",
    )
    print("Looks like your picture:")
    for piece in found:
        print(f"  {piece['id']}  {piece['title']} ({piece['closeness']})")
    looks = client.predict(item=found[0]["id"], api_name="/complete_the_look")
    for look in looks[:1]:
        print("Goes with the first:", look["reason"])
        print("  " + ", ".join(piece["title"] for piece in look["pieces"]))
    words = client.predict(words="red dress", count=3, api_name="/search_by_words")
    print("A red dress:", ", ".join(piece["title"] for piece in words))


if __name__ == "__main__":
    main(*sys.argv[1:])
