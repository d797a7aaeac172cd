"""Use the API of a running site: search by picture, search by words, complete a look.

python app.py &
python examples/ask_the_api.py http://127.0.0.1:7860 examples/street-sweaters.jpg
"""

from __future__ import annotations

import sys
from pathlib import Path

from gradio_client import Client, handle_file

HERE = Path(__file__).resolve().parent


def main(site: str = "http://127.0.0.1:7860", photo: str = "") -> None:
    """Print the items most like a photo, an outfit around the first, and results for a text."""
    client = Client(site, verbose=False)
    similar = client.predict(
        picture=handle_file(photo or str(HERE / "street-sweaters.jpg")),
        words="",
        where=["masterCategory=Apparel"],
        count=3,
        variety=0,
        api_name="/search_by_picture",
    )
    print("Looks like your picture:")
    for item in similar:
        print(f"  {item['id']}  {item['title']} ({item['closeness']})")
    outfits = client.predict(item=similar[0]["id"], api_name="/complete_the_look")
    for outfit in outfits[:1]:
        print("Goes with the first:", outfit["reason"])
        print("  " + ", ".join(item["title"] for item in outfit["pieces"]))
    dresses = client.predict(words="red dress", count=3, api_name="/search_by_words")
    print("A red dress:", ", ".join(item["title"] for item in dresses))


if __name__ == "__main__":
    main(*sys.argv[1:])
