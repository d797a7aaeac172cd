"""Use the API of a running site: search by picture and by words, one piece, a look around it.

python app.py &
python examples/ask_the_api.py http://127.0.0.1:7860 examples/street-sweaters.jpg
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

from gradio_client import Client, handle_file

HERE = Path(__file__).resolve().parent


def main(site: str = "http://127.0.0.1:7860", photo: str = "", words: str = "red dress") -> None:
    """Print the pieces most like a photo, an outfit around the first, and results for a text."""
    client = Client(site, verbose=False)
    about = client.predict(api_name="/about")
    print(f"{about['pieces']:,} pieces from {about['source']}")

    picture = handle_file(photo or str(HERE / "street-sweaters.jpg"))
    similar = client.predict(picture=picture, count=3, api_name="/search_by_picture")
    print("Looks like your picture:")
    print_items(similar, site)

    outfits = client.predict(item=similar[0]["id"], api_name="/complete_the_look")
    for outfit in outfits[:1]:
        print(f"Goes with {similar[0]['title']}: {outfit['reason']}")
        print_items(outfit["pieces"], site)

    answer = client.predict(words=words, count=3, api_name="/search")
    print(f"{words}: {len(answer['hits'])} of {answer['searched']:,} pieces")
    for note in answer["notes"]:
        print("  " + note)
    for word in answer["unknown_words"]:
        print(f"  not understood: {word}")
    print_items(answer["hits"], site)
    print("The same on the site:", address(site, answer["view"]))


def print_items(items: list[dict[str, Any]], site: str) -> None:
    """Print a line for each piece: id, title, how close it is, and the address of its picture."""
    for item in items:
        closeness = f" ({item['closeness']})" if item.get("closeness") else ""
        print(f"  {item['id']}  {item['title']}{closeness}  {address(site, item['picture'])}")


def address(site: str, relative: str) -> str:
    """Return the whole address of a picture or a view, which the API gives relative to the site."""
    return site.rstrip("/") + "/" + relative


if __name__ == "__main__":
    main(*sys.argv[1:])
