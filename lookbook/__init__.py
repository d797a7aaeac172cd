"""Lookbook: find clothes by picture.

encoder = Encoder.load()
index = Index.open("index")
hits = index.search(encoder.encode([photo])[0], k=24, where={"gender": "Women"})
"""

import sys
import warnings
from collections.abc import Sequence
from importlib import import_module
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec
from types import ModuleType

from lookbook.encoding.encoder import Encoder
from lookbook.search.index import Hit, Index

__version__ = "0.1.0"
__all__ = ["Encoder", "Hit", "Index"]

_MOVED = {  # old module -> (new module, {old name: new name})
    "lookbook.explain": ("lookbook.encoding.attribution", {"why": "attribution_maps"}),
    "lookbook.filters": ("lookbook.schema.filters", {}),
    "lookbook.focus": ("lookbook.encoding.localization", {}),
    "lookbook.links": ("lookbook.search.permalinks", {}),
    "lookbook.query": ("lookbook.search.query", {}),
}


class _MovedModules(MetaPathFinder, Loader):
    """Import modules by their old names for one release, with a warning that names the new one."""

    def find_spec(
        self, name: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        return ModuleSpec(name, self) if name in _MOVED else None

    def exec_module(self, module: ModuleType) -> None:
        new, renamed = _MOVED[module.__name__]
        warnings.warn(f"{module.__name__} is now {new}", DeprecationWarning, stacklevel=2)
        vars(module)["__getattr__"] = lambda name: getattr(
            import_module(new), renamed.get(name, name)
        )


sys.meta_path.append(_MovedModules())
