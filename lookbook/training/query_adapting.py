"""Fit how photos are adapted as queries: a network that moves them, their colours, kinds and turn.

    python -m lookbook.training.query_adapting --data small --larger larger --phone-photos phone \
        --output models/lookbook-resnet50

All but the turns is fitted to the heads before the product heads, which are left as they are.
Encodes some 40,000 pictures once (kept in `--work`), then takes two minutes. Products are the
development half of those held out from the training of the encoder, and those in training that have
a larger photo: the encoder knows these by heart, but how a street photo changes a vector and its
colour can be learnt from them, too. Items' colours are not. Phone photos are those of the
photographers that it was trained on. Writes
`query.safetensors` (with `--turns-only` all but the turns stays as it is); the scales of heads in
`query.json` were chosen by hand on the same half.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import islice

import numpy as np
import torch
import torch.nn.functional as F  # noqa: N812
from safetensors.numpy import load_file, save_file
from torch import nn

from house_collection.collection import products as drawn_products
from house_collection.street import street_shot
from lookbook.catalog import Item, open_catalog
from lookbook.encoding.encoder import Encoder
from lookbook.encoding.garment_kinds import class_kinds
from lookbook.encoding.query_adapter import NETWORKS_FILE, TURNS, unit_rows
from lookbook.evaluation.phone_labels import ARTICLE_TYPES
from lookbook.evaluation.retrieval import colour_family
from lookbook.evaluation.splits import (
    PEOPLE_HELD_OUT,
    PRODUCTS_HELD_OUT,
    development,
    held_out,
)
from lookbook.evaluation.street_photos import simulate_street_photo
from lookbook.training.data import MISSING
from lookbook.training.head_finetuning import optimizer_step
from lookbook.training.sources import (
    Pictures,
    add_folder_options,
    decoded,
    encoded,
    training_products,
    work_file,
)

Rows = tuple[np.ndarray, list[dict[str, object]]]  # vectors (n, dim), attributes of each

HIDDEN, DROPOUT = 192, 0.2
STEPS, BATCH, GALLERY_SAMPLE, LR, WEIGHT_DECAY = 1200, 128, 700, 1e-3, 1e-2
INSTANCE_TEMPERATURE, CATEGORY_TEMPERATURE = 0.05, 0.1
# weights of the losses: a product's own photo, its category, category and colour; the order within
# the category of a phone photo; the squared shift of street and of studio photos, which are to stay
OWN, CATEGORY, BOTH, ORDER, STREET_SHIFT, STUDIO_SHIFT = 1.0, 0.5, 0.5, 0.5, 1.0, 20.0
# scales of the heads by which the order within a category is kept: all but the category head
KEPT_SCALES = (2.0, 1.0, 0.0)
_MAX_LOSS = 50.0  # of a photo for which the sampled gallery has nothing of its category
MIN_FAMILY = 20  # items of a family of colours
# L2 penalties of the classifiers: a photo's colour, an item's colour, how a photo is turned
PHOTO_COLOUR_PENALTY, ITEM_COLOUR_PENALTY, TURN_PENALTY = 1 / 5, 1 / 180, 1 / 60
KIND_PENALTY = 1 / 15  # of the classifier of garments' kinds
_STREET_VIEWS, _STREET_SEED, _SEEN_STREET_SEED = 3, 500_000, 3_000_000
_DRAWN, _DRAWN_SEED = 150, 12_345  # drawn products, of another seed than the shipped collection


@dataclass
class Queries:
    """`vectors` float32 (n, dim) and the gallery rows (n,) that they show, or what they may show.

    `rows` int (n,) for photos of products; bool (n, gallery) for phone photos.
    """

    vectors: torch.Tensor
    rows: torch.Tensor

    def sample(self, count: int) -> Queries:
        """Draw `count` queries with replacement."""
        drawn = torch.randint(len(self.vectors), (count,))
        return Queries(self.vectors[drawn], self.rows[drawn])


@dataclass
class FittingData:
    """A gallery float32 (n, dim) with int (n,) labels, and the queries that are asked of it.

    `family`: of the colour, MISSING where fewer than MIN_FAMILY unseen items have it. `unseen` bool
    (n,): products that the encoder was not trained on. `garment`: the kind by `garments.json`,
    MISSING for what is no garment.
    """

    gallery: torch.Tensor
    category: torch.Tensor
    colour: torch.Tensor
    family: torch.Tensor
    unseen: torch.Tensor
    studio: Queries
    street: Queries
    phone: Queries
    garment: torch.Tensor


class ShiftModel(nn.Module):
    """`ShiftNetwork` as it is trained, on top of fixed scales (dim,)."""

    def __init__(self, scales: torch.Tensor) -> None:
        super().__init__()
        self.scales = scales
        self.hidden = nn.Linear(len(scales), HIDDEN)
        self.output = nn.Linear(HIDDEN, len(scales))
        self.input_scale = len(scales) ** 0.5  # entries of about 1
        nn.init.zeros_(self.output.weight)
        nn.init.zeros_(self.output.bias)

    def forward(self, vectors: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Return queries (n, dim) of norm 1, and the shifts that were added to them."""
        dropped = F.dropout(vectors * self.input_scale, DROPOUT, self.training)
        hidden = F.dropout(F.relu(self.hidden(dropped)), DROPOUT, self.training)
        shift = self.output(hidden)
        return F.normalize(vectors * self.scales + shift, dim=1), shift

    @torch.no_grad()
    def arrays(self) -> dict[str, np.ndarray]:
        """Return the arrays of a `ShiftNetwork`, half precision."""
        parts = {
            "hidden_weight": self.hidden.weight * self.input_scale,
            "hidden_bias": self.hidden.bias,
            "output_weight": self.output.weight,
            "output_bias": self.output.bias,
        }
        return {name: array.half().numpy() for name, array in parts.items()}


def neighbour_loss(
    similarity: torch.Tensor, relevant: torch.Tensor, temperature: float
) -> torch.Tensor:
    """Return the mean over queries of -log of the softmax share of what is `relevant`.

    Both (queries, gallery). Neighbourhood components analysis (Goldberger et al. 2004), which takes
    partial labels as they are: whatever a photo may show is relevant.
    """
    logits = (similarity / temperature).log_softmax(1)
    shares = logits.masked_fill(~relevant, -torch.inf).logsumexp(1)
    return -shares.clamp_min(-_MAX_LOSS).mean()


def fit_photo_network(
    data: FittingData, scales: torch.Tensor, kept: torch.Tensor, steps: int = STEPS
) -> ShiftModel:
    """Fit the network; `kept` (dim,) scales the vectors whose order within a category stays."""
    model = ShiftModel(scales)
    optimizer = torch.optim.AdamW(model.parameters(), LR, weight_decay=WEIGHT_DECAY)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, steps)
    for _ in range(steps):
        optimizer_step(_loss(model, data, kept), optimizer)
        schedule.step()
    return model.eval()


def _loss(model: ShiftModel, data: FittingData, kept: torch.Tensor) -> torch.Tensor:
    street, phone = data.street.sample(BATCH), data.phone.sample(BATCH)
    studio = data.studio.sample(BATCH)
    drawn = torch.randperm(len(data.gallery))[:GALLERY_SAMPLE]
    columns = torch.unique(torch.cat([drawn, street.rows, studio.rows]))
    loss = _phone_loss(model, data, phone, columns, kept)
    for queries, weight, shift in ((street, 1.0, STREET_SHIFT), (studio, 0.5, STUDIO_SHIFT)):
        loss = loss + _product_loss(model, data, queries, columns, weight, shift)
    return loss


def _phone_loss(
    model: ShiftModel,
    data: FittingData,
    phone: Queries,
    columns: torch.Tensor,
    kept: torch.Tensor,
) -> torch.Tensor:
    """What a photo may show comes first, in the order in which its vector has it."""
    gallery, allowed = data.gallery[columns], phone.rows[:, columns]
    queries, _ = model(phone.vectors)
    similarity = queries @ gallery.T
    before = F.normalize(phone.vectors * kept, dim=1) @ F.normalize(gallery * kept, dim=1).T
    target = (before / INSTANCE_TEMPERATURE).masked_fill(~allowed, -1e4).softmax(1)
    order = (similarity / INSTANCE_TEMPERATURE).masked_fill(~allowed, -1e4).log_softmax(1)
    category = neighbour_loss(similarity, allowed, CATEGORY_TEMPERATURE)
    return category - ORDER * (target * order).sum(1).mean()


def _product_loss(
    model: ShiftModel,
    data: FittingData,
    photos: Queries,
    columns: torch.Tensor,
    weight: float,
    shift_weight: float,
) -> torch.Tensor:
    """A photo finds its product, then its category, and that in its colour; it stays in place."""
    queries, shift = model(photos.vectors)
    similarity, rows = queries @ data.gallery[columns].T, photos.rows
    category = data.category[columns][None] == data.category[rows][:, None]
    colour = data.colour[columns][None] == data.colour[rows][:, None]
    own = neighbour_loss(similarity, columns[None] == rows[:, None], INSTANCE_TEMPERATURE)
    kind = neighbour_loss(similarity, category, CATEGORY_TEMPERATURE)
    both = neighbour_loss(similarity, category & colour, CATEGORY_TEMPERATURE)
    moved = shift.square().sum(1).mean()
    return weight * (OWN * own + CATEGORY * kind + BOTH * both) + shift_weight * moved


def fit_turns(turned: np.ndarray) -> dict[str, np.ndarray]:
    """Return the arrays by which `QueryAdapter.turns` tells turns.

    `turned` float32 (n, TURNS, dim) of norm 1: photos, each turned by none to three quarters.
    """
    vectors = torch.from_numpy(turned.reshape(-1, turned.shape[-1]))
    classes = torch.arange(TURNS).repeat(len(turned))
    weight, bias = fit_softmax(vectors, classes, TURN_PENALTY)
    return {"turn.weight": weight.astype(np.float16), "turn.bias": bias.astype(np.float16)}


def fit_colour_heads(data: FittingData) -> dict[str, np.ndarray]:
    """Return the arrays of `ColourHeads`: of photos by street and studio photos of products.

    Items that the encoder was trained on would make the classifier of items less sure of others.
    """
    photos = torch.cat([data.street.vectors, data.studio.vectors])
    rows = torch.cat([data.street.rows, data.studio.rows])
    heads = {
        "photo": fit_softmax(photos, data.family[rows], PHOTO_COLOUR_PENALTY),
        "item": fit_softmax(
            data.gallery[data.unseen], data.family[data.unseen], ITEM_COLOUR_PENALTY
        ),
    }
    return {
        f"{side}_{part}": array.astype(np.float16)
        for side, pair in heads.items()
        for part, array in zip(("weight", "bias"), pair, strict=True)
    }


def fit_garment_kinds(data: FittingData, count: int) -> dict[str, np.ndarray]:
    """Return the arrays by which `QueryAdapter.kinds` tells `count` kinds, of all photos.

    A photo by phone may show any kind of the items that it may show.
    """
    of_items = data.garment[:, None] == torch.arange(count)
    products = [data.street, data.studio]
    vectors = torch.cat([*(photos.vectors for photos in products), data.phone.vectors])
    phone = (data.phone.rows.float() @ of_items.float()) > 0
    allowed = torch.cat([*(of_items[photos.rows] for photos in products), phone])
    weight, bias = fit_softmax(vectors, allowed, KIND_PENALTY)
    return {"weight": weight.astype(np.float16), "bias": bias.astype(np.float16)}


def fit_softmax(
    vectors: torch.Tensor, classes: torch.Tensor, penalty: float
) -> tuple[np.ndarray, np.ndarray]:
    """Return weight (k, dim) and bias (k,) of a multinomial logistic regression, by L-BFGS.

    `vectors` (n, dim), `classes` int (n,), or bool (n, k): all that each may be, whose
    probabilities count together. MISSING ones are left out. The loss is summed, and `penalty` times
    the squared weights added.
    """
    if classes.dtype != torch.bool:
        every = torch.arange(int(classes.max()) + 1)
        classes = classes[:, None] == every
    known = classes.any(1)
    x, allowed = vectors[known].double(), classes[known]
    count = allowed.shape[1]
    weight = torch.zeros(count, x.shape[1], dtype=torch.double, requires_grad=True)
    bias = torch.zeros(count, dtype=torch.double, requires_grad=True)
    optimizer = torch.optim.LBFGS([weight, bias], max_iter=300, line_search_fn="strong_wolfe")

    def closure() -> torch.Tensor:
        optimizer.zero_grad()
        logs = (x @ weight.T + bias).log_softmax(1)
        loss = -logs.masked_fill(~allowed, -torch.inf).logsumexp(1).sum()
        loss = loss + penalty * weight.square().sum()
        loss.backward()
        return loss.detach()

    optimizer.step(closure)
    return weight.detach().float().numpy(), bias.detach().float().numpy()


def widened(arrays: dict[str, np.ndarray], dim: int, norm: float) -> dict[str, np.ndarray]:
    """Return arrays for vectors (n, dim) that were fitted to their first columns at norm 1.

    `norm` is that of these columns in a vector of norm 1; the other columns get zeros.
    """
    wide = {}
    for name, array in arrays.items():
        by_column = name.endswith("weight") and not name.endswith("output_weight")
        by_row = name.endswith(("output_weight", "output_bias"))
        if by_column:
            missing = dim - array.shape[-1]
            array = np.pad(array / norm, [(0, 0)] * (array.ndim - 1) + [(0, missing)])
        elif by_row:
            array = np.pad(array * norm, [(0, dim - len(array))] + [(0, 0)] * (array.ndim - 1))
        wide[name] = array.astype(np.float16)
    return wide


# pictures


def _products(name: str) -> Pictures:
    """The pictures of held-out products, of the half that choices are made on."""
    kept = (
        i for i in open_catalog(name) if held_out(i.id, PRODUCTS_HELD_OUT) and development(i.id)
    )
    return decoded(kept)


def _seen_products(name: str, ids: Collection[str]) -> Pictures:
    """The pictures of those products in training whose id is among `ids`."""
    return decoded(item for item in training_products(name) if item.id in ids)


def _street(products: Pictures, views: Sequence[int], seed: int) -> Pictures:
    for number, (item, picture) in enumerate(products):
        for view in views:
            yield item, simulate_street_photo(picture, seed + 10 * number + view)


def _people(name: str, held: bool) -> Pictures:
    """Phone photos of the photographers in training.

    `held`: every second photo of the others, of the half that choices are made on.
    """

    def wanted(item: Item) -> bool:
        sender = str(item.attributes["sender_id"])
        return held_out(sender, PEOPLE_HELD_OUT) == held and (not held or development(sender))

    items = (item for item in open_catalog(name) if wanted(item))
    return decoded(islice(items, 0, None, 2 if held else 1))


def _drawn() -> Pictures:
    for number, product in enumerate(drawn_products(_DRAWN, _DRAWN_SEED)):
        yield Item(str(number), b"", "", {}), street_shot(product, number)


def _turned(pictures: Pictures) -> Pictures:
    for item, picture in pictures:
        for quarters in range(TURNS):
            yield item, picture.rotate(90 * quarters, expand=True)


def read_turns(args: argparse.Namespace, encoder: Encoder) -> np.ndarray:
    """Encode photos of all kinds in all turns; return float32 (n, TURNS, dim) of norm 1.

    Every second phone photo of the photographers in training is among them.
    """
    larger, phone = args.larger, args.phone_photos
    street = partial(_street, views=(1,), seed=_STREET_SEED)
    sources: dict[str, tuple[str, Callable[[], Pictures], tuple[int, ...]]] = {
        "studio": (larger, lambda: _products(larger), ()),
        "street": (larger, lambda: street(_products(larger)), (_STREET_SEED,)),
        "phone": (phone, lambda: _people(phone, held=True), ()),
        "senders": (phone, lambda: islice(_people(phone, held=False), 0, None, 2), ()),
        "drawn": ("drawn", _drawn, (_DRAWN, _DRAWN_SEED)),
    }
    rows = [
        encoded(
            work_file(args.work, f"turns-{name}", source, encoder, *drawn),
            encoder,
            lambda pictures=pictures: _turned(pictures()),  # type: ignore[misc]
        )[0]
        for name, (source, pictures, drawn) in sources.items()
    ]
    return unit_rows(np.concatenate(rows)).reshape(-1, TURNS, encoder.dim)


def read_data(args: argparse.Namespace, encoder: Encoder) -> FittingData:
    """Encode what the network is fitted to, without the columns of product heads, at norm 1."""
    assert encoder.heads is not None
    fitted = encoder.heads.text_dim

    def vectors(name: str, source: str, pictures: Callable[[], Pictures], *drawn: int) -> Rows:
        file = work_file(args.work, name, source, encoder, *drawn)
        rows, attributes = encoded(file, encoder, pictures)
        return unit_rows(rows[:, :fitted]), attributes

    small, larger, phone = args.data, args.larger, args.phone_photos
    gallery = vectors("gallery", small, lambda: _products(small))
    studio = vectors("studio", larger, lambda: _products(larger))
    views = tuple(range(1, _STREET_VIEWS + 1))
    street = vectors(
        "street",
        larger,
        lambda: _street(_products(larger), views, _STREET_SEED),
        *(_STREET_VIEWS, _STREET_SEED),
    )
    senders = vectors("phone", phone, lambda: _people(phone, held=False))
    # those in training that have a larger photo
    ids = {item.id for item in training_products(larger)}
    seen_gallery = vectors("seen-gallery", small, lambda: _seen_products(small, ids))
    seen_studio = vectors("seen-studio", larger, lambda: _seen_products(larger, ids))
    seen_street = vectors(
        "seen-street",
        larger,
        lambda: _street(_seen_products(larger, ids), (0,), _SEEN_STREET_SEED),
        _SEEN_STREET_SEED,
    )
    return _fitting_data(
        _joined(gallery, seen_gallery),
        len(gallery[0]),
        _joined(studio, seen_studio),
        _joined(street, seen_street),
        senders,
        class_kinds(args.model) if encoder.garment_kinds is not None else {},
    )


def _joined(first: Rows, second: Rows) -> Rows:
    return np.concatenate([first[0], second[0]]), first[1] + second[1]


def _fitting_data(
    small: Rows,
    unseen_count: int,
    studio: Rows,
    street: Rows,
    phone: Rows,
    kinds: Mapping[str, str | None],
) -> FittingData:
    """Return the data of `small` photos, the first `unseen_count` of them of unseen products.

    `kinds`: the kind of garment of each articleType.
    """
    gallery, items = small
    unseen = np.arange(len(gallery)) < unseen_count
    row_of = {item["id"]: row for row, item in enumerate(items)}
    types = np.array([str(item.get("articleType")) for item in items])

    def products(vectors: np.ndarray, attributes: list[dict[str, object]]) -> Queries:
        kept = [n for n, row in enumerate(attributes) if row["id"] in row_of]
        rows = torch.tensor([row_of[attributes[n]["id"]] for n in kept])
        return Queries(torch.from_numpy(vectors[kept]), rows)

    larger = products(*studio)
    every = Queries(torch.from_numpy(gallery), torch.arange(len(gallery)))
    half = torch.randint(len(every.vectors), (len(larger.vectors),))  # small photos count as many
    allowed = {label: np.isin(types, names) for label, names in ARTICLE_TYPES.items()}
    known = [n for n, row in enumerate(phone[1]) if row["label"] in allowed]
    return FittingData(
        every.vectors,
        _codes(types),
        _codes([str(item.get("baseColour")) for item in items]),
        _families([item.get("baseColour") for item in items], unseen),
        torch.from_numpy(unseen),
        Queries(torch.cat([larger.vectors, every.vectors[half]]), torch.cat([larger.rows, half])),
        products(*street),
        Queries(
            torch.from_numpy(phone[0][known]),
            torch.from_numpy(np.stack([allowed[str(phone[1][n]["label"])] for n in known])),
        ),
        _garments(types, kinds),
    )


def _garments(types: np.ndarray, kinds: Mapping[str, str | None]) -> torch.Tensor:
    names = sorted({kind for kind in kinds.values() if kind is not None})
    number = {name: n for n, name in enumerate(names)}
    return torch.tensor([number.get(kinds.get(name) or "", MISSING) for name in types.tolist()])


def _codes(labels: Sequence[str] | np.ndarray) -> torch.Tensor:
    return torch.from_numpy(np.unique(np.asarray(labels), return_inverse=True)[1])


def _families(colours: Sequence[object], unseen: np.ndarray) -> torch.Tensor:
    families = np.array([colour_family(colour) for colour in colours])
    names, counts = np.unique(families[unseen], return_counts=True)
    number = {name: n for n, name in enumerate(names[counts >= MIN_FAMILY])}
    return torch.tensor([number.get(family, MISSING) for family in families])


def main(argv: Sequence[str] | None = None) -> None:
    """Fit and write `query.safetensors`; `query.json` must lie in the folder of the model."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--data", required=True, help="catalogue of products: small photos")
    parser.add_argument("--larger", required=True, help="larger photos of some of them")
    parser.add_argument("--phone-photos", required=True, help="photos with label and sender_id")
    parser.add_argument("--turns-only", action="store_true", help="keep what else the file has")
    add_folder_options(parser)
    args = parser.parse_args(argv)
    torch.manual_seed(0)
    encoder = Encoder.load(args.model)
    if encoder.heads is None or encoder.query_adapter is None:
        raise SystemExit(f"{args.model}: expected heads, and query.json of their revision")
    file = args.output / NETWORKS_FILE
    arrays = load_file(file) if args.turns_only else fit_networks(args, encoder)
    kept = {name: array for name, array in arrays.items() if not name.startswith("upright.")}
    save_file(kept | fit_turns(read_turns(args, encoder)), file)


def fit_networks(args: argparse.Namespace, encoder: Encoder) -> dict[str, np.ndarray]:
    """Return the arrays of the network for photos and of the colours, for whole vectors."""
    assert encoder.heads is not None and encoder.query_adapter is not None
    data = read_data(args, encoder)
    dims, fitted = torch.tensor(encoder.query_adapter.head_dims), encoder.heads.text_dim
    scales = torch.tensor(encoder.query_adapter.scales["photo"]).repeat_interleave(dims)[:fitted]
    kept = torch.tensor(KEPT_SCALES).repeat_interleave(dims[: len(KEPT_SCALES)])
    arrays = {f"photo.{k}": v for k, v in fit_photo_network(data, scales, kept).arrays().items()}
    arrays |= {f"colour.{name}": array for name, array in fit_colour_heads(data).items()}
    if encoder.garment_kinds is not None:
        garments = fit_garment_kinds(data, len(encoder.garment_kinds.names))
        arrays |= {f"kind.{name}": array for name, array in garments.items()}
    return widened(arrays, encoder.dim, encoder.heads.text_norm)


if __name__ == "__main__":
    main()
