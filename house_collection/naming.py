"""Titles and descriptions of products."""

from __future__ import annotations

import random
from collections.abc import Mapping

from .specs import GarmentSpec

PLACES = (
    "Harbour",
    "Alder",
    "Bramble",
    "Calder",
    "Dover",
    "Ember",
    "Fairfield",
    "Gable",
    "Haven",
    "Islay",
    "Juniper",
    "Kelso",
    "Linden",
    "Marlow",
    "Norland",
    "Orchard",
    "Pier",
    "Quarry",
    "Rowan",
    "Solent",
    "Tamar",
    "Ullswater",
    "Verbena",
    "Wharf",
    "Yarrow",
    "Arbour",
    "Briar",
    "Cove",
    "Dune",
    "Elm",
    "Fjord",
    "Grove",
    "Heath",
    "Inlet",
    "Jetty",
    "Kestrel",
    "Larch",
    "Meadow",
    "Nook",
    "Oxbow",
    "Poplar",
    "Quill",
    "Reed",
    "Sorrel",
    "Thistle",
    "Umber",
    "Vale",
    "Willow",
    "Yew",
    "Zephyr",
    "Ada",
    "Bruno",
    "Clara",
    "Dario",
    "Edith",
    "Felix",
    "Greta",
    "Hugo",
    "Ines",
    "Jonas",
    "Klara",
    "Leo",
    "Mina",
    "Nils",
    "Olga",
    "Paul",
    "Rosa",
    "Simon",
    "Thea",
    "Uma",
    "Vera",
    "Wim",
)
FABRIC_WORDS = {
    "cotton": "soft cotton",
    "melange": "flecked cotton jersey",
    "linen": "washed linen",
    "denim": "sturdy denim",
    "knit": "fine-gauge knit",
    "chunky knit": "chunky lambswool",
    "merino": "merino wool",
    "fleece": "brushed-back fleece",
    "nylon": "light technical nylon",
    "wool": "flecked wool",
    "tweed": "herringbone tweed",
    "corduroy": "ribbed corduroy",
    "silk": "fluid silk",
    "satin": "heavy satin",
    "leather": "full-grain leather",
    "suede": "soft suede",
    "patent": "polished patent leather",
    "canvas": "tightly woven canvas",
    "rubber": "supple rubber",
    "metal": "polished metal",
    "acetate": "hand-cut acetate",
}
PRINT_WORDS = {
    "stripes": ("Striped", "with bold stripes"),
    "breton": ("Breton", "with breton stripes"),
    "candy stripe": ("Candy-Stripe", "with upright candy stripes"),
    "pinstripe": ("Pinstripe", "with a fine pinstripe"),
    "diagonal stripe": ("Regimental", "with regimental stripes"),
    "polka dots": ("Polka-Dot", "with polka dots"),
    "gingham": ("Gingham", "in gingham checks"),
    "tartan": ("Tartan", "in tartan"),
    "windowpane": ("Windowpane", "with a windowpane check"),
    "floral": ("Floral", "in a floral print"),
    "ditsy floral": ("Ditsy", "in a small floral print"),
    "paisley": ("Paisley", "in a paisley print"),
    "leopard": ("Leopard", "in a leopard print"),
    "camouflage": ("Camo", "in camouflage"),
    "tie-dye": ("Tie-Dye", "dyed by hand in rings"),
    "colour block": ("Colour-Block", "in blocks of colour"),
}
TRAITS = {
    "neck": {
        "crew": "crew neck",
        "v-neck": "V neck",
        "scoop": "scoop neck",
        "boat": "boat neck",
        "square": "square neck",
    },
    "sleeve": {
        "none": "sleeveless",
        "cap": "cap sleeves",
        "short": "short sleeves",
        "three-quarter": "three-quarter sleeves",
        "long": "long sleeves",
    },
    "fit": {"slim": "slim fit", "relaxed": "relaxed fit", "boxy": "boxy fit"},
    "leg": {leg: f"{leg} leg" for leg in ("skinny", "slim", "straight", "wide", "tapered")}
    | {"bootcut": "bootcut"},
    "rise": {"high": "high rise", "low": "low rise"},
    "length": {
        "mini": "mini length",
        "knee": "knee length",
        "midi": "midi length",
        "maxi": "maxi length",
        "ankle": "ankle height",
    },
    "wash": {"raw": "raw, unwashed", "stonewashed": "stonewashed", "faded": "faded at the thigh"},
    "shape": {
        "a-line": "A-line cut",
        "fit and flare": "fitted waist and full skirt",
        "sheath": "close-fitting cut",
        "high-top": "laced above the ankle",
        "two-strap": "two buckled straps",
        "cross": "crossed straps",
        "envelope": "envelope flap",
        "layered": "two layered chains",
        "solitaire": "single stone",
        "cluster": "three stones",
        "cat-eye": "cat-eye frame",
        "wayfarer": "square frame",
        "square": "square case",
    },
    "heel": {heel: f"{heel} heel" for heel in ("stiletto", "block", "kitten", "wedge")},
    "toe": {"pointed": "pointed toe", "round": "round toe"},
    "collar": {"point": "classic collar", "cutaway": "cutaway collar"},
    "pocket": {"one": "chest pocket", "two": "two flap pockets"},
    "buckle": {"frame": "square buckle", "round": "round buckle", "plate": "plate buckle"},
    "front": {"double-breasted": "double-breasted"},
    "hem": {"ribbed": "ribbed cuffs"},
    "lens": {"dark": "dark lenses", "tinted": "tinted lenses"},
    "strap": {"bracelet": "link bracelet"},
    "detail": {
        "pocket": "chest pocket",
        "ringer": "contrast neckband",
        "lettering": "printed lettering",
        "chest stripe": "bands across the chest",
        "raglan contrast": "contrast sleeves",
        "tie neck": "tie at the neck",
        "tipped": "contrast edges",
        "pouch": "front pocket",
        "belt": "belted waist",
        "tiers": "tiered skirt",
        "bow": "small bow",
        "side stripe": "stripes down the side",
        "letter": "letter on the front",
        "patch": "leather patch",
        "tassel": "silk tassel",
        "chain": "chain strap",
        "wristlet": "wrist loop",
        "fringe": "fringed ends",
        "bobble": "bobble",
    }
    | {word: word for word in ("embroidered yoke", "buttons", "turn-ups", "drawstring")},
}


def make_title(
    r: random.Random, spec: GarmentSpec, cut: Mapping[str, str], fabric: str, pattern: str
) -> str:
    """Make a title such as "Harbour Breton Tee"."""
    noun = noun_of(spec, cut)
    middle = fabric_title(r, cut, fabric) if pattern == "plain" else PRINT_WORDS[pattern][0]
    middle = "" if middle.lower() in noun.lower() else middle
    return " ".join(word for word in (r.choice(PLACES), middle, noun) if word)


def noun_of(spec: GarmentSpec, cut: Mapping[str, str]) -> str:
    """The noun for a cut, such as "Bucket Bag"."""
    return next((spec.nouns[v] for v in cut.values() if v in spec.nouns), spec.nouns[""])


def fabric_title(r: random.Random, cut: Mapping[str, str], fabric: str) -> str:
    """The middle word of a plain product's title: its fabric, leg or neck; "" without any."""
    if "leg" in cut and (fabric == "denim" or r.random() < 0.5):
        return cut["leg"].title()
    if fabric in ("denim", "metal", "rubber", "acetate"):
        return ""
    if cut.get("neck") in ("crew", "v-neck", "scoop", "boat") and r.random() < 0.5:
        return cut["neck"].title()
    short = {"fleece": "Fleece", "melange": "Jersey", "knit": "Knit", "chunky knit": "Chunky"}
    return short.get(fabric, fabric.title())


def describe(
    spec: GarmentSpec, cut: Mapping[str, str], fabric: str, pattern: str, shade: str
) -> str:
    """Describe a product in one or two sentences."""
    noun = noun_of(spec, cut)
    noun = noun if noun.startswith("T-") else noun.lower()
    article = "" if noun.endswith("s") else "An " if noun[0] in "aeiou" else "A "
    print_ = "" if pattern == "plain" else f" {PRINT_WORDS[pattern][1]}"
    first = f"{article}{noun} in {FABRIC_WORDS[fabric]}{print_}, here in {shade.lower()}."
    traits = [TRAITS[k][v] for k, v in cut.items() if v in TRAITS.get(k, {})]
    second = f" {', '.join(dict.fromkeys(traits)).capitalize()}." if traits else ""
    return (first[0].upper() + first[1:]) + second.replace("v neck", "V neck")
