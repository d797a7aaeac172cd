"""Lookbook: find clothes by picture.

encoder = Encoder.load()
index = Index.open("index")
hits = index.search(encoder.encode([photo])[0], k=24, where={"gender": "Women"})
"""

from lookbook.encoding.encoder import Encoder
from lookbook.search.index import Hit, Index

__version__ = "0.1.0"
__all__ = ["Encoder", "Hit", "Index"]
